//! Baskets of correlated assets (Definition 5).

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::math::Scalar;
use crate::math::random::{Generator, Purpose, Streams};

/// Volatility that a random basket is scaled to.
const RANDOM_VOLATILITY: f64 = 0.2;
/// How far weights may sum from 1, and a correlation from its mirror image: decimals in files are rounded.
const SUM_TOLERANCE: f64 = 1e-9;

/// Weights, volatilities and correlations of `m ≥ 1` assets, with a square root of their covariance.
///
/// The basket's price is `Σᵢ ωᵢ Sᵢ`, `Σᵢ ωᵢ = 1`, over `m` assets: Definition 5 sums m+1 terms, a slip.
///
/// ```
/// use sobolev::model::Basket;
/// let basket = Basket::new(&[0.5, 0.5], &[vec![1.0, 0.6], vec![0.6, 1.0]], &[0.1, 0.1])?;
/// assert!((basket.volatility() - 0.1 * f64::sqrt(0.8)).abs() < 1e-15);
/// let error = Basket::new(&[0.5, 0.5], &[vec![1.0, f64::NAN], vec![0.6, 1.0]], &[0.1, 0.1]).unwrap_err();
/// assert_eq!(error.to_string(), "correlation[0][1] is NaN, expected a number from -1 to 1");
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parameters", into = "Parameters")]
pub struct Basket {
    weights: Vec<f64>,
    correlation: Vec<Vec<f64>>,
    volatilities: Vec<f64>,
    /// Lower triangular `L` with `LLᵀ` the covariance over one year, row-major.
    root: Vec<f64>,
}

/// A basket as files carry it: what is given, without what follows from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    weights: Vec<f64>,
    correlation: Vec<Vec<f64>>,
    volatilities: Vec<f64>,
}

impl TryFrom<Parameters> for Basket {
    type Error = ModelError;
    fn try_from(p: Parameters) -> Result<Self, ModelError> {
        Self::new(&p.weights, &p.correlation, &p.volatilities)
    }
}

impl From<Basket> for Parameters {
    fn from(b: Basket) -> Self {
        Self { weights: b.weights, correlation: b.correlation, volatilities: b.volatilities }
    }
}

impl Basket {
    /// The basket of given weights, correlation matrix and volatilities a year.
    ///
    /// Perfect correlation and assets without volatility are allowed, a basket without any is not.
    ///
    /// # Shapes
    /// m, m × m, m
    ///
    /// # Units
    /// Volatilities: currency/√year
    ///
    /// # Errors
    /// Lists of different lengths, numbers that are not finite or out of range, weights that do not sum to 1, a matrix that
    /// is not symmetric and positive semidefinite with unit diagonal.
    pub fn new(weights: &[f64], correlation: &[Vec<f64>], volatilities: &[f64]) -> Result<Self, ModelError> {
        let m = weights.len();
        if m == 0 {
            return Err(ModelError::Empty);
        }
        for (i, &value) in weights.iter().enumerate() {
            require(value.is_finite(), || format!("weights[{i}]"), value, "a finite number")?;
        }
        let sum: f64 = weights.iter().sum();
        require((sum - 1.0).abs() <= SUM_TOLERANCE, || "the sum of weights".into(), sum, "1")?;
        length("volatilities", m, volatilities.len())?;
        for (i, &value) in volatilities.iter().enumerate() {
            let good = value.is_finite() && value >= 0.0;
            require(good, || format!("volatilities[{i}]"), value, "a finite number not below 0")?;
        }
        length("correlation", m, correlation.len())?;
        for (i, row) in correlation.iter().enumerate() {
            length(&format!("correlation[{i}]"), m, row.len())?;
            for (j, &value) in row.iter().enumerate() {
                let name = || format!("correlation[{i}][{j}]");
                require(value.abs() <= 1.0, name, value, "a number from -1 to 1")?;
                require(i != j || value == 1.0, name, value, "1 on the diagonal")?;
                // The rows above are checked, so the mirror image is there.
                let mirrored = i <= j || (value - correlation[j][i]).abs() <= SUM_TOLERANCE;
                require(mirrored, name, value, "the number at its mirror image")?;
            }
        }
        let mut root = cholesky(correlation)?;
        for (row, &volatility) in root.chunks_exact_mut(m).zip(volatilities) {
            row.iter_mut().for_each(|x| *x *= volatility);
        }
        let basket = Self {
            weights: weights.to_vec(),
            correlation: correlation.to_vec(),
            volatilities: volatilities.to_vec(),
            root,
        };
        let volatility = basket.volatility();
        let good = volatility.is_finite() && volatility > 0.0;
        require(good, || "the basket's volatility".into(), volatility, "a finite number above 0")?;
        Ok(basket)
    }

    /// A random basket, after Huge and Savine: weights U(1, 10), normalised; correlations from a 2m × m Gram matrix of
    /// U(−1, 1), normalised to unit diagonal; volatilities U(5, 50), scaled so that the basket's is 0.2.
    ///
    /// # Errors
    /// No assets. (Almost surely nothing else: 2m vectors in m dimensions are independent.)
    pub fn random(seed: u64, assets: usize) -> Result<Self, ModelError> {
        let generator = &mut Streams::new(seed, Purpose::Model).next().expect("streams never end");
        let m = assets;
        let mut weights = uniform(generator, 1.0, 10.0, m);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        let mut volatilities = uniform(generator, 5.0, 50.0, m);
        let factors: Vec<_> = (0..m).map(|_| uniform(generator, -1.0, 1.0, 2 * m)).collect();
        let norms: Vec<_> = factors.iter().map(|f| dot(f, f).sqrt()).collect();
        let correlate = |i: usize, j: usize| match i == j {
            true => 1.0,
            false => (dot(&factors[i], &factors[j]) / (norms[i] * norms[j])).clamp(-1.0, 1.0),
        };
        let correlation: Vec<Vec<f64>> = (0..m).map(|i| (0..m).map(|j| correlate(i, j)).collect()).collect();
        let scale = RANDOM_VOLATILITY / Self::new(&weights, &correlation, &volatilities)?.volatility();
        volatilities.iter_mut().for_each(|v| *v *= scale);
        Self::new(&weights, &correlation, &volatilities)
    }

    /// The same basket with so many idle assets behind its own: they move with the others but have no weight, so that a payoff
    /// of the basket does not depend on them. The first assets of a [random](Self::random) basket of all of them, weights
    /// normalised again and volatilities scaled so that the basket's is 0.2.
    ///
    /// # Errors
    /// No assets.
    pub fn with_idle(seed: u64, assets: usize, idle: usize) -> Result<Self, ModelError> {
        if assets == 0 {
            return Err(ModelError::Empty);
        }
        let all = Self::random(seed, assets + idle)?;
        let sum: f64 = all.weights[..assets].iter().sum();
        let mut weights: Vec<f64> = all.weights[..assets].iter().map(|w| w / sum).collect();
        weights.resize(assets + idle, 0.0);
        let scale = RANDOM_VOLATILITY / Self::new(&weights, &all.correlation, &all.volatilities)?.volatility();
        let volatilities: Vec<f64> = all.volatilities.iter().map(|v| v * scale).collect();
        Self::new(&weights, &all.correlation, &volatilities)
    }

    /// The same basket with all volatilities in proportion, so that its own is this.
    ///
    /// # Errors
    /// A volatility that is not positive.
    pub fn with_volatility(&self, volatility: f64) -> Result<Self, ModelError> {
        let scale = volatility / self.volatility();
        let volatilities: Vec<f64> = self.volatilities.iter().map(|v| v * scale).collect();
        Self::new(&self.weights, &self.correlation, &volatilities)
    }

    /// How many assets, m.
    #[inline(always)]
    pub fn assets(&self) -> usize {
        self.weights.len()
    }

    /// ω, which sums to 1.
    #[inline(always)]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The correlation matrix, by rows.
    pub fn correlation(&self) -> &[Vec<f64>] {
        &self.correlation
    }

    /// The assets' volatilities a year, currency/√year.
    pub fn volatilities(&self) -> &[f64] {
        &self.volatilities
    }

    /// The basket's volatility a year, `|Lᵀω|`, currency/√year.
    pub fn volatility(&self) -> f64 {
        let loadings = self.loadings();
        dot(&loadings, &loadings).sqrt()
    }

    /// How the basket's price depends on the noise of one year: `Lᵀω`.
    pub fn loadings(&self) -> Vec<f64> {
        let m = self.assets();
        (0..m).map(|j| (j..m).map(|i| self.weights[i] * self.root[i * m + j]).sum()).collect()
    }

    /// The price `Σᵢ ωᵢ Sᵢ` of the basket.
    #[inline(always)]
    pub fn price<S: Scalar>(&self, spots: &[S]) -> S {
        weigh(&self.weights, spots)
    }

    /// The increment `(L z)ᵢ` of one asset in one year, from independent standard normals z.
    #[inline(always)]
    pub fn increment<S: Scalar>(&self, asset: usize, noise: &[S]) -> S {
        // L is lower triangular: row i ends at the diagonal.
        weigh(&self.root[asset * self.assets()..][..=asset], noise)
    }

    /// The increments `L z` of all assets in one year.
    ///
    /// # Shapes
    /// m → m
    #[inline(always)]
    pub fn increments<S: Scalar>(&self, noise: &[S], increments: &mut [S]) {
        match self.assets() {
            7 => multiply_lower(self.root.as_chunks::<7>().0, noise, increments),
            _ => {
                for (i, x) in increments.iter_mut().enumerate() {
                    *x = self.increment(i, noise);
                }
            }
        }
    }
}

/// The product of a lower triangular matrix of known size, in straight line: of the paper's seven assets, whose samples of one
/// pair gain a twelfth by it.
#[inline(always)]
fn multiply_lower<const M: usize, S: Scalar>(rows: &[[f64; M]], x: &[S], product: &mut [S]) {
    assert!(rows.len() == M && x.len() >= M && product.len() == M, "a square matrix");
    for i in 0..M {
        let mut sum = S::zero();
        for j in 0..M {
            // Not `0..=i`: only loops of constant length are unrolled.
            if j <= i {
                sum = sum + S::constant(rows[i][j]) * x[j];
            }
        }
        product[i] = sum;
    }
}

/// `Σᵢ wᵢ xᵢ`.
#[inline(always)]
pub(super) fn weigh<S: Scalar>(weights: &[f64], x: &[S]) -> S {
    let mut sum = S::zero();
    for (&w, &x) in weights.iter().zip(x) {
        sum = sum + S::constant(w) * x;
    }
    sum
}

/// Lower triangular `L` with `LLᵀ` the given matrix of unit diagonal, row-major.
///
/// faer's factorisation refuses semidefinite matrices, which perfect correlation makes: here a pivot that vanishes leaves
/// a column of zeros, provided that what remains of its row vanishes too (`|Sᵢⱼ|² ≤ Sᵢᵢ Sⱼⱼ`).
fn cholesky(matrix: &[Vec<f64>]) -> Result<Vec<f64>, ModelError> {
    let m = matrix.len();
    let tolerance = 8.0 * m as f64 * f64::EPSILON;
    let mut root = vec![0.0; m * m];
    for j in 0..m {
        let rest = |root: &[f64], i: usize| matrix[i][j] - dot(&root[i * m..][..j], &root[j * m..][..j]);
        let pivot = rest(&root, j);
        if pivot < -tolerance {
            return Err(ModelError::NotPositiveSemidefinite { asset: j, pivot });
        }
        let vanishes = pivot <= tolerance;
        for i in j..m {
            let rest = rest(&root, i);
            if !vanishes {
                root[i * m + j] = rest / pivot.sqrt();
            } else if i > j && rest.abs() > tolerance.sqrt() {
                return Err(ModelError::NotPositiveSemidefinite { asset: i, pivot });
            }
        }
    }
    Ok(root)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn uniform(generator: &mut Generator, low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..count).map(|_| low + (high - low) * generator.random::<f64>()).collect()
}

fn length(what: &str, expected: usize, found: usize) -> Result<(), ModelError> {
    if found == expected { Ok(()) } else { Err(ModelError::Length { what: what.into(), expected, found }) }
}

/// A number that must satisfy a condition. NaN fails every comparison, so conditions say what is good.
pub(super) fn require(
    good: bool,
    what: impl Fn() -> String,
    value: f64,
    expected: &'static str,
) -> Result<(), ModelError> {
    if good { Ok(()) } else { Err(ModelError::Value { what: what(), value, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covariance(basket: &Basket, i: usize, j: usize) -> f64 {
        let m = basket.assets();
        dot(&basket.root[i * m..][..m], &basket.root[j * m..][..m])
    }

    #[test]
    fn the_root_squares_to_the_covariance() {
        for m in [1, 2, 7, 20, 50] {
            let basket = Basket::random(3, m).unwrap();
            for i in 0..m {
                for j in 0..m {
                    let want = basket.correlation[i][j] * basket.volatilities[i] * basket.volatilities[j];
                    assert!((covariance(&basket, i, j) - want).abs() < 1e-14 * m as f64, "{m} assets, {i}, {j}");
                }
                assert!((1.0 / 10.0 / m as f64..10.0 / m as f64 + 1e-15).contains(&basket.weights[i]));
                assert_eq!(basket.correlation[i][i], 1.0);
            }
            assert!((basket.weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            assert!((basket.volatility() - 0.2).abs() < 1e-14);
            // One asset leaves nothing to chance.
            assert_eq!(m > 1, basket != Basket::random(4, m).unwrap());
        }
    }

    /// Straight lines for some sizes and loops for the others: the bits of one increment after the other.
    #[test]
    fn increments_are_those_of_each_asset() {
        for m in [1, 2, 7, 8] {
            let basket = Basket::random(3, m).unwrap();
            let noise: Vec<f64> = (0..m).map(|i| (i as f64 + 0.3).sin()).collect();
            let mut increments = vec![0.0; m];
            basket.increments(&noise, &mut increments);
            for (i, increment) in increments.iter().enumerate() {
                assert_eq!(increment.to_bits(), basket.increment(i, &noise).to_bits(), "{m} assets, {i}");
            }
        }
    }

    /// Two assets that move as one, against one alone; and one without volatility.
    #[test]
    fn semidefinite_is_enough() {
        let ones = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(Basket::new(&[0.5, 0.5], &ones, &[0.3, 0.1]).unwrap().volatility(), 0.2);
        assert_eq!(Basket::new(&[0.5, 0.5], &ones, &[0.3, 0.0]).unwrap().volatility(), 0.15);
        let rank_two = [vec![1.0, 1.0, 0.6], vec![1.0, 1.0, 0.6], vec![0.6, 0.6, 1.0]];
        let basket = Basket::new(&[0.5, 0.25, 0.25], &rank_two, &[1.0; 3]).unwrap();
        assert!((covariance(&basket, 2, 1) - 0.6).abs() < 1e-15 && (covariance(&basket, 2, 2) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn errors_name_what_and_where() {
        let half = [0.5, 0.5];
        let unit = [vec![1.0, 0.0], vec![0.0, 1.0]];
        let message = |w: &[f64], c: &[Vec<f64>], v: &[f64]| Basket::new(w, c, v).unwrap_err().to_string();
        assert_eq!(message(&[], &[], &[]), "a basket needs at least one asset");
        assert_eq!(message(&half, &unit, &[1.0]), "volatilities has length 1, expected 2");
        assert_eq!(message(&half, &unit[..1], &half), "correlation has length 1, expected 2");
        assert_eq!(message(&half, &[vec![1.0], vec![1.0]], &half), "correlation[0] has length 1, expected 2");
        assert_eq!(message(&[0.5, f64::NAN], &unit, &half), "weights[1] is NaN, expected a finite number");
        assert_eq!(message(&[0.5, 0.75], &unit, &half), "the sum of weights is 1.25, expected 1");
        assert_eq!(message(&half, &unit, &[1.0, -1.0]), "volatilities[1] is -1, expected a finite number not below 0");
        assert_eq!(
            message(&half, &unit, &[0.0, 0.0]),
            "the basket's volatility is 0, expected a finite number above 0"
        );
        let crooked = [vec![1.0, 0.5], vec![0.4, 1.0]];
        assert_eq!(
            message(&half, &crooked, &half),
            "correlation[1][0] is 0.4, expected the number at its mirror image"
        );
        assert!(message(&half, &[vec![1.0, 1.5], vec![1.5, 1.0]], &half).starts_with("correlation[0][1] is 1.5"));
        // Three assets cannot all be strongly anticorrelated.
        let indefinite = [vec![1.0, -0.9, -0.9], vec![-0.9, 1.0, -0.9], vec![-0.9, -0.9, 1.0]];
        let error = Basket::new(&[0.5, 0.25, 0.25], &indefinite, &[1.0; 3]).unwrap_err();
        assert!(matches!(error, ModelError::NotPositiveSemidefinite { asset: 2, pivot } if pivot < -1.0), "{error}");
        let singular = [vec![1.0, 1.0, 0.6], vec![1.0, 1.0, 0.5], vec![0.6, 0.5, 1.0]];
        let error = Basket::new(&[0.5, 0.25, 0.25], &singular, &[1.0; 3]).unwrap_err();
        assert!(matches!(error, ModelError::NotPositiveSemidefinite { asset: 2, .. }), "{error}");
    }

    #[test]
    fn files_carry_it_and_are_checked() {
        let basket = Basket::random(5, 3).unwrap();
        let text = serde_json::to_string(&basket).unwrap();
        assert_eq!(serde_json::from_str::<Basket>(&text).unwrap(), basket);
        let bad = r#"{"weights":[0.5,0.5],"correlation":[[1,2],[2,1]],"volatilities":[1,1]}"#;
        assert!(serde_json::from_str::<Basket>(bad).unwrap_err().to_string().contains("correlation[0][1] is 2"));
    }
}

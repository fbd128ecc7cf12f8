//! Along which directions second derivatives are learnt.

use std::fmt;
use std::str::FromStr;

use faer::{Mat, MatRef};
use rand_distr::{Distribution, StandardNormal};

use crate::math::random::Generator;

/// Directions of second derivatives, chosen anew for each batch; all of unit length, in scaled units.
///
/// A product `Hv` costs six passes where the whole Hessian of `n` inputs costs `6n`; what is left out should matter little.
///
/// ```
/// use sobolev::data::Directions;
/// assert_eq!("pca".parse(), Ok(Directions::PRINCIPAL));
/// assert_eq!("random:3".parse(), Ok(Directions::Random { count: 3 }));
/// assert_eq!("cartesian".parse(), Ok(Directions::Cartesian { count: None }));
/// assert!("random:0".parse::<Directions>().is_err() && "pca:1.5".parse::<Directions>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Directions {
    /// Uniform on the sphere, independent.
    Random {
        /// k, at most the number of inputs.
        count: usize,
    },
    /// The axes: all, which is the whole Hessian, or `count` of them, the next ones in each batch.
    Cartesian {
        /// k, at most the number of inputs; all if `None`.
        count: Option<usize>,
    },
    /// Principal components of the batch's gradients (centred): as few as reach that share of their variance, at least one.
    Principal {
        /// In (0, 1].
        share: f64,
    },
}

impl Directions {
    /// Principal components that reach 95 % of the variance.
    pub const PRINCIPAL: Self = Self::Principal { share: 0.95 };

    /// The directions of the batch number `batch`, whose gradients (in scaled units) are the rows of `gradients`:
    /// `rows × n → n × k`, 1 ≤ k ≤ n.
    ///
    /// Gradients that do not vary leave their own direction; gradients that vanish leave the diagonal.
    ///
    /// # Panics
    /// If there is no input or a count is zero.
    #[track_caller]
    pub fn choose(self, gradients: MatRef<'_, f64>, batch: usize, rng: &mut Generator) -> Mat<f64> {
        let n = gradients.ncols();
        assert!(n > 0, "directions need inputs");
        match self {
            Self::Random { count } => {
                assert!(count > 0, "expected at least one direction");
                let mut v = Mat::from_fn(n, count.min(n), |_, _| StandardNormal.sample(rng));
                (0..v.ncols()).for_each(|d| normalise(v.col_as_slice_mut(d)));
                v
            }
            Self::Cartesian { count } => {
                let k = count.unwrap_or(n).min(n);
                assert!(k > 0, "expected at least one direction");
                Mat::from_fn(n, k, |j, d| f64::from(u8::from(j == (batch * k + d) % n)))
            }
            Self::Principal { share } => principal(gradients, share),
        }
    }
}

/// Unit length; what has none becomes the diagonal.
fn normalise(v: &mut [f64]) {
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let diagonal = (v.len() as f64).sqrt().recip();
    v.iter_mut().for_each(|x| *x = if length > 0.0 { *x / length } else { diagonal });
}

/// Right singular vectors of the centred gradients, the largest component of each positive.
fn principal(gradients: MatRef<'_, f64>, share: f64) -> Mat<f64> {
    let (rows, n) = (gradients.nrows(), gradients.ncols());
    let mean: Vec<f64> = (0..n).map(|j| gradients.col(j).iter().sum::<f64>() / rows.max(1) as f64).collect();
    let centred = Mat::from_fn(rows, n, |r, j| gradients[(r, j)] - mean[j]);
    let square = |m: MatRef<'_, f64>| m.norm_l2().powi(2);
    let constant = || {
        let mut v = Mat::from_fn(n, 1, |j, _| mean[j]);
        normalise(v.col_as_slice_mut(0));
        v
    };
    // Rounding of the mean is no variance.
    if square(centred.as_ref()) <= 1e-24 * square(gradients) {
        return constant();
    }
    let Ok(svd) = centred.thin_svd() else { return constant() };
    let (s, v) = (svd.S(), svd.V());
    let variance = |d: usize| s[d] * s[d];
    let total: f64 = (0..v.ncols()).map(variance).sum();
    let (mut k, mut reached) = (1, variance(0));
    while k < v.ncols() && reached < share * total {
        reached += variance(k);
        k += 1;
    }
    let mut directions = v.subcols(0, k).to_owned();
    for d in 0..k {
        let column = directions.col_as_slice_mut(d);
        let largest = column.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        column.iter_mut().for_each(|x| *x = if largest < 0.0 { -*x } else { *x });
    }
    directions
}

impl fmt::Display for Directions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random { count } => write!(f, "random:{count}"),
            Self::Cartesian { count: None } => write!(f, "cartesian"),
            Self::Cartesian { count: Some(count) } => write!(f, "cartesian:{count}"),
            Self::Principal { share } => write!(f, "pca:{share}"),
        }
    }
}

impl FromStr for Directions {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, number) = text.split_once(':').map_or((text, None), |(kind, number)| (kind, Some(number)));
        let count = |text: &str| match text.parse::<usize>() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(format!("expected a whole number of directions of at least 1 after `{kind}:`, found `{text}`")),
        };
        match kind {
            "random" => Ok(Self::Random { count: number.map_or(Ok(1), count)? }),
            "cartesian" => Ok(Self::Cartesian { count: number.map(count).transpose()? }),
            "pca" => match number.map_or(Ok(0.95), str::parse::<f64>) {
                Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::Principal { share }),
                _ => Err("expected a share of the variance between 0 and 1 after `pca:`, as in pca:0.95".into()),
            },
            _ => Err(format!(
                "`{text}` is no choice of directions, expected pca, random or cartesian, or with a number, as pca:0.95, random:2, cartesian:3"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::Directions;
    use crate::math::random::{Generator, Purpose, Streams};

    fn rng() -> Generator {
        Streams::new(3, Purpose::Directions).next().unwrap()
    }

    fn assert_orthonormal(v: &Mat<f64>) {
        for a in 0..v.ncols() {
            for b in 0..=a {
                let dot: f64 = (0..v.nrows()).map(|j| v[(j, a)] * v[(j, b)]).sum();
                assert!((dot - f64::from(u8::from(a == b))).abs() < 1e-12, "{dot} of {a}, {b}");
            }
        }
    }

    /// Gradients `c·u + small·w`, shifted: one direction carries 95 %, two carry all, and the shift none.
    #[test]
    fn principal_components_by_hand() {
        let (u, w) = ([0.6, 0.8, 0.0], [0.0, 0.0, 1.0]);
        let gradients = Mat::from_fn(101, 3, |r, j| {
            let t = (r as f64 - 50.0) / 10.0;
            7.0 + t * u[j] + 0.02 * (t * t - 8.5) * w[j]
        });
        let one = Directions::PRINCIPAL.choose(gradients.as_ref(), 0, &mut rng());
        assert_eq!((one.nrows(), one.ncols()), (3, 1));
        (0..3).for_each(|j| assert!((one[(j, 0)] - u[j]).abs() < 1e-9, "{one:?}"));
        let all = Directions::Principal { share: 1.0 }.choose(gradients.as_ref(), 0, &mut rng());
        assert!((2..=3).contains(&all.ncols()));
        assert_orthonormal(&all);
        // The smallest count that reaches the share: in an isotropic cloud no direction can be left out.
        let mut next = (1_u64..).map(|i| (i as f64 * 0.754_877).fract() - 0.5);
        let cloud = Mat::from_fn(3000, 3, |_, _| next.next().unwrap());
        assert_eq!(Directions::PRINCIPAL.choose(cloud.as_ref(), 0, &mut rng()).ncols(), 3);
        assert_eq!(Directions::Principal { share: 0.5 }.choose(cloud.as_ref(), 0, &mut rng()).ncols(), 2);
    }

    #[test]
    fn gradients_without_variance_still_give_one_direction() {
        let root = 0.5_f64.sqrt();
        for (rows, fill, want) in [
            (5, [0.0, 0.0], [root, root]),
            (5, [3.0, -4.0], [0.6, -0.8]),
            (1, [0.0, 2.0], [0.0, 1.0]),
            (0, [0.0, 0.0], [root, root]),
        ] {
            let v = Directions::PRINCIPAL.choose(Mat::from_fn(rows, 2, |_, j| fill[j]).as_ref(), 0, &mut rng());
            assert_eq!((v.nrows(), v.ncols()), (2, 1));
            assert!((0..2).all(|j| (v[(j, 0)] - want[j]).abs() < 1e-12), "{v:?} for {fill:?}");
        }
    }

    #[test]
    fn one_input_has_one_direction() {
        let gradients = Mat::from_fn(9, 1, |r, _| r as f64);
        for directions in [
            Directions::PRINCIPAL,
            Directions::Random { count: 4 },
            Directions::Cartesian { count: None },
            Directions::Cartesian { count: Some(2) },
        ] {
            let v = directions.choose(gradients.as_ref(), 3, &mut rng());
            assert_eq!((v.nrows(), v.ncols(), v[(0, 0)].abs()), (1, 1, 1.0), "{directions}");
        }
    }

    #[test]
    fn random_and_cartesian_directions() {
        let gradients = Mat::zeros(1, 5);
        let mut rng = rng();
        let (a, b) = (
            Directions::Random { count: 2 }.choose(gradients.as_ref(), 0, &mut rng),
            Directions::Random { count: 2 }.choose(gradients.as_ref(), 1, &mut rng),
        );
        assert!(a != b && (0..2).all(|d| (a.col(d).norm_l2() - 1.0).abs() < 1e-12));
        let all = Directions::Cartesian { count: None }.choose(gradients.as_ref(), 7, &mut rng);
        assert_eq!(all.ncols(), 5);
        assert_orthonormal(&all);
        // Two axes a batch: five batches visit each axis twice.
        let mut seen = [0; 5];
        for batch in 0..5 {
            let v = Directions::Cartesian { count: Some(2) }.choose(gradients.as_ref(), batch, &mut rng);
            assert_orthonormal(&v);
            (0..5).for_each(|j| seen[j] += (0..2).filter(|&d| v[(j, d)] == 1.0).count());
        }
        assert_eq!(seen, [2; 5]);
    }

    #[test]
    fn spellings() {
        for text in ["pca:0.9", "random:2", "cartesian", "cartesian:3"] {
            assert_eq!(text.parse::<Directions>().unwrap().to_string(), text);
        }
        for bad in ["", "svd", "pca:0", "pca:2", "pca:x", "random:-1", "cartesian:0", "random:1.5"] {
            assert!(bad.parse::<Directions>().is_err(), "{bad}");
        }
    }
}

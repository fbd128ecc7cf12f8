//! Statistics: what accuracy is measured by.

/// Coefficient of determination `R² = 1 − Σ(tᵢ − pᵢ)² / Σ(tᵢ − t̄)²` of predictions `p` for the truth `t`.
///
/// 1 is exact, 0 no better than the mean, negative worse. A constant truth leaves nothing to explain: 1 if the predictions
/// are exact, −∞ if not. A NaN anywhere gives NaN, never a good score.
///
/// # Panics
/// Different lengths.
///
/// ```
/// use sobolev::math::statistics::r_squared;
/// let truth = [1.0, 2.0, 3.0];
/// assert_eq!(r_squared(&truth, &truth), 1.0);
/// assert_eq!(r_squared(&[2.0, 2.0, 2.0], &truth), 0.0);
/// assert!(r_squared(&[f64::NAN, 2.0, 3.0], &truth).is_nan());
/// ```
#[track_caller]
pub fn r_squared(predicted: &[f64], truth: &[f64]) -> f64 {
    assert_eq!(predicted.len(), truth.len(), "as many predictions as truths");
    let mean = Moments::of(truth).mean();
    let residual: f64 = truth.iter().zip(predicted).map(|(t, p)| (t - p) * (t - p)).sum();
    let total: f64 = truth.iter().map(|t| (t - mean) * (t - mean)).sum();
    // 0/0 is an exact fit of a constant; a NaN in either sum stays one.
    if residual == 0.0 && total == 0.0 { 1.0 } else { 1.0 - residual / total }
}

/// The middle value, the mean of the middle two where their number is even; NaN if empty or if any value is NaN.
///
/// ```
/// use sobolev::math::statistics::median;
/// assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
/// assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
/// assert!(median(&[]).is_nan());
/// ```
pub fn median(values: &[f64]) -> f64 {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { sorted[half - 1].midpoint(sorted[half]) }
}

/// Mean and variance of a sequence in one pass, without cancellation (Welford).
///
/// ```
/// use sobolev::math::statistics::Moments;
/// let moments = Moments::of(&[2.0, 4.0, 6.0]);
/// assert_eq!((moments.mean(), moments.variance()), (4.0, 4.0));
/// assert_eq!(moments.standard_error(), (4.0f64 / 3.0).sqrt());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: usize,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Of all `values`.
    pub fn of(values: &[f64]) -> Self {
        let mut moments = Self::default();
        values.iter().for_each(|&v| moments.push(v));
        moments
    }

    /// One more value.
    pub fn push(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    /// How many values.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their mean; 0 if there are none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Unbiased variance; NaN below two values.
    pub fn variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.squares / (self.count - 1) as f64 }
    }

    /// Unbiased standard deviation; NaN below two values.
    pub fn standard_deviation(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Standard error of the mean, of independent values; NaN below two values.
    pub fn standard_error(&self) -> f64 {
        (self.variance() / self.count as f64).sqrt()
    }
}

/// Rank correlation (Spearman's ρ): 1 if both order their entries alike, 0 if the orders have nothing to do with each other.
/// Equal entries share the mean of their ranks; NaN if either list is constant.
///
/// ```
/// use sobolev::math::statistics::rank_correlation;
/// assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[10.0, 40.0, 90.0]), 1.0);
/// assert_eq!(rank_correlation(&[1.0, 2.0, 3.0, 3.0], &[0.3, 0.2, 0.1, 0.1]), -1.0);
/// ```
///
/// # Panics
/// If the lists differ in length.
#[track_caller]
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "two orders of the same things");
    let (a, b) = (ranks(a), ranks(b));
    let mean = 0.5 * (a.len() as f64 - 1.0);
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// From 0, ascending; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let (mut ranks, mut first) = (vec![0.0; values.len()], 0);
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = first as f64 + 0.5 * (tied.len() as f64 - 1.0);
        tied.iter().for_each(|&i| ranks[i] = rank);
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{Moments, median, r_squared};

    /// By hand: mean 2.5, SST 5, SSE 0.25 + 0.25.
    #[test]
    fn r_squared_by_hand() {
        assert_eq!(r_squared(&[1.5, 2.0, 3.0, 3.5], &[1.0, 2.0, 3.0, 4.0]), 0.9);
        assert_eq!(r_squared(&[4.0, 3.0, 2.0, 1.0], &[1.0, 2.0, 3.0, 4.0]), -3.0);
    }

    #[test]
    fn r_squared_of_a_constant_or_broken_truth() {
        assert_eq!(r_squared(&[2.0, 2.0], &[2.0, 2.0]), 1.0);
        assert_eq!(r_squared(&[2.0, 2.1], &[2.0, 2.0]), f64::NEG_INFINITY);
        assert!(r_squared(&[2.0, f64::NAN], &[2.0, 2.0]).is_nan());
        assert!(r_squared(&[2.0, 1.0], &[2.0, f64::NAN]).is_nan());
        assert_eq!(r_squared(&[2.0, f64::INFINITY], &[2.0, 1.0]), f64::NEG_INFINITY);
    }

    #[test]
    fn median_refuses_nan() {
        assert!(median(&[1.0, f64::NAN, 2.0]).is_nan());
        assert_eq!(median(&[f64::NEG_INFINITY, 1.0, f64::INFINITY]), 1.0);
    }

    /// A shift of 10⁹ ruins the textbook formula E x² − (E x)²; not this one.
    #[test]
    fn moments_survive_a_large_mean() {
        let shifted = Moments::of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((shifted.count(), shifted.mean(), shifted.variance()), (4, 1e9 + 10.0, 30.0));
        assert!(Moments::of(&[1.0]).standard_error().is_nan() && Moments::default().mean() == 0.0);
    }
}

//! Functions that step: the sign, and rounding to integers.

use super::Interval;

impl Interval {
    /// Range of a function that nowhere decreases and is exact.
    #[inline]
    fn stepwise(self, f: impl Fn(f64) -> f64) -> Self {
        if self.is_empty() { Self::EMPTY } else { Self::raw(f(self.lo), f(self.hi)) }
    }

    /// −1, 0 or 1. Exact.
    pub fn sign(self) -> Self {
        self.stepwise(|x| if x == 0.0 { 0.0 } else { 1_f64.copysign(x) })
    }

    /// The least integer that is not below. Exact.
    pub fn ceil(self) -> Self {
        self.stepwise(libm::ceil)
    }

    /// The greatest integer that is not above. Exact.
    pub fn floor(self) -> Self {
        self.stepwise(libm::floor)
    }

    /// The integer part, towards 0. Exact.
    pub fn trunc(self) -> Self {
        self.stepwise(libm::trunc)
    }

    /// The nearest integer, of two the one further from 0. Exact.
    pub fn round(self) -> Self {
        self.stepwise(libm::round)
    }

    /// The nearest integer, of two the even one. Exact.
    pub fn round_ties_even(self) -> Self {
        self.stepwise(libm::rint)
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    type Step = (fn(Interval) -> Interval, fn(f64) -> f64);
    const STEPS: [Step; 6] = [
        (Interval::sign, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        (Interval::ceil, f64::ceil),
        (Interval::floor, f64::floor),
        (Interval::trunc, f64::trunc),
        (Interval::round, f64::round),
        (Interval::round_ties_even, f64::round_ties_even),
    ];

    #[test]
    fn steps_are_those_of_the_ends() {
        let ends =
            [0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 7.0, 0.49999999999999994, 4503599627370495.5, 1e300, f64::MAX, 5e-324];
        let ends: Vec<f64> = ends.iter().flat_map(|&x| [-x, x]).collect();
        for (k, (range, value)) in STEPS.into_iter().enumerate() {
            for (&a, &b) in ends.iter().flat_map(|a| ends.iter().map(move |b| (a, b))).filter(|(a, b)| a <= b) {
                let expected = Interval::new(value(a), value(b)).unwrap();
                assert_eq!(range(Interval::new(a, b).unwrap()), expected, "step {k} of [{a}, {b}]");
            }
            assert_eq!(range(Interval::EMPTY), Interval::EMPTY);
        }
    }

    #[test]
    fn steps_by_hand() {
        let x = |lo, hi| Interval::new(lo, hi).unwrap();
        assert_eq!(x(-2.5, 0.5).sign(), x(-1.0, 1.0));
        assert_eq!(x(0.0, 5e-324).sign(), x(0.0, 1.0));
        assert_eq!(x(-2.5, 2.5).ceil(), x(-2.0, 3.0));
        assert_eq!(x(-2.5, 2.5).floor(), x(-3.0, 2.0));
        assert_eq!(x(-2.7, 2.7).trunc(), x(-2.0, 2.0));
        assert_eq!(x(-2.5, 2.5).round(), x(-3.0, 3.0));
        assert_eq!(x(-2.5, 3.5).round_ties_even(), x(-2.0, 4.0));
        // What is unbounded steps to ±1, and rounds to what is unbounded.
        let half = x(-0.5, f64::INFINITY);
        assert_eq!(half.sign(), x(-1.0, 1.0));
        assert_eq!((half.ceil(), half.floor()), (x(0.0, f64::INFINITY), x(-1.0, f64::INFINITY)));
        assert_eq!((half.round(), half.round_ties_even()), (x(-1.0, f64::INFINITY), x(0.0, f64::INFINITY)));
        assert_eq!(Interval::ENTIRE.trunc(), Interval::ENTIRE);
    }
}

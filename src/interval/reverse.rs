//! Operations undone: what solves `x·b = a` and `x + b = a`.

use super::Interval;
use super::directed::{add_down, add_up, two_sum};

impl Interval {
    /// The quotients by the negative and by the positive numbers of the divisor, either of them possibly ∅.
    pub(super) fn div_by_parts(self, other: Self) -> [Self; 2] {
        let negative = if other.lo < 0.0 {
            -self.div_by_positive(Self { lo: (-other.hi).max(0.0), hi: -other.lo })
        } else {
            Self::EMPTY
        };
        let positive = if other.hi > 0.0 {
            self.div_by_positive(Self { lo: other.lo.max(0.0), hi: other.hi })
        } else {
            Self::EMPTY
        };
        [negative, positive]
    }

    /// The two-part quotient: every `x` with `x·b = a` for some `b` of the divisor and `a` of `self`, as up to two intervals
    /// in ascending order. (The standard's `mulRevToPair`.)
    ///
    /// Where both contain 0 every number solves it: `[ENTIRE, ∅]`. Where the divisor has 0 inside and `self` has not,
    /// there is a gap between the two parts. Otherwise the second is ∅. Both parts tightest.
    ///
    /// # Examples
    /// ```
    /// use sobolev::interval::Interval;
    /// let [below, above] = Interval::ONE.div_pair(Interval::new(-1.0, 2.0)?);
    /// assert_eq!((below.sup(), above.inf()), (-1.0, 0.5));
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    pub fn div_pair(self, divisor: Self) -> [Self; 2] {
        if self.is_empty() || divisor.is_empty() {
            [Self::EMPTY; 2]
        } else if divisor.lo <= 0.0 && divisor.hi >= 0.0 {
            if self.lo <= 0.0 && self.hi >= 0.0 {
                return [Self::ENTIRE, Self::EMPTY];
            }
            let [negative, positive] = self.div_by_parts(divisor);
            match (negative.is_empty(), positive.is_empty()) {
                (true, _) => [positive, Self::EMPTY],
                (_, true) => [negative, Self::EMPTY],
                _ if negative.lo <= positive.lo => [negative, positive],
                _ => [positive, negative],
            }
        } else {
            [self / divisor, Self::EMPTY]
        }
    }

    /// The hull of both parts of the quotient [`div_pair`](Self::div_pair), cut to `x`: what is known of a factor that was
    /// known to lie in `x`. (The standard's `mulRev`.) Tightest.
    pub fn div_within(self, divisor: Self, x: Self) -> Self {
        let [first, second] = self.div_pair(divisor);
        first.intersection(x).hull(second.intersection(x))
    }

    /// The smallest `z` with `self ⊆ other + z`, if `self` is at least as wide and both are bounded: addition undone, which
    /// a difference does not. Tightest; [`ENTIRE`](Self::ENTIRE) where there is no such thing. (The standard's `cancelMinus`.)
    ///
    /// # Examples
    /// ```
    /// use sobolev::interval::Interval;
    /// let (a, b) = (Interval::new(1.0, 2.0)?, Interval::new(10.0, 30.0)?);
    /// assert_eq!((a + b).cancel_minus(a), b);
    /// assert_eq!(a.cancel_minus(b), Interval::ENTIRE);
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    pub fn cancel_minus(self, other: Self) -> Self {
        let bounded = |x: Self| x.is_empty() || x.is_bounded();
        if !bounded(self) || !bounded(other) || (other.is_empty() && !self.is_empty()) {
            Self::ENTIRE
        } else if self.is_empty() {
            Self::EMPTY
        } else if is_narrower(self, other) {
            // Narrower than what is to be taken away.
            Self::ENTIRE
        } else {
            Self { lo: add_down(self.lo, -other.lo), hi: add_up(self.hi, -other.hi) }
        }
    }

    /// [`cancel_minus`](Self::cancel_minus) of the negative: subtraction undone. (The standard's `cancelPlus`.)
    pub fn cancel_plus(self, other: Self) -> Self {
        self.cancel_minus(-other)
    }
}

/// Whether `a` is narrower than `b`, exactly: `a.hi + b.lo < a.lo + b.hi`.
fn is_narrower(a: Interval, b: Interval) -> bool {
    let sums = |part: fn(f64) -> f64| (two_sum(part(a.hi), part(b.lo)), two_sum(part(a.lo), part(b.hi)));
    let (mut left, mut right) = sums(|x| x);
    if left.0.is_infinite() || right.0.is_infinite() {
        // Of a small term beside one that makes a sum overflow only the sign matters.
        (left, right) = sums(|x| if x.abs() < 1.0 { x } else { 0.5 * x });
    }
    left.0 < right.0 || (left.0 == right.0 && left.1 < right.1)
}

#[cfg(test)]
mod tests {
    use super::Interval;

    fn interval(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, hi).unwrap()
    }

    #[test]
    fn factors_by_hand() {
        let (inf, empty, entire) = (f64::INFINITY, Interval::EMPTY, Interval::ENTIRE);
        let (one, around) = (interval(1.0, 2.0), interval(-1.0, 4.0));
        // Of the two parts (−∞, −1] and [1/4, ∞) what lies in the last argument, with the gap where both reach in.
        for (within, expected) in [
            (entire, entire),
            (interval(0.0, 10.0), interval(0.25, 10.0)),
            (interval(-5.0, 0.0), interval(-5.0, -1.0)),
            (interval(-5.0, 3.0), interval(-5.0, 3.0)),
            (interval(-0.5, 3.0), interval(0.25, 3.0)),
            (interval(-0.5, 0.125), empty),
            (empty, empty),
        ] {
            assert_eq!(one.div_within(around, within), expected, "{within}");
        }
        assert_eq!(one.div_within(interval(0.0, 0.0), entire), empty);
        assert_eq!(interval(-1.0, 1.0).div_within(interval(0.0, 0.0), around), around);
        assert_eq!(one.div_within(interval(0.0, 4.0), entire), interval(0.25, inf));
        assert_eq!(one.div_within(entire, interval(-3.0, 3.0)), interval(-3.0, 3.0));
        assert_eq!(interval(0.0, 0.0).div_within(one, entire), interval(0.0, 0.0));
        assert_eq!(Interval::ONE.div_within(interval(3.0, 3.0), entire), Interval::ONE / interval(3.0, 3.0));
        assert_eq!(empty.div_within(one, entire), empty);
    }

    /// Small integers: every factor that solves the equation exactly is found, and each end of what is found solves it.
    #[test]
    fn factors_are_those_that_solve() {
        let ends = || (-3..=3).flat_map(|lo| (lo..=3).map(move |hi| (f64::from(lo), f64::from(hi))));
        // Quotients of these integers are multiples of 1/6.
        let solves = |x: i32, (alo, ahi): (f64, f64), (blo, bhi): (f64, f64)| {
            let ends = [f64::from(x) * blo, f64::from(x) * bhi];
            ends[0].min(ends[1]) <= 6.0 * ahi && ends[0].max(ends[1]) >= 6.0 * alo
        };
        for (a, b) in ends().flat_map(|a| ends().map(move |b| (a, b))) {
            for within in [(-4, 4), (0, 2), (-1, 1), (2, 3)] {
                let (a_set, b_set) = (interval(a.0, a.1), interval(b.0, b.1));
                let within_set = interval(f64::from(within.0), f64::from(within.1));
                let found = a_set.div_within(b_set, within_set);
                let mut solutions = (6 * within.0..=6 * within.1).filter(|&x| solves(x, a, b));
                match (solutions.next(), solutions.next_back()) {
                    (None, _) => assert!(found.is_empty(), "{a:?} by {b:?} within {within:?}: {found}"),
                    (Some(first), last) => {
                        let sixth = |n: i32| Interval::from(n) / interval(6.0, 6.0);
                        let exact = sixth(first).hull(sixth(last.unwrap_or(first)));
                        assert_eq!(found, exact, "{a:?} by {b:?} within {within:?}");
                    }
                }
            }
        }
    }
}

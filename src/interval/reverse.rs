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

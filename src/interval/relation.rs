//! Intervals as sets: intersection, hull, and the boolean relations.

use super::Interval;

impl Interval {
    /// The numbers in both.
    #[inline]
    pub const fn intersection(self, other: Self) -> Self {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        if lo <= hi { Self { lo, hi } } else { Self::EMPTY }
    }

    /// The smallest interval that contains both.
    #[inline]
    pub const fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// `self ⊆ other`; ∅ is a subset of everything.
    #[inline]
    pub const fn is_subset(self, other: Self) -> bool {
        self.is_empty() || (other.lo <= self.lo && self.hi <= other.hi)
    }

    /// Every number of `self` has a neighbourhood in `other`: `self` is in its topological interior.
    #[inline]
    pub const fn is_interior(self, other: Self) -> bool {
        self.is_empty() || (before(other.lo, self.lo) && before(self.hi, other.hi))
    }

    /// No number is in both.
    #[inline]
    pub const fn is_disjoint(self, other: Self) -> bool {
        self.intersection(other).is_empty()
    }

    /// For each number of one there is one of the other that is not above it, and vice versa (`≤` bound by bound).
    #[inline]
    pub const fn is_less(self, other: Self) -> bool {
        match (self.is_empty(), other.is_empty()) {
            (false, false) => self.lo <= other.lo && self.hi <= other.hi,
            (one, two) => one && two,
        }
    }

    /// As [`is_less`](Self::is_less) with `<`; an infinite bound counts as below itself.
    #[inline]
    pub const fn is_strictly_less(self, other: Self) -> bool {
        match (self.is_empty(), other.is_empty()) {
            (false, false) => before(self.lo, other.lo) && before(self.hi, other.hi),
            (one, two) => one && two,
        }
    }

    /// Every number of `self` is ≤ every number of `other`.
    #[inline]
    pub const fn precedes(self, other: Self) -> bool {
        self.is_empty() || other.is_empty() || self.hi <= other.lo
    }

    /// Every number of `self` is < every number of `other`.
    #[inline]
    pub const fn strictly_precedes(self, other: Self) -> bool {
        self.is_empty() || other.is_empty() || self.hi < other.lo
    }
}

/// `<`, where equal infinities count as before each other: there is nothing beyond to leave out.
const fn before(a: f64, b: f64) -> bool {
    a < b || (a == b && a.is_infinite())
}

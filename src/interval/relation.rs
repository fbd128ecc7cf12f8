//! Intervals as sets: intersection, hull, and how two of them lie.

use core::cmp::Ordering;

use super::Interval;

/// How two intervals lie beside each other: each pair is in exactly one of these states.
///
/// # Examples
/// ```
/// use sobolev::interval::{Interval, Overlap};
/// let unit = Interval::new(0.0, 1.0)?;
/// assert_eq!(unit.overlap(Interval::new(1.0, 2.0)?), Overlap::Meets);
/// assert_eq!(unit.overlap(Interval::ENTIRE), Overlap::ContainedBy);
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// Both are ∅.
    BothEmpty,
    /// Only the first is.
    FirstEmpty,
    /// Only the second is.
    SecondEmpty,
    /// The first ends before the second begins.
    Before,
    /// The first ends where the second begins, and each goes on on its side.
    Meets,
    /// The first begins earlier, and ends inside the second.
    Overlaps,
    /// They begin together, and the first ends earlier.
    Starts,
    /// The first lies between the ends of the second.
    ContainedBy,
    /// They end together, and the first begins later.
    Finishes,
    /// They are equal.
    Equals,
    /// [`Finishes`](Self::Finishes) the other way round.
    FinishedBy,
    /// [`ContainedBy`](Self::ContainedBy) the other way round.
    Contains,
    /// [`Starts`](Self::Starts) the other way round.
    StartedBy,
    /// [`Overlaps`](Self::Overlaps) the other way round.
    OverlappedBy,
    /// [`Meets`](Self::Meets) the other way round.
    MetBy,
    /// [`Before`](Self::Before) the other way round.
    After,
}

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

    /// How the two lie beside each other.
    ///
    /// # Examples
    /// ```
    /// use sobolev::interval::{Interval, Overlap};
    /// let (a, b) = (Interval::new(1.0, 2.0)?, Interval::new(1.5, 4.0)?);
    /// assert_eq!((a.overlap(b), b.overlap(a)), (Overlap::Overlaps, Overlap::OverlappedBy));
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    pub fn overlap(self, other: Self) -> Overlap {
        match (self.is_empty(), other.is_empty()) {
            (true, true) => return Overlap::BothEmpty,
            (true, false) => return Overlap::FirstEmpty,
            (false, true) => return Overlap::SecondEmpty,
            (false, false) => {}
        }
        let order = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        match (order(self.lo, other.lo), order(self.hi, other.hi)) {
            (Ordering::Less, Ordering::Less) => match order(self.hi, other.lo) {
                Ordering::Less => Overlap::Before,
                Ordering::Equal => Overlap::Meets,
                Ordering::Greater => Overlap::Overlaps,
            },
            (Ordering::Greater, Ordering::Greater) => match order(self.lo, other.hi) {
                Ordering::Greater => Overlap::After,
                Ordering::Equal => Overlap::MetBy,
                Ordering::Less => Overlap::OverlappedBy,
            },
            (Ordering::Equal, Ordering::Less) => Overlap::Starts,
            (Ordering::Greater, Ordering::Less) => Overlap::ContainedBy,
            (Ordering::Greater, Ordering::Equal) => Overlap::Finishes,
            (Ordering::Equal, Ordering::Equal) => Overlap::Equals,
            (Ordering::Less, Ordering::Equal) => Overlap::FinishedBy,
            (Ordering::Less, Ordering::Greater) => Overlap::Contains,
            (Ordering::Equal, Ordering::Greater) => Overlap::StartedBy,
        }
    }
}

/// `<`, where equal infinities count as before each other: there is nothing beyond to leave out.
const fn before(a: f64, b: f64) -> bool {
    a < b || (a == b && a.is_infinite())
}

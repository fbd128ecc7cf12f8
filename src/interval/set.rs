//! The type: a closed, connected set of real numbers, and what can be read off it.

use core::fmt;

/// A closed, connected set of real numbers: `[lo, hi]`, unbounded, or empty.
///
/// Set-based conventions of IEEE 1788-2015: an operation returns an interval that contains its every value over those
/// points of the operands where it is defined, so that `0 · ENTIRE = 0`, `√[−1, 4] = [0, 2]` and `ln [−2, −1] = ∅`.
///
/// # Guarantee
/// Every operation encloses; how tightly is said at each. `+ − × ÷`, [`sqr`](Self::sqr), [`recip`](Self::recip),
/// [`sqrt`](Self::sqrt) and [`mul_add`](Self::mul_add) are *tightest*: no interval of doubles inside the result contains all
/// values. The assumptions are stated in the [module documentation](crate::interval).
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
///
/// let x = Interval::new(1.0, 2.0)?;
/// let third = Interval::ONE / Interval::point(3.0);
/// assert!(third.inf() < third.sup() && third.width() < 1e-16);
/// assert_eq!(x - x, Interval::new(-1.0, 1.0)?); // the operands are taken to be independent
/// assert_eq!(x.sqr(), Interval::new(1.0, 4.0)?);
/// assert!(Interval::new(2.0, 1.0).is_err());
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Interval {
    /// Below `hi` or equal; never NaN; +∞ only when empty.
    pub(super) lo: f64,
    /// −∞ only when empty.
    pub(super) hi: f64,
}

/// Bounds that make no interval: crossed, NaN, or infinite on the wrong side.
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// let error = Interval::new(2.0, 1.0).unwrap_err();
/// assert_eq!((error.inf, error.sup), (2.0, 1.0));
/// assert_eq!(error.to_string(), "no interval has the bounds 2 and 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidInterval {
    /// The lower bound as given.
    pub inf: f64,
    /// The upper bound as given.
    pub sup: f64,
}

impl fmt::Display for InvalidInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no interval has the bounds {} and {}", self.inf, self.sup)
    }
}

impl core::error::Error for InvalidInterval {}

impl Interval {
    /// ∅. Its bounds are +∞ and −∞, so that hulls and intersections need no special case.
    pub const EMPTY: Self = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
    /// All reals.
    pub const ENTIRE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
    /// `[0, 0]`
    pub const ZERO: Self = Self::raw(0.0, 0.0);
    /// `[1, 1]`
    pub const ONE: Self = Self::raw(1.0, 1.0);

    /// `[lo, hi]`, where `lo` may be −∞ and `hi` +∞.
    ///
    /// # Errors
    /// [`InvalidInterval`] if a bound is NaN, `lo > hi`, `lo = +∞` or `hi = −∞`.
    pub const fn new(lo: f64, hi: f64) -> Result<Self, InvalidInterval> {
        if lo <= hi && lo < f64::INFINITY && hi > f64::NEG_INFINITY {
            Ok(Self::raw(lo, hi))
        } else {
            Err(InvalidInterval { inf: lo, sup: hi })
        }
    }

    /// `[x, x]`. Of what is not a number nothing is known: NaN gives [`ENTIRE`](Self::ENTIRE), +∞ gives `[MAX, ∞]`, −∞
    /// gives `[−∞, −MAX]`.
    #[inline]
    pub const fn point(x: f64) -> Self {
        if x.is_finite() { Self::raw(x, x) } else { Self::bounds(x, x) }
    }

    /// What is known when both bounds were computed by directed rounding: NaN on either side knows nothing; an overflow
    /// lies beyond `MAX`.
    #[inline]
    pub(crate) const fn bounds(lo: f64, hi: f64) -> Self {
        if lo <= hi { Self::raw(lo.min(f64::MAX), hi.max(f64::MIN)) } else { Self::ENTIRE }
    }

    /// Unchecked: for bounds that are in order.
    #[inline(always)]
    pub(crate) const fn raw(lo: f64, hi: f64) -> Self {
        debug_assert!(lo <= hi);
        Self { lo, hi }
    }

    /// The smallest interval that contains both numbers, in either order.
    ///
    /// # Errors
    /// As [`new`](Self::new) for the ordered pair.
    pub const fn between(a: f64, b: f64) -> Result<Self, InvalidInterval> {
        if b < a { Self::new(b, a) } else { Self::new(a, b) }
    }

    /// The interval `[centre − radius, centre + radius]`, rounded outward.
    ///
    /// # Errors
    /// [`InvalidInterval`] with the two arguments if one is NaN or infinite, or `radius` is negative.
    pub fn around(centre: f64, radius: f64) -> Result<Self, InvalidInterval> {
        if centre.is_finite() && radius.is_finite() && radius >= 0.0 {
            Ok(Self::point(centre) + Self::raw(-radius, radius))
        } else {
            Err(InvalidInterval { inf: centre, sup: radius })
        }
    }

    /// Lower bound; +∞ if empty; −0 rather than +0.
    #[inline]
    pub const fn inf(self) -> f64 {
        // 0 − (±0) = +0.
        -(0.0 - self.lo)
    }

    /// Upper bound; −∞ if empty; +0 rather than −0.
    #[inline]
    pub const fn sup(self) -> f64 {
        self.hi + 0.0
    }

    /// A double near the middle and inside; 0 of [`ENTIRE`](Self::ENTIRE), ±MAX of a half-line, NaN if empty.
    pub const fn mid(self) -> f64 {
        if self.is_empty() {
            return f64::NAN;
        }
        match (self.lo.is_finite(), self.hi.is_finite()) {
            (false, false) => 0.0,
            (false, true) => f64::MIN,
            (true, false) => f64::MAX,
            (true, true) => {
                let sum = self.lo + self.hi;
                // Halving the sum rounds once, at the sum, except among subnormal results; halving the terms cannot overflow.
                let mid = if sum.is_finite() { 0.5 * sum } else { 0.5 * self.lo + 0.5 * self.hi };
                mid + 0.0
            }
        }
    }

    /// The least double `r` with `[mid − r, mid + r] ⊇ self`; +∞ if unbounded, NaN if empty.
    pub fn rad(self) -> f64 {
        let mid = self.mid();
        super::directed::sub_up(self.hi, mid).max(super::directed::sub_up(mid, self.lo))
    }

    /// [`mid`](Self::mid) and [`rad`](Self::rad).
    pub fn mid_rad(self) -> (f64, f64) {
        (self.mid(), self.rad())
    }

    /// `sup − inf`, rounded up; +∞ if unbounded, NaN if empty.
    #[inline]
    pub fn width(self) -> f64 {
        if self.is_empty() { f64::NAN } else { super::directed::sub_up(self.hi, self.lo) }
    }

    /// Magnitude: the largest |x|; NaN if empty.
    #[inline]
    pub const fn mag(self) -> f64 {
        if self.is_empty() { f64::NAN } else { self.lo.abs().max(self.hi.abs()) }
    }

    /// Mignitude: the smallest |x|; NaN if empty.
    #[inline]
    pub const fn mig(self) -> f64 {
        if self.is_empty() {
            f64::NAN
        } else if self.lo <= 0.0 && self.hi >= 0.0 {
            0.0
        } else {
            self.lo.abs().min(self.hi.abs())
        }
    }

    /// Contains no number.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.lo > self.hi
    }

    /// Contains every number.
    #[inline]
    pub const fn is_entire(self) -> bool {
        self.lo == f64::NEG_INFINITY && self.hi == f64::INFINITY
    }

    /// Contains exactly one number.
    #[inline]
    pub const fn is_point(self) -> bool {
        self.lo == self.hi
    }

    /// Both bounds are finite (and it is not empty).
    #[inline]
    pub const fn is_bounded(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// `x ∈ self`; infinities and NaN are in no interval.
    #[inline]
    pub const fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi && x.is_finite()
    }
}

macro_rules! exactly {
    ($($t:ty),*) => {$(
        /// Exact.
        impl From<$t> for Interval {
            #[inline]
            fn from(x: $t) -> Self {
                Self::point(f64::from(x))
            }
        }
    )*};
}
exactly!(i8, i16, i32, u8, u16, u32);

macro_rules! outward {
    ($($t:ident),*) => {$(
        /// Exact up to 2⁵³, the two neighbouring doubles beyond where the number is none itself.
        impl From<$t> for Interval {
            fn from(x: $t) -> Self {
                let near = x as f64;
                // The cast back saturates, which keeps the order that is asked for.
                let (lo, hi) = match (near as i128).cmp(&i128::from(x)) {
                    core::cmp::Ordering::Less => (near, near.next_up()),
                    core::cmp::Ordering::Equal => (near, near),
                    core::cmp::Ordering::Greater => (near.next_down(), near),
                };
                Self::raw(lo, hi)
            }
        }
    )*};
}
outward!(i64, u64);

//! Two doubles side by side, as the smallest vector registers hold them: both bounds of an interval at once, without a branch.

use core::ops::{Add, BitAnd, BitOr, Mul, Sub};

/// Two doubles.
#[derive(Clone, Copy)]
pub(super) struct Pair(pub(super) [f64; 2]);

/// All bits set, or none, for each of two doubles.
#[derive(Clone, Copy)]
pub(super) struct Mask([u64; 2]);

impl Pair {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
    }
    #[inline(always)]
    fn compare(self, other: Self, f: impl Fn(f64, f64) -> bool) -> Mask {
        Mask([0, 1].map(|i| (f(self.0[i], other.0[i]) as u64).wrapping_neg()))
    }
    #[inline(always)]
    fn bits(self) -> [u64; 2] {
        self.0.map(f64::to_bits)
    }
    #[inline(always)]
    fn of_bits(bits: [u64; 2]) -> Self {
        Self(bits.map(f64::from_bits))
    }
    #[inline(always)]
    pub(super) fn swapped(self) -> Self {
        Self([self.0[1], self.0[0]])
    }
    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        Self(self.0.map(f64::abs))
    }
    #[inline(always)]
    pub(super) fn is_negative(self) -> Mask {
        self.compare(Self([0.0; 2]), |a, b| a < b)
    }
    #[inline(always)]
    pub(super) fn exceeds(self, other: Self) -> Mask {
        self.compare(other, |a, b| a > b)
    }
    #[inline(always)]
    pub(super) fn differs(self, other: Self) -> Mask {
        self.compare(other, |a, b| a != b)
    }
    #[inline(always)]
    pub(super) fn equals(self, other: Self) -> Mask {
        self.compare(other, |a, b| a == b)
    }
    #[inline(always)]
    pub(super) fn within(self, limit: f64) -> Mask {
        self.compare(Self([limit; 2]), |a, b| a <= b)
    }
    #[inline(always)]
    pub(super) fn from(self, limit: f64) -> Mask {
        self.compare(Self([limit; 2]), |a, b| a >= b)
    }
    #[inline(always)]
    pub(super) fn pick(mask: Mask, a: Self, b: Self) -> Self {
        let (a, b) = (a.bits(), b.bits());
        Self::of_bits([0, 1].map(|i| (a[i] & mask.0[i]) | (b[i] & !mask.0[i])))
    }
    /// `high + low`, 26 bits each: the higher half rounded to nearest by its bits.
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let high = Self::of_bits(self.bits().map(|b| b.wrapping_add(1 << 26) & !((1 << 27) - 1)));
        (high, self - high)
    }
    #[inline(always)]
    pub(super) fn two_product(self, other: Self) -> (Self, Self) {
        let ((ah, al), (bh, bl)) = (self.split(), other.split());
        let p = self * other;
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }
    #[inline(always)]
    pub(super) fn above(self, error: Self) -> Self {
        let up = error.compare(Self([0.0; 2]), |a, b| a > b);
        let negative = self.is_negative();
        let bits = self.bits();
        Self::of_bits([0, 1].map(|i| bits[i].wrapping_add(up.0[i] & (negative.0[i] | 1))))
    }
}

impl Mask {
    #[inline(always)]
    pub(super) fn all(self) -> bool {
        self.0[0] & self.0[1] != 0
    }
}

macro_rules! lanes {
    ($($op:ident $f:ident $symbol:tt),*) => {$(
        impl $op for Pair {
            type Output = Self;
            #[inline(always)]
            fn $f(self, other: Self) -> Self {
                self.zip(other, |a, b| a $symbol b)
            }
        }
    )*};
}
lanes!(Add add +, Sub sub -, Mul mul *);

impl BitAnd for Mask {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }
}
impl BitOr for Mask {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

//! One trait for every number that a function can be evaluated over.

use core::fmt::{Debug, Display};
use core::ops::{Add, Div, Mul, Neg, Sub};

use libm::logf;

use super::logarithm::ln;
use super::{Activation, Number, Real, Separate};

/// A number: `f32`, `f64`, lanes of them, an interval, a dual number, a node of the reverse tape.
///
/// A function written once over `Scalar` gives its value over `f64`, its tangents over `Dual`, its adjoints over the tape,
/// its range over `Interval`, and any nesting of these.
///
/// There is no `PartialOrd`: over intervals a comparison may be undecided, over lanes it has several answers. Branch by
/// [`max`](Self::max), [`positive_part`](Self::positive_part), or a [`Mask`](Self::Mask) and [`select`](Self::select).
pub trait Scalar:
    Copy + Debug + Neg<Output = Self> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The answer of a comparison: `bool`, one a lane, or three-valued over intervals.
    type Mask: Copy + Debug;

    /// A constant. Over intervals the point `[x, x]`; over dual numbers and the tape without derivative.
    fn constant(x: f64) -> Self;
    /// 0.
    #[inline(always)]
    fn zero() -> Self {
        Self::constant(0.0)
    }
    /// 1.
    #[inline(always)]
    fn one() -> Self {
        Self::constant(1.0)
    }

    /// `self·factor` by a constant, for which nothing that differentiates need multiply by a derivative of zero.
    #[inline(always)]
    fn scale(self, factor: f64) -> Self {
        self * Self::constant(factor)
    }
    /// `self + term` with a constant; as [`scale`](Self::scale).
    #[inline(always)]
    fn shift(self, term: f64) -> Self {
        self + Self::constant(term)
    }
    /// `1/x`.
    #[inline(always)]
    fn recip(self) -> Self {
        Self::one() / self
    }
    /// `x²`; tighter than `x·x` over intervals.
    #[inline(always)]
    fn sqr(self) -> Self {
        self * self
    }
    /// `xⁿ`.
    fn powi(self, n: i32) -> Self;
    /// `√x`.
    fn sqrt(self) -> Self;
    /// `eˣ`.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Cumulative distribution function Φ of the standard normal law.
    fn normal_cdf(self) -> Self;
    /// Density φ of the standard normal law.
    fn normal_pdf(self) -> Self;
    /// The derivative of given order (0 to 3) of an activation function.
    fn activation(self, function: Activation, order: usize) -> Self;

    /// |x|.
    fn abs(self) -> Self;
    /// The larger of the two.
    fn max(self, other: Self) -> Self;
    /// The smaller of the two.
    fn min(self, other: Self) -> Self;
    /// `(x)⁺ = max(x, 0)`.
    #[inline(always)]
    fn positive_part(self) -> Self {
        self.max(Self::zero())
    }

    /// `self < other`.
    fn lt(self, other: Self) -> Self::Mask;
    /// `self > other`, as a choice between the two sides of a kink: the same over points; over intervals undecided already
    /// where the two may be equal, so that the slopes of both sides are enclosed.
    fn exceeds(self, other: Self) -> Self::Mask;
    /// Whether a comparison has no single answer, as over intervals that overlap; never over points.
    fn is_undecided(mask: Self::Mask) -> bool;
    /// `a` where the mask holds, `b` where it does not, the hull of both where it is undecided.
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self;
    /// What [`select`](Self::select) does to derivatives: the same where the mask is decided; where it is undecided the
    /// branches may jump, so that the derivative is everything.
    #[inline(always)]
    fn select_slope(mask: Self::Mask, a: Self, b: Self) -> Self {
        Self::select(mask, a, b)
    }

    /// The same number; `other` where it has no value at all, which only intervals have not.
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        let _ = other;
        self
    }

    /// The same number, under a name that an analysis of the function reports it by; nothing otherwise.
    #[inline(always)]
    fn named(self, name: impl Display) -> Self {
        let _ = name;
        self
    }

    /// Hyperbolic tangent.
    #[inline(always)]
    fn tanh(self) -> Self {
        self.activation(Activation::Tanh, 0)
    }
    /// `1/(1 + e⁻ˣ)`.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid, 0)
    }
    /// `ln(1 + eˣ)`.
    #[inline(always)]
    fn softplus(self) -> Self {
        self.activation(Activation::Softplus, 0)
    }
    /// `x/(1 + e⁻ˣ)`.
    #[inline(always)]
    fn silu(self) -> Self {
        self.activation(Activation::Silu, 0)
    }
}

macro_rules! scalar {
    ($t:ident, $sqrt:ident, $exp:ident, $ln:ident, $sin:ident, $cos:ident) => {
        // libm, not std: the same bits on every target, with and without std.
        impl Scalar for $t {
            type Mask = bool;
            #[inline(always)]
            fn constant(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn powi(self, n: i32) -> Self {
                let (mut base, mut left, mut power) = (self, n.unsigned_abs(), 1.0);
                while left > 0 {
                    if left & 1 == 1 {
                        power *= base;
                    }
                    base *= base;
                    left >>= 1;
                }
                if n < 0 { 1.0 / power } else { power }
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.root()
            }
            #[inline]
            fn exp(self) -> Self {
                libm::$exp(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $ln(self)
            }
            #[inline]
            fn sin(self) -> Self {
                libm::$sin(self)
            }
            #[inline]
            fn cos(self) -> Self {
                libm::$cos(self)
            }
            #[inline]
            fn normal_cdf(self) -> Self {
                super::normal::cdf(f64::from(self)) as $t
            }
            #[inline]
            fn normal_pdf(self) -> Self {
                super::normal::pdf(f64::from(self)) as $t
            }
            #[inline(always)]
            fn activation(self, function: Activation, order: usize) -> Self {
                function.jet(Separate, self)[order]
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.magnitude()
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $t::max(self, other)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $t::min(self, other)
            }
            #[inline(always)]
            fn lt(self, other: Self) -> bool {
                self < other
            }
            #[inline(always)]
            fn exceeds(self, other: Self) -> bool {
                self > other
            }
            #[inline(always)]
            fn is_undecided(_: bool) -> bool {
                false
            }
            #[inline(always)]
            fn select(mask: bool, a: Self, b: Self) -> Self {
                if mask { a } else { b }
            }
        }
    };
}
scalar!(f32, sqrtf, expf, logf, sinf, cosf);
scalar!(f64, sqrt, exp, ln, sin, cos);

//! The differentiation rules of the elementary functions, each written once for every number that differentiates.

use crate::ad::Dual;
use crate::math::{Activation, Scalar};

/// A smooth function of one variable, as data: its rule serves dual numbers, jets and the tape.
///
/// Always passed as a constant, so that the matches below fold away once inlined.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unary {
    Recip,
    Sqr,
    Powi(i32),
    Sqrt,
    Exp,
    Ln,
    Sin,
    Cos,
    NormalCdf,
    NormalPdf,
    Activation(Activation, usize),
}

impl Unary {
    /// `f(x)`.
    #[inline(always)]
    pub(super) fn value<T: Scalar>(self, x: T) -> T {
        match self {
            Self::Recip => x.recip(),
            Self::Sqr => x.sqr(),
            Self::Powi(n) => x.powi(n),
            Self::Sqrt => x.sqrt(),
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::NormalCdf => x.normal_cdf(),
            Self::NormalPdf => x.normal_pdf(),
            Self::Activation(function, order) => x.activation(function, order),
        }
    }

    /// `f′(x)`, given `y = f(x)`.
    #[inline(always)]
    pub(super) fn slope<T: Scalar>(self, x: T, y: T) -> T {
        match self {
            Self::Recip => -y.sqr(),
            Self::Sqr => T::constant(2.0) * x,
            Self::Powi(0) => T::zero(),
            Self::Powi(n) => T::constant(f64::from(n)) * lowered(x, n, 1),
            // Of 0 alone, where an interval has no quotient, the slope is beyond all numbers too.
            Self::Sqrt => (T::constant(0.5) / y).or(T::constant(f64::INFINITY)),
            Self::Exp => y,
            Self::Ln => x.recip(),
            Self::Sin => x.cos(),
            Self::Cos => -x.sin(),
            Self::NormalCdf => x.normal_pdf(),
            Self::NormalPdf => -(x * y),
            Self::Activation(function, order) => activation(x, function, order + 1),
        }
    }

    /// `f″(x)`, given `y = f(x)` and `slope = f′(x)`.
    #[inline(always)]
    pub(super) fn curvature<T: Scalar>(self, x: T, y: T, slope: T) -> T {
        match self {
            Self::Recip => T::constant(2.0) * y.powi(3),
            Self::Sqr => T::constant(2.0),
            Self::Powi(0 | 1) => T::zero(),
            // The product of the factors need not be a double.
            Self::Powi(n) => T::constant(f64::from(n)) * T::constant(f64::from(n) - 1.0) * lowered(x, n, 2),
            Self::Sqrt => (T::constant(-0.5) * slope / x).or(T::constant(f64::NEG_INFINITY)),
            Self::Exp => y,
            Self::Ln => -slope.sqr(),
            Self::Sin | Self::Cos => -y,
            Self::NormalCdf => -(x * slope),
            Self::NormalPdf => (x.sqr() - T::one()) * y,
            Self::Activation(function, order) if order < 3 => activation(x, function, order + 2),
            Self::Activation(function, _) => fourth(Dual::variable(x), function).tangent[0],
        }
    }
}

/// `xⁿ⁻ᵏ`, also where the exponent would leave its range.
#[inline(always)]
fn lowered<T: Scalar>(x: T, n: i32, k: i32) -> T {
    match n.checked_sub(k) {
        Some(n) => x.powi(n),
        None => x.powi(n) * x.powi(-k),
    }
}

/// The derivative of an activation of order at most four.
#[inline(always)]
fn activation<T: Scalar>(x: T, function: Activation, order: usize) -> T {
    if order < 4 { x.activation(function, order) } else { fourth(x, function) }
}

/// The fourth derivative, from the sigmoid's: `s⁗ = s′(1 − 2s)(1 − 12s′)`.
fn fourth<T: Scalar>(x: T, function: Activation) -> T {
    let sigmoid = |x: T| {
        let slope = x.activation(Activation::Sigmoid, 1);
        let odd = T::one() - T::constant(2.0) * x.sigmoid();
        slope * odd * (T::one() - T::constant(12.0) * slope)
    };
    match function {
        Activation::Identity => T::zero(),
        // Zero off the kink, everything at it, as the third derivative is.
        Activation::Relu => x.activation(Activation::Relu, 3),
        Activation::Tanh => T::constant(32.0) * sigmoid(T::constant(2.0) * x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Softplus => x.activation(Activation::Sigmoid, 3),
        Activation::Silu => x * sigmoid(x) + T::constant(4.0) * x.activation(Activation::Sigmoid, 3),
    }
}

/// The elementary functions of [`Scalar`] by way of an inherent `unary(self, Unary) -> Self`.
macro_rules! elementary {
    () => {
        elementary!(
            recip Recip, sqr Sqr, sqrt Sqrt, exp Exp, ln Ln, sin Sin, cos Cos, normal_cdf NormalCdf, normal_pdf NormalPdf
        );
        #[inline]
        fn powi(self, n: i32) -> Self {
            self.unary(Unary::Powi(n))
        }
        #[inline]
        fn activation(self, function: Activation, order: usize) -> Self {
            self.unary(Unary::Activation(function, order))
        }
    };
    ($($method:ident $rule:ident),*) => {
        $(#[inline]
        fn $method(self) -> Self {
            self.unary(Unary::$rule)
        })*
    };
}
pub(super) use elementary;

//! Functions written once, for every number they are evaluated over.

use crate::math::Scalar;

/// A function of several variables with one output, written once over [`Scalar`].
///
/// A trait rather than a closure, because a closure has one argument type and a derivative needs several.
///
/// # Examples
/// ```
/// use sobolev::ad::{Function, gradient};
/// use sobolev::math::Scalar;
///
/// struct Call { weights: [f64; 2], strike: f64 }
/// impl Function for Call {
///     fn eval<S: Scalar>(&self, spots: &[S]) -> S {
///         let basket = spots.iter().zip(self.weights).fold(S::zero(), |b, (&s, w)| b + S::constant(w) * s);
///         (basket - S::constant(self.strike)).positive_part()
///     }
/// }
/// let call = Call { weights: [0.25, 0.75], strike: 1.0 };
/// let (payoff, deltas) = gradient(&call, &[1.0, 2.0]);
/// assert_eq!((payoff, deltas), (0.75, vec![0.25, 0.75]));
/// ```
pub trait Function {
    /// The output at `x`.
    fn eval<S: Scalar>(&self, x: &[S]) -> S;
}

/// A function with several outputs, written once over [`Scalar`]. Every [`Function`] is one with a single output.
///
/// # Examples
/// ```
/// use sobolev::ad::{Map, vjp};
/// use sobolev::math::Scalar;
///
/// struct SumAndProduct;
/// impl Map for SumAndProduct {
///     fn outputs(&self) -> usize { 2 }
///     fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
///         (y[0], y[1]) = (x[0] + x[1], x[0] * x[1]);
///     }
/// }
/// let (y, x_bar) = vjp(&SumAndProduct, &[2.0, 3.0], &[0.0, 1.0]);
/// assert_eq!((y, x_bar), (vec![5.0, 6.0], vec![3.0, 2.0]));
/// ```
pub trait Map {
    /// How many outputs there are.
    fn outputs(&self) -> usize;
    /// Writes the outputs at `x` to `y`, which is [`outputs`](Self::outputs) long.
    fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]);
}

impl<F: Function> Map for F {
    #[inline]
    fn outputs(&self) -> usize {
        1
    }
    #[inline]
    fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
        y[0] = self.eval(x);
    }
}

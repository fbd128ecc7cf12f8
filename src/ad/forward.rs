//! The drivers for a few inputs, known when compiled: forward mode on arrays, no allocation, no `std`.

use core::array::from_fn;

use super::{Dual, Function, Map};
use crate::math::Scalar;

/// Outputs `y = f(x)` and tangents `y_dot = J(x) x_dot`.
///
/// # Panics
/// If `f` has not `M` outputs.
///
/// # Examples
/// ```
/// use sobolev::ad::{Map, forward};
/// use sobolev::math::Scalar;
///
/// struct Polar;
/// impl Map for Polar {
///     fn outputs(&self) -> usize { 2 }
///     fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
///         y[0] = x[0] * x[1].cos();
///         y[1] = x[0] * x[1].sin();
///     }
/// }
/// let (y, y_dot) = forward::jvp(&Polar, &[2.0, 0.0], &[0.0, 1.0]);
/// assert_eq!((y, y_dot), ([2.0, 0.0], [0.0, 2.0]));
/// ```
#[track_caller]
pub fn jvp<T: Scalar, const N: usize, const M: usize>(f: &impl Map, x: &[T; N], x_dot: &[T; N]) -> ([T; M], [T; M]) {
    assert_eq!(f.outputs(), M, "the number of outputs");
    let x: [Dual<T>; N] = from_fn(|i| Dual { value: x[i], tangent: [x_dot[i]] });
    let mut y = [Dual::fixed(T::zero()); M];
    f.eval_into(&x, &mut y);
    (y.map(|y| y.value), y.map(|y| y.tangent[0]))
}

/// `f(x)` and `∇f(x)`.
pub fn gradient<T: Scalar, const N: usize>(f: &impl Function, x: &[T; N]) -> (T, [T; N]) {
    let x: [Dual<T, N>; N] = from_fn(|i| Dual::seed(x[i], i));
    let y = f.eval(&x);
    (y.value, y.tangent)
}

/// `f(x)`, `∇f(x)` and `∇²f(x) v`.
pub fn hvp<T: Scalar, const N: usize>(f: &impl Function, x: &[T; N], v: &[T; N]) -> (T, [T; N], [T; N]) {
    let x: [Dual<T>; N] = from_fn(|i| Dual { value: x[i], tangent: [v[i]] });
    let (y, gradient) = gradient(f, &x);
    (y.value, gradient.map(|g| g.value), gradient.map(|g| g.tangent[0]))
}

/// `f(x)`, `∇f(x)` and `∇²f(x)`, whose rows are symmetric up to rounding.
pub fn hessian<T: Scalar, const N: usize>(f: &impl Function, x: &[T; N]) -> (T, [T; N], [[T; N]; N]) {
    let x: [Dual<T, N>; N] = from_fn(|i| Dual::seed(x[i], i));
    let (y, gradient) = gradient(f, &x);
    (y.value, gradient.map(|g| g.value), gradient.map(|g| g.tangent))
}

//! The drivers: derivatives of a function written once, by the tape.

use super::{Dual, Function, Map, Tape, Var};
use crate::math::Scalar;

/// Directions that [`hessian`] carries at once.
const BLOCK: usize = 8;

/// Outputs `y = f(x)` and tangents `y_dot = J(x) x_dot`, by forward mode.
///
/// # Shapes
/// inputs → outputs
///
/// # Panics
/// If `x` and `x_dot` differ in length.
#[track_caller]
pub fn jvp<T: Scalar>(f: &impl Map, x: &[T], x_dot: &[T]) -> (Vec<T>, Vec<T>) {
    assert_eq!(x.len(), x_dot.len(), "a tangent for each input");
    let x: Vec<Dual<T>> = x.iter().zip(x_dot).map(|(&value, &dot)| Dual { value, tangent: [dot] }).collect();
    let mut y = vec![Dual::fixed(T::zero()); f.outputs()];
    f.eval_into(&x, &mut y);
    y.into_iter().map(|y| (y.value, y.tangent[0])).unzip()
}

/// Outputs `y = f(x)` and adjoints `x_bar = J(x)ᵀ y_bar`, by reverse mode. In a loop: [`Tape::vjp_into`].
///
/// # Shapes
/// `x`, `x_bar`: inputs; `y`, `y_bar`: outputs
///
/// # Panics
/// If `y_bar` is not as long as `f` has outputs.
#[track_caller]
pub fn vjp<T: Scalar>(f: &impl Map, x: &[T], y_bar: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut y, mut x_bar) = (vec![T::zero(); f.outputs()], vec![T::zero(); x.len()]);
    Tape::new().vjp_into(f, x, y_bar, &mut y, &mut x_bar);
    (y, x_bar)
}

/// `f(x)` and `∇f(x)`, by reverse mode. In a loop: [`Tape::gradient_into`].
pub fn gradient<T: Scalar>(f: &impl Function, x: &[T]) -> (T, Vec<T>) {
    let mut gradient = vec![T::zero(); x.len()];
    let y = Tape::new().gradient_into(f, x, &mut gradient);
    (y, gradient)
}

/// `f(x)`, `∇f(x)` and `∇²f(x) v`, forward over reverse. In a loop: [`Tape::hvp_into`].
///
/// # Panics
/// If `x` and `v` differ in length.
///
/// # Examples
/// ```
/// use sobolev::ad::{Function, hvp};
/// use sobolev::math::Scalar;
///
/// struct Cubic;
/// impl Function for Cubic {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S {
///         x[0].powi(3) + x[0] * x[1]
///     }
/// }
/// let (y, gradient, hv) = hvp(&Cubic, &[2.0, 3.0], &[1.0, 0.0]);
/// assert_eq!((y, gradient, hv), (14.0, vec![15.0, 2.0], vec![12.0, 1.0]));
/// ```
#[track_caller]
pub fn hvp<T: Scalar>(f: &impl Function, x: &[T], v: &[T]) -> (T, Vec<T>, Vec<T>) {
    let (mut gradient, mut hv) = (vec![T::zero(); x.len()], vec![[T::zero()]; x.len()]);
    let y = Tape::new().hvp_into(f, x, v.as_chunks().0, &mut gradient, &mut hv);
    (y, gradient, hv.into_iter().flatten().collect())
}

/// `f(x)`, `∇f(x)` and `∇²f(x)`, forward over reverse, several directions a sweep. In a loop: [`Tape::hessian_into`].
///
/// # Shapes
/// Hessian: inputs × inputs, row-major, symmetric up to rounding
pub fn hessian<T: Scalar>(f: &impl Function, x: &[T]) -> (T, Vec<T>, Vec<T>) {
    let (mut gradient, mut hessian) = (vec![T::zero(); x.len()], vec![T::zero(); x.len() * x.len()]);
    let y = Tape::<Dual<T, BLOCK>>::new().hessian_into(f, x, &mut gradient, &mut hessian);
    (y, gradient, hessian)
}

impl<T: Scalar> Tape<T> {
    /// Writes `y = f(x)` and `x_bar = J(x)ᵀ y_bar`; the former recording is overwritten.
    ///
    /// # Guarantee
    /// No allocation once the tape has held a recording as long.
    ///
    /// # Panics
    /// If `y` or `y_bar` is not as long as `f` has outputs, or `x_bar` not as long as `x`.
    #[track_caller]
    pub fn vjp_into(&mut self, f: &impl Map, x: &[T], y_bar: &[T], y: &mut [T], x_bar: &mut [T]) {
        assert_eq!(f.outputs(), y_bar.len(), "a weight for each output");
        assert_eq!(y.len(), y_bar.len(), "room for each output");
        assert_eq!(x.len(), x_bar.len(), "an adjoint for each input");
        self.sweep(f, x.iter().copied(), y_bar, |i, value| y[i] = value, |i, bar| x_bar[i] = bar);
    }

    /// Returns `f(x)` and writes `∇f(x)`; the former recording is overwritten.
    ///
    /// # Guarantee
    /// No allocation once the tape has held a recording as long.
    ///
    /// # Panics
    /// If `gradient` is not as long as `x`.
    ///
    /// # Examples
    /// Eight points at once, with a tape that is lent from call to call:
    /// ```
    /// use sobolev::ad::{Function, Lanes, Tape};
    /// use sobolev::math::Scalar;
    ///
    /// struct Product;
    /// impl Function for Product {
    ///     fn eval<S: Scalar>(&self, x: &[S]) -> S { x[0] * x[1] }
    /// }
    /// let mut tape = Tape::<Lanes<f64, 8>>::new();
    /// let mut gradient = [Lanes::splat(0.0); 2];
    /// for step in 0..3 {
    ///     let x = [Lanes::splat(f64::from(step)), Lanes([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])];
    ///     tape.gradient_into(&Product, &x, &mut gradient);
    ///     assert_eq!(gradient, [x[1], x[0]]);
    /// }
    /// ```
    #[track_caller]
    pub fn gradient_into(&mut self, f: &impl Function, x: &[T], gradient: &mut [T]) -> T {
        let mut y = [T::zero()];
        self.vjp_into(f, x, &[T::one()], &mut y, gradient);
        y[0]
    }

    /// Records `f` and reverses it, handing over each output and each input's adjoint.
    fn sweep(
        &mut self,
        f: &impl Map,
        inputs: impl ExactSizeIterator<Item = T>,
        y_bar: &[T],
        mut output: impl FnMut(usize, T),
        mut adjoint: impl FnMut(usize, T),
    ) {
        self.clear();
        let tape = &*self;
        let fan_in = inputs.len();
        let mut vars: Vec<Var<'_, T>> = recycle(tape.inputs.take());
        vars.extend(inputs.map(|x| tape.input(x)));
        vars.resize(fan_in + y_bar.len(), Var::fixed(T::zero()));
        let (x, y) = vars.split_at_mut(fan_in);
        f.eval_into(x, y);
        y.iter().enumerate().for_each(|(i, y)| output(i, y.value()));
        let bar = tape.adjoints(y.iter().copied().zip(y_bar.iter().copied()));
        x.iter().enumerate().for_each(|(i, &x)| adjoint(i, bar.of(x)));
        drop(bar);
        tape.inputs.set(recycle(vars));
    }
}

impl<T: Scalar, const N: usize> Tape<Dual<T, N>> {
    /// Returns `f(x)`, writes `∇f(x)` and the products of the Hessian with `N` directions; the former recording is
    /// overwritten.
    ///
    /// # Shapes
    /// `v`, `hv`: inputs × N
    ///
    /// # Guarantee
    /// No allocation once the tape has held a recording as long.
    ///
    /// # Panics
    /// If `v`, `gradient` or `hv` is not as long as `x`.
    #[track_caller]
    pub fn hvp_into(&mut self, f: &impl Function, x: &[T], v: &[[T; N]], gradient: &mut [T], hv: &mut [[T; N]]) -> T {
        assert_eq!(x.len(), v.len(), "a direction for each input");
        assert_eq!((gradient.len(), hv.len()), (x.len(), x.len()), "an adjoint for each input");
        let mut value = T::zero();
        self.sweep(
            f,
            x.iter().zip(v).map(|(&value, &tangent)| Dual { value, tangent }),
            &[Dual::fixed(T::one())],
            |_, y| value = y.value,
            |i, bar| (gradient[i], hv[i]) = (bar.value, bar.tangent),
        );
        value
    }

    /// Returns `f(x)`, writes `∇f(x)` and `∇²f(x)`, `N` columns a sweep; the former recording is overwritten.
    ///
    /// # Shapes
    /// `hessian`: inputs × inputs, row-major
    ///
    /// # Guarantee
    /// No allocation once the tape has held a recording as long.
    ///
    /// # Panics
    /// If `gradient` is not as long as `x`, or `hessian` not as long as its square.
    #[track_caller]
    pub fn hessian_into(&mut self, f: &impl Function, x: &[T], gradient: &mut [T], hessian: &mut [T]) -> T {
        let fan_in = x.len();
        assert_eq!(gradient.len(), fan_in, "an adjoint for each input");
        assert_eq!(hessian.len(), fan_in * fan_in, "a square of inputs");
        let mut value = T::zero();
        // Once at least, so that a function of nothing has its value.
        for first in (0..fan_in.max(1)).step_by(N) {
            let columns = first..fan_in.min(first + N);
            let seed = |(i, &x)| match columns.contains(&i) {
                true => Dual::seed(x, i - first),
                false => Dual::fixed(x),
            };
            self.sweep(
                f,
                x.iter().enumerate().map(seed),
                &[Dual::fixed(T::one())],
                |_, y| value = y.value,
                |i, bar| {
                    gradient[i] = bar.value;
                    hessian[i * fan_in..][columns.clone()].copy_from_slice(&bar.tangent[..columns.len()]);
                },
            );
        }
        value
    }
}

/// The memory of a vector for elements of another type of the same size. Collecting in place is std's optimisation, not
/// its promise; should it go, the result stands and a test that counts allocations fails.
fn recycle<A, B>(mut used: Vec<A>) -> Vec<B> {
    used.clear();
    used.into_iter().map(|_| unreachable!("cleared above")).collect()
}

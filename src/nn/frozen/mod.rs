//! The form to embed: parameters in one array, one sample at a time on the stack. No allocation, no `std`.
//!
//! A chain is cut behind its first one-node layer. The *head* `u(x)` ends there; the *tail* `f(u)` is a function of one
//! variable, whose derivatives ride on the forward sweep ([`taylor`]), so that
//!
//! ```text
//! ∇f = f′·∇u        H_f = f′·H_u + f″·∇u ∇uᵀ
//! ```
//!
//! and only the head is swept in reverse, while the processor still waits for the exponentials of the tail. A chain without
//! such a layer is all head. [`pass`] composes the sweeps for any number of lanes: one here, a tile in [`Native`].

mod curvature;
#[cfg(feature = "std")]
mod native;
mod pass;
#[cfg(feature = "std")]
mod table;
#[cfg(feature = "std")]
mod tabulated;
mod taylor;
#[cfg(feature = "std")]
mod thin;

#[cfg(feature = "std")]
pub use native::{Greeks, Native};
#[cfg(feature = "std")]
pub use table::Table;
#[cfg(feature = "std")]
pub use tabulated::Tabulated;

use super::{Fixed, Loops, SLOTS};
use crate::math::{Contract, Real, Separate};
use pass::Pass;

/// A network whose parameters are one array: exact widths, `Copy`, `Sync`, buildable in a constant.
///
/// Every sum runs in a fixed order and rounds twice a term, so that the bits are the same on every target.
/// `Native` is the same network run with the instructions that the machine has. Everything lives on the stack: widths of
/// hundreds are for `Network`.
///
/// # Examples
/// ```
/// use sobolev::nn::Frozen;
/// sobolev::network!(Line: 2 => 1);
/// const NET: Frozen<Line, f64> = Frozen::new([3.0, -1.0, 0.5]);
/// assert_eq!(NET.value_and_gradient(&[1.0, 2.0]), (1.5, [3.0, -1.0]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Frozen<C: Fixed, T: Real> {
    params: C::Params<T>,
}

impl<C: Fixed, T: Real> Frozen<C, T> {
    /// Takes parameters in the flat layout.
    pub const fn new(params: C::Params<T>) -> Self {
        Self { params }
    }
    /// All parameters, flat.
    pub const fn params(&self) -> &C::Params<T> {
        &self.params
    }

    /// The first output at `x`.
    #[inline]
    pub fn value(&self, x: &C::Inputs<T>) -> T {
        self.value_with(Separate, x)
    }
    /// Value and gradient of the first output at `x`.
    #[inline]
    pub fn value_and_gradient(&self, x: &C::Inputs<T>) -> (T, C::Inputs<T>) {
        self.gradient_with(Separate, x)
    }
    /// Value, gradient and the directional gamma `vᵀHv` of the first output at `x`.
    #[inline]
    pub fn gamma(&self, x: &C::Inputs<T>, v: &C::Inputs<T>) -> (T, C::Inputs<T>, T) {
        self.gamma_with(Separate, x, v)
    }
    /// Value, gradient and the product of the Hessian with `v`, of the first output at `x`.
    #[inline]
    pub fn hvp(&self, x: &C::Inputs<T>, v: &C::Inputs<T>) -> (T, C::Inputs<T>, C::Inputs<T>) {
        self.hvp_with(Separate, x, v)
    }
    /// Value, gradient and Hessian of the first output at `x`; the Hessian is symmetric to the bit.
    #[inline]
    pub fn hessian(&self, x: &C::Inputs<T>) -> (T, C::Inputs<T>, C::Square<T>) {
        self.hessian_with(Separate, x)
    }

    #[inline(always)]
    fn value_with<K: Contract>(&self, contract: K, x: &C::Inputs<T>) -> T {
        self.pass(contract, &mut load::<C, T>(x)).value()[0]
    }
    #[inline(always)]
    fn gradient_with<K: Contract>(&self, contract: K, x: &C::Inputs<T>) -> (T, C::Inputs<T>) {
        let mut tape = load::<C, T>(x);
        let mut pass = self.pass(contract, &mut tape);
        let [y] = pass.gradient();
        (y, inputs::<C, T>(pass.bar()))
    }
    #[inline(always)]
    fn gamma_with<K: Contract>(&self, contract: K, x: &C::Inputs<T>, v: &C::Inputs<T>) -> (T, C::Inputs<T>, T) {
        let mut tape = load::<C, T>(x);
        let mut pass = self.pass(contract, &mut tape);
        let ([y], [gamma]) = pass.gamma(v.as_ref());
        (y, inputs::<C, T>(pass.bar()), gamma)
    }
    #[inline(always)]
    fn hvp_with<K: Contract>(
        &self,
        contract: K,
        x: &C::Inputs<T>,
        v: &C::Inputs<T>,
    ) -> (T, C::Inputs<T>, C::Inputs<T>) {
        let mut tape = load::<C, T>(x);
        let mut pass = self.pass(contract, &mut tape);
        let [y] = pass.hvp(v.as_ref());
        (y, inputs::<C, T>(pass.bar()), inputs::<C, T>(pass.dot()))
    }
    #[inline(always)]
    fn hessian_with<K: Contract>(&self, contract: K, x: &C::Inputs<T>) -> (T, C::Inputs<T>, C::Square<T>) {
        let mut tape = load::<C, T>(x);
        let mut pass = self.pass(contract, &mut tape);
        let mut square = C::square_of(T::ZERO);
        let rows = square.as_mut();
        let [y] = pass.hessian(|i, j, [term]| rows[i].as_mut()[j] += term);
        for i in 0..C::INPUTS {
            for j in 0..i {
                rows[i].as_mut()[j] = rows[j].as_ref()[i];
            }
        }
        (y, inputs::<C, T>(pass.bar()), square)
    }

    #[inline(always)]
    fn pass<'a, K: Contract>(&'a self, contract: K, tape: &'a mut Tape<C, T>) -> Pass<'a, C, Loops<K>, T, 1> {
        Pass::new(Loops(contract), self.params.as_ref(), tape.as_mut().as_flattened_mut())
    }
}

/// One sample's memory.
type Tape<C, T> = <C as Fixed>::Nodes<[[T; 1]; SLOTS]>;

#[inline(always)]
fn load<C: Fixed, T: Real>(x: &C::Inputs<T>) -> Tape<C, T> {
    let mut tape = C::nodes_of([[T::ZERO; 1]; SLOTS]);
    let (values, x) = (tape.as_mut().as_flattened_mut(), x.as_ref());
    // Counted, not zipped: a zip becomes a call of memcpy, and the tape memory instead of registers.
    for j in 0..C::INPUTS {
        values[j] = [x[j]];
    }
    tape
}

#[inline(always)]
fn inputs<C: Fixed, T: Real>(column: &[[T; 1]]) -> C::Inputs<T> {
    let mut inputs = C::inputs_of(T::ZERO);
    let x = inputs.as_mut();
    for j in 0..C::INPUTS {
        [x[j]] = column[j];
    }
    inputs
}

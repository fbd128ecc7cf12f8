//! The form to embed: parameters in one array, one sample at a time on the stack. No allocation, no `std`.

use super::{Fixed, Forward, Loops, Reverse, SLOTS, SecondReverse, Slot, Tangent};
use crate::math::{Real, Separate};

/// A network whose parameters are one array: exact widths, `Copy`, buildable in a constant.
///
/// Every sum runs in a fixed order and rounds twice a term, so that the bits are the same on every target.
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

type Point<T> = [T; 1];

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
        let mut tape = Self::load(x);
        C::default().down_typed(&mut Forward::<_, _, 1, 0>::new(
            Loops(Separate),
            self.params.as_ref(),
            tape.as_mut().as_flattened_mut(),
        ));
        Self::output(&mut tape, Slot::Value)[0]
    }

    /// Value and gradient of the first output at `x`.
    #[inline]
    pub fn value_and_gradient(&self, x: &C::Inputs<T>) -> (T, C::Inputs<T>) {
        let mut tape = Self::load(x);
        let value = self.first_order::<1>(&mut tape);
        (value, Self::input(&tape, Slot::Bar))
    }

    /// Value, gradient and the product of the Hessian with `v`, of the first output at `x`.
    #[inline]
    pub fn hvp(&self, x: &C::Inputs<T>, v: &C::Inputs<T>) -> (T, C::Inputs<T>, C::Inputs<T>) {
        let mut tape = Self::load(x);
        let value = self.first_order::<2>(&mut tape);
        let flat = tape.as_mut().as_flattened_mut();
        for (dot, &v) in flat[Slot::Dot as usize * C::INPUTS..].iter_mut().zip(v.as_ref()) {
            *dot = [v];
        }
        C::default().down_typed(&mut Tangent::<_, _, 1>::new(Loops(Separate), self.params.as_ref(), flat));
        C::default().up_typed(&mut SecondReverse::<_, _, 1, true>::new(
            Loops(Separate),
            self.params.as_ref(),
            flat,
            C::OUTPUTS,
            &mut [],
            &mut [],
        ));
        (value, Self::input(&tape, Slot::Bar), Self::input(&tape, Slot::BarDot))
    }

    #[inline(always)]
    fn first_order<const ORDER: usize>(&self, tape: &mut C::Nodes<[Point<T>; SLOTS]>) -> T {
        let params = self.params.as_ref();
        let flat = tape.as_mut().as_flattened_mut();
        C::default().down_typed(&mut Forward::<_, _, 1, ORDER>::new(Loops(Separate), params, flat));
        *Self::output(tape, Slot::Bar) = [T::ONE];
        let flat = tape.as_mut().as_flattened_mut();
        C::default().up_typed(&mut Reverse::<_, _, 1, ORDER, true>::new(
            Loops(Separate),
            params,
            flat,
            C::OUTPUTS,
            &mut [],
            &mut [],
        ));
        Self::output(tape, Slot::Value)[0]
    }
    #[inline(always)]
    fn load(x: &C::Inputs<T>) -> C::Nodes<[Point<T>; SLOTS]> {
        let mut tape = C::zero_nodes();
        for (value, &x) in tape.as_mut().as_flattened_mut().iter_mut().zip(x.as_ref()) {
            *value = [x];
        }
        tape
    }
    #[inline(always)]
    fn output(tape: &mut C::Nodes<[Point<T>; SLOTS]>, slot: Slot) -> &mut Point<T> {
        let flat = tape.as_mut().as_flattened_mut();
        let at = flat.len() - (SLOTS - slot as usize) * C::OUTPUTS;
        &mut flat[at]
    }
    #[inline(always)]
    fn input(tape: &C::Nodes<[Point<T>; SLOTS]>, slot: Slot) -> C::Inputs<T> {
        let mut x = C::zero_inputs();
        let flat = tape.as_ref().as_flattened();
        for (x, v) in x.as_mut().iter_mut().zip(&flat[slot as usize * C::INPUTS..]) {
            *x = v[0];
        }
        x
    }
}

//! One evaluation: the sweeps over head and tail, composed.

use core::marker::PhantomData;
use core::ops::Range;

use super::curvature::{Along, Back};
use super::taylor::Taylor;
use crate::math::{Contract, Number};
use crate::nn::{Accum, Activate, Dense, Fixed, Forward, Kernel, Layer, Reverse, SLOTS, Slot, Sweep, Width, act};

/// Layers of the head: up to the first one-node layer, or all.
pub(super) const fn head(layers: &[Layer]) -> usize {
    let mut l = 0;
    while l + 1 < layers.len() && layers[l].fan_out.0 != 1 {
        l += 1;
    }
    l + 1
}

/// Nodes of a block: the inputs, or those of layer `block − 1`.
const fn width(layers: &[Layer], block: usize) -> usize {
    if block == 0 { layers[0].fan_in.0 } else { layers[block - 1].fan_out.0 }
}

/// Columns of memory before a block.
const fn columns(layers: &[Layer], block: usize) -> usize {
    let (mut sum, mut b) = (0, 0);
    while b < block {
        sum += SLOTS * width(layers, b);
        b += 1;
    }
    sum
}

/// Parameters before a layer.
pub(super) const fn params(layers: &[Layer], layer: usize) -> usize {
    let (mut sum, mut l) = (0, 0);
    while l < layer {
        sum += (layers[l].fan_in.0 + 1) * layers[l].fan_out.0;
        l += 1;
    }
    sum
}

/// A sweep that visits only some layers; an open part leaves out the activation of its last.
struct Part<S, const OPEN: bool> {
    sweep: S,
    layers: Range<usize>,
    at: usize,
    up: bool,
}

impl<S: Sweep, const OPEN: bool> Sweep for Part<S, OPEN> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let here = if self.up { self.at - 1 } else { self.at };
        if OPEN && here + 1 == self.layers.end {
            let Dense { fan_in, fan_out, .. } = *layer;
            self.sweep.layer(&Dense { fan_in, fan_out, activation: act::identity });
        } else if self.layers.contains(&here) {
            self.sweep.layer(layer);
        }
        self.at = if self.up { here } else { here + 1 };
    }
}

#[inline(always)]
fn down<C: Fixed, const OPEN: bool>(layers: Range<usize>, sweep: impl Sweep) {
    C::default().down_typed(&mut Part::<_, OPEN> { sweep, layers, at: 0, up: false });
}

#[inline(always)]
fn up<C: Fixed, const OPEN: bool>(layers: Range<usize>, sweep: impl Sweep) {
    C::default().up_typed(&mut Part::<_, OPEN> { sweep, layers, at: C::LAYERS.len(), up: true });
}

/// `R` samples on their way through a network. Inputs stand in the first block's `Value`; after any of the methods but
/// [`value`](Self::value) their gradients stand in its `Bar`.
///
/// An open pass ends the head before its activation, which then belongs to a tail that the caller knows: the methods whose
/// names end in `_of` take its value, first and second derivative.
pub(super) struct Pass<'a, C, K, T, const R: usize, const OPEN: bool = false> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    chain: PhantomData<C>,
}

impl<'a, C: Fixed, K: Kernel<T, R>, T: Number, const R: usize, const OPEN: bool> Pass<'a, C, K, T, R, OPEN> {
    const LAYERS: usize = C::LAYERS.len();
    /// Layers of the head, which is also the number of its last block.
    const HEAD: usize = head(C::LAYERS);
    const HAS_TAIL: bool = Self::HEAD < Self::LAYERS;
    const HEAD_PARAMS: usize = params(C::LAYERS, Self::HEAD);
    /// Where the head's last block starts and ends.
    const CUT: usize = columns(C::LAYERS, Self::HEAD);
    const HEAD_WIDTH: usize = width(C::LAYERS, Self::HEAD);
    const HEAD_END: usize = Self::CUT + SLOTS * Self::HEAD_WIDTH;
    /// The first layer's nodes: where Hessians start if they are fewer than the inputs.
    const FIRST: usize = columns(C::LAYERS, 1);
    const FIRST_WIDTH: usize = width(C::LAYERS, 1);
    const FIRST_PARAMS: usize = params(C::LAYERS, 1);

    #[inline(always)]
    pub(super) fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, chain: PhantomData }
    }

    /// The first output.
    #[inline(always)]
    pub(super) fn value(&mut self) -> [T; R] {
        down::<C, false>(0..Self::LAYERS, Forward::<_, _, R, 0>::new(self.kernel, self.params, self.tape));
        self.output(Slot::Value)
    }

    /// The first output; its gradient.
    #[inline(always)]
    pub(super) fn gradient(&mut self) -> [T; R] {
        self.forward::<1>();
        let tail = self.tail::<1>();
        self.gradient_of(tail)
    }

    /// The first output and its second derivative along `v`; its gradient.
    #[inline(always)]
    pub(super) fn gamma(&mut self, v: &[T]) -> ([T; R], [T; R]) {
        let line = self.along(v);
        let tail = self.tail::<2>();
        self.gamma_of(line, tail)
    }

    /// The first output; its gradient, and in the inputs' `Dot` the product of its Hessian with `v`.
    #[inline(always)]
    pub(super) fn hvp(&mut self, v: &[T]) -> [T; R] {
        self.forward::<2>();
        let tail = self.tail::<2>();
        self.hvp_of(v, tail)
    }

    /// The first output; its gradient. Calls `add(i, j, term)` for entries `i ≤ j` of the Hessian, which starts at 0.
    #[inline(always)]
    pub(super) fn hessian(&mut self, add: impl FnMut(usize, usize, [T; R])) -> [T; R] {
        self.forward::<2>();
        let tail = self.tail::<2>();
        self.hessian_of(add, tail)
    }

    /// Up to the end of the head, whose (first) node is returned.
    #[inline(always)]
    pub(super) fn forward<const ORDER: usize>(&mut self) -> [T; R] {
        let sweep = Forward::<_, _, R, ORDER>::new(self.kernel, self.head_params(), self.tape);
        down::<C, OPEN>(0..Self::HEAD, sweep);
        self.end(Slot::Value)
    }

    /// The same along a line in direction `v`: `u`, `u̇`, `ü`.
    #[inline(always)]
    pub(super) fn along(&mut self, v: &[T]) -> [[T; R]; 3] {
        self.direct(v);
        down::<C, OPEN>(0..Self::HEAD, Taylor::<_, _, R, 2>::new(self.kernel, self.head_params(), self.tape));
        [self.end(Slot::Value), self.end(Slot::Dot), self.end(Slot::BarDot)]
    }

    /// After [`forward`](Self::forward).
    #[inline(always)]
    pub(super) fn gradient_of(&mut self, [value, slope, _]: [[T; R]; 3]) -> [T; R] {
        self.reverse::<1>();
        self.scale(Slot::Bar, slope);
        value
    }

    /// After [`along`](Self::along).
    #[inline(always)]
    pub(super) fn gamma_of(
        &mut self,
        [_, u_dot, mut gamma]: [[T; R]; 3],
        [value, slope, curve]: [[T; R]; 3],
    ) -> ([T; R], [T; R]) {
        if Self::HAS_TAIL {
            for r in 0..R {
                gamma[r] = self.kernel.contract().mul_add(curve[r] * u_dot[r], u_dot[r], slope[r] * gamma[r]);
            }
        }
        (self.gradient_of([value, slope, curve]), gamma)
    }

    /// After [`forward`](Self::forward) of order 2.
    #[inline(always)]
    pub(super) fn hvp_of(&mut self, v: &[T], [value, slope, curve]: [[T; R]; 3]) -> [T; R] {
        self.reverse::<2>();
        self.direct(v);
        let u_dot = self.curvature(0);
        self.add_tail(slope, curve, u_dot);
        self.scale(Slot::Bar, slope);
        value
    }

    /// After [`forward`](Self::forward) of order 2.
    #[inline(always)]
    pub(super) fn hessian_of(
        &mut self,
        mut add: impl FnMut(usize, usize, [T; R]),
        [value, slope, curve]: [[T; R]; 3],
    ) -> [T; R] {
        self.reverse::<2>();
        if Self::FIRST_WIDTH < C::INPUTS {
            self.hessian_by_nodes(slope, curve, &mut add);
        } else {
            self.hessian_by_inputs(slope, curve, &mut add);
        }
        self.scale(Slot::Bar, slope);
        value
    }

    /// Row by row along the inputs.
    #[inline(always)]
    fn hessian_by_inputs(&mut self, slope: [T; R], curve: [T; R], add: &mut impl FnMut(usize, usize, [T; R])) {
        for i in 0..C::INPUTS {
            for j in 0..C::INPUTS {
                *self.input(Slot::Dot, j) = self.constant(if i == j { 1.0 } else { 0.0 });
            }
            let u_dot = self.curvature(0);
            self.add_tail(slope, curve, u_dot);
            for j in i..C::INPUTS {
                add(i, j, *self.input(Slot::Dot, j));
            }
        }
    }

    /// `Wᵀ G W`, with `G` the Hessian in the pre-activations of the first layer, a row at a time.
    #[inline(always)]
    fn hessian_by_nodes(&mut self, slope: [T; R], curve: [T; R], add: &mut impl FnMut(usize, usize, [T; R])) {
        let c = self.kernel.contract();
        let (params, kernel) = (self.params, self.kernel);
        let weights = &params[..Self::FIRST_WIDTH * C::INPUTS];
        for d in 0..Self::FIRST_WIDTH {
            for o in 0..Self::FIRST_WIDTH {
                *self.first(Slot::Dot, o) = if o == d { *self.first(Slot::Slope, o) } else { self.constant(0.0) };
            }
            self.curvature(1);
            let bar_d = *self.first(Slot::Bar, d);
            for o in 0..Self::FIRST_WIDTH {
                let (bar_dot, sigma) = (*self.first(Slot::Dot, o), *self.first(Slot::Slope, o));
                let (bend, bar) = (*self.first(Slot::Curve, o), *self.first(Slot::Bar, o));
                let row = self.first(Slot::BarDot, o);
                for r in 0..R {
                    let own = if o == d { bend[r] } else { bend[r].like(0.0) };
                    row[r] = c.mul_add(bar_dot[r], sigma[r], own);
                    if Self::HAS_TAIL {
                        row[r] = c.mul_add(curve[r] * bar_d[r], bar[r], slope[r] * row[r]);
                    }
                }
            }
            let (below, above) = self.tape.split_at_mut(Self::FIRST);
            let row = &above[Slot::BarDot as usize * Self::FIRST_WIDTH..][..Self::FIRST_WIDTH];
            kernel.transposed(weights, row, &mut below[Slot::Dot as usize * C::INPUTS..][..C::INPUTS]);
            for i in 0..C::INPUTS {
                let w = weights[d * C::INPUTS + i];
                for j in i..C::INPUTS {
                    let mut term = *self.input(Slot::Dot, j);
                    for r in 0..R {
                        term[r] *= w;
                    }
                    add(i, j, term);
                }
            }
        }
    }

    /// Tangents from block `from` to the head's end and second-order adjoints back to it; `u̇`.
    #[inline(always)]
    fn curvature(&mut self, from: usize) -> [T; R] {
        let (at, skip) = if from == 0 { (0, 0) } else { (Self::FIRST, Self::FIRST_PARAMS) };
        let params = &self.params[skip..Self::HEAD_PARAMS];
        let tape = &mut self.tape[at..Self::HEAD_END];
        down::<C, OPEN>(from..Self::HEAD, Along::<_, _, R>::new(self.kernel, params, tape));
        let u_dot = self.end(Slot::Dot);
        for o in 0..Self::HEAD_WIDTH {
            self.tape[Self::CUT + Slot::Dot as usize * Self::HEAD_WIDTH + o] = self.constant(0.0);
        }
        let tape = &mut self.tape[at..Self::HEAD_END];
        up::<C, OPEN>(from..Self::HEAD, Back::<_, _, R>::new(self.kernel, params, tape, Self::HEAD_WIDTH));
        u_dot
    }

    /// `f′·H_u v + f″·u̇·∇u` from the head's part in the inputs' `Dot`.
    #[inline(always)]
    fn add_tail(&mut self, slope: [T; R], curve: [T; R], u_dot: [T; R]) {
        if Self::HAS_TAIL {
            let c = self.kernel.contract();
            for j in 0..C::INPUTS {
                let bar = *self.input(Slot::Bar, j);
                let dot = self.input(Slot::Dot, j);
                for r in 0..R {
                    dot[r] = c.mul_add(curve[r] * u_dot[r], bar[r], slope[r] * dot[r]);
                }
            }
        }
    }

    /// The tail's value and derivatives in `u`.
    #[inline(always)]
    fn tail<const ORDER: usize>(&mut self) -> [[T; R]; 3] {
        if !Self::HAS_TAIL {
            return [self.output(Slot::Value), self.constant(1.0), self.constant(0.0)];
        }
        self.tape[Self::CUT + Slot::Dot as usize] = self.constant(1.0);
        let (params, tape) = (&self.params[Self::HEAD_PARAMS..], &mut self.tape[Self::CUT..]);
        down::<C, false>(Self::HEAD..Self::LAYERS, Taylor::<_, _, R, ORDER>::new(self.kernel, params, tape));
        [self.output(Slot::Value), self.output(Slot::Dot), self.output(Slot::BarDot)]
    }

    /// Adjoints of the head from the seed 1 at its (first) end.
    #[inline(always)]
    fn reverse<const ORDER: usize>(&mut self) {
        for o in 0..Self::HEAD_WIDTH {
            let seed = self.constant(if o == 0 { 1.0 } else { 0.0 });
            self.tape[Self::CUT + Slot::Bar as usize * Self::HEAD_WIDTH + o] = seed;
        }
        let (params, tape) = (&self.params[..Self::HEAD_PARAMS], &mut self.tape[..Self::HEAD_END]);
        let sweep = Reverse::<_, _, R, ORDER, true>::new(
            self.kernel,
            params,
            tape,
            Self::HEAD_WIDTH,
            &mut [],
            Accum::Add,
            &mut [],
        );
        up::<C, OPEN>(0..Self::HEAD, sweep);
    }

    #[inline(always)]
    fn direct(&mut self, v: &[T]) {
        for (j, &v) in v.iter().enumerate() {
            *self.input(Slot::Dot, j) = [v; R];
        }
    }
    #[inline(always)]
    fn scale(&mut self, slot: Slot, slope: [T; R]) {
        if Self::HAS_TAIL {
            for j in 0..C::INPUTS {
                let x = self.input(slot, j);
                for r in 0..R {
                    x[r] *= slope[r];
                }
            }
        }
    }

    /// In every lane of every sample.
    #[inline(always)]
    fn constant(&self, c: f64) -> [T; R] {
        [self.params[0].like(c); R]
    }
    #[inline(always)]
    fn head_params(&self) -> &'a [T] {
        &self.params[..Self::HEAD_PARAMS]
    }
    #[inline(always)]
    fn input(&mut self, slot: Slot, j: usize) -> &mut [T; R] {
        &mut self.tape[slot as usize * C::INPUTS + j]
    }
    #[inline(always)]
    fn first(&mut self, slot: Slot, o: usize) -> &mut [T; R] {
        &mut self.tape[Self::FIRST + slot as usize * Self::FIRST_WIDTH + o]
    }
    #[inline(always)]
    fn end(&self, slot: Slot) -> [T; R] {
        self.tape[Self::CUT + slot as usize * Self::HEAD_WIDTH]
    }
    #[inline(always)]
    fn output(&self, slot: Slot) -> [T; R] {
        self.tape[self.tape.len() - (SLOTS - slot as usize) * C::OUTPUTS]
    }
    /// Gradients, one column an input.
    #[inline(always)]
    pub(super) fn bar(&self) -> &[[T; R]] {
        &self.tape[Slot::Bar as usize * C::INPUTS..][..C::INPUTS]
    }
    /// Products of the Hessian, one column an input.
    #[inline(always)]
    pub(super) fn dot(&self) -> &[[T; R]] {
        &self.tape[Slot::Dot as usize * C::INPUTS..][..C::INPUTS]
    }
}

//! The four sweeps that values and derivatives are made of, each written once: what one layer does to one tile.
//!
//! With `a` the nodes, `z = W a + b`, a scalar seed `s = ȳ·f`, and `σ` elementwise:
//!
//! | sweep | direction | computes |
//! |---|---|---|
//! | [`Forward`] | down | `a = σ(z)`, keeping `σ′(z)` and `σ″(z)` |
//! | [`Reverse`] | up | `z̄ = ā σ′`, `ā⁻ = Wᵀ z̄`; `∇_W = z̄ a⁻ᵀ` |
//! | [`Tangent`] | down | `ż = W ȧ⁻`, `ȧ = σ′ ż` |
//! | [`SecondReverse`] | up | `z̄̇ = ā̇ σ′ + ā σ″ ż`, `ā̇⁻ = Wᵀ z̄̇`; `∇_W = z̄̇ a⁻ᵀ + z̄ ȧ⁻ᵀ` |
//!
//! The last two are forward-over-reverse: after a reverse sweep with seed 1, a tangent sweep with direction `ẋ` and a second
//! reverse with seed `ȳ` give the gradient of `ȳ·f + ẋ·∇ₓf` in parameters and inputs. With `ȳ` and `ẋ` the weighted
//! residuals of values and derivatives that is the gradient of the Sobolev loss, Eq. (1): six products a layer in all.

#[cfg(feature = "std")]
use pulp::Simd;

#[cfg(feature = "std")]
use super::Packed;
use super::{Accum, Activate, Dense, Kernel, Sweep, Then, Width};
use crate::math::{Activation, Contract, Number};

/// What is kept for each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Slot {
    /// `a`: an input, or what the activation gave.
    Value = 0,
    /// `σ′(z)`.
    Slope = 1,
    /// `σ″(z)`; `ā σ″` after a reverse sweep; `ā σ″ ż` after a tangent sweep.
    Curve = 2,
    /// The seed `ā` at the outputs, `z̄` once a sweep has come by; at the inputs `∇ₓ`.
    Bar = 3,
    /// `ȧ`; at the inputs the direction.
    Dot = 4,
    /// The seed `ā̇` at the outputs, `z̄̇` once a sweep has come by; at the inputs the second-order adjoint.
    BarDot = 5,
}

/// Number of [`Slot`]s.
pub const SLOTS: usize = 6;

pub(super) type Block<'a, T, const R: usize> = [&'a mut [[T; R]]; SLOTS];

/// A sweep's place in parameters and memory. Memory is one block of `S × width` columns for the inputs and for each
/// layer, slot after slot.
pub(super) struct Place<const S: usize = SLOTS> {
    pub(super) param: usize,
    pub(super) block: usize,
}

impl<const S: usize> Place<S> {
    pub(super) const START: Self = Self { param: 0, block: 0 };

    pub(super) fn end(params: usize, columns: usize, outputs: usize) -> Self {
        Self { param: params, block: columns - S * outputs }
    }
    #[inline(always)]
    pub(super) fn forward<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.param += layer.params();
        self.block += S * layer.fan_in.get();
    }
    /// Whether the layer is the one that a sweep up starts with.
    #[inline(always)]
    pub(super) fn is_last<I: Width, O: Width, A: Activate>(&self, layer: &Dense<I, O, A>, columns: usize) -> bool {
        self.block + S * layer.fan_out.get() == columns
    }
    #[inline(always)]
    pub(super) fn back<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.param -= layer.params();
        self.block -= S * layer.fan_in.get();
    }
    /// The weights, the biases.
    #[inline(always)]
    pub(super) fn params<'a, T, I: Width, O: Width, A: Activate>(
        &self,
        params: &'a [T],
        layer: &Dense<I, O, A>,
    ) -> (&'a [T], &'a [T]) {
        params[self.param..self.param + layer.params()].split_at(layer.weights())
    }
}

impl Place {
    /// The block of the layer's inputs, the block of its nodes.
    #[inline(always)]
    pub(super) fn blocks<'a, T, I: Width, O: Width, A: Activate, const R: usize>(
        &self,
        tape: &'a mut [[T; R]],
        layer: &Dense<I, O, A>,
    ) -> (Block<'a, T, R>, Block<'a, T, R>) {
        let (fan_in, fan_out) = (layer.fan_in.get(), layer.fan_out.get());
        let both = &mut tape[self.block..self.block + SLOTS * (fan_in + fan_out)];
        let (below, above) = both.split_at_mut(SLOTS * fan_in);
        (slots(below, fan_in), slots(above, fan_out))
    }
}

/// Written out: behind `array::from_fn` the widths would no longer be constants.
#[inline(always)]
fn slots<T, const R: usize>(block: &mut [[T; R]], width: usize) -> Block<'_, T, R> {
    let (value, block) = block.split_at_mut(width);
    let (slope, block) = block.split_at_mut(width);
    let (curve, block) = block.split_at_mut(width);
    let (bar, block) = block.split_at_mut(width);
    let (dot, bar_dot) = block.split_at_mut(width);
    [value, slope, curve, bar, dot, bar_dot]
}

/// Values, and as many derivatives of the activations as `ORDER` says (0, 1 or 2). Inputs stand in the first block.
pub struct Forward<'a, K, T, const R: usize, const ORDER: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    at: Place,
}

impl<'a, K, T, const R: usize, const ORDER: usize> Forward<'a, K, T, R, ORDER> {
    /// To be walked down.
    #[inline(always)]
    pub fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, at: Place::START }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize, const ORDER: usize> Sweep for Forward<'_, K, T, R, ORDER> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (w, b) = self.at.params(self.params, layer);
        let ([x, ..], [value, slope, curve, ..]) = self.at.blocks(self.tape, layer);
        let function = layer.activation.function();
        let contract = self.kernel.contract();
        let then = Activated::<_, _, R, ORDER> { contract, function, slope, curve, third: &mut [] };
        self.kernel.affine_then(w, Some(b), x, value, then);
        self.at.forward(layer);
    }
}

/// `σ(z)` in place of `z`, and as many derivatives as `ORDER` says.
pub(super) struct Activated<'a, C, T, const R: usize, const ORDER: usize> {
    pub(super) contract: C,
    pub(super) function: Activation,
    pub(super) slope: &'a mut [[T; R]],
    pub(super) curve: &'a mut [[T; R]],
    /// Empty below order 3.
    pub(super) third: &'a mut [[T; R]],
}

impl<C: Contract, T: Number, const R: usize, const ORDER: usize> Then<T, R> for Activated<'_, C, T, R, ORDER> {
    #[inline(always)]
    fn row(&mut self, node: usize, value: &mut [T; R]) {
        let (c, slope, curve) = (self.contract, &mut self.slope[node], &mut self.curve[node]);
        let mut third = if ORDER > 2 { Some(&mut self.third[node]) } else { None };
        // One loop for each function, the choice outside of it.
        macro_rules! apply {
            ($function:expr) => {
                for r in 0..R {
                    let [f, first, second, last] = $function.jet(c, value[r]);
                    value[r] = f;
                    if ORDER > 0 {
                        slope[r] = first;
                    }
                    if ORDER > 1 {
                        curve[r] = second;
                    }
                    if let Some(third) = &mut third {
                        third[r] = last;
                    }
                }
            };
        }
        match self.function {
            Activation::Identity => apply!(Activation::Identity),
            Activation::Relu => apply!(Activation::Relu),
            Activation::Tanh => apply!(Activation::Tanh),
            Activation::Sigmoid => apply!(Activation::Sigmoid),
            Activation::Softplus => apply!(Activation::Softplus),
            Activation::Silu => apply!(Activation::Silu),
        }
    }
}

/// Adjoints of the nodes, from the seed in the last block's [`Slot::Bar`], after a [`Forward`] of the same order.
///
/// The gradient of the parameters goes into `grad` unless that is empty; adjoints go down to the inputs only if `INPUTS`.
pub struct Reverse<'a, K, T, const R: usize, const ORDER: usize, const INPUTS: bool> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    grad: &'a mut [T],
    accum: Accum,
    scratch: &'a mut [T],
    at: Place,
}

impl<'a, K, T, const R: usize, const ORDER: usize, const INPUTS: bool> Reverse<'a, K, T, R, ORDER, INPUTS> {
    /// To be walked up.
    #[inline(always)]
    pub fn new(
        kernel: K,
        params: &'a [T],
        tape: &'a mut [[T; R]],
        outputs: usize,
        grad: &'a mut [T],
        accum: Accum,
        scratch: &'a mut [T],
    ) -> Self {
        let at = Place::end(params.len(), tape.len(), outputs);
        Self { kernel, params, tape, grad, accum, scratch, at }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize, const ORDER: usize, const INPUTS: bool> Sweep
    for Reverse<'_, K, T, R, ORDER, INPUTS>
{
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let last = self.at.is_last(layer, self.tape.len());
        self.at.back(layer);
        let (w, _) = self.at.params(self.params, layer);
        let ([x, x_slope, x_curve, x_bar, ..], [_, slope, curve, bar, ..]) = self.at.blocks(self.tape, layer);
        if last {
            Sloped::<_, R, ORDER> { slope, curve }.rows(0, bar);
        }
        if !self.grad.is_empty() {
            let grad = &mut self.grad[self.at.param..self.at.param + layer.params()];
            let (weights, biases) = grad.split_at_mut(layer.weights());
            self.kernel.outer(bar, x, weights, self.accum, self.scratch);
            self.kernel.row_sums(bar, biases, self.accum);
        }
        if self.at.block > 0 {
            let then = Sloped::<_, R, ORDER> { slope: x_slope, curve: x_curve };
            self.kernel.transposed_then(w, bar, x_bar, then);
        } else if INPUTS {
            self.kernel.transposed(w, bar, x_bar);
        }
    }
}

/// `z̄ = ā σ′` in place of `ā`, and for the second order `ā σ″` in place of `σ″`; tangents go the same way.
struct Sloped<'a, T, const R: usize, const ORDER: usize> {
    slope: &'a [[T; R]],
    curve: &'a mut [[T; R]],
}

impl<T: Number, const R: usize, const ORDER: usize> Then<T, R> for Sloped<'_, T, R, ORDER> {
    #[inline(always)]
    fn row(&mut self, node: usize, bar: &mut [T; R]) {
        let (slope, curve) = (&self.slope[node], &mut self.curve[node]);
        for r in 0..R {
            if ORDER > 1 {
                curve[r] *= bar[r];
            }
            bar[r] *= slope[r];
        }
    }
    #[cfg(feature = "std")]
    const IN_REGISTERS: bool = true;
    #[cfg(feature = "std")]
    #[inline(always)]
    fn registers<S: Simd, const NV: usize>(&mut self, simd: S, node: usize, at: usize, bar: &mut [T::Vector<S>; NV])
    where
        T: Packed,
    {
        let slope: &[_; NV] = T::vectors(simd, &self.slope[node])[at..].first_chunk().expect("a row");
        let curve: &mut [_; NV] = T::vectors_mut(simd, &mut self.curve[node])[at..].first_chunk_mut().expect("a row");
        for v in 0..NV {
            if ORDER > 1 {
                curve[v] = T::vector_mul(simd, curve[v], bar[v]);
            }
            bar[v] = T::vector_mul(simd, bar[v], slope[v]);
        }
    }
}

/// Tangents of the nodes along the direction in the first block's [`Slot::Dot`], after a [`Reverse`] of order 2.
pub struct Tangent<'a, K, T, const R: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    at: Place,
}

impl<'a, K, T, const R: usize> Tangent<'a, K, T, R> {
    /// To be walked down.
    #[inline(always)]
    pub fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, at: Place::START }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize> Sweep for Tangent<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (w, _) = self.at.params(self.params, layer);
        let ([_, _, _, _, x_dot, _], [_, slope, curve, _, dot, _]) = self.at.blocks(self.tape, layer);
        self.kernel.affine_then(w, None, x_dot, dot, Sloped::<_, R, 2> { slope, curve });
        self.at.forward(layer);
    }
}

/// Second-order adjoints, from the seed in the last block's [`Slot::BarDot`], after a [`Tangent`].
///
/// The gradient of `ȳ·f + ẋ·∇ₓ(seed·f)` in the parameters goes into `grad` unless that is empty; its gradient in the inputs
/// comes to stand in the first block's `BarDot` if `INPUTS` (with `ȳ = 0`: the product of the Hessian with `ẋ`).
pub struct SecondReverse<'a, K, T, const R: usize, const INPUTS: bool> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    grad: &'a mut [T],
    accum: Accum,
    scratch: &'a mut [T],
    at: Place,
}

impl<'a, K, T, const R: usize, const INPUTS: bool> SecondReverse<'a, K, T, R, INPUTS> {
    /// To be walked up.
    #[inline(always)]
    pub fn new(
        kernel: K,
        params: &'a [T],
        tape: &'a mut [[T; R]],
        outputs: usize,
        grad: &'a mut [T],
        accum: Accum,
        scratch: &'a mut [T],
    ) -> Self {
        let at = Place::end(params.len(), tape.len(), outputs);
        Self { kernel, params, tape, grad, accum, scratch, at }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize, const INPUTS: bool> Sweep for SecondReverse<'_, K, T, R, INPUTS> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let last = self.at.is_last(layer, self.tape.len());
        self.at.back(layer);
        let (w, _) = self.at.params(self.params, layer);
        let (below, above) = self.at.blocks(self.tape, layer);
        let ([x, x_slope, x_curve, _, x_dot, x_bar_dot], [_, slope, curve, bar, _, bar_dot]) = (below, above);
        let contract = self.kernel.contract();
        if last {
            Bent { contract, slope, curve }.rows(0, bar_dot);
        }
        if !self.grad.is_empty() {
            let grad = &mut self.grad[self.at.param..self.at.param + layer.params()];
            let (weights, biases) = grad.split_at_mut(layer.weights());
            self.kernel.outer_pair([bar_dot, bar], [x, x_dot], weights, self.accum, self.scratch);
            self.kernel.row_sums(bar_dot, biases, self.accum);
        }
        if self.at.block > 0 {
            let then = Bent { contract, slope: x_slope, curve: x_curve };
            self.kernel.transposed_then(w, bar_dot, x_bar_dot, then);
        } else if INPUTS {
            self.kernel.transposed(w, bar_dot, x_bar_dot);
        }
    }
}

/// `z̄̇ = ā̇ σ′ + ā σ″ ż` in place of `ā̇`.
struct Bent<'a, C, T, const R: usize> {
    contract: C,
    slope: &'a [[T; R]],
    curve: &'a [[T; R]],
}

impl<C: Contract, T: Number, const R: usize> Then<T, R> for Bent<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, bar_dot: &mut [T; R]) {
        let (slope, curve) = (&self.slope[node], &self.curve[node]);
        for r in 0..R {
            bar_dot[r] = self.contract.mul_add(bar_dot[r], slope[r], curve[r]);
        }
    }
    #[cfg(feature = "std")]
    const IN_REGISTERS: bool = true;
    #[cfg(feature = "std")]
    #[inline(always)]
    fn registers<S: Simd, const NV: usize>(&mut self, simd: S, node: usize, at: usize, bar_dot: &mut [T::Vector<S>; NV])
    where
        T: Packed,
    {
        let slope: &[_; NV] = T::vectors(simd, &self.slope[node])[at..].first_chunk().expect("a row");
        let curve: &[_; NV] = T::vectors(simd, &self.curve[node])[at..].first_chunk().expect("a row");
        for v in 0..NV {
            bar_dot[v] = T::vector_mul_add(simd, bar_dot[v], slope[v], curve[v]);
        }
    }
}

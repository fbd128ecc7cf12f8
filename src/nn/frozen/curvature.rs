//! Rows of the Hessian after one reverse sweep, as many as wanted: unlike the sweeps of training these two leave `Slope`,
//! `Curve` and `Bar` as they are, so that the next direction starts from them.

use crate::math::{Contract, Number};
use crate::nn::sweep::Place;
use crate::nn::{Activate, Dense, Kernel, Sweep, Width};

/// Tangents along the first block's `Dot`, after a [`Reverse`](crate::nn::Reverse) of order 2: `ż = W ȧ⁻`, `ȧ = σ′ ż` in
/// `Dot`, `ā σ″ ż` in `BarDot`.
pub(super) struct Along<'a, K, T, const R: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    at: Place,
}

impl<'a, K, T, const R: usize> Along<'a, K, T, R> {
    /// To be walked down.
    #[inline(always)]
    pub(super) fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, at: Place::START }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize> Sweep for Along<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (w, _) = self.at.params(self.params, layer);
        let ([_, _, _, _, x_dot, _], [_, slope, curve, _, dot, bar_dot]) = self.at.blocks(self.tape, layer);
        self.kernel.affine(w, None, x_dot, dot);
        for o in 0..layer.fan_out.get() {
            for r in 0..R {
                bar_dot[o][r] = curve[o][r] * dot[o][r];
                dot[o][r] *= slope[o][r];
            }
        }
        self.at.forward(layer);
    }
}

/// Second-order adjoints after [`Along`], from the seed `ā̇` in the last block's `Dot`: `z̄̇ = ā̇ σ′ + ā σ″ ż`,
/// `ā̇⁻ = Wᵀ z̄̇` in `Dot`, which the tangents no longer need.
pub(super) struct Back<'a, K, T, const R: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    at: Place,
}

impl<'a, K, T, const R: usize> Back<'a, K, T, R> {
    /// To be walked up.
    #[inline(always)]
    pub(super) fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]], outputs: usize) -> Self {
        let at = Place::end(params.len(), tape.len(), outputs);
        Self { kernel, params, tape, at }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize> Sweep for Back<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.at.back(layer);
        let (w, _) = self.at.params(self.params, layer);
        let ([_, _, _, _, x_dot, _], [_, slope, _, _, dot, bar_dot]) = self.at.blocks(self.tape, layer);
        let c = self.kernel.contract();
        for o in 0..layer.fan_out.get() {
            for r in 0..R {
                bar_dot[o][r] = c.mul_add(dot[o][r], slope[o][r], bar_dot[o][r]);
            }
        }
        self.kernel.transposed(w, bar_dot, x_dot);
    }
}

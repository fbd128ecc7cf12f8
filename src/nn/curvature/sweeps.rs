//! The sweeps of second-order Sobolev training: the gradient of a loss on values, slopes and products `Hv` of the Hessian.
//!
//! With the residuals held fixed, the gradient of `½‖Hv − t‖²` in the parameters is that of `ρ·Hv`, `ρ = Hv − t`, and `ρ·Hv`
//! is a mixed second derivative of the network: the last part of a jet with the directions `ρ` and `v`. Everything about
//! one tile then follows from one jet,
//!
//! `S = ȳ·f + r·∇f + Σ_d ρ_d·H v_d`,
//!
//! whose mixed parts are summed over the directions before they are propagated, and start from `r`, so that values and slopes
//! ride free. With `p`, `q` the tangents `ż` along `ρ`, `v`, and bars for adjoints:
//!
//! | sweep | direction | computes | products |
//! |---|---|---|---|
//! | [`Lift`] | down | `a = σ(z)`, keeping `σ′`, `σ″`, `σ‴` | 1 |
//! | [`Adjoint`] | up | `z̄ = ā σ′`; at the inputs `∇f` | 1 |
//! | [`Along`], each `v` | down | `q = W ȧᵥ⁻`, `ȧᵥ = σ′ q` | 1 |
//! | [`Product`], each `v` | up | `p̄ = σ′ āₚ + ā σ″ q`, which is `z̄̇` along `v`; at the inputs `Hv` | 1 |
//! | [`Across`], each `ρ` | down | `p = W ȧᵨ⁻`, `ȧᵨ = σ′ p`; sums `Σpq` and `Σ p āₚ` | 1 |
//! | [`Pull`], each `ρ` | up | `q̄ = σ′ ā_q + ā σ″ p`; sums `Σ q ā_q`; `∇_W = p̄ ȧᵨ⁻ᵀ + q̄ ȧᵥ⁻ᵀ` | 3 |
//! | [`Mixed`] | down | `m = W μ⁻`, `μ = σ′ m + σ″ Σpq`, from `r` | 1 |
//! | [`Total`] | up | `z̄ₛ = σ′ āₛ + σ″ Σ(p āₚ + q ā_q) + ā σ″ m + ā σ‴ Σpq`; `∇_W = z̄ₛ a⁻ᵀ + z̄ μ⁻ᵀ` | 3 |
//!
//! The adjoint of `μ` is that of the first reverse sweep, and the adjoint of `p` that of the product sweep: neither is computed
//! twice. `k` directions cost `6k + 6` products a layer; one direction after the other passes through the same memory, so
//! that its size does not grow with `k`.
//!
//! What is elementwise happens in [`then`](super::then), to the rows of a product as they are finished: on the way up to the
//! nodes below, ahead of their own layer's turn.

use super::then::{Bend, Close, Cross, Lean, Mix, Return, Slope};
use crate::math::Real;
use crate::nn::sweep::{Activated, Place};
use crate::nn::{Accum, Activate, Dense, Kernel, Sweep, Then, Width};

/// What is kept for each node, in the order of [`Nodes`].
pub(super) const PARTS: usize = 14;

/// The columns of one layer's nodes, or of the inputs.
pub(super) struct Nodes<'a, T, const R: usize> {
    /// `a`.
    pub(super) value: &'a mut [[T; R]],
    /// `σ′`.
    pub(super) slope: &'a mut [[T; R]],
    /// `σ″`.
    pub(super) curve: &'a mut [[T; R]],
    /// `ā σ″`.
    pub(super) bent: &'a mut [[T; R]],
    /// `σ‴`, then `ā σ‴`.
    pub(super) third: &'a mut [[T; R]],
    /// `ā`, then `z̄`; at the inputs `∇f`.
    pub(super) bar: &'a mut [[T; R]],
    /// `Σpq` over the directions so far.
    pub(super) pairs: &'a mut [[T; R]],
    /// `Σ(p āₚ + q ā_q)`, and at last all of `z̄ₛ` but `σ′ āₛ`.
    pub(super) sum: &'a mut [[T; R]],
    /// `q`, at last `μ`; at the inputs `r`.
    pub(super) along: &'a mut [[T; R]],
    /// `ȧᵥ`; at the inputs `v`.
    pub(super) along_dot: &'a mut [[T; R]],
    /// `āₚ`, then `ā σ″ p`; at the inputs `Hv`.
    pub(super) product: &'a mut [[T; R]],
    /// `p̄`.
    pub(super) product_bar: &'a mut [[T; R]],
    /// `ȧᵨ`; at the inputs `ρ`.
    pub(super) across_dot: &'a mut [[T; R]],
    /// `ā_q`, then `q̄`; at last `āₛ`, then `z̄ₛ`.
    pub(super) across_bar: &'a mut [[T; R]],
}

impl<'a, T, const R: usize> Nodes<'a, T, R> {
    /// Names for the columns of a block.
    #[inline(always)]
    pub(super) fn of(mut block: &'a mut [[T; R]], width: usize) -> Self {
        let mut next = || {
            let (head, tail) = core::mem::take(&mut block).split_at_mut(width);
            block = tail;
            head
        };
        // In the order of `Part`.
        Self {
            value: next(),
            slope: next(),
            curve: next(),
            bent: next(),
            third: next(),
            bar: next(),
            pairs: next(),
            sum: next(),
            along: next(),
            along_dot: next(),
            product: next(),
            product_bar: next(),
            across_dot: next(),
            across_bar: next(),
        }
    }
}

/// What every sweep carries.
pub(super) struct Walk<'a, K, T, const R: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    /// One number a parameter, or empty where no gradient is wanted.
    grad: &'a mut [T],
    accum: Accum,
    scratch: &'a mut [T],
    at: Place<PARTS>,
}

impl<'a, K, T, const R: usize> Walk<'a, K, T, R> {
    /// From the inputs, where no gradient is wanted.
    #[inline(always)]
    pub(super) fn down(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, grad: &mut [], accum: Accum::Replace, scratch: &mut [], at: Place::START }
    }
    /// From the outputs.
    #[inline(always)]
    pub(super) fn up(
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

/// The nodes before a layer and its own.
#[inline(always)]
fn blocks<'a, T, I: Width, O: Width, A: Activate, const R: usize>(
    at: &Place<PARTS>,
    tape: &'a mut [[T; R]],
    layer: &Dense<I, O, A>,
) -> (Nodes<'a, T, R>, Nodes<'a, T, R>) {
    let (fan_in, fan_out) = (layer.fan_in.get(), layer.fan_out.get());
    let (below, above) = tape[at.block..at.block + PARTS * (fan_in + fan_out)].split_at_mut(PARTS * fan_in);
    (Nodes::of(below, fan_in), Nodes::of(above, fan_out))
}

macro_rules! sweeps {
    ($($(#[$doc:meta])* $name:ident),+) => { $(
        $(#[$doc])*
        pub(super) struct $name<'a, K, T, const R: usize>(pub(super) Walk<'a, K, T, R>);
    )+ };
}
sweeps!(
    /// Values and three derivatives of the activations.
    Lift,
    /// Adjoints of the nodes from the seed 1, down to the inputs.
    Adjoint,
    /// Tangents along `v`.
    Along,
    /// Adjoints of the tangents along `ρ`: the product `Hv`, before `ρ` is known.
    Product,
    /// Tangents along `ρ`.
    Across,
    /// Adjoints of the tangents along `v`.
    Pull,
    /// The mixed part of the jet, all directions at once, with the tangent along `r`.
    Mixed,
    /// Adjoints of the nodes for the whole of `S`.
    Total
);

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Lift<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let (w, b) = at.params(params, layer);
        let (below, above) = blocks(at, tape, layer);
        let Nodes { value, slope, curve, third, .. } = above;
        let function = layer.activation.function();
        let then = Activated::<_, _, R, 3> { contract: kernel.contract(), function, slope, curve, third };
        kernel.affine_then(w, Some(b), below.value, value, then);
        at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Adjoint<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let last = at.is_last(layer, tape.len());
        at.back(layer);
        let (w, _) = at.params(params, layer);
        let (mut below, mut above) = blocks(at, tape, layer);
        let c = kernel.contract();
        if last {
            let (rows, mut then) = Bend::of(c, &mut above);
            then.rows(0, rows);
        }
        if at.block > 0 {
            let (rows, then) = Bend::of(c, &mut below);
            kernel.transposed_then(w, above.bar, rows, then);
        } else {
            kernel.transposed(w, above.bar, below.bar);
        }
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Along<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let (w, _) = at.params(params, layer);
        let (below, mut above) = blocks(at, tape, layer);
        let (rows, then) = Slope::of(kernel.contract(), &mut above);
        kernel.affine_then(w, None, below.along_dot, rows, then);
        at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Product<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let last = at.is_last(layer, tape.len());
        at.back(layer);
        let (w, _) = at.params(params, layer);
        let (mut below, mut above) = blocks(at, tape, layer);
        let c = kernel.contract();
        if last {
            let (rows, mut then) = Lean::of(c, &mut above);
            then.rows(0, rows);
        }
        if at.block > 0 {
            let (rows, then) = Lean::of(c, &mut below);
            kernel.transposed_then(w, above.product_bar, rows, then);
        } else {
            kernel.transposed(w, above.product_bar, below.product);
        }
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Across<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let (w, _) = at.params(params, layer);
        let (below, mut above) = blocks(at, tape, layer);
        let (rows, then) = Cross::of(kernel.contract(), &mut above);
        kernel.affine_then(w, None, below.across_dot, rows, then);
        at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Pull<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, grad, accum, scratch, at } = &mut self.0;
        let last = at.is_last(layer, tape.len());
        at.back(layer);
        let (w, _) = at.params(params, layer);
        let (mut below, mut above) = blocks(at, tape, layer);
        let c = kernel.contract();
        if last {
            let (rows, mut then) = Return::of(c, &mut above);
            then.rows(0, rows);
        }
        if !grad.is_empty() {
            let (weights, biases) = grad[at.param..at.param + layer.params()].split_at_mut(layer.weights());
            let (z, x) = ([&*above.product_bar, above.across_bar], [&*below.across_dot, below.along_dot]);
            kernel.outer_pair(z, x, weights, *accum, scratch);
            if *accum == Accum::Replace {
                biases.fill(T::ZERO);
            }
        }
        if at.block > 0 {
            let (rows, then) = Return::of(c, &mut below);
            kernel.transposed_then(w, above.across_bar, rows, then);
        }
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Mixed<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, at, .. } = &mut self.0;
        let (w, _) = at.params(params, layer);
        let (below, mut above) = blocks(at, tape, layer);
        let (rows, then) = Mix::of(kernel.contract(), &mut above);
        kernel.affine_then(w, None, below.along, rows, then);
        at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Total<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let Walk { kernel, params, tape, grad, accum, scratch, at } = &mut self.0;
        let last = at.is_last(layer, tape.len());
        at.back(layer);
        let (w, _) = at.params(params, layer);
        let (mut below, mut above) = blocks(at, tape, layer);
        let c = kernel.contract();
        if last {
            let (rows, mut then) = Close::of(c, &mut above);
            then.rows(0, rows);
        }
        if !grad.is_empty() {
            let (weights, biases) = grad[at.param..at.param + layer.params()].split_at_mut(layer.weights());
            let (z, x) = ([&*above.across_bar, above.bar], [&*below.value, below.along]);
            kernel.outer_pair(z, x, weights, *accum, scratch);
            kernel.row_sums(above.across_bar, biases, *accum);
        }
        if at.block > 0 {
            let (rows, then) = Close::of(c, &mut below);
            kernel.transposed_then(w, above.across_bar, rows, then);
        }
    }
}

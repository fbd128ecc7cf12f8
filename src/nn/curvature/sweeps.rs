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

use crate::math::{Activation, Contract, Real};
use crate::nn::sweep::Place;
use crate::nn::{Accum, Activate, Dense, Kernel, Sweep, Width};

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
    scratch: &'a mut [T],
    at: Place<PARTS>,
}

impl<'a, K, T, const R: usize> Walk<'a, K, T, R> {
    /// From the inputs, where no gradient is wanted.
    #[inline(always)]
    pub(super) fn down(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, grad: &mut [], scratch: &mut [], at: Place::START }
    }
    /// From the outputs.
    #[inline(always)]
    pub(super) fn up(
        kernel: K,
        params: &'a [T],
        tape: &'a mut [[T; R]],
        outputs: usize,
        grad: &'a mut [T],
        scratch: &'a mut [T],
    ) -> Self {
        let at = Place::end(params.len(), tape.len(), outputs);
        Self { kernel, params, tape, grad, scratch, at }
    }
    /// The weights, the biases, the nodes before the layer and its own.
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(
        &mut self,
        layer: &Dense<I, O, A>,
    ) -> (&[T], &[T], Nodes<'_, T, R>, Nodes<'_, T, R>) {
        let (w, b) = self.at.params(self.params, layer);
        let (below, above) = blocks(&self.at, self.tape, layer);
        (w, b, below, above)
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
        let kernel = self.0.kernel;
        let (w, b, below, above) = self.0.layer(layer);
        kernel.affine(w, Some(b), below.value, above.value);
        lift(kernel, layer.activation.function(), above);
        self.0.at.forward(layer);
    }
}

/// One loop for each function, the choice outside of it.
#[inline(always)]
fn lift<K: Kernel<T, R>, T: Real, const R: usize>(kernel: K, function: Activation, nodes: Nodes<'_, T, R>) {
    let Nodes { value, slope, curve, third, .. } = nodes;
    macro_rules! apply {
        ($function:expr) => {
            for (((value, slope), curve), third) in value.iter_mut().zip(slope).zip(curve).zip(third) {
                for r in 0..R {
                    [value[r], slope[r], curve[r], third[r]] = $function.jet(kernel.contract(), value[r]);
                }
            }
        };
    }
    match function {
        Activation::Identity => apply!(Activation::Identity),
        Activation::Relu => apply!(Activation::Relu),
        Activation::Tanh => apply!(Activation::Tanh),
        Activation::Sigmoid => apply!(Activation::Sigmoid),
        Activation::Softplus => apply!(Activation::Softplus),
        Activation::Silu => apply!(Activation::Silu),
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Adjoint<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.0.at.back(layer);
        let kernel = self.0.kernel;
        let (w, _, below, above) = self.0.layer(layer);
        let Nodes { slope, curve, bent, third, bar, pairs, sum, .. } = above;
        for o in 0..layer.fan_out.get() {
            let (slope, curve, bent, third, bar) = (&slope[o], &curve[o], &mut bent[o], &mut third[o], &mut bar[o]);
            for r in 0..R {
                bent[r] = curve[r] * bar[r];
                third[r] *= bar[r];
                bar[r] *= slope[r];
            }
            (pairs[o], sum[o]) = ([T::ZERO; R], [T::ZERO; R]);
        }
        kernel.transposed(w, bar, below.bar);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Along<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let kernel = self.0.kernel;
        let (w, _, below, above) = self.0.layer(layer);
        let Nodes { slope, along, along_dot, .. } = above;
        kernel.affine(w, None, below.along_dot, along);
        for ((dot, along), slope) in along_dot.iter_mut().zip(&*along).zip(&*slope) {
            for r in 0..R {
                dot[r] = slope[r] * along[r];
            }
        }
        self.0.at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Product<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.0.at.back(layer);
        let kernel = self.0.kernel;
        let (w, _, below, above) = self.0.layer(layer);
        let Nodes { slope, bent, along, product, product_bar, .. } = above;
        let c = kernel.contract();
        for o in 0..layer.fan_out.get() {
            let (slope, bent, along, product, bar) = (&slope[o], &bent[o], &along[o], &product[o], &mut product_bar[o]);
            for r in 0..R {
                bar[r] = c.mul_add(slope[r], product[r], bent[r] * along[r]);
            }
        }
        kernel.transposed(w, product_bar, below.product);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Across<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let kernel = self.0.kernel;
        let (w, _, below, above) = self.0.layer(layer);
        let Nodes { slope, bent, pairs, sum, along, product, across_dot, .. } = above;
        kernel.affine(w, None, below.across_dot, across_dot);
        let c = kernel.contract();
        for o in 0..layer.fan_out.get() {
            let (slope, bent, along) = (&slope[o], &bent[o], &along[o]);
            let (pairs, sum, product, across) = (&mut pairs[o], &mut sum[o], &mut product[o], &mut across_dot[o]);
            for r in 0..R {
                let p = across[r];
                pairs[r] = c.mul_add(p, along[r], pairs[r]);
                sum[r] = c.mul_add(p, product[r], sum[r]);
                product[r] = bent[r] * p;
                across[r] = slope[r] * p;
            }
        }
        self.0.at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Pull<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.0.at.back(layer);
        let Walk { kernel, params, tape, grad, scratch, at } = &mut self.0;
        let (w, _) = at.params(params, layer);
        let (below, above) = blocks(at, tape, layer);
        let Nodes { slope, sum, along, product, product_bar, across_bar, .. } = above;
        let c = kernel.contract();
        for o in 0..layer.fan_out.get() {
            let (slope, along, product) = (&slope[o], &along[o], &product[o]);
            let (sum, bar) = (&mut sum[o], &mut across_bar[o]);
            for r in 0..R {
                sum[r] = c.mul_add(along[r], bar[r], sum[r]);
                bar[r] = c.mul_add(slope[r], bar[r], product[r]);
            }
        }
        if !grad.is_empty() {
            let weights = &mut grad[at.param..at.param + layer.weights()];
            kernel.outer_pair(
                [product_bar, across_bar],
                [below.across_dot, below.along_dot],
                weights,
                Accum::Add,
                scratch,
            );
        }
        if at.block > 0 {
            kernel.transposed(w, across_bar, below.across_bar);
        }
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Mixed<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let kernel = self.0.kernel;
        let (w, _, below, above) = self.0.layer(layer);
        let Nodes { slope, curve, bent, third, pairs, sum, along, .. } = above;
        kernel.affine(w, None, below.along, along);
        let c = kernel.contract();
        for o in 0..layer.fan_out.get() {
            let (slope, curve, bent, third, pairs) = (&slope[o], &curve[o], &bent[o], &third[o], &pairs[o]);
            let (sum, along) = (&mut sum[o], &mut along[o]);
            for r in 0..R {
                let m = along[r];
                sum[r] = c.mul_add(curve[r], sum[r], c.mul_add(bent[r], m, third[r] * pairs[r]));
                along[r] = c.mul_add(slope[r], m, curve[r] * pairs[r]);
            }
        }
        self.0.at.forward(layer);
    }
}

impl<K: Kernel<T, R>, T: Real, const R: usize> Sweep for Total<'_, K, T, R> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        self.0.at.back(layer);
        let Walk { kernel, params, tape, grad, scratch, at } = &mut self.0;
        let (w, _) = at.params(params, layer);
        let (below, above) = blocks(at, tape, layer);
        let Nodes { slope, bar, pairs, sum, across_bar, .. } = above;
        let c = kernel.contract();
        for o in 0..layer.fan_out.get() {
            let (slope, total) = (&slope[o], &mut across_bar[o]);
            for r in 0..R {
                total[r] = c.mul_add(slope[r], total[r], sum[o][r]);
            }
            // For the next jet from the same point.
            (pairs[o], sum[o]) = ([T::ZERO; R], [T::ZERO; R]);
        }
        if !grad.is_empty() {
            let (weights, biases) = grad[at.param..at.param + layer.params()].split_at_mut(layer.weights());
            kernel.outer_pair([across_bar, bar], [below.value, below.along], weights, Accum::Add, scratch);
            kernel.row_sums(across_bar, biases, Accum::Add);
        }
        if at.block > 0 {
            kernel.transposed(w, across_bar, below.across_bar);
        }
    }
}

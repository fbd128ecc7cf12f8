//! Derivatives of `eⱼ·Hv` in each parameter, sample by sample: the rows that Levenberg–Marquardt needs.

use super::sweeps::{Nodes, PARTS};
use super::{CurvatureWorkspace, Part};
use crate::math::Real;
use crate::nn::{Accum, Activate, Chain, Dense, Network, Packed, Sweep, TILE, Width};

/// What the last up sweep would have summed over the samples: `p̄ ȧᵨ⁻ᵀ + q̄ ȧᵥ⁻ᵀ` after pulling, to which the total adds
/// `z̄ₛ a⁻ᵀ + z̄ μ⁻ᵀ`, and `z̄ₛ` for the biases.
struct Rows<'a, T> {
    tape: &'a mut [[T; TILE]],
    rows: &'a mut [[T; TILE]],
    total: bool,
}

impl<T: Real> Sweep for Rows<'_, T> {
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (fan_in, fan_out) = (layer.fan_in.get(), layer.fan_out.get());
        let (below, rest) = std::mem::take(&mut self.tape).split_at_mut(PARTS * fan_in);
        {
            let (x, z) = (Nodes::of(below, fan_in), Nodes::of(&mut rest[..PARTS * fan_out], fan_out));
            let (weights, after) = std::mem::take(&mut self.rows).split_at_mut(layer.weights());
            let (biases, after) = after.split_at_mut(fan_out);
            let [left, right] = if self.total {
                [(&*z.across_bar, &*x.value), (&*z.bar, &*x.along)]
            } else {
                [(&*z.product_bar, &*x.across_dot), (&*z.across_bar, &*x.along_dot)]
            };
            for (o, (row, bias)) in weights.chunks_exact_mut(fan_in).zip(biases).enumerate() {
                *bias = if self.total { left.0[o] } else { [T::ZERO; TILE] };
                for (i, out) in row.iter_mut().enumerate() {
                    let start = if self.total { *out } else { [T::ZERO; TILE] };
                    for r in 0..TILE {
                        out[r] = start[r] + left.0[o][r] * left.1[i][r] + right.0[o][r] * right.1[i][r];
                    }
                }
            }
            self.rows = after;
        }
        self.tape = rest;
    }
}

impl<C: Chain, T: Packed> Network<C, T> {
    /// Per-sample gradients of component `j` of `Hv` in the parameters, one column of lanes a parameter, after
    /// [`product`](Self::product), which the next component needs again.
    ///
    /// # Panics
    /// If `rows` has not one column a parameter, or there is no input `j`.
    #[track_caller]
    pub fn product_jacobian(&self, ws: &mut CurvatureWorkspace<T>, j: usize, rows: &mut [[T; TILE]]) {
        assert_eq!(rows.len(), self.params().len(), "one column a parameter");
        ws.input_mut(Part::AcrossDot).as_flattened_mut().fill(T::ZERO);
        ws.input_mut(Part::AcrossDot)[j].fill(T::ONE);
        self.pull(ws, &mut [], Accum::Replace);
        self.chain().down(&mut Rows { tape: ws.tape_mut(), rows, total: false });
        ws.input_mut(Part::Along).as_flattened_mut().fill(T::ZERO);
        ws.value_residual_mut().fill(T::ZERO);
        self.total(ws, &mut [], Accum::Replace);
        self.chain().down(&mut Rows { tape: ws.tape_mut(), rows, total: true });
    }
}

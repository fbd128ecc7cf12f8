//! Derivatives of each sample in each parameter: the rows that Levenberg–Marquardt needs.

use super::{Activate, Chain, Dense, Network, Packed, Slot, Sweep, TILE, Width, Workspace};
use crate::math::Real;

/// Writes the per-sample gradient that the last reverse sweep implies: `z̄ a⁻ᵀ` after a first one, `z̄̇ a⁻ᵀ + z̄ ȧ⁻ᵀ` after a
/// second one.
struct ParamJacobian<'a, T> {
    tape: &'a [[T; TILE]],
    rows: &'a mut [[T; TILE]],
    second: bool,
}

impl<T: Real> Sweep for ParamJacobian<'_, T> {
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (fan_in, fan_out) = (layer.fan_in.get(), layer.fan_out.get());
        let tape = self.tape;
        let (below, above) = tape.split_at(super::SLOTS * fan_in);
        let x = |slot: Slot, i: usize| &below[slot as usize * fan_in + i];
        let z = |slot: Slot, o: usize| &above[slot as usize * fan_out + o];
        let (weights, rest) = std::mem::take(&mut self.rows).split_at_mut(layer.weights());
        let (biases, rest) = rest.split_at_mut(fan_out);
        for (o, (row, bias)) in weights.chunks_exact_mut(fan_in).zip(biases).enumerate() {
            let bar = z(if self.second { Slot::BarDot } else { Slot::Bar }, o);
            *bias = *bar;
            for (i, out) in row.iter_mut().enumerate() {
                let value = x(Slot::Value, i);
                if self.second {
                    let (first, dot) = (z(Slot::Bar, o), x(Slot::Dot, i));
                    for r in 0..TILE {
                        out[r] = bar[r] * value[r] + first[r] * dot[r];
                    }
                } else {
                    for r in 0..TILE {
                        out[r] = bar[r] * value[r];
                    }
                }
            }
        }
        (self.tape, self.rows) = (above, rest);
    }
}

impl<C: Chain, T: Packed> Network<C, T> {
    /// Per-sample gradients in the parameters, one column of lanes a parameter, of what the last reverse sweep (`second`:
    /// second reverse sweep) on this workspace was seeded with.
    ///
    /// # Panics
    /// If `rows` has not one column a parameter.
    #[track_caller]
    pub fn param_jacobian(&self, ws: &Workspace<T>, second: bool, rows: &mut [[T; TILE]]) {
        assert_eq!(rows.len(), self.params().len(), "one column a parameter");
        self.chain().down(&mut ParamJacobian { tape: ws.tape(), rows, second });
    }
}

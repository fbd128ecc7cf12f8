//! Derivatives along one direction, carried forward with the values.

use crate::math::{Contract, Number};
use crate::nn::sweep::Place;
use crate::nn::{Activate, Dense, Kernel, Sweep, Width};

/// Values with their derivatives along a straight line through the inputs, and the slopes that a reverse sweep needs:
///
/// ```text
/// a = σ(z)      ȧ = σ′ ż      ä = σ″ ż² + σ′ z̈        (ä for ORDER 2)
/// ```
///
/// Reads the direction from the first block's `Dot`; leaves `ȧ` in `Dot` and `ä` in `BarDot`.
pub(super) struct Taylor<'a, K, T, const R: usize, const ORDER: usize> {
    kernel: K,
    params: &'a [T],
    tape: &'a mut [[T; R]],
    at: Place,
}

impl<'a, K, T, const R: usize, const ORDER: usize> Taylor<'a, K, T, R, ORDER> {
    /// To be walked down.
    #[inline(always)]
    pub(super) fn new(kernel: K, params: &'a [T], tape: &'a mut [[T; R]]) -> Self {
        Self { kernel, params, tape, at: Place::START }
    }
}

impl<K: Kernel<T, R>, T: Number, const R: usize, const ORDER: usize> Sweep for Taylor<'_, K, T, R, ORDER> {
    #[inline(always)]
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (w, b) = self.at.params(self.params, layer);
        let (below, above) = self.at.blocks(self.tape, layer);
        let ([x, _, _, _, x_dot, x_ddot], [value, slope, _, _, dot, ddot]) = (below, above);
        self.kernel.affine(w, Some(b), x, value);
        self.kernel.affine(w, None, x_dot, dot);
        // The line through the inputs is straight: the first pre-activations have no second derivative.
        let bent = ORDER > 1 && self.at.param > 0;
        if bent {
            self.kernel.affine(w, None, x_ddot, ddot);
        }
        let (c, function) = (self.kernel.contract(), layer.activation.function());
        for o in 0..layer.fan_out.get() {
            for r in 0..R {
                let [f, first, second, _] = function.jet(c, value[o][r]);
                let z_dot = dot[o][r];
                value[o][r] = f;
                slope[o][r] = first;
                dot[o][r] = first * z_dot;
                if bent {
                    ddot[o][r] = c.mul_add(second * z_dot, z_dot, first * ddot[o][r]);
                } else if ORDER > 1 {
                    ddot[o][r] = second * z_dot * z_dot;
                }
            }
        }
        self.at.forward(layer);
    }
}

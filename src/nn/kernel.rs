//! The four products that sweeps are made of, behind one trait: plain loops here, registers in [`super::Registers`].

use crate::math::{Contract, Real};

/// The products of one layer with one tile of `R` samples, and the rounding of its elementwise work.
///
/// Weights are row-major `[fan_out][fan_in]`; a tile is one `[T; R]` a node.
pub trait Kernel<T: Real, const R: usize>: Copy {
    /// How elementwise loops round `a·b + c`.
    type Contract: Contract;
    /// The token of [`Self::Contract`].
    fn contract(self) -> Self::Contract;
    /// `out[o] = bias[o] + Σᵢ w[o][i]·x[i]`; no bias is zero.
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]]);
    /// `out[i] = Σₒ w[o][i]·z[o]`.
    fn transposed(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]]);
    /// `grad[o][i] += Σᵣ z[o][r]·x[i][r]`. `scratch` holds `R × fan_in` rounded up to 16.
    fn outer(self, z: &[[T; R]], x: &[[T; R]], grad: &mut [T], scratch: &mut [T]);
    /// `grad[o] += Σᵣ z[o][r]`.
    #[inline(always)]
    fn row_sums(self, z: &[[T; R]], grad: &mut [T]) {
        for (g, z) in grad.iter_mut().zip(z) {
            // Sixteen partial sums, so that the loop vectorises; a fixed order, so that the bits are fixed.
            let mut partial = [T::ZERO; 16];
            for chunk in z.chunks(16) {
                for (p, &v) in partial.iter_mut().zip(chunk) {
                    *p += v;
                }
            }
            for p in partial {
                *g += p;
            }
        }
    }
}

/// The products as plain loops in a fixed order: one sample at a time ([`Separate`](crate::math::Separate): the same bits
/// on every target), and what the register kernels are tested against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loops<C>(pub C);

impl<T: Real, C: Contract, const R: usize> Kernel<T, R> for Loops<C> {
    type Contract = C;
    #[inline(always)]
    fn contract(self) -> C {
        self.0
    }
    #[inline(always)]
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]]) {
        let fan_in = x.len();
        for (o, out) in out.iter_mut().enumerate() {
            let mut sum = [bias.map_or(T::ZERO, |b| b[o]); R];
            for (i, x) in x.iter().enumerate() {
                for r in 0..R {
                    sum[r] = self.0.mul_add(w[o * fan_in + i], x[r], sum[r]);
                }
            }
            *out = sum;
        }
    }
    #[inline(always)]
    fn transposed(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]]) {
        let fan_in = out.len();
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = [T::ZERO; R];
            for (o, z) in z.iter().enumerate() {
                for r in 0..R {
                    sum[r] = self.0.mul_add(w[o * fan_in + i], z[r], sum[r]);
                }
            }
            *out = sum;
        }
    }
    #[inline(always)]
    fn outer(self, z: &[[T; R]], x: &[[T; R]], grad: &mut [T], _scratch: &mut [T]) {
        for (row, z) in grad.chunks_exact_mut(x.len()).zip(z) {
            for (g, x) in row.iter_mut().zip(x) {
                for r in 0..R {
                    *g = self.0.mul_add(z[r], x[r], *g);
                }
            }
        }
    }
}

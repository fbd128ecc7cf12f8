//! The products of a layer that is thinner than a register is long, over a tile: all widths constants, sums in registers.

use pulp::Simd;

use crate::nn::packed::Dispatched;
use crate::nn::{Accum, Kernel, Packed, Registers, TILE};

/// More weights than this go to the blocked kernel: a thin product reads its inputs once a node.
const MOST_WEIGHTS: usize = 256;

/// Thin products as unrolled loops, the others over [`Registers`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Thin<S>(pub(super) S);

impl<S: Simd, T: Packed> Kernel<T, TILE> for Thin<S> {
    type Contract = Dispatched<S>;
    #[inline(always)]
    fn contract(self) -> Dispatched<S> {
        Dispatched(self.0)
    }
    #[inline(always)]
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; TILE]], out: &mut [[T; TILE]]) {
        if w.len() > MOST_WEIGHTS {
            return Registers(self.0).affine(w, bias, x, out);
        }
        let fan_in = x.len();
        for v in 0..TILE / T::lanes::<S>() {
            for (o, out) in out.iter_mut().enumerate() {
                let mut sum = T::splat(self.0, bias.map_or(T::ZERO, |b| b[o]));
                for (i, x) in x.iter().enumerate() {
                    let w = T::splat(self.0, w[o * fan_in + i]);
                    sum = T::vector_mul_add(self.0, w, T::vectors(self.0, x)[v], sum);
                }
                T::vectors_mut(self.0, out)[v] = sum;
            }
        }
    }
    #[inline(always)]
    fn transposed(self, w: &[T], z: &[[T; TILE]], out: &mut [[T; TILE]]) {
        if w.len() > MOST_WEIGHTS {
            return Registers(self.0).transposed(w, z, out);
        }
        let fan_in = out.len();
        for v in 0..TILE / T::lanes::<S>() {
            for (i, out) in out.iter_mut().enumerate() {
                let mut sum = T::splat(self.0, T::ZERO);
                for (o, z) in z.iter().enumerate() {
                    let w = T::splat(self.0, w[o * fan_in + i]);
                    sum = T::vector_mul_add(self.0, w, T::vectors(self.0, z)[v], sum);
                }
                T::vectors_mut(self.0, out)[v] = sum;
            }
        }
    }
    #[inline(always)]
    fn outer(self, z: &[[T; TILE]], x: &[[T; TILE]], grad: &mut [T], accum: Accum, scratch: &mut [T]) {
        Registers(self.0).outer(z, x, grad, accum, scratch);
    }
    #[inline(always)]
    fn row_sums(self, z: &[[T; TILE]], grad: &mut [T], accum: Accum) {
        Registers(self.0).row_sums(z, grad, accum);
    }
}

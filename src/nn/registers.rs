//! The products of a layer over registers, one instruction set at a time; [`Loops`](super::Loops) is the dull twin.

use pulp::Simd;

use super::gemm::{Gemm, Start};
use super::packed::{Dispatched, Packed};
use super::{Kernel, TILE};
use crate::math::Real;

/// The products over the registers of `S`.
#[derive(Clone, Copy, Debug)]
pub struct Registers<S>(pub S);

impl<S: Simd, T: Packed> Kernel<T, TILE> for Registers<S> {
    type Contract = Dispatched<S>;
    #[inline(always)]
    fn contract(self) -> Dispatched<S> {
        Dispatched(self.0)
    }
    #[inline(always)]
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; TILE]], out: &mut [[T; TILE]]) {
        let start = bias.map_or(Start::Zero, Start::Bias);
        let (m, k) = (out.len(), x.len());
        let (b, c) = (x.as_flattened(), out.as_flattened_mut());
        self.0.vectorize(Gemm { m, k, n: TILE, a: w, row: k, column: 1, b, ldb: TILE, c, ldc: TILE, start });
    }
    #[inline(always)]
    fn transposed(self, w: &[T], z: &[[T; TILE]], out: &mut [[T; TILE]]) {
        let (m, k) = (out.len(), z.len());
        let (b, c) = (z.as_flattened(), out.as_flattened_mut());
        self.0.vectorize(Gemm {
            m,
            k,
            n: TILE,
            a: w,
            row: 1,
            column: m,
            b,
            ldb: TILE,
            c,
            ldc: TILE,
            start: Start::Zero,
        });
    }
    #[inline(always)]
    fn outer(self, z: &[[T; TILE]], x: &[[T; TILE]], grad: &mut [T], scratch: &mut [T]) {
        self.0.vectorize(Outer { z, x, grad, scratch });
    }
}

/// `grad[o][i] += Σᵣ z[o][r]·x[i][r]`.
struct Outer<'a, T> {
    z: &'a [[T; TILE]],
    x: &'a [[T; TILE]],
    grad: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Packed> pulp::WithSimd for Outer<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { z, x, grad, scratch } = self;
        if x.len() < T::lanes::<S>() {
            return dots(simd, z, x, grad);
        }
        // Lanes run over inputs, so that the tile has to be turned first.
        let ldb = x.len().next_multiple_of(16);
        let scratch = &mut scratch[..TILE * ldb];
        transpose(x, scratch, ldb);
        let (m, n) = (z.len(), x.len());
        Gemm {
            m,
            k: TILE,
            n,
            a: z.as_flattened(),
            row: TILE,
            column: 1,
            b: scratch,
            ldb,
            c: grad,
            ldc: n,
            start: Start::Add,
        }
        .with_simd(simd);
    }
}

/// Fewer inputs than lanes: one dot product a weight, lanes over samples.
#[inline(always)]
fn dots<S: Simd, T: Packed>(simd: S, z: &[[T; TILE]], x: &[[T; TILE]], grad: &mut [T]) {
    for (row, z) in grad.chunks_exact_mut(x.len()).zip(z) {
        let z = T::vectors(simd, z);
        for (g, x) in row.iter_mut().zip(x) {
            let mut sum = T::splat(simd, T::ZERO);
            for (&z, &x) in z.iter().zip(T::vectors(simd, x)) {
                sum = T::vector_mul_add(simd, z, x, sum);
            }
            *g += T::reduce(simd, sum);
        }
    }
}

/// `out[r·ld + i] = x[i][r]`, in 8 × 8 blocks.
#[inline(always)]
fn transpose<T: Real>(x: &[[T; TILE]], out: &mut [T], ld: usize) {
    for (block, nodes) in x.chunks(8).enumerate() {
        let at = 8 * block;
        if let Ok(nodes) = <&[[T; TILE]; 8]>::try_from(nodes) {
            for (r, row) in out.chunks_exact_mut(ld).enumerate() {
                let row: &mut [T; 8] = (&mut row[at..at + 8]).try_into().expect("eight entries");
                for i in 0..8 {
                    row[i] = nodes[i][r];
                }
            }
        } else {
            for (r, row) in out.chunks_exact_mut(ld).enumerate() {
                for (out, node) in row[at..].iter_mut().zip(nodes) {
                    *out = node[r];
                }
            }
        }
    }
}

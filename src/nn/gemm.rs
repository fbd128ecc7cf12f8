//! One register kernel for every matrix product: `C[m][lanes] (=|+=) Σₖ A[m·row + k·column]·B[k][lanes]`.
//!
//! Swapping the strides of `A` turns the forward product into the reverse one; the weight gradient is the same again with
//! the tile turned. `C` stays in registers over the whole of `k`: 6 rows by 4 registers where there are 32 of them, 6 by 2
//! where there are 16. Every loop over the accumulators has constant bounds and must unroll: one that does not sends them
//! to memory, three times slower.

use pulp::{Simd, WithSimd};

use super::packed::Packed;

/// What the accumulators start from.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, T> {
    Zero,
    /// One number a row.
    Bias(&'a [T]),
    /// What stands in `C`.
    Add,
}

/// The widest register in use: 512 bits of `f32`.
const MOST_LANES: usize = 16;
/// Rows of `C` in registers at once.
const ROWS: usize = 6;

pub(super) struct Gemm<'a, T> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) a: &'a [T],
    pub(super) row: usize,
    pub(super) column: usize,
    /// Rows of `ldb` numbers, a multiple of 16 whatever `n` is.
    pub(super) b: &'a [T],
    pub(super) ldb: usize,
    pub(super) c: &'a mut [T],
    pub(super) ldc: usize,
    pub(super) start: Start<'a, T>,
}

impl<T: Packed> WithSimd for Gemm<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = T::lanes::<S>();
        let Gemm { m, k, n, a, row, column, b, ldb, c, ldc, start } = self;
        debug_assert!(ldb.is_multiple_of(lanes), "rows of B must be whole registers");
        let strip = Strip { k, a, row, column, b: T::vectors(simd, b), ldb: ldb / lanes, ldc };
        let mut j = 0;
        if S::REGISTER_COUNT >= 32 {
            while j + 4 * lanes <= n {
                strip.rows::<4>(simd, m, j / lanes, &mut c[j..], start);
                j += 4 * lanes;
            }
        }
        while j + 2 * lanes <= n {
            strip.rows::<2>(simd, m, j / lanes, &mut c[j..], start);
            j += 2 * lanes;
        }
        while j + lanes <= n {
            strip.rows::<1>(simd, m, j / lanes, &mut c[j..], start);
            j += lanes;
        }
        if j < n {
            strip.ragged(simd, m, j, n, c, start);
        }
    }
}

struct Strip<'a, T: Packed, S: Simd> {
    k: usize,
    a: &'a [T],
    row: usize,
    column: usize,
    b: &'a [T::Vector<S>],
    ldb: usize,
    ldc: usize,
}

impl<T: Packed, S: Simd> Strip<'_, T, S> {
    /// `NV` registers of columns, all rows.
    #[inline(always)]
    fn rows<const NV: usize>(&self, simd: S, m: usize, j: usize, c: &mut [T], start: Start<'_, T>) {
        let mut i = 0;
        while i + ROWS <= m {
            self.block::<ROWS, NV>(simd, i, j, &mut c[i * self.ldc..], self.ldc, start);
            i += ROWS;
        }
        while i + 2 <= m {
            self.block::<2, NV>(simd, i, j, &mut c[i * self.ldc..], self.ldc, start);
            i += 2;
        }
        while i < m {
            self.block::<1, NV>(simd, i, j, &mut c[i * self.ldc..], self.ldc, start);
            i += 1;
        }
    }

    /// `MR` rows by `NV` registers.
    #[inline(always)]
    fn block<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        i: usize,
        j: usize,
        c: &mut [T],
        ldc: usize,
        start: Start<'_, T>,
    ) {
        let mut acc = [[T::splat(simd, T::ZERO); NV]; MR];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => {
                for r in 0..MR {
                    acc[r] = [T::splat(simd, bias[i + r]); NV];
                }
            }
            Start::Add => {
                for r in 0..MR {
                    acc[r] = *T::vectors(simd, &c[r * ldc..]).first_chunk().expect("NV registers of C");
                }
            }
        }
        let a = &self.a[i * self.row..];
        for (k, b) in self.b[j..].chunks(self.ldb).take(self.k).enumerate() {
            let b: &[T::Vector<S>; NV] = b.first_chunk().expect("NV registers of B");
            for r in 0..MR {
                let x = T::splat(simd, a[k * self.column + r * self.row]);
                for v in 0..NV {
                    acc[r][v] = T::vector_mul_add(simd, x, b[v], acc[r][v]);
                }
            }
        }
        for r in 0..MR {
            *T::vectors_mut(simd, &mut c[r * ldc..]).first_chunk_mut().expect("NV registers of C") = acc[r];
        }
    }

    /// The columns from `j` to `n` that fill no register: through a small buffer.
    #[inline(always)]
    fn ragged(&self, simd: S, m: usize, j: usize, n: usize, c: &mut [T], start: Start<'_, T>) {
        let column = j / T::lanes::<S>();
        for first in (0..m).step_by(ROWS) {
            let mut buffer = [[T::ZERO; MOST_LANES]; ROWS];
            let rows = ROWS.min(m - first);
            if rows == ROWS {
                self.block::<ROWS, 1>(simd, first, column, buffer.as_flattened_mut(), MOST_LANES, Start::Zero);
            } else {
                for r in 0..rows {
                    self.block::<1, 1>(simd, first + r, column, &mut buffer[r], MOST_LANES, Start::Zero);
                }
            }
            for (r, buffer) in buffer[..rows].iter().enumerate() {
                for (c, &sum) in c[(first + r) * self.ldc..][j..n].iter_mut().zip(buffer) {
                    *c = sum
                        + match start {
                            Start::Zero => T::ZERO,
                            Start::Bias(bias) => bias[first + r],
                            Start::Add => *c,
                        };
                }
            }
        }
    }
}

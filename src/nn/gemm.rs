//! One register kernel for every matrix product: `C[m][n] (=|+=) Σₚ Σₖ Aₚ[m][k]·Bₚ[k][n]`.
//!
//! Reading `A` turned makes the forward product into the reverse one; the weight gradient is the same again with the tile
//! turned. `C` stays in registers over the whole of the sums: 6 rows by 4 registers where there are 32 of them, 6 by 2
//! where there are 16. Every loop over the accumulators has constant bounds and must unroll: one that does not sends them
//! to memory, three times slower. Rows of `C` are finished one block after the other, so that what comes next finds them in
//! the first-level cache.

use pulp::{Simd, WithSimd};

use super::packed::{MOST_LANES, Packed};
use super::{Accum, Then};

/// Rows of `C` in registers at once.
const ROWS: usize = 6;

/// `N` is the number of columns if that is a constant, else 0 and `n` counts; `TURNED` says that `A` is stored `[k][m]`.
pub(super) struct Gemm<'a, T, F, const P: usize, const N: usize, const TURNED: bool> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) a: [&'a [T]; P],
    /// Rows of `ldb` numbers, a multiple of 16 whatever `n` is.
    pub(super) b: [&'a [T]; P],
    pub(super) ldb: usize,
    pub(super) c: &'a mut [T],
    /// What the sums start from: one number a row, or zero.
    pub(super) bias: Option<&'a [T]>,
    pub(super) accum: Accum,
    /// Takes rows as they are finished, if their length is the constant `N`.
    pub(super) then: F,
}

impl<T, F, const P: usize, const N: usize, const TURNED: bool> WithSimd for Gemm<'_, T, F, P, N, TURNED>
where
    T: Packed,
    F: Then<T, N>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = T::lanes::<S>();
        let Gemm { m, k, n, a, b, ldb, c, bias, accum, mut then } = self;
        let n = if N > 0 { N } else { n };
        debug_assert!(ldb.is_multiple_of(lanes), "rows of B must be whole registers");
        let b = b.map(|b| T::vectors(simd, b));
        let product = Product::<T, S, P, TURNED> { simd, m, k, n, a, b, ldb: ldb / lanes, bias, accum };
        let thin = n <= 2 * lanes && S::REGISTER_COUNT >= 32;
        let mut i = 0;
        while i < m {
            // Eight rows are two fours, not six and a thin two.
            let rows = match m - i {
                left @ 8.. if thin => {
                    if TURNED {
                        left.min(12) / 4 * 4
                    } else {
                        8
                    }
                }
                8 => 4,
                left @ 6.. => left.min(ROWS),
                left @ 4.. => left.min(4),
                left => left.min(2),
            };
            let done = &mut c[i * n..(i + rows) * n];
            match rows {
                12 => product.rows::<_, N, 12>(i, done, &mut then),
                8 => product.rows::<_, N, 8>(i, done, &mut then),
                6 => product.rows::<_, N, 6>(i, done, &mut then),
                4 => product.rows::<_, N, 4>(i, done, &mut then),
                2 => product.rows::<_, N, 2>(i, done, &mut then),
                _ => product.rows::<_, N, 1>(i, done, &mut then),
            }
            if N > 0 && !F::IN_REGISTERS {
                then.rows(i, done.as_chunks_mut().0);
            }
            i += rows;
        }
    }
}

struct Product<'a, T: Packed, S: Simd, const P: usize, const TURNED: bool> {
    simd: S,
    m: usize,
    k: usize,
    n: usize,
    a: [&'a [T]; P],
    b: [&'a [T::Vector<S>]; P],
    ldb: usize,
    bias: Option<&'a [T]>,
    accum: Accum,
}

impl<T: Packed, S: Simd, const P: usize, const TURNED: bool> Product<'_, T, S, P, TURNED> {
    /// `MR` rows, all columns.
    #[inline(always)]
    fn rows<F: Then<T, N>, const N: usize, const MR: usize>(&self, i: usize, c: &mut [T], then: &mut F) {
        let (lanes, n) = (T::lanes::<S>(), self.n);
        let mut j = 0;
        if S::REGISTER_COUNT >= 32 {
            while j + 4 * lanes <= n {
                self.block::<F, N, MR, 4>(i, j / lanes, &mut c[j..], n, then);
                j += 4 * lanes;
            }
        }
        while j + 2 * lanes <= n {
            self.block::<F, N, MR, 2>(i, j / lanes, &mut c[j..], n, then);
            j += 2 * lanes;
        }
        while j + lanes <= n {
            self.block::<F, N, MR, 1>(i, j / lanes, &mut c[j..], n, then);
            j += lanes;
        }
        if j < n {
            self.ragged::<MR>(i, j, c);
        }
    }

    /// `MR` rows by `NV` registers, and what becomes of them.
    #[inline(always)]
    fn block<F: Then<T, N>, const N: usize, const MR: usize, const NV: usize>(
        &self,
        i: usize,
        j: usize,
        c: &mut [T],
        ldc: usize,
        then: &mut F,
    ) {
        let mut acc = self.sums::<MR, NV>(i, j);
        if N > 0 && F::IN_REGISTERS {
            for r in 0..MR {
                then.registers(self.simd, i + r, j, &mut acc[r]);
            }
        }
        for r in 0..MR {
            let c: &mut [_; NV] =
                T::vectors_mut(self.simd, &mut c[r * ldc..]).first_chunk_mut().expect("NV registers of C");
            match self.accum {
                Accum::Replace => *c = acc[r],
                Accum::Add => {
                    for v in 0..NV {
                        c[v] = T::vector_add(self.simd, c[v], acc[r][v]);
                    }
                }
            }
        }
    }

    /// `MR` rows by `NV` registers of the product.
    #[inline(always)]
    fn sums<const MR: usize, const NV: usize>(&self, i: usize, j: usize) -> [[T::Vector<S>; NV]; MR] {
        let simd = self.simd;
        let mut acc = [[T::splat(simd, T::ZERO); NV]; MR];
        if let Some(bias) = self.bias {
            for r in 0..MR {
                acc[r] = [T::splat(simd, bias[i + r]); NV];
            }
        }
        for p in 0..P {
            let (a, b) = (self.a[p], self.b[p]);
            if TURNED {
                for (a, b) in a.chunks_exact(self.m).zip(b.chunks_exact(self.ldb)) {
                    let a: &[T; MR] = a[i..].first_chunk().expect("MR rows of A");
                    step(simd, a, registers(b, j), &mut acc);
                }
            } else {
                // Slices of length k, so that no index into them needs a check.
                let mut rows = [&a[..0]; MR];
                for r in 0..MR {
                    rows[r] = &a[(i + r) * self.k..][..self.k];
                }
                let mut column = [T::ZERO; MR];
                for k in 0..self.k {
                    // Checked before the numbers are loaded, or they are not spread over a register by the load itself.
                    let b = registers(b, k * self.ldb + j);
                    for r in 0..MR {
                        column[r] = rows[r][k];
                    }
                    step(simd, &column, b, &mut acc);
                }
            }
        }
        acc
    }

    /// The columns from `j` to `n` that fill no register: through a small buffer.
    #[inline(always)]
    fn ragged<const MR: usize>(&self, i: usize, j: usize, c: &mut [T]) {
        let acc = self.sums::<MR, 1>(i, j / T::lanes::<S>());
        let mut buffer = [T::ZERO; MOST_LANES];
        for r in 0..MR {
            T::vectors_mut(self.simd, &mut buffer)[0] = acc[r][0];
            for (c, &sum) in c[r * self.n..][..self.n][j..].iter_mut().zip(&buffer) {
                self.accum.put(c, sum);
            }
        }
    }
}

/// Registers of `B` from `at` on.
#[inline(always)]
fn registers<V, const NV: usize>(b: &[V], at: usize) -> &[V; NV] {
    b[at..].first_chunk().expect("NV registers of B")
}

/// One column of `A` times one row of `B`.
#[inline(always)]
fn step<T: Packed, S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: &[T; MR],
    b: &[T::Vector<S>; NV],
    acc: &mut [[T::Vector<S>; NV]; MR],
) {
    for r in 0..MR {
        let x = T::splat(simd, a[r]);
        for v in 0..NV {
            acc[r][v] = T::vector_mul_add(simd, x, b[v], acc[r][v]);
        }
    }
}

//! One register kernel for every matrix product: `C[m][n] (=|+=) Σₚ Σₖ Aₚ[m][k]·Bₚ[k][n]`.
//!
//! Reading `A` turned makes the forward product into the reverse one; the weight gradient is the same again with the tile
//! turned. `C` stays in registers over the whole of the sums: 6 rows by 4 registers where there are 32 of them, 6 by 2
//! where there are 16. Every loop over the accumulators has constant bounds and must unroll: one that does not sends them
//! to memory, three times slower. Rows of `C` are finished one block after the other, so that what comes next finds them in
//! the first-level cache.

use pulp::{Simd, WithSimd};

use super::Then;
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
    pub(super) start: Start<'a, T>,
    /// Takes finished rows, if their length is the constant `N`.
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
        let Gemm { m, k, n, a, b, ldb, c, start, mut then } = self;
        let n = if N > 0 { N } else { n };
        debug_assert!(ldb.is_multiple_of(lanes), "rows of B must be whole registers");
        let b = b.map(|b| T::vectors(simd, b));
        let product = Product::<T, S, P, TURNED> { simd, m, k, n, a, b, ldb: ldb / lanes, start };
        let mut i = 0;
        while i < m {
            // Eight rows are two fours, not six and a thin two.
            let rows = match m - i {
                8 => 4,
                left @ 6.. => left.min(ROWS),
                left @ 4.. => left.min(4),
                left => left.min(2),
            };
            let done = &mut c[i * n..(i + rows) * n];
            match rows {
                6 => product.rows::<6>(i, done),
                4 => product.rows::<4>(i, done),
                2 => product.rows::<2>(i, done),
                _ => product.rows::<1>(i, done),
            }
            if N > 0 {
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
    start: Start<'a, T>,
}

impl<T: Packed, S: Simd, const P: usize, const TURNED: bool> Product<'_, T, S, P, TURNED> {
    /// `MR` rows, all columns.
    #[inline(always)]
    fn rows<const MR: usize>(&self, i: usize, c: &mut [T]) {
        let (lanes, n) = (T::lanes::<S>(), self.n);
        let mut j = 0;
        if S::REGISTER_COUNT >= 32 {
            while j + 4 * lanes <= n {
                self.block::<MR, 4>(i, j / lanes, &mut c[j..], n, self.start);
                j += 4 * lanes;
            }
        }
        while j + 2 * lanes <= n {
            self.block::<MR, 2>(i, j / lanes, &mut c[j..], n, self.start);
            j += 2 * lanes;
        }
        while j + lanes <= n {
            self.block::<MR, 1>(i, j / lanes, &mut c[j..], n, self.start);
            j += lanes;
        }
        if j < n {
            self.ragged::<MR>(i, j, c);
        }
    }

    /// `MR` rows by `NV` registers.
    #[inline(always)]
    fn block<const MR: usize, const NV: usize>(
        &self,
        i: usize,
        j: usize,
        c: &mut [T],
        ldc: usize,
        start: Start<'_, T>,
    ) {
        let simd = self.simd;
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
        for p in 0..P {
            let (a, b) = (self.a[p], self.b[p]);
            if TURNED {
                for (a, b) in a.chunks_exact(self.m).zip(b.chunks_exact(self.ldb)) {
                    let a: &[T; MR] = a[i..].first_chunk().expect("MR rows of A");
                    step(simd, a, &b[j..], &mut acc);
                }
            } else {
                // Slices of length k, so that no index into them needs a check.
                let mut rows = [&a[..0]; MR];
                for r in 0..MR {
                    rows[r] = &a[(i + r) * self.k..][..self.k];
                }
                let mut column = [T::ZERO; MR];
                for k in 0..self.k {
                    for r in 0..MR {
                        column[r] = rows[r][k];
                    }
                    step(simd, &column, &b[k * self.ldb + j..], &mut acc);
                }
            }
        }
        for r in 0..MR {
            *T::vectors_mut(simd, &mut c[r * ldc..]).first_chunk_mut().expect("NV registers of C") = acc[r];
        }
    }

    /// The columns from `j` to `n` that fill no register: through a small buffer.
    #[inline(always)]
    fn ragged<const MR: usize>(&self, i: usize, j: usize, c: &mut [T]) {
        let mut buffer = [[T::ZERO; MOST_LANES]; MR];
        self.block::<MR, 1>(i, j / T::lanes::<S>(), buffer.as_flattened_mut(), MOST_LANES, Start::Zero);
        for (r, (c, buffer)) in c.chunks_exact_mut(self.n).zip(&buffer).enumerate() {
            for (c, &sum) in c[j..].iter_mut().zip(buffer) {
                *c = sum
                    + match self.start {
                        Start::Zero => T::ZERO,
                        Start::Bias(bias) => bias[i + r],
                        Start::Add => *c,
                    };
            }
        }
    }
}

/// One column of `A` times one row of `B`.
#[inline(always)]
fn step<T: Packed, S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: &[T; MR],
    b: &[T::Vector<S>],
    acc: &mut [[T::Vector<S>; NV]; MR],
) {
    let b: &[T::Vector<S>; NV] = b.first_chunk().expect("NV registers of B");
    for r in 0..MR {
        let x = T::splat(simd, a[r]);
        for v in 0..NV {
            acc[r][v] = T::vector_mul_add(simd, x, b[v], acc[r][v]);
        }
    }
}

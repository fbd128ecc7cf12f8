//! The products of a layer over registers, one instruction set at a time; [`Loops`](super::Loops) is the dull twin.

use pulp::Simd;

use super::gemm::Gemm;
use super::packed::{Dispatched, Packed};
use super::{Accum, Kernel, Then};

/// The products over the registers of `S`, for tiles of a multiple of 16 samples.
#[derive(Clone, Copy, Debug)]
pub struct Registers<S>(pub S);

impl<S: Simd, T: Packed, const R: usize> Kernel<T, R> for Registers<S> {
    type Contract = Dispatched<S>;
    #[inline(always)]
    fn contract(self) -> Dispatched<S> {
        Dispatched(self.0)
    }
    #[inline(always)]
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]]) {
        self.affine_then(w, bias, x, out, ());
    }
    #[inline(always)]
    fn transposed(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]]) {
        self.transposed_then(w, z, out, ());
    }
    #[inline(always)]
    fn outer(self, z: &[[T; R]], x: &[[T; R]], grad: &mut [T], accum: Accum, scratch: &mut [T]) {
        self.0.vectorize(Outer { z: [z], x: [x], grad, accum, scratch });
    }
    #[inline(always)]
    fn affine_then(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]], then: impl Then<T, R>) {
        self.0.vectorize(product::<_, _, R, false>(w, x, out, bias, then));
    }
    #[inline(always)]
    fn transposed_then(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]], then: impl Then<T, R>) {
        self.0.vectorize(product::<_, _, R, true>(w, z, out, None, then));
    }
    #[inline(always)]
    fn outer_pair(self, z: [&[[T; R]]; 2], x: [&[[T; R]]; 2], grad: &mut [T], accum: Accum, scratch: &mut [T]) {
        self.0.vectorize(Outer { z, x, grad, accum, scratch });
    }
    #[inline(always)]
    fn row_sums(self, z: &[[T; R]], grad: &mut [T], accum: Accum) {
        for (g, z) in grad.iter_mut().zip(z) {
            let mut sum = T::splat(self.0, T::ZERO);
            for &z in T::vectors(self.0, z) {
                sum = T::vector_add(self.0, sum, z);
            }
            accum.put(g, T::reduce(self.0, sum));
        }
    }
}

/// Weights, turned or not, times a tile.
#[inline(always)]
fn product<'a, T, F, const R: usize, const TURNED: bool>(
    w: &'a [T],
    tile: &'a [[T; R]],
    out: &'a mut [[T; R]],
    bias: Option<&'a [T]>,
    then: F,
) -> Gemm<'a, T, F, 1, R, TURNED> {
    let (m, k) = (out.len(), tile.len());
    let (b, c) = (tile.as_flattened(), out.as_flattened_mut());
    Gemm { m, k, n: R, a: [w], b: [b], ldb: R, c, bias, accum: Accum::Replace, then }
}

/// `Σₚ Σᵣ zₚ[o][r]·xₚ[i][r]` into `grad[o][i]`.
struct Outer<'a, T, const P: usize, const R: usize> {
    z: [&'a [[T; R]]; P],
    x: [&'a [[T; R]]; P],
    grad: &'a mut [T],
    accum: Accum,
    scratch: &'a mut [T],
}

/// Fewer rows than this are not worth turning a tile for.
const FEW: usize = 4;
/// Nor are fewer weights.
const FEW_WEIGHTS: usize = 300;

impl<T: Packed, const P: usize, const R: usize> pulp::WithSimd for Outer<'_, T, P, R> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { z, x, grad, accum, scratch } = self;
        let (m, n) = (z[0].len(), x[0].len());
        if n < T::lanes::<S>() || m < FEW || m * n < FEW_WEIGHTS {
            return dots(simd, z, x, grad, accum);
        }
        // Lanes run over inputs, so that the tile has to be turned first.
        let ldb = n.next_multiple_of(16);
        let mut b = [&[][..]; P];
        for ((b, x), turned) in b.iter_mut().zip(x).zip(scratch.chunks_exact_mut(R * ldb)) {
            transpose(simd, x, turned, ldb);
            *b = turned;
        }
        let a = z.map(<[_]>::as_flattened);
        // A call, not inlined here: compiled once for tiles of all lengths.
        simd.vectorize(Gemm::<_, _, P, 0, false> { m, k: R, n, a, b, ldb, c: grad, bias: None, accum, then: () });
    }
}

/// One dot product a weight, lanes over samples: of two nodes with four inputs at a time, so that each register that is
/// read serves several.
#[inline(always)]
fn dots<S: Simd, T: Packed, const P: usize, const R: usize>(
    simd: S,
    z: [&[[T; R]]; P],
    x: [&[[T; R]]; P],
    grad: &mut [T],
    accum: Accum,
) {
    let (m, n) = (z[0].len(), x[0].len());
    for o in (0..m).step_by(2) {
        let rows = &mut grad[o * n..];
        if o + 2 <= m {
            dot_rows::<S, T, P, R, 2>(simd, z, x, o, rows, accum);
        } else {
            dot_rows::<S, T, P, R, 1>(simd, z, x, o, rows, accum);
        }
    }
}

#[inline(always)]
fn dot_rows<S: Simd, T: Packed, const P: usize, const R: usize, const MR: usize>(
    simd: S,
    z: [&[[T; R]]; P],
    x: [&[[T; R]]; P],
    o: usize,
    rows: &mut [T],
    accum: Accum,
) {
    let n = x[0].len();
    let mut i = 0;
    while i + 4 <= n {
        dot_block::<S, T, P, R, MR, 4>(simd, z, x, [o, i], rows, accum);
        i += 4;
    }
    while i < n {
        dot_block::<S, T, P, R, MR, 1>(simd, z, x, [o, i], rows, accum);
        i += 1;
    }
}

#[inline(always)]
fn dot_block<S: Simd, T: Packed, const P: usize, const R: usize, const MR: usize, const NR: usize>(
    simd: S,
    z: [&[[T; R]]; P],
    x: [&[[T; R]]; P],
    [o, i]: [usize; 2],
    rows: &mut [T],
    accum: Accum,
) {
    let mut sums = [[T::splat(simd, T::ZERO); NR]; MR];
    for p in 0..P {
        let z: &[_; MR] = z[p][o..].first_chunk().expect("MR nodes");
        let x: &[_; NR] = x[p][i..].first_chunk().expect("NR inputs");
        for v in 0..R / T::lanes::<S>() {
            for r in 0..MR {
                for c in 0..NR {
                    let (z, x) = (T::vectors(simd, &z[r])[v], T::vectors(simd, &x[c])[v]);
                    sums[r][c] = T::vector_mul_add(simd, z, x, sums[r][c]);
                }
            }
        }
    }
    for r in 0..MR {
        for c in 0..NR {
            accum.put(&mut rows[r * x[0].len() + i + c], T::reduce(simd, sums[r][c]));
        }
    }
}

/// `out[r·ld + i] = x[i][r]`: whole registers as squares, the nodes left over one number at a time.
#[inline(always)]
fn transpose<S: Simd, T: Packed, const R: usize>(simd: S, x: &[[T; R]], out: &mut [T], ld: usize) {
    let done = match T::lanes::<S>() {
        16 => squares::<S, T, R, 16>(simd, x, out, ld),
        8 => squares::<S, T, R, 8>(simd, x, out, ld),
        4 => squares::<S, T, R, 4>(simd, x, out, ld),
        _ => 0,
    };
    for (r, row) in out.chunks_exact_mut(ld).enumerate() {
        for (out, node) in row[done..].iter_mut().zip(&x[done..]) {
            *out = node[r];
        }
    }
}

/// Turns `L` nodes by `L` samples at a time in `L` registers of `L` lanes, by Eklundh's exchanges: of rows `s` apart, the
/// quarters across the diagonal change places, for s = L/2, …, 1. Gives the number of nodes done.
#[inline(always)]
fn squares<S: Simd, T: Packed, const R: usize, const L: usize>(
    simd: S,
    x: &[[T; R]],
    out: &mut [T],
    ld: usize,
) -> usize {
    let (whole, _) = x.as_chunks::<L>();
    let mut rows = [T::splat(simd, T::ZERO); L];
    for (block, nodes) in whole.iter().enumerate() {
        for v in 0..R / L {
            for i in 0..L {
                rows[i] = T::vectors(simd, &nodes[i])[v];
            }
            exchange::<S, T, L, 8>(simd, &mut rows);
            exchange::<S, T, L, 4>(simd, &mut rows);
            exchange::<S, T, L, 2>(simd, &mut rows);
            exchange::<S, T, L, 1>(simd, &mut rows);
            for i in 0..L {
                T::vectors_mut(simd, &mut out[(v * L + i) * ld + block * L..][..L])[0] = rows[i];
            }
        }
    }
    whole.len() * L
}

/// One of Eklundh's exchanges, nothing if `STEP` is not below `L`.
#[inline(always)]
fn exchange<S: Simd, T: Packed, const L: usize, const STEP: usize>(simd: S, rows: &mut [T::Vector<S>; L]) {
    if STEP >= L {
        return;
    }
    let mask = lanes_with_bit::<S, T, L>(simd, STEP);
    for i in 0..L {
        if i & STEP == 0 {
            let (a, b) = (rows[i], rows[i + STEP]);
            rows[i] = T::choose(simd, mask, T::rotate_right(simd, b, STEP), a);
            rows[i + STEP] = T::choose(simd, mask, b, T::rotate_left(simd, a, STEP));
        }
    }
}

/// One in each of `L` lanes whose number has the bit, zero in the others.
#[inline(always)]
pub(super) fn lanes_with_bit<S: Simd, T: Packed, const L: usize>(simd: S, bit: usize) -> T::Vector<S> {
    let mut mask = [T::ZERO; L];
    for l in 0..L {
        mask[l] = if l & bit == 0 { T::ZERO } else { T::ONE };
    }
    T::vectors(simd, &mask)[0]
}

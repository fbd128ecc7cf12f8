//! The products of a layer over registers, one instruction set at a time; [`Loops`](super::Loops) is the dull twin.

use pulp::Simd;

use super::gemm::{Gemm, Start};
use super::packed::{Dispatched, Packed};
use super::{Kernel, TILE, Then};

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
        self.affine_then(w, bias, x, out, ());
    }
    #[inline(always)]
    fn transposed(self, w: &[T], z: &[[T; TILE]], out: &mut [[T; TILE]]) {
        self.transposed_then(w, z, out, ());
    }
    #[inline(always)]
    fn outer(self, z: &[[T; TILE]], x: &[[T; TILE]], grad: &mut [T], scratch: &mut [T]) {
        self.0.vectorize(Outer { z: [z], x: [x], grad, scratch });
    }
    #[inline(always)]
    fn affine_then(
        self,
        w: &[T],
        bias: Option<&[T]>,
        x: &[[T; TILE]],
        out: &mut [[T; TILE]],
        then: impl Then<T, TILE>,
    ) {
        let start = bias.map_or(Start::Zero, Start::Bias);
        self.0.vectorize(product::<_, _, false>(w, x, out, start, then));
    }
    #[inline(always)]
    fn transposed_then(self, w: &[T], z: &[[T; TILE]], out: &mut [[T; TILE]], then: impl Then<T, TILE>) {
        self.0.vectorize(product::<_, _, true>(w, z, out, Start::Zero, then));
    }
    #[inline(always)]
    fn outer_pair(self, z: [&[[T; TILE]]; 2], x: [&[[T; TILE]]; 2], grad: &mut [T], scratch: &mut [T]) {
        self.0.vectorize(Outer { z, x, grad, scratch });
    }
}

/// Weights, turned or not, times a tile.
#[inline(always)]
fn product<'a, T, F, const TURNED: bool>(
    w: &'a [T],
    tile: &'a [[T; TILE]],
    out: &'a mut [[T; TILE]],
    start: Start<'a, T>,
    then: F,
) -> Gemm<'a, T, F, 1, TILE, TURNED> {
    let (m, k) = (out.len(), tile.len());
    let (b, c) = (tile.as_flattened(), out.as_flattened_mut());
    Gemm { m, k, n: TILE, a: [w], b: [b], ldb: TILE, c, start, then }
}

/// `grad[o][i] += Σₚ Σᵣ zₚ[o][r]·xₚ[i][r]`.
struct Outer<'a, T, const P: usize> {
    z: [&'a [[T; TILE]]; P],
    x: [&'a [[T; TILE]]; P],
    grad: &'a mut [T],
    scratch: &'a mut [T],
}

/// Fewer rows than this are not worth turning a tile for.
const FEW: usize = 4;

impl<T: Packed, const P: usize> pulp::WithSimd for Outer<'_, T, P> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { z, x, grad, scratch } = self;
        let (m, n) = (z[0].len(), x[0].len());
        if n < T::lanes::<S>() || m < FEW {
            return dots(simd, z, x, grad);
        }
        // Lanes run over inputs, so that the tile has to be turned first.
        let ldb = n.next_multiple_of(16);
        let mut b = [&[][..]; P];
        for ((b, x), turned) in b.iter_mut().zip(x).zip(scratch.chunks_exact_mut(TILE * ldb)) {
            transpose(simd, x, turned, ldb);
            *b = turned;
        }
        let (a, start) = (z.map(<[_]>::as_flattened), Start::Add);
        Gemm::<_, _, P, 0, false> { m, k: TILE, n, a, b, ldb, c: grad, start, then: () }.with_simd(simd);
    }
}

/// One dot product a weight, lanes over samples.
#[inline(always)]
fn dots<S: Simd, T: Packed, const P: usize>(simd: S, z: [&[[T; TILE]]; P], x: [&[[T; TILE]]; P], grad: &mut [T]) {
    let fan_in = x[0].len();
    for (o, row) in grad.chunks_exact_mut(fan_in).enumerate() {
        for (i, g) in row.iter_mut().enumerate() {
            let mut sum = T::splat(simd, T::ZERO);
            for p in 0..P {
                for (&z, &x) in T::vectors(simd, &z[p][o]).iter().zip(T::vectors(simd, &x[p][i])) {
                    sum = T::vector_mul_add(simd, z, x, sum);
                }
            }
            *g += T::reduce(simd, sum);
        }
    }
}

/// `out[r·ld + i] = x[i][r]`: whole registers as squares, the nodes left over one number at a time.
#[inline(always)]
fn transpose<S: Simd, T: Packed>(simd: S, x: &[[T; TILE]], out: &mut [T], ld: usize) {
    let done = match T::lanes::<S>() {
        16 => squares::<S, T, 16>(simd, x, out, ld),
        8 => squares::<S, T, 8>(simd, x, out, ld),
        4 => squares::<S, T, 4>(simd, x, out, ld),
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
fn squares<S: Simd, T: Packed, const L: usize>(simd: S, x: &[[T; TILE]], out: &mut [T], ld: usize) -> usize {
    let (whole, _) = x.as_chunks::<L>();
    let mut rows = [T::splat(simd, T::ZERO); L];
    for (block, nodes) in whole.iter().enumerate() {
        for v in 0..TILE / L {
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
    let mut mask = [T::ZERO; L];
    for l in 0..L {
        mask[l] = if l & STEP == 0 { T::ZERO } else { T::ONE };
    }
    let mask = T::vectors(simd, &mask)[0];
    for i in 0..L {
        if i & STEP == 0 {
            let (a, b) = (rows[i], rows[i + STEP]);
            rows[i] = T::choose(simd, mask, T::rotate_right(simd, b, STEP), a);
            rows[i + STEP] = T::choose(simd, mask, b, T::rotate_left(simd, a, STEP));
        }
    }
}

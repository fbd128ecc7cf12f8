//! The four products that sweeps are made of, behind one trait: plain loops here, registers in [`super::Registers`].

#[cfg(feature = "std")]
use pulp::Simd;

#[cfg(feature = "std")]
use super::Packed;
use crate::math::{Contract, Number};

/// The products of one layer with one tile of `R` samples, and the rounding of its elementwise work.
///
/// Weights are row-major `[fan_out][fan_in]`; a tile is one `[T; R]` a node.
pub trait Kernel<T: Number, const R: usize>: Copy {
    /// How elementwise loops round `a·b + c`.
    type Contract: Contract;
    /// The token of [`Self::Contract`].
    fn contract(self) -> Self::Contract;
    /// `out[o] = bias[o] + Σᵢ w[o][i]·x[i]`; no bias is zero.
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]]);
    /// `out[i] = Σₒ w[o][i]·z[o]`.
    fn transposed(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]]);
    /// `Σᵣ z[o][r]·x[i][r]` into `grad[o][i]`. `scratch` holds `R × fan_in` rounded up to 16.
    fn outer(self, z: &[[T; R]], x: &[[T; R]], grad: &mut [T], accum: Accum, scratch: &mut [T]);
    /// [`affine`](Self::affine), then `then` for each row, soon after it is finished: while it is in reach.
    #[inline(always)]
    fn affine_then(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]], mut then: impl Then<T, R>) {
        self.affine(w, bias, x, out);
        then.rows(0, out);
    }
    /// [`transposed`](Self::transposed), then `then` for each row.
    #[inline(always)]
    fn transposed_then(self, w: &[T], z: &[[T; R]], out: &mut [[T; R]], mut then: impl Then<T, R>) {
        self.transposed(w, z, out);
        then.rows(0, out);
    }
    /// The sum of two [`outer`](Self::outer) products: `scratch` holds twice as much.
    #[inline(always)]
    fn outer_pair(self, z: [&[[T; R]]; 2], x: [&[[T; R]]; 2], grad: &mut [T], accum: Accum, scratch: &mut [T]) {
        self.outer(z[0], x[0], grad, accum, scratch);
        self.outer(z[1], x[1], grad, Accum::Add, scratch);
    }
    /// `Σᵣ z[o][r]` into `grad[o]`.
    fn row_sums(self, z: &[[T; R]], grad: &mut [T], accum: Accum);
}

/// What becomes of what stood where a sum goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accum {
    /// The sum takes its place.
    Replace,
    /// The sum is added to it, once it is complete: as if it had been made elsewhere.
    Add,
}

impl Accum {
    #[inline(always)]
    pub(super) fn put<T: Number>(self, place: &mut T, sum: T) {
        *place = match self {
            Self::Replace => sum,
            Self::Add => *place + sum,
        };
    }
}

/// What becomes of the rows of a product. A trait and no closure, so that it is inlined where vectors are known.
pub trait Then<T, const R: usize> {
    /// The row of one node.
    fn row(&mut self, node: usize, row: &mut [T; R]);
    /// The rows of some nodes.
    #[inline(always)]
    fn rows(&mut self, first: usize, rows: &mut [[T; R]]) {
        for (i, row) in rows.iter_mut().enumerate() {
            self.row(first + i, row);
        }
    }
    /// Whether [`registers`](Self::registers) does the same before the row is stored, which saves writing it twice.
    #[cfg(feature = "std")]
    const IN_REGISTERS: bool = false;
    /// Registers `at..at + NV` of the row of one node, if [`IN_REGISTERS`](Self::IN_REGISTERS).
    #[cfg(feature = "std")]
    #[inline(always)]
    fn registers<S: Simd, const NV: usize>(&mut self, _: S, _node: usize, _at: usize, _row: &mut [T::Vector<S>; NV])
    where
        T: Packed,
    {
    }
}

/// Nothing more.
impl<T, const R: usize> Then<T, R> for () {
    #[inline(always)]
    fn row(&mut self, _: usize, _: &mut [T; R]) {}
}

/// The products as plain loops in a fixed order: one sample at a time ([`Separate`](crate::math::Separate): the same bits
/// on every target), and what the register kernels are tested against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loops<C>(pub C);

impl<T: Number, C: Contract, const R: usize> Kernel<T, R> for Loops<C> {
    type Contract = C;
    #[inline(always)]
    fn contract(self) -> C {
        self.0
    }
    #[inline(always)]
    fn affine(self, w: &[T], bias: Option<&[T]>, x: &[[T; R]], out: &mut [[T; R]]) {
        let (fan_in, zero) = (x.len(), x[0][0].like(0.0));
        for (o, out) in out.iter_mut().enumerate() {
            let mut sum = [bias.map_or(zero, |b| b[o]); R];
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
        let (fan_in, zero) = (out.len(), z[0][0].like(0.0));
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = [zero; R];
            for (o, z) in z.iter().enumerate() {
                for r in 0..R {
                    sum[r] = self.0.mul_add(w[o * fan_in + i], z[r], sum[r]);
                }
            }
            *out = sum;
        }
    }
    #[inline(always)]
    fn outer(self, z: &[[T; R]], x: &[[T; R]], grad: &mut [T], accum: Accum, _scratch: &mut [T]) {
        for (row, z) in grad.chunks_exact_mut(x.len()).zip(z) {
            for (g, x) in row.iter_mut().zip(x) {
                let mut sum = x[0].like(0.0);
                for r in 0..R {
                    sum = self.0.mul_add(z[r], x[r], sum);
                }
                accum.put(g, sum);
            }
        }
    }
    #[inline(always)]
    fn row_sums(self, z: &[[T; R]], grad: &mut [T], accum: Accum) {
        for (g, z) in grad.iter_mut().zip(z) {
            let mut sum = z[0];
            for &z in &z[1..] {
                sum += z;
            }
            accum.put(g, sum);
        }
    }
}

//! The gradient in the parameters from what the sweeps left on all strips of a tile: dot products, lanes over samples.

use pulp::Simd;

use super::{WIDTH, columns};
use crate::nn::registers::lanes_with_bit;
use crate::nn::{Accum, Chain, Layer, Packed, SLOTS, Slot};

/// Nodes whose sums are made at once.
const ROWS: usize = 4;

/// The sums of their products with `C` inputs, lanes not yet added up.
type Block<S, T, const C: usize> = [[<T as Packed>::Vector<S>; C]; ROWS];

/// The strips, and the residuals of the output for each. `PAIRS` is 2 where tangents went down, else 1.
pub(super) struct Sums<'a, S: Simd, T: Packed, const PAIRS: usize> {
    pub(super) simd: S,
    pub(super) strips: &'a [T::Vector<S>],
    pub(super) length: usize,
    pub(super) residuals: &'a [T::Vector<S>],
    pub(super) accum: Accum,
}

impl<S: Simd, T: Packed, const PAIRS: usize> Sums<'_, S, T, PAIRS> {
    /// `Σ z̄̇ a⁻ᵀ + z̄ ȧ⁻ᵀ`, or `Σ z̄ a⁻ᵀ`, of each layer, and the sums of biases.
    #[inline(always)]
    pub(super) fn gradient(&self, layers: &[Layer], mut grad: &mut [T]) {
        let n = columns(layers.inputs());
        // Where the layer below has its values and tangents, and where this one starts.
        let (mut below, mut at) = ([0, n], 2 * n);
        let slot = |at: usize, slot: Slot| at + slot as usize * WIDTH;
        let (hidden, last) = layers.split_at(layers.len() - 1);
        for layer in hidden {
            let (this, rest) = grad.split_at_mut(layer.params());
            let z = if PAIRS > 1 { [slot(at, Slot::BarDot), slot(at, Slot::Bar)] } else { [slot(at, Slot::Bar); 2] };
            if S::REGISTER_COUNT >= 32 {
                self.layer::<4>(layer, z, below, this);
            } else {
                self.layer::<2>(layer, z, below, this);
            }
            (below, at, grad) = ([slot(at, Slot::Value), slot(at, Slot::Dot)], at + SLOTS * WIDTH, rest);
        }
        self.output(&last[0], below, grad);
    }

    /// Blocks of `ROWS` nodes with `C` inputs: each register that is read serves several sums.
    #[inline(always)]
    fn layer<const C: usize>(&self, layer: &Layer, z: [usize; 2], x: [usize; 2], grad: &mut [T]) {
        let (n, m) = (layer.fan_in.0, layer.fan_out.0);
        let (weights, biases) = grad.split_at_mut(n * m);
        for o in (0..m).step_by(ROWS) {
            for i in (0..n).step_by(C) {
                let (z, x) = (z.map(|at| at + o), x.map(|at| at + i));
                let sums = if i == 0 {
                    let (sums, bias) = self.block::<C, true>(z, x);
                    for (b, &[sum]) in biases[o..].iter_mut().zip(&bias) {
                        self.accum.put(b, T::reduce(self.simd, sum));
                    }
                    sums
                } else {
                    self.block::<C, false>(z, x).0
                };
                let sums: [[T; C]; ROWS] = self.fold(sums);
                for (row, sums) in weights.chunks_exact_mut(n).skip(o).zip(&sums) {
                    row[i..].iter_mut().zip(sums).for_each(|(w, &sum)| self.accum.put(w, sum));
                }
            }
        }
    }

    /// The sums of one block before lanes are added up, and those of the biases if `BIAS`.
    #[inline(always)]
    fn block<const C: usize, const BIAS: bool>(
        &self,
        z: [usize; 2],
        x: [usize; 2],
    ) -> (Block<S, T, C>, Block<S, T, 1>) {
        let (simd, zero) = (self.simd, T::splat(self.simd, T::ZERO));
        let (mut sums, mut bias) = ([[zero; C]; ROWS], [[zero]; ROWS]);
        for strip in self.strips.chunks_exact(self.length) {
            for p in 0..PAIRS {
                let z: &[_; ROWS] = strip[z[p]..].first_chunk().expect("nodes are padded");
                let x: &[_; C] = strip[x[p]..].first_chunk().expect("inputs are padded");
                for r in 0..ROWS {
                    for c in 0..C {
                        sums[r][c] = T::vector_mul_add(simd, z[r], x[c], sums[r][c]);
                    }
                    if BIAS && p == 0 {
                        bias[r][0] = T::vector_add(simd, bias[r][0], z[r]);
                    }
                }
            }
        }
        (sums, bias)
    }

    /// `Σ ȳ a⁻ + ȧ⁻`, the adjoint of the output's tangent being 1.
    #[inline(always)]
    fn output(&self, layer: &Layer, [x, dot]: [usize; 2], grad: &mut [T]) {
        let (simd, zero) = (self.simd, T::splat(self.simd, T::ZERO));
        let (mut sums, mut bias) = ([zero; WIDTH], zero);
        for (strip, &residual) in self.strips.chunks_exact(self.length).zip(self.residuals) {
            let x: &[_; WIDTH] = strip[x..].first_chunk().expect("nodes are padded");
            let dot: &[_; WIDTH] = strip[dot..].first_chunk().expect("nodes are padded");
            for i in 0..WIDTH {
                if PAIRS > 1 {
                    sums[i] = T::vector_add(simd, sums[i], dot[i]);
                }
                sums[i] = T::vector_mul_add(simd, residual, x[i], sums[i]);
            }
            bias = T::vector_add(simd, bias, residual);
        }
        let (weights, biases) = grad.split_at_mut(layer.fan_in.0);
        weights.iter_mut().zip(sums).for_each(|(w, sum)| self.accum.put(w, T::reduce(simd, sum)));
        self.accum.put(&mut biases[0], T::reduce(simd, bias));
    }

    /// The sum of each register's lanes.
    #[inline(always)]
    fn fold<const C: usize>(&self, mut sums: Block<S, T, C>) -> [[T; C]; ROWS] {
        let simd = self.simd;
        let mut numbers = [[T::ZERO; C]; ROWS];
        let (registers, places) = (sums.as_flattened_mut(), numbers.as_flattened_mut());
        match T::lanes::<S>() {
            16 if registers.len() == 16 => fold::<S, T, 16>(simd, registers, places),
            8 => fold::<S, T, 8>(simd, registers, places),
            4 => fold::<S, T, 4>(simd, registers, places),
            _ => places.iter_mut().zip(registers).for_each(|(place, &mut sum)| *place = T::reduce(simd, sum)),
        }
        numbers
    }
}

/// Sums of lanes, `L` registers of `L` lanes at a time. Of two registers the first keeps its lanes without a certain bit in
/// their number, the second those with it, and the others of both are added to them from as many lanes further on as the
/// bit says, around the end, which keeps all lower bits. After the bits 1, 2, … lane `l` holds the sum of register `l`.
#[inline(always)]
fn fold<S: Simd, T: Packed, const L: usize>(simd: S, registers: &mut [T::Vector<S>], sums: &mut [T]) {
    let registers: &mut [[_; L]] = registers.as_chunks_mut().0;
    for (registers, sums) in registers.iter_mut().zip(sums.chunks_exact_mut(L)) {
        halve::<S, T, L, 1>(simd, registers);
        halve::<S, T, L, 2>(simd, registers);
        halve::<S, T, L, 4>(simd, registers);
        halve::<S, T, L, 8>(simd, registers);
        T::vectors_mut(simd, sums)[0] = registers[0];
    }
}

/// One step of that, nothing if `STEP` is not below `L`.
#[inline(always)]
fn halve<S: Simd, T: Packed, const L: usize, const STEP: usize>(simd: S, registers: &mut [T::Vector<S>; L]) {
    let mask = lanes_with_bit::<S, T, L>(simd, STEP);
    for i in 0..L / (2 * STEP) {
        let (a, b) = (registers[2 * i], registers[2 * i + 1]);
        let crossed = T::rotate_left(simd, T::choose(simd, mask, a, b), STEP);
        registers[i] = T::vector_add(simd, T::choose(simd, mask, b, a), crossed);
    }
}

//! What happens to one strip at one layer, all of its nodes in registers.

use pulp::Simd;

use super::{WIDTH, columns};
use crate::math::Activation;
use crate::nn::lanes::Lanes;
use crate::nn::packed::Dispatched;
use crate::nn::{Packed, SLOTS, Slot};

/// One number a node.
pub(super) type Nodes<S, T> = [<T as Packed>::Vector<S>; WIDTH];
/// What is kept of a layer, by [`Slot`].
pub(super) type Block<S, T> = [Nodes<S, T>; SLOTS];
/// Rows of a layer between hidden ones, then its biases.
pub(super) type Square<T> = [[T; WIDTH]; WIDTH + 1];

/// Parameters layer after layer, weights row-major as everywhere, padded.
#[derive(Clone, Copy)]
pub(super) struct Params<'a, T> {
    /// One row a node, as many columns as there are padded inputs.
    pub(super) first: [&'a [T]; WIDTH],
    pub(super) first_bias: &'a [T; WIDTH],
    pub(super) inner: &'a [Square<T>],
    pub(super) last: &'a [T; WIDTH],
    pub(super) last_bias: T,
}

impl<'a, T: Packed> Params<'a, T> {
    #[inline(always)]
    pub(super) fn new(params: &'a [T], inputs: usize) -> Self {
        let n = columns(inputs);
        let (weights, rest) = params.split_at(WIDTH * n);
        let mut first = [weights; WIDTH];
        for o in 0..WIDTH {
            first[o] = &weights[o * n..][..n];
        }
        let (rows, []) = rest.as_chunks() else { unreachable!("rows are padded") };
        let [first_bias, inner @ .., last, last_bias] = rows else { unreachable!("a layer at each end") };
        Self { first, first_bias, inner: inner.as_chunks().0, last, last_bias: last_bias[0] }
    }
}

/// Zero everywhere.
#[inline(always)]
pub(super) fn zero<S: Simd, T: Packed>(simd: S) -> Nodes<S, T> {
    [T::splat(simd, T::ZERO); WIDTH]
}

/// One number a node, the same in every lane.
#[inline(always)]
pub(super) fn spread<S: Simd, T: Packed>(simd: S, numbers: &[T; WIDTH]) -> Nodes<S, T> {
    let mut nodes = zero::<S, T>(simd);
    for o in 0..WIDTH {
        nodes[o] = T::splat(simd, numbers[o]);
    }
    nodes
}

/// `sums + W x`
#[inline(always)]
pub(super) fn affine<S: Simd, T: Packed>(simd: S, w: &Square<T>, mut sums: Nodes<S, T>, x: Nodes<S, T>) -> Nodes<S, T> {
    for i in 0..WIDTH {
        for o in 0..WIDTH {
            sums[o] = T::vector_mul_add(simd, T::splat(simd, w[o][i]), x[i], sums[o]);
        }
    }
    sums
}

/// `Wᵀ z`
#[inline(always)]
pub(super) fn transposed<S: Simd, T: Packed>(simd: S, w: &Square<T>, z: Nodes<S, T>) -> Nodes<S, T> {
    let mut sums = zero::<S, T>(simd);
    for o in 0..WIDTH {
        for i in 0..WIDTH {
            sums[i] = T::vector_mul_add(simd, T::splat(simd, w[o][i]), z[o], sums[i]);
        }
    }
    sums
}

/// `sums + W x` of the first layer with inputs that callers left in columns; keeps them beside the strip's other numbers.
#[inline(always)]
pub(super) fn affine_columns<S: Simd, T: Packed, const R: usize>(
    simd: S,
    w: &[&[T]; WIDTH],
    mut sums: Nodes<S, T>,
    inputs: &[[T; R]],
    at: usize,
    kept: &mut [T::Vector<S>],
) -> Nodes<S, T> {
    // Not by `map`, which would be a call.
    let mut rows = *w;
    for o in 0..WIDTH {
        rows[o] = &w[o][..inputs.len()];
    }
    for (i, (column, kept)) in inputs.iter().zip(kept).enumerate() {
        let x = T::vectors(simd, column)[at];
        *kept = x;
        for o in 0..WIDTH {
            sums[o] = T::vector_mul_add(simd, T::splat(simd, rows[o][i]), x, sums[o]);
        }
    }
    sums
}

/// `Wᵀ z` of the first layer into columns.
#[inline(always)]
pub(super) fn transposed_columns<S: Simd, T: Packed, const R: usize>(
    simd: S,
    w: &[&[T]; WIDTH],
    z: Nodes<S, T>,
    outputs: &mut [[T; R]],
    at: usize,
) {
    for (c, outputs) in outputs.chunks_mut(WIDTH).enumerate() {
        let mut sums = zero::<S, T>(simd);
        for o in 0..WIDTH {
            let row: &[_; WIDTH] = w[o][c * WIDTH..].first_chunk().expect("columns are padded");
            for i in 0..WIDTH {
                sums[i] = T::vector_mul_add(simd, T::splat(simd, row[i]), z[o], sums[i]);
            }
        }
        for (output, sum) in outputs.iter_mut().zip(sums) {
            T::vectors_mut(simd, output)[at] = sum;
        }
    }
}

/// `σ(z)` in place of `z`, kept with as many derivatives as `ORDER` says.
#[inline(always)]
pub(super) fn activate<S: Simd, T: Packed, const ORDER: usize>(
    simd: S,
    function: Activation,
    nodes: &mut Nodes<S, T>,
    block: &mut Block<S, T>,
) {
    // What trained networks are made of goes from register to register, its loops unrolled; the longer chains of double
    // precision have more nodes beside them.
    if function == Activation::Silu {
        return if size_of::<T>() < 8 {
            silu::<S, T, ORDER, 2>(simd, nodes, block);
        } else {
            silu::<S, T, ORDER, 4>(simd, nodes, block);
        };
    }
    // In memory: one loop that does not unroll would keep the nodes there for every function.
    block[Slot::Value as usize] = *nodes;
    macro_rules! apply {
        ($function:expr) => {
            for o in 0..WIDTH {
                let z = Lanes::<S, T, 1> { simd, registers: [block[Slot::Value as usize][o]] };
                let [f, first, second, _] = $function.jet(Dispatched(simd), z);
                [block[Slot::Value as usize][o]] = f.registers;
                [block[Slot::Slope as usize][o]] = first.registers;
                if ORDER > 1 {
                    [block[Slot::Curve as usize][o]] = second.registers;
                }
            }
        };
    }
    match function {
        Activation::Identity => apply!(Activation::Identity),
        Activation::Relu => apply!(Activation::Relu),
        Activation::Tanh => apply!(Activation::Tanh),
        Activation::Sigmoid => apply!(Activation::Sigmoid),
        Activation::Softplus => apply!(Activation::Softplus),
        Activation::Silu => unreachable!("done above"),
    }
    *nodes = block[Slot::Value as usize];
}

/// The same, `K` nodes side by side.
#[inline(always)]
fn silu<S: Simd, T: Packed, const ORDER: usize, const K: usize>(
    simd: S,
    nodes: &mut Nodes<S, T>,
    block: &mut Block<S, T>,
) {
    for (group, nodes) in nodes.as_chunks_mut::<K>().0.iter_mut().enumerate() {
        let z = Lanes::<S, T, K> { simd, registers: *nodes };
        let [f, first, second, _] = Activation::Silu.jet(Dispatched(simd), z);
        *nodes = f.registers;
        let mut keep = |slot: Slot, numbers: Lanes<S, T, K>| {
            block[slot as usize].as_chunks_mut().0[group] = numbers.registers;
        };
        keep(Slot::Value, f);
        keep(Slot::Slope, first);
        if ORDER > 1 {
            keep(Slot::Curve, second);
        }
    }
}

/// `z̄ = ā σ′` in place of `ā`, kept in `slot`, and for the second order `ā σ″` in place of `σ″`; tangents go the same way.
#[inline(always)]
pub(super) fn slope<S: Simd, T: Packed, const ORDER: usize>(
    simd: S,
    nodes: &mut Nodes<S, T>,
    slot: Slot,
    block: &mut Block<S, T>,
) {
    for o in 0..WIDTH {
        if ORDER > 1 {
            block[Slot::Curve as usize][o] = T::vector_mul(simd, block[Slot::Curve as usize][o], nodes[o]);
        }
        nodes[o] = T::vector_mul(simd, nodes[o], block[Slot::Slope as usize][o]);
        block[slot as usize][o] = nodes[o];
    }
}

/// `z̄̇ = ā̇ σ′ + ā σ″ ż` in place of `ā̇`, kept.
#[inline(always)]
pub(super) fn bend<S: Simd, T: Packed>(simd: S, nodes: &mut Nodes<S, T>, block: &mut Block<S, T>) {
    for o in 0..WIDTH {
        let (slope, curve) = (block[Slot::Slope as usize][o], block[Slot::Curve as usize][o]);
        nodes[o] = T::vector_mul_add(simd, nodes[o], slope, curve);
        block[Slot::BarDot as usize][o] = nodes[o];
    }
}

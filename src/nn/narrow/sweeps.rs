//! Sweeps of a narrow network over the strips of a tile, see the table in [`sweep`](crate::nn::Sweep): a strip goes down and
//! up before the next one starts.

use pulp::Simd;

use super::gather::Sums;
use super::layer::{
    Block, Nodes, Params, activate, affine, affine_columns, bend, slope, spread, transposed, transposed_columns, zero,
};
use super::{OUTPUTS, WIDTH, columns};
use crate::nn::{Accum, Chain, Layer, Packed, SLOTS, Slot};

/// A tile in use: the columns that callers see, and the strips.
pub(super) struct Strips<'a, S: Simd, T: Packed, const R: usize> {
    simd: S,
    layers: &'a [Layer],
    params: Params<'a, T>,
    inputs: &'a [[T; R]],
    bar: &'a mut [[T; R]],
    dot: &'a [[T; R]],
    value: &'a mut [T; R],
    residual: &'a [T; R],
    /// Strip after strip: the inputs, their tangents, and a [`Block`] a layer.
    strips: &'a mut [T::Vector<S>],
    length: usize,
}

/// One of them, with its first layer apart.
struct Strip<'a, S: Simd, T: Packed> {
    inputs: &'a mut [T::Vector<S>],
    tangents: &'a mut [T::Vector<S>],
    first: &'a mut Block<S, T>,
    inner: &'a mut [Block<S, T>],
}

impl<'a, S: Simd, T: Packed> Strip<'a, S, T> {
    #[inline(always)]
    fn new(strip: &'a mut [T::Vector<S>], columns: usize) -> Self {
        let (inputs, strip) = strip.split_at_mut(columns);
        let (tangents, strip) = strip.split_at_mut(columns);
        let blocks: &mut [Block<S, T>] = strip.as_chunks_mut().0.as_chunks_mut().0;
        let (first, inner) = blocks.split_first_mut().expect("a hidden layer");
        Self { inputs, tangents, first, inner }
    }
}

impl<'a, S: Simd, T: Packed, const R: usize> Strips<'a, S, T, R> {
    #[inline(always)]
    pub(super) fn new(
        simd: S,
        layers: &'a [Layer],
        params: Params<'a, T>,
        tape: &'a mut [[T; R]],
        samples: usize,
    ) -> Self {
        let (n, hidden) = (layers.inputs(), layers.len() - 1);
        let length = 2 * columns(n) + hidden * SLOTS * WIDTH;
        let (seen, strips) = tape.split_at_mut(3 * n + OUTPUTS);
        let (inputs, seen) = seen.split_at_mut(n);
        let (bar, seen) = seen.split_at_mut(n);
        let (dot, seen) = seen.split_at_mut(n);
        let [value, residual] = seen else { unreachable!("two columns of the output") };
        let strips = T::vectors_mut(simd, strips.as_flattened_mut());
        let strips = &mut strips[..samples.div_ceil(T::lanes::<S>()) * length];
        Self { simd, layers, params, inputs, bar, dot, value, residual, strips, length }
    }

    /// Forward of order 1.
    #[inline(always)]
    pub(super) fn value(self) {
        let Self { simd, layers, params, inputs, value, strips, length, .. } = self;
        for (at, strip) in strips.chunks_exact_mut(length).enumerate() {
            let mut strip = Strip::<S, T>::new(strip, columns(inputs.len()));
            let nodes = forward::<S, T, R, 1>(simd, layers, &params, inputs, at, &mut strip);
            T::vectors_mut(simd, value)[at] = output::<S, T>(simd, &params, nodes);
        }
    }

    /// Reverse, and the gradient.
    #[inline(always)]
    pub(super) fn pull_value(self, grad: &mut [T], accum: Accum) {
        let Self { simd, layers, params, inputs, residual, strips, length, .. } = self;
        for (at, strip) in strips.chunks_exact_mut(length).enumerate() {
            let strip = Strip::<S, T>::new(strip, columns(inputs.len()));
            let seed = seed::<S, T>(simd, &params, T::vectors(simd, residual)[at]);
            reverse::<S, T, 1>(simd, &params, seed, strip.first, strip.inner);
        }
        let residuals = &T::vectors(simd, residual)[..strips.len() / length];
        Sums::<S, T, 1> { simd, strips, length, residuals, accum }.gradient(layers, grad);
    }

    /// Forward of order 2, and reverse with seed 1 down to the inputs.
    #[inline(always)]
    pub(super) fn lift(self) {
        let Self { simd, layers, params, inputs, bar, value, strips, length, .. } = self;
        for (at, strip) in strips.chunks_exact_mut(length).enumerate() {
            let mut strip = Strip::<S, T>::new(strip, columns(inputs.len()));
            let nodes = forward::<S, T, R, 2>(simd, layers, &params, inputs, at, &mut strip);
            T::vectors_mut(simd, value)[at] = output::<S, T>(simd, &params, nodes);
            let seed = spread::<S, T>(simd, params.last);
            let nodes = reverse::<S, T, 2>(simd, &params, seed, strip.first, strip.inner);
            transposed_columns::<S, T, R>(simd, &params.first, nodes, bar, at);
        }
    }

    /// Tangent, second reverse, and the gradient.
    #[inline(always)]
    pub(super) fn pull(self, grad: &mut [T], accum: Accum) {
        let Self { simd, layers, params, dot, residual, strips, length, .. } = self;
        for (at, strip) in strips.chunks_exact_mut(length).enumerate() {
            let Strip { tangents, first, inner, .. } = Strip::<S, T>::new(strip, columns(dot.len()));
            let mut nodes = affine_columns::<S, T, R>(simd, &params.first, zero::<S, T>(simd), dot, at, tangents);
            slope::<S, T, 2>(simd, &mut nodes, Slot::Dot, first);
            for (w, block) in params.inner.iter().zip(&mut *inner) {
                nodes = affine::<S, T>(simd, w, zero::<S, T>(simd), nodes);
                slope::<S, T, 2>(simd, &mut nodes, Slot::Dot, block);
            }
            nodes = seed::<S, T>(simd, &params, T::vectors(simd, residual)[at]);
            for (w, block) in params.inner.iter().zip(inner).rev() {
                bend::<S, T>(simd, &mut nodes, block);
                nodes = transposed::<S, T>(simd, w, nodes);
            }
            bend::<S, T>(simd, &mut nodes, first);
        }
        let residuals = &T::vectors(simd, residual)[..strips.len() / length];
        Sums::<S, T, 2> { simd, strips, length, residuals, accum }.gradient(layers, grad);
    }
}

/// The nodes of the last hidden layer.
#[inline(always)]
fn forward<S: Simd, T: Packed, const R: usize, const ORDER: usize>(
    simd: S,
    layers: &[Layer],
    params: &Params<'_, T>,
    inputs: &[[T; R]],
    at: usize,
    strip: &mut Strip<'_, S, T>,
) -> Nodes<S, T> {
    let biases = spread::<S, T>(simd, params.first_bias);
    let mut nodes = affine_columns::<S, T, R>(simd, &params.first, biases, inputs, at, strip.inputs);
    activate::<S, T, ORDER>(simd, layers[0].activation, &mut nodes, strip.first);
    for ((layer, w), block) in layers[1..].iter().zip(params.inner).zip(&mut *strip.inner) {
        nodes = affine::<S, T>(simd, w, spread::<S, T>(simd, &w[WIDTH]), nodes);
        activate::<S, T, ORDER>(simd, layer.activation, &mut nodes, block);
    }
    nodes
}

/// `f`
#[inline(always)]
fn output<S: Simd, T: Packed>(simd: S, params: &Params<'_, T>, nodes: Nodes<S, T>) -> T::Vector<S> {
    let mut f = T::splat(simd, params.last_bias);
    for o in 0..WIDTH {
        f = T::vector_mul_add(simd, T::splat(simd, params.last[o]), nodes[o], f);
    }
    f
}

/// Adjoints of the last hidden layer's nodes from that of the output.
#[inline(always)]
fn seed<S: Simd, T: Packed>(simd: S, params: &Params<'_, T>, output: T::Vector<S>) -> Nodes<S, T> {
    let mut nodes = spread::<S, T>(simd, params.last);
    for o in 0..WIDTH {
        nodes[o] = T::vector_mul(simd, nodes[o], output);
    }
    nodes
}

/// `z̄` of the first layer, from adjoints of the last hidden layer's nodes.
#[inline(always)]
fn reverse<S: Simd, T: Packed, const ORDER: usize>(
    simd: S,
    params: &Params<'_, T>,
    mut nodes: Nodes<S, T>,
    first: &mut Block<S, T>,
    inner: &mut [Block<S, T>],
) -> Nodes<S, T> {
    for (w, block) in params.inner.iter().zip(inner).rev() {
        slope::<S, T, ORDER>(simd, &mut nodes, Slot::Bar, block);
        nodes = transposed::<S, T>(simd, w, nodes);
    }
    slope::<S, T, ORDER>(simd, &mut nodes, Slot::Bar, first);
    nodes
}

//! Adam (Kingma and Ba, 2015), fused with the sum of the partial gradients.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::nn::{Aligned, Packed};

/// Adam's state: first and second moments of the gradient, one number a parameter.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `θ ← θ − η·m̂/(√v̂ + ε)` with the moments corrected for their start at 0.
#[derive(Clone, Debug)]
pub struct Adam<T> {
    first: Aligned<T>,
    second: Aligned<T>,
    steps: i32,
    arch: pulp::Arch,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Parameters updated by one call into dispatched code.
const CHUNK: usize = 4096;
/// Parameters whose gradient is summed on the stack, in reach of the first-level cache.
const BLOCK: usize = 256;

impl<T: Packed> Adam<T> {
    /// For so many parameters.
    pub fn new(params: usize) -> Self {
        Self { first: Aligned::zeros(params), second: Aligned::zeros(params), steps: 0, arch: pulp::Arch::new() }
    }

    /// Over the given instruction set instead of the best that the machine has.
    pub fn on(self, arch: pulp::Arch) -> Self {
        Self { arch, ..self }
    }

    /// One step with the gradient `Σ parts`, summed in their order.
    ///
    /// # Panics
    /// If a part has another length than the parameters.
    #[track_caller]
    pub fn step(&mut self, params: &mut [T], parts: &[&[T]], learning_rate: f64, parallel: bool) {
        assert!(parts.iter().all(|p| p.len() == params.len()) && params.len() == self.first.len());
        self.steps += 1;
        let arch = self.arch;
        let update = Update {
            keep1: T::of(BETA1),
            keep2: T::of(BETA2),
            rate: T::of(learning_rate / (1.0 - BETA1.powi(self.steps))),
            correct2: T::of(1.0 / (1.0 - BETA2.powi(self.steps))),
        };
        let chunk = |at: usize, p: &mut [T], m: &mut [T], v: &mut [T]| {
            arch.dispatch(Chunk { update, at: at * CHUNK, p, m, v, parts });
        };
        let (first, second) = (&mut self.first, &mut self.second);
        if parallel {
            let chunks =
                params.par_chunks_mut(CHUNK).zip(first.par_chunks_mut(CHUNK)).zip(second.par_chunks_mut(CHUNK));
            chunks.enumerate().with_min_len(2).for_each(|(at, ((p, m), v))| chunk(at, p, m, v));
        } else {
            let chunks = params.chunks_mut(CHUNK).zip(first.chunks_mut(CHUNK)).zip(second.chunks_mut(CHUNK));
            chunks.enumerate().for_each(|(at, ((p, m), v))| chunk(at, p, m, v));
        }
    }
}

#[derive(Clone, Copy)]
struct Update<T> {
    keep1: T,
    keep2: T,
    rate: T,
    correct2: T,
}

impl<T: Packed> Update<T> {
    /// The parameters from `at` on, at most [`BLOCK`] of them: plain loops over slices, which vectorise.
    #[inline(always)]
    fn block(self, at: usize, p: &mut [T], m: &mut [T], v: &mut [T], parts: &[&[T]]) {
        let mut sum = [T::ZERO; BLOCK];
        let gradient = &mut sum[..p.len()];
        for part in parts {
            for (g, &x) in gradient.iter_mut().zip(&part[at..]) {
                *g += x;
            }
        }
        let (new1, new2, epsilon) = (T::ONE - self.keep1, T::ONE - self.keep2, T::of(EPSILON));
        for (((p, m), v), &mut g) in p.iter_mut().zip(m).zip(v).zip(gradient) {
            *m = self.keep1 * *m + new1 * g;
            *v = self.keep2 * *v + new2 * g * g;
            *p -= self.rate * *m / ((*v * self.correct2).root() + epsilon);
        }
    }
}

/// Some parameters from `at` on, for one thread.
struct Chunk<'a, T> {
    update: Update<T>,
    at: usize,
    p: &'a mut [T],
    m: &'a mut [T],
    v: &'a mut [T],
    parts: &'a [&'a [T]],
}

impl<T: Packed> WithSimd for Chunk<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { update, at, p, m, v, parts } = self;
        let blocks = p.chunks_mut(BLOCK).zip(m.chunks_mut(BLOCK)).zip(v.chunks_mut(BLOCK));
        for (i, ((p, m), v)) in blocks.enumerate() {
            update.block(at + i * BLOCK, p, m, v, parts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    /// Two steps worked out by hand: a constant gradient moves every parameter by the learning rate.
    #[test]
    fn constant_gradient_moves_by_the_rate() {
        let mut adam = Adam::<f64>::new(3);
        let mut p = [1.0, 2.0, 3.0];
        for step in 1..=2 {
            adam.step(&mut p, &[&[0.25, -4.0, 1e-3], &[0.25, -4.0, 1e-3]], 0.1, false);
            let moved = 0.1 * f64::from(step);
            for (p, want) in p.iter().zip([1.0 - moved, 2.0 + moved, 3.0 - moved]) {
                assert!((p - want).abs() < 2e-6, "{p} ≠ {want}");
            }
        }
    }
}

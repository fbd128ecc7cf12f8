//! Sums of partial gradients over threads, in an order that the number of threads does not change.

use rayon::prelude::*;

use super::Losses;
use crate::nn::{Accum, Aligned, Packed};

/// Parameters that one thread adds up at a time.
const CHUNK: usize = 4096;

/// The gradients of the parts of a batch.
///
/// They are summed by halves, each in the order of its parts. A thread that makes the first part of a half adds those that
/// follow to it as they are made, in memory that stays in its cache: one thread needs two sums, two threads one each.
pub(super) struct Parts<T> {
    parts: Vec<Part<T>>,
    used: usize,
}

struct Part<T> {
    grad: Aligned<T>,
    losses: Losses,
    /// Whether it stands in `grad`, not in the first of its half.
    apart: bool,
}

/// How a batch is shared out.
#[derive(Clone, Copy)]
pub(super) struct Split {
    pub(super) parts: usize,
    pub(super) threads: usize,
    /// Whether each part is a single sum, so that adding it at once is adding it afterwards.
    pub(super) single: bool,
}

impl<T: Packed> Parts<T> {
    /// Memory for so many parts; what is never used is never touched.
    pub(super) fn new(params: usize, count: usize) -> Self {
        let part = |_| Part { grad: Aligned::zeros(params), losses: Losses::default(), apart: false };
        Self { parts: (0..count).map(part).collect(), used: 0 }
    }

    /// Calls `work(part, lent, gradient, accum)` for each part, consecutive ones on one thread, and sums what they give.
    pub(super) fn sum<M: Send>(
        &mut self,
        split: Split,
        lent: &mut [M],
        work: impl Fn(usize, &mut M, &mut [T], Accum) -> Losses + Sync,
    ) -> Losses {
        let Split { parts: count, threads, single } = split;
        self.used = count;
        let (used, half, share) = (&mut self.parts[..count], count.div_ceil(2), count.div_ceil(threads).max(1));
        let some = |(chunk, (parts, lent)): (usize, (&mut [Part<T>], &mut M))| {
            let start = chunk * share;
            for i in 0..parts.len() {
                let first = if start + i < half { 0 } else { half };
                let home = if single && start <= first { first - start } else { i };
                let apart = home == i;
                let accum = if apart { Accum::Replace } else { Accum::Add };
                let losses = work(start + i, lent, &mut parts[home].grad, accum);
                (parts[i].losses, parts[i].apart) = (losses, apart);
            }
        };
        if threads > 1 {
            used.par_chunks_mut(share).zip(lent).enumerate().for_each(some);
        } else {
            used.chunks_mut(share).zip(lent).enumerate().for_each(some);
        }
        let (low, high) = used.split_at_mut(half);
        fold(low, threads);
        fold(high, threads);
        let sum = |f: fn(&Losses) -> f64| used.iter().map(|p| f(&p.losses)).sum::<f64>();
        Losses { value: sum(|l| l.value), derivative: sum(|l| l.derivative), curvature: sum(|l| l.curvature) }
    }

    /// The sum of each half.
    pub(super) fn sums(&self) -> impl Iterator<Item = &[T]> {
        self.parts[..self.used].iter().step_by(self.used.div_ceil(2).max(1)).map(|p| &p.grad[..])
    }
}

/// Adds the parts that stand apart to the first.
fn fold<T: Packed>(half: &mut [Part<T>], threads: usize) {
    let Some((first, rest)) = half.split_first_mut() else { return };
    if !rest.iter().any(|p| p.apart) {
        return;
    }
    let add = |(chunk, sum): (usize, &mut [T])| {
        for part in rest.iter().filter(|p| p.apart) {
            sum.iter_mut().zip(&part.grad[chunk * CHUNK..]).for_each(|(s, &g)| *s += g);
        }
    };
    if threads > 1 {
        first.grad.par_chunks_mut(CHUNK).enumerate().for_each(add);
    } else {
        first.grad.chunks_mut(CHUNK).enumerate().for_each(add);
    }
}

//! Euclidean norms of weights, rounded upward.

use super::slab::Slab;
use crate::interval::Interval;
use crate::interval::kernel::{Weights, adjoint, affine};

const U: f64 = f64::EPSILON / 2.0;

/// No less than the exact result when `x ≥ 0` came from it by at most six roundings, underflow included.
#[inline(always)]
pub(super) fn up(x: f64) -> f64 {
    x * (1.0 + 16.0 * U) + f64::MIN_POSITIVE
}

/// No less than the Euclidean norm of numbers that are not negative; ∞ if that is not known.
///
/// A sum of n squares is off by a factor of `(1 + u)ⁿ⁺¹` at most, and by the least normal number for every square that
/// underflows.
pub(super) fn norm(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for v in values {
        sum += v * v;
        count += 1.0;
    }
    root(sum, count)
}

/// `√(sum of so many squares)`, upward.
#[inline(always)]
pub(super) fn root(sum: f64, count: f64) -> f64 {
    let sum = (sum + count * f64::MIN_POSITIVE) * (1.0 + (2.0 * count + 16.0) * U);
    let root = up(sum.sqrt());
    // Also a sum that is NaN.
    if root < f64::INFINITY { root } else { f64::INFINITY }
}

/// Bounds of `‖w_o‖₂` of each row, of each column, and of `‖W‖₂`.
#[derive(Clone, Debug)]
pub(super) struct Norms {
    pub(super) rows: Vec<f64>,
    pub(super) columns: Vec<f64>,
    pub(super) matrix: f64,
}

impl Norms {
    pub(super) fn of(w: &[f64], rows: usize, columns: usize) -> Self {
        let by_row: Vec<f64> = w.chunks_exact(columns).map(|row| norm(row.iter().copied())).collect();
        let by_column: Vec<f64> = (0..columns).map(|i| norm(w[i..].iter().step_by(columns).copied())).collect();
        let frobenius = norm(by_row.iter().copied());
        let matrix = spectral(w, rows, columns).min(frobenius);
        Self { rows: by_row, columns: by_column, matrix }
    }
}

/// Squarings of the Gram matrix: the bound is at most `n^(1/128)` times the norm, 4 % for 128 nodes.
const SQUARINGS: usize = 5;

/// No less than the largest singular value.
///
/// With `G = WᵀW` (or `WWᵀ`, whichever is smaller), positive semidefinite, `λ(G)ᵖ = λ(Gᵖ) ≤ ‖Gᵖ‖_F` for `p = 2⁵` by
/// repeated squaring in interval arithmetic. Powers of two are taken out on the way, lest anything overflow.
fn spectral(w: &[f64], rows: usize, columns: usize) -> f64 {
    let n = rows.min(columns);
    let mut gram = Slab::zeros(n * n);
    if columns <= rows {
        let x = Slab { lo: w.to_vec(), hi: w.to_vec() };
        adjoint(Weights::Points(w), x.view(), gram.view_mut(), n);
    } else {
        let transposed: Vec<f64> = (0..columns).flat_map(|i| w[i..].iter().step_by(columns).copied()).collect();
        let x = Slab { lo: transposed.clone(), hi: transposed };
        affine(Weights::Points(w), None, x.view(), gram.view_mut(), n);
    }
    let (mut square, mut scales) = (gram.clone(), Vec::new());
    for _ in 0..SQUARINGS {
        let largest = gram.lo.iter().chain(&gram.hi).fold(0.0_f64, |m, x| m.max(x.abs()));
        if !(largest > 0.0 && largest < f64::INFINITY) {
            break;
        }
        // A power of two near 1/largest, itself a normal number: exact but for underflow.
        let scale = f64::from_bits((2046 - ((largest.to_bits() >> 52) & 0x7ff).clamp(1, 2045)) << 52);
        for x in &mut gram.lo {
            *x = *x * scale - f64::MIN_POSITIVE;
        }
        for x in &mut gram.hi {
            *x = *x * scale + f64::MIN_POSITIVE;
        }
        affine(Weights::Intervals(gram.view()), None, gram.view(), square.view_mut(), n);
        std::mem::swap(&mut gram, &mut square);
        scales.push(scale);
    }
    let mut bound = norm((0..n * n).map(|i| gram.get(i).mag()));
    for scale in scales.iter().rev() {
        bound = (Interval::point(bound).sqrt() / Interval::point(*scale)).sup();
    }
    Interval::point(bound).sqrt().sup()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, Streams};
    use rand::RngExt as _;

    /// A rotation times known singular values: the bound is above the largest, and within the promised factor.
    #[test]
    fn spectral_norms_are_bounded_from_above_and_tightly() {
        let mut rng = Streams::new(1, Purpose::Test).next().expect("endless");
        for (rows, columns, scale) in [(1, 1, 3.0), (9, 9, 1.0), (40, 7, 1e-100), (7, 40, 1e100), (64, 64, 5.0)] {
            // Two Householder reflections around a diagonal: singular values scale/(1 + k).
            let unit = |n: usize, rng: &mut crate::math::random::Generator| -> Vec<f64> {
                let v: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
                let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                v.iter().map(|x| x / length).collect()
            };
            let (u, v) = (unit(rows, &mut rng), unit(columns, &mut rng));
            let delta = |i: usize, j: usize| f64::from(u8::from(i == j));
            let w: Vec<f64> = (0..rows * columns)
                .map(|k| {
                    let (o, i) = (k / columns, k % columns);
                    let left = |k: usize| delta(o, k) - 2.0 * u[o] * u[k];
                    let right = |k: usize| delta(k, i) - 2.0 * v[k] * v[i];
                    (0..rows.min(columns)).map(|k| left(k) * scale / (1.0 + k as f64) * right(k)).sum()
                })
                .collect();
            let norms = Norms::of(&w, rows, columns);
            let most = (rows.min(columns) as f64).powf(1.0 / 128.0);
            assert!(norms.matrix >= scale * (1.0 - 1e-12), "{rows}×{columns}: {}", norms.matrix);
            assert!(norms.matrix <= scale * most * (1.0 + 1e-9), "{rows}×{columns}: {}", norms.matrix);
            assert_eq!((norms.rows.len(), norms.columns.len()), (rows, columns));
        }
        assert!(Norms::of(&[0.0; 6], 2, 3).matrix < 1e-150);
        assert_eq!(Norms::of(&[1e300; 4], 2, 2).matrix, f64::INFINITY);
    }
}

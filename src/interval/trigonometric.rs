//! Sine, cosine and tangent.

use super::Interval;
use super::directed::sub_up;
use super::double::Double;
use super::exponential::INVERSE_FACTORIALS;
use super::monotone::{Bounds, increasing, near_diagonal, negated};
use super::reduction::Reduced;

/// `Σ (−1)ᵏ r^(2k)/(2k + first)!` for |r| ≤ π/4, to 2⁻⁷⁴: `cos r` from 0, `sin r / r` from 1.
///
/// From r¹⁰/10! on, below 2⁻²⁵, doubles are precise enough; r²²/22! is below 2⁻⁷⁷.
fn series(r: Double, first: usize) -> Double {
    let square = r * r;
    let term = |k: usize| {
        let inverse = INVERSE_FACTORIALS[2 * k + first];
        if k.is_multiple_of(2) { inverse } else { -inverse }
    };
    let tail = (5..=10).rev().fold(0.0, |tail, k| tail * square.hi + term(k).hi);
    // Each term is at most a third of the one before.
    (0..5).rev().fold(Double::new(tail), |sum, k| term(k).plus_smaller(sum * square))
}

pub(super) fn sin_reduced(r: Double) -> Double {
    series(r, 1) * r
}

pub(super) fn cos_reduced(r: Double) -> Double {
    series(r, 0)
}

/// Bounds of `sin(x + turns·π/2)`, where `at` is the reduced `x`.
fn sine(x: f64, at: Reduced, turns: u8) -> Bounds {
    let quadrant = (at.quadrant + turns) % 4;
    let (lo, hi) = if quadrant == 0 && turns == 0 {
        near_diagonal(x, false, |_| sin_reduced(at.rest).bounds())
    } else if quadrant.is_multiple_of(2) {
        sin_reduced(at.rest).bounds()
    } else if at.rest.hi == 0.0 {
        (1.0, 1.0)
    } else {
        cos_reduced(at.rest).bounds()
    };
    let bounds = (lo, hi.min(1.0));
    if quadrant < 2 { bounds } else { negated(bounds) }
}

/// The quarter turns that the ends lie in, the first within 0 to 3; `None` if they are more than a whole turn apart.
fn quarters(x: Interval) -> Option<(Reduced, Reduced, u8, u8)> {
    let width = sub_up(x.hi, x.lo);
    if width > core::f64::consts::TAU {
        return None;
    }
    let (low, high) = (Reduced::of(x.lo), Reduced::of(x.hi));
    let (first, last) = (low.quarter(), high.quarter());
    // Modulo 4 a distance of nothing and of a whole turn look alike.
    let turned = match (4 + last - first) % 4 {
        0 if width > 3.0 => 4,
        quarters => quarters,
    };
    Some((low, high, first, first + turned))
}

/// Range of `sin(x + turns·π/2)`.
fn sine_range(x: Interval, turns: u8) -> Interval {
    if x.is_empty() {
        return Interval::EMPTY;
    }
    if x.is_point() {
        let (lo, hi) = sine(x.lo, Reduced::of(x.lo), turns);
        return Interval { lo, hi };
    }
    let Some((low, high, first, last)) = quarters(x) else {
        return Interval::raw(-1.0, 1.0);
    };
    let (a, b) = (sine(x.lo, low, turns), sine(x.hi, high, turns));
    // The multiple k·π/2 lies inside if first < k ≤ last; the sine is 1 at k = 1, 5, −1 at 3, 7.
    let passes = |k: u8| {
        (0..3).any(|turn| {
            let at = k + 4 * turn;
            first + turns < at && at <= last + turns
        })
    };
    Interval { lo: if passes(3) { -1.0 } else { a.0.min(b.0) }, hi: if passes(1) { 1.0 } else { a.1.max(b.1) } }
}

impl Interval {
    /// Sine. Within 1 ulp of the range, for arguments of any size.
    pub fn sin(self) -> Self {
        sine_range(self, 0)
    }

    /// Cosine. Within 1 ulp of the range, for arguments of any size.
    pub fn cos(self) -> Self {
        sine_range(self, 1)
    }

    /// Tangent. Within 1 ulp of the range, for arguments of any size; [`ENTIRE`](Self::ENTIRE) across a pole.
    pub fn tan(self) -> Self {
        if self.is_empty() {
            return Self::EMPTY;
        }
        match quarters(self) {
            // The poles are at 1, 3 and 5 quarter turns.
            Some((_, _, first, last)) if first.div_ceil(2) == last.div_ceil(2) => increasing(self, |x| {
                near_diagonal(x, true, |x| {
                    let at = Reduced::of(x);
                    let (s, c) = (sin_reduced(at.rest), cos_reduced(at.rest));
                    let tangent = if at.quadrant.is_multiple_of(2) { s / c } else { -c / s };
                    tangent.bounds()
                })
            }),
            _ => Self::ENTIRE,
        }
    }
}

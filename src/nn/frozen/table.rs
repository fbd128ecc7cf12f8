//! The tail as a table: behind a one-node layer the rest of a network is a function of one variable.

use crate::ad::Series;
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::{Activation, Contract, Number};
use crate::nn::Layer;

/// Coefficients of a cell: one cache line.
pub(crate) const TERMS: usize = 8;
/// Cells of a table at most: 256 KiB.
const MOST_CELLS: f64 = 4096.0;
/// Relative rounding of a sum of eight terms, whatever the order and whether fused or not: each passes through fewer than
/// sixteen roundings, 16u/(1 − 16u) < 2⁻⁴⁸.
const ROUNDING: f64 = 1.0 / (1u64 << 48) as f64;
/// Added to bounds for products that underflow.
const UNDERFLOW: f64 = f64::MIN_POSITIVE;

/// What comes behind the pre-activation `z` of a one-node layer: its activation and the layers after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    pub(crate) first: Activation,
    pub(crate) layers: &'a [Layer],
    /// Those of the layers, flat.
    pub(crate) params: &'a [f64],
}

impl Tail<'_> {
    /// Taylor coefficients of the first output, enclosed; none if an activation has no series.
    fn series<const N: usize>(&self, z: Interval) -> Option<Series<Interval, N>> {
        let mut nodes = vec![Series::variable(z).activation(self.first)?];
        let mut params = self.params;
        for layer in self.layers {
            let (weights, rest) = params.split_at(layer.weights());
            let (biases, rest) = rest.split_at(layer.fan_out.0);
            params = rest;
            let sums = weights.chunks_exact(layer.fan_in.0).zip(biases).map(|(row, &b)| {
                let start = Series::fixed(Interval::point(b));
                row.iter().zip(&nodes).fold(start, |sum, (&w, a)| sum.plus(Interval::point(w), a))
            });
            nodes = sums.map(|z| z.activation(layer.activation)).collect::<Option<_>>()?;
        }
        Some(nodes.swap_remove(0))
    }
}

/// A function of one variable as polynomials of degree 7 over cells of one power of two, with bounds on what that costs.
///
/// Cell `n` stands for `z` within half a cell of `n·h`; with `t = z − nh` (exact) the value is `Σ cₖtᵏ`, and the derivatives
/// are those of the polynomial. The coefficients are Taylor's.
///
/// # Guarantee
/// [`errors`](Self::errors) are upper bounds, by Taylor's theorem over intervals with every rounding outward, of the
/// difference in value, first and second derivative between what the table gives and the tail in real arithmetic
/// at the same `z`.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// `1/h`, a power of two.
    pub(crate) per_unit: f64,
    /// Number of the first cell.
    pub(crate) first: i64,
    pub(crate) cells: Vec<[f64; TERMS]>,
    pub(crate) errors: [f64; 3],
}

/// `1.5·2⁵²`: added, it leaves the nearest whole number in the low bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;

impl Table {
    /// Over `range`, with as few cells as keep every error within `tolerance` times the largest value, first and second
    /// derivative that the tail has there.
    pub(crate) fn new(tail: Tail<'_>, range: [f64; 2], tolerance: f64) -> Result<Self> {
        let mut per_unit = 1.0;
        loop {
            let [first, last] = range.map(|z| (z * per_unit).round());
            if last - first >= MOST_CELLS {
                let reason = format!("not within {tolerance:e} of the network by {MOST_CELLS} cells over {range:?}");
                return Err(Error::invalid("table", reason));
            }
            let table = Self::with_cells(tail, per_unit, first as i64, last as i64).ok_or_else(|| {
                Error::invalid("table", "a tail with relu has no smooth pieces and cannot be tabulated")
            })?;
            let scale = table.largest();
            if table.errors.iter().zip(scale).all(|(error, scale)| *error <= tolerance * scale) {
                return Ok(table);
            }
            per_unit *= 2.0;
        }
    }

    fn with_cells(tail: Tail<'_>, per_unit: f64, first: i64, last: i64) -> Option<Self> {
        let half = 0.5 / per_unit;
        let mut table = Self { per_unit, first, cells: Vec::new(), errors: [0.0; 3] };
        for n in first..=last {
            let centre = n as f64 / per_unit;
            let at = tail.series::<TERMS>(Interval::point(centre))?.0;
            // The ends of a cell are exact: few bits, like its centre.
            let cell = Interval::between(centre - half, centre + half).ok()?;
            let rest = tail.series::<{ TERMS + 1 }>(cell)?.0[TERMS];
            let coefficients = at.map(Interval::mid);
            for (order, error) in table.errors.iter_mut().enumerate() {
                *error = error.max(bound(&at, &coefficients, rest, half, order));
            }
            table.cells.push(coefficients);
        }
        Some(table)
    }

    /// The largest value, first and second derivative at the centres.
    fn largest(&self) -> [f64; 3] {
        self.cells.iter().fold([0.0; 3], |most: [f64; 3], c| {
            [most[0].max(c[0].abs()), most[1].max(c[1].abs()), most[2].max(2.0 * c[2].abs())]
        })
    }

    /// Upper bounds of the error in value, first and second derivative.
    pub fn errors(&self) -> [f64; 3] {
        self.errors
    }
    /// Lowest and highest `z` that have a cell.
    pub fn range(&self) -> [f64; 2] {
        let end = |n: f64| (self.first as f64 + n) / self.per_unit;
        [end(-0.5), end(self.cells.len() as f64 - 0.5)]
    }
    /// Number of cells; each is one cache line of 64 bytes.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Value, first and second derivative at `z`; none where there is no cell, and for NaN.
    #[inline(always)]
    pub(crate) fn jet<C: Contract>(&self, c: C, z: f64) -> Option<[f64; 3]> {
        let shifted = z * self.per_unit + SHIFT;
        // The difference of the bits is that of the numbers of the cells, and far off wherever `z` is.
        let cell = shifted.to_bits().wrapping_sub(SHIFT.to_bits().wrapping_add_signed(self.first));
        let cell = self.cells.get(usize::try_from(cell).ok()?)?;
        let t = z - (shifted - SHIFT) * (1.0 / self.per_unit);
        Some(evaluate(c, cell, t))
    }
}

/// `Σ cₖtᵏ` and its first two derivatives, in Estrin's order for short chains.
#[inline(always)]
fn evaluate<N: Number, C: Contract>(c: C, cell: &[N; TERMS], t: N) -> [N; 3] {
    let (q, pair) = (t * t, |a: N, b: N| c.mul_add(b, t, a));
    let (q2, times) = (q * q, |k: usize, factor: f64| cell[k] * t.like(factor));
    let four = |[a, b, e, f]: [N; 4]| c.mul_add(pair(e, f), q, pair(a, b));
    let low = four([cell[0], cell[1], cell[2], cell[3]]);
    let value = c.mul_add(four([cell[4], cell[5], cell[6], cell[7]]), q2, low);
    let low = four([cell[1], times(2, 2.0), times(3, 3.0), times(4, 4.0)]);
    let high = c.mul_add(times(7, 7.0), q, pair(times(5, 5.0), times(6, 6.0)));
    let slope = c.mul_add(high, q2, low);
    let low = four([times(2, 2.0), times(3, 6.0), times(4, 12.0), times(5, 20.0)]);
    let curve = c.mul_add(pair(times(6, 30.0), times(7, 42.0)), q2, low);
    [value, slope, curve]
}

/// `k(k−1)…`, `order` factors.
fn falling(k: usize, order: usize) -> Interval {
    Interval::point((0..order).map(|i| (k - i) as f64).product())
}

/// The most that derivative `order` of the polynomial, as it is evaluated, can be off over a cell: coefficients, what
/// Taylor's polynomial leaves out, and rounding.
fn bound(at: &[Interval; TERMS], used: &[f64; TERMS], rest: Interval, half: f64, order: usize) -> f64 {
    let magnitude = |x: Interval| Interval::point(x.mag());
    let mut power = Interval::point(1.0);
    let mut sum = Interval::point(UNDERFLOW);
    for k in order..TERMS {
        let off = magnitude(at[k] - Interval::point(used[k]))
            + magnitude(Interval::point(used[k])) * Interval::point(ROUNDING);
        sum = sum + falling(k, order) * off * power;
        power = power * Interval::point(half);
    }
    (sum + falling(TERMS, order) * magnitude(rest) * power).sup()
}

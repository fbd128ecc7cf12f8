//! The one product behind forward and adjoint layers: centres and radii in one sweep over the weights. Here for many boxes,
//! in [`one_box`](super::one_box) for a single one.

use core::ops::Range;

use pulp::Simd;

use super::bounds::{bounds, centre_and_radius, finite, gamma, weight_and_radius};
use super::{Boxes, BoxesMut, Interval, Weights};

/// `y[o] = Σᵢ w[o·row + i·column]·x[i] + bias[o]` for each box.
pub(super) struct Product<'a> {
    pub(super) weights: Weights<'a>,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) bias: Option<&'a [f64]>,
    pub(super) x: Boxes<'a>,
    pub(super) y: BoxesMut<'a>,
    pub(super) boxes: usize,
}

/// Boxes taken at once; a multiple of the width of every vector register.
const TILE: usize = 16;
/// Inputs taken at once: their centres and radii stay in the first-level cache.
pub(super) const BLOCK: usize = 128;
/// Rows of interval weights converted at once.
pub(super) const ROWS: usize = 8;

/// Centres `m` and radii `q ≥ ρ + γ|m|` of a block of inputs, a tile of boxes wide. What lies beyond the last box is left
/// over from earlier, and never stored.
struct Inputs {
    m: [[f64; TILE]; BLOCK],
    q: [[f64; TILE]; BLOCK],
}

/// Weights of a few rows over a block of inputs. `w[r·row + i·column]`; radii likewise, or none.
#[derive(Clone, Copy)]
struct Panel<'a> {
    w: &'a [f64],
    radii: Option<&'a [f64]>,
    row: usize,
    column: usize,
}

/// Where the sums of a tile go: centres in the place of the lower bounds and radii in that of the upper ones, until after
/// the last block each pair becomes bounds.
struct Sums<'a, S: Simd> {
    simd: S,
    lo: &'a mut [f64],
    hi: &'a mut [f64],
    bias: Option<&'a [f64]>,
    gamma: f64,
    /// All boxes, and those of the tile.
    stride: usize,
    tile: Range<usize>,
    first: bool,
    last: bool,
    /// Zeros as long as all bounds are finite.
    check: S::f64s,
}

impl<S: Simd> Sums<'_, S> {
    /// Adds products of a row, a register from the given place of the tile on.
    #[inline(always)]
    fn add(&mut self, row: usize, place: usize, c: S::f64s, r: S::f64s) {
        let start = self.tile.start + place;
        if start >= self.tile.end {
            return;
        }
        let (simd, at) = (self.simd, row * self.stride);
        let range = at + start..at + self.tile.end.min(start + S::F64_LANES);
        let (lo, hi) = (&mut self.lo[range.clone()], &mut self.hi[range]);
        let (mut c, mut r) = (c, r);
        if !self.first {
            (c, r) = (simd.add_f64s(load(simd, lo), c), simd.add_f64s(load(simd, hi), r));
        }
        if self.last {
            let bias = simd.splat_f64s(self.bias.map_or(0.0, |b| b[row]));
            (c, r) = bounds(simd, c, r, bias, self.gamma);
            self.check = finite(simd, c, r, self.check);
        }
        store(simd, lo, c);
        store(simd, hi, r);
    }
}

impl Product<'_> {
    /// Block by block of inputs, centres and radii are summed in the places of the lower and upper bounds; after the last
    /// block each pair becomes bounds. What is not finite is computed again by definition.
    #[inline(always)]
    pub(super) fn run<S: Simd>(self, simd: S) {
        let gamma = gamma(self.inputs);
        self.run_with(simd, gamma);
    }

    /// The same with another bound of the rounding errors, which a test shows to be needed.
    #[inline(always)]
    pub(super) fn run_with<S: Simd>(mut self, simd: S, gamma: f64) {
        let finite = if self.boxes == 1 { self.one_box(simd, gamma) } else { self.many_boxes(simd, gamma) };
        if !finite {
            self.by_definition();
        }
    }

    /// Blocks of inputs; an empty one if there are none.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let inputs = self.inputs;
        (0..inputs.max(1)).step_by(BLOCK).map(move |start| start..inputs.min(start + BLOCK))
    }

    /// The bounds of many boxes; returns whether all are finite.
    #[inline(always)]
    fn many_boxes<S: Simd>(&mut self, simd: S, gamma: f64) -> bool {
        let inputs = &mut Inputs { m: [[0.0; TILE]; BLOCK], q: [[0.0; TILE]; BLOCK] };
        let mut finite = true;
        for block in self.blocks() {
            for tile in (0..self.boxes).step_by(TILE) {
                finite &= self.tile(simd, block.clone(), tile, inputs, gamma);
            }
        }
        finite
    }

    /// Adds the products of a block of inputs for up to [`TILE`] boxes, and makes bounds of the sums if it is the last
    /// block. Returns whether these are all finite.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, block: Range<usize>, tile: usize, inputs: &mut Inputs, gamma: f64) -> bool {
        let boxes = TILE.min(self.boxes - tile);
        for (k, i) in block.clone().enumerate() {
            let at = i * self.boxes + tile;
            let (lo, hi) = (&self.x.lo[at..at + boxes], &self.x.hi[at..at + boxes]);
            centres_and_radii(simd, lo, hi, gamma, &mut inputs.m[k][..boxes], &mut inputs.q[k][..boxes]);
        }
        let mut sums = Sums {
            simd,
            lo: &mut *self.y.lo,
            hi: &mut *self.y.hi,
            bias: self.bias,
            gamma,
            stride: self.boxes,
            tile: tile..tile + boxes,
            first: block.start == 0,
            last: block.end == self.inputs,
            check: simd.splat_f64s(0.0),
        };
        let depth = block.len();
        let wide = S::REGISTER_COUNT >= 32;
        match self.weights {
            Weights::Points(w) => {
                let mut row = 0;
                while row < self.outputs {
                    let panel = Panel {
                        w: &w[row * self.row + block.start * self.column..],
                        radii: None,
                        row: self.row,
                        column: self.column,
                    };
                    row += match self.outputs - row {
                        4.. if wide => micro::<S, 4, 2>(simd, panel, inputs, depth, &mut sums, row),
                        4.. => micro::<S, 4, 1>(simd, panel, inputs, depth, &mut sums, row),
                        _ => micro::<S, 1, 2>(simd, panel, inputs, depth, &mut sums, row),
                    };
                }
            }
            Weights::Intervals(w) => {
                for row in (0..self.outputs).step_by(ROWS) {
                    let rows = ROWS.min(self.outputs - row);
                    let (centres, radii) = packed(w, row..row + rows, block.clone(), self.row, self.column);
                    for r in 0..rows {
                        let panel = Panel { w: &centres[r], radii: Some(&radii[r]), row: BLOCK, column: 1 };
                        micro::<S, 1, 2>(simd, panel, inputs, depth, &mut sums, row + r);
                    }
                }
            }
        }
        simd.reduce_sum_f64s(sums.check) == 0.0
    }

    /// The outputs that are not finite, by interval operations one after the other.
    #[cold]
    fn by_definition(&mut self) {
        for at in 0..self.outputs * self.boxes {
            if self.y.lo[at].is_finite() && self.y.hi[at].is_finite() {
                continue;
            }
            let (output, b) = (at / self.boxes, at % self.boxes);
            let bias = Interval::point(self.bias.map_or(0.0, |bias| bias[output]));
            let sum = (0..self.inputs).fold(bias, |sum, i| {
                sum + self.weights.get(output * self.row + i * self.column) * self.x.get(i * self.boxes + b)
            });
            self.y.set(at, sum);
        }
    }
}

/// Centres and radii of some inputs, of as many as there is room for.
#[inline(always)]
pub(super) fn centres_and_radii<S: Simd>(simd: S, lo: &[f64], hi: &[f64], gamma: f64, m: &mut [f64], q: &mut [f64]) {
    let lanes = S::F64_LANES;
    for (((lo, hi), m), q) in lo.chunks(lanes).zip(hi.chunks(lanes)).zip(m.chunks_mut(lanes)).zip(q.chunks_mut(lanes)) {
        let (centre, radius) = centre_and_radius(simd, load(simd, lo), load(simd, hi), gamma);
        store(simd, m, centre);
        store(simd, q, radius);
    }
}

/// Centres and radii of some rows of interval weights over a block of inputs.
#[inline(always)]
pub(super) fn packed(
    w: Boxes<'_>,
    rows: Range<usize>,
    block: Range<usize>,
    row: usize,
    column: usize,
) -> ([[f64; BLOCK]; ROWS], [[f64; BLOCK]; ROWS]) {
    let (mut centres, mut radii) = ([[0.0; BLOCK]; ROWS], [[0.0; BLOCK]; ROWS]);
    // Along whichever direction the weights are contiguous.
    if column == 1 {
        for (r, o) in rows.enumerate() {
            let at = o * row + block.start;
            for (k, (&lo, &hi)) in w.lo[at..at + block.len()].iter().zip(&w.hi[at..]).enumerate() {
                (centres[r][k], radii[r][k]) = weight_and_radius(lo, hi);
            }
        }
    } else {
        for (k, i) in block.enumerate() {
            let at = rows.start * row + i * column;
            for (r, (&lo, &hi)) in w.lo[at..].iter().zip(&w.hi[at..]).take(rows.len()).enumerate() {
                (centres[r][k], radii[r][k]) = weight_and_radius(lo, hi);
            }
        }
    }
    (centres, radii)
}

/// `MR` rows of weights by a tile of boxes, `NV` registers at a time: adds each row's products to the sums from `row` on, and
/// returns `MR`. Every loop over the accumulators must be small enough to unroll, or they go to memory.
#[inline(always)]
fn micro<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    panel: Panel<'_>,
    inputs: &Inputs,
    depth: usize,
    sums: &mut Sums<'_, S>,
    row: usize,
) -> usize {
    let lanes = S::F64_LANES;
    for part in 0..TILE / (NV * lanes) {
        let mut c = [[simd.splat_f64s(0.0); NV]; MR];
        let mut radius = [[simd.splat_f64s(0.0); NV]; MR];
        for k in 0..depth {
            let m = registers::<S, NV>(&inputs.m[k], part);
            let q = registers::<S, NV>(&inputs.q[k], part);
            for r in 0..MR {
                let at = r * panel.row + k * panel.column;
                let w = simd.splat_f64s(panel.w[at]);
                let size = simd.abs_f64s(w);
                for v in 0..NV {
                    c[r][v] = simd.mul_add_e_f64s(w, m[v], c[r][v]);
                    radius[r][v] = simd.mul_add_e_f64s(size, q[v], radius[r][v]);
                }
                if let Some(radii) = panel.radii {
                    let w = simd.splat_f64s(radii[at]);
                    for v in 0..NV {
                        radius[r][v] = simd.mul_add_e_f64s(w, magnitude(simd, m[v], q[v]), radius[r][v]);
                    }
                }
            }
        }
        for r in 0..MR {
            for v in 0..NV {
                sums.add(row + r, (part * NV + v) * lanes, c[r][v], radius[r][v]);
            }
        }
    }
    MR
}

/// What an input's magnitude does not exceed: `|m| + q`, but for one rounding.
#[inline(always)]
pub(super) fn magnitude<S: Simd>(simd: S, m: S::f64s, q: S::f64s) -> S::f64s {
    simd.add_f64s(simd.abs_f64s(m), q)
}

/// `NV` registers of a row of a tile.
#[inline(always)]
fn registers<S: Simd, const NV: usize>(row: &[f64; TILE], part: usize) -> [S::f64s; NV] {
    *S::as_simd_f64s(row).0[part * NV..].first_chunk().expect("a tile is whole registers")
}

/// A whole register, or what there is of one.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, from: &[f64]) -> S::f64s {
    match S::as_simd_f64s(from).0.first() {
        Some(whole) => *whole,
        None => simd.partial_load_f64s(from),
    }
}

/// A whole register, or what there is room for.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, to: &mut [f64], x: S::f64s) {
    if to.len() == S::F64_LANES {
        S::as_mut_simd_f64s(to).0[0] = x;
    } else {
        simd.partial_store_f64s(to, x);
    }
}

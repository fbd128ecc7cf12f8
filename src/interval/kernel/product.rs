//! The one product behind forward and adjoint layers: centres and radii in one sweep over the weights.

use core::ops::Range;

use pulp::Simd;

use super::bounds::{bounds, centre_and_radius, gamma, weight_and_radius};
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
const BLOCK: usize = 128;
/// Rows of interval weights converted at once.
const ROWS: usize = 8;

/// Centres `m`, radii `q ≥ ρ + γ|m|` and magnitudes `a` of a block of inputs, a tile of boxes wide. What lies beyond the
/// last box is left over from earlier, and never stored.
struct Inputs {
    m: [[f64; TILE]; BLOCK],
    q: [[f64; TILE]; BLOCK],
    a: [[f64; TILE]; BLOCK],
}

/// Weights of a few rows over a block of inputs. `w[r·row + i·column]`; radii likewise, or none.
#[derive(Clone, Copy)]
struct Panel<'a> {
    w: &'a [f64],
    radii: Option<&'a [f64]>,
    row: usize,
    column: usize,
}

impl Product<'_> {
    /// Centres and radii are summed in the places of the lower and upper bounds, block by block of inputs; then each pair
    /// becomes bounds.
    #[inline(always)]
    pub(super) fn run<S: Simd>(self, simd: S) {
        let gamma = gamma(self.inputs);
        self.run_with(simd, gamma);
    }

    /// The same with another bound of the rounding errors, which a test shows to be needed.
    #[inline(always)]
    pub(super) fn run_with<S: Simd>(mut self, simd: S, gamma: f64) {
        self.y.lo.fill(0.0);
        self.y.hi.fill(0.0);
        let inputs = &mut Inputs { m: [[0.0; TILE]; BLOCK], q: [[0.0; TILE]; BLOCK], a: [[0.0; TILE]; BLOCK] };
        for start in (0..self.inputs).step_by(BLOCK) {
            let block = start..self.inputs.min(start + BLOCK);
            if self.boxes == 1 {
                self.one_box(simd, block, gamma);
            } else {
                for tile in (0..self.boxes).step_by(TILE) {
                    self.tile(simd, block.clone(), tile, inputs, gamma);
                }
            }
        }
        self.finish(gamma);
    }

    /// Adds the products of a block of inputs for up to [`TILE`] boxes.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, block: Range<usize>, tile: usize, inputs: &mut Inputs, gamma: f64) {
        let boxes = TILE.min(self.boxes - tile);
        for (k, i) in block.clone().enumerate() {
            let at = i * self.boxes + tile;
            let (lo, hi) = (&self.x.lo[at..at + boxes], &self.x.hi[at..at + boxes]);
            let (m, q, a) = (&mut inputs.m[k], &mut inputs.q[k], &mut inputs.a[k]);
            for b in 0..boxes {
                (m[b], q[b], a[b]) = centre_and_radius(lo[b], hi[b], gamma);
            }
        }
        let (depth, stride) = (block.len(), self.boxes);
        let mut store = |row: usize, c: &[f64; TILE], r: &[f64; TILE]| {
            let at = row * stride + tile;
            for (sum, c) in self.y.lo[at..at + boxes].iter_mut().zip(c) {
                *sum += c;
            }
            for (sum, r) in self.y.hi[at..at + boxes].iter_mut().zip(r) {
                *sum += r;
            }
        };
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
                    let rows = self.outputs - row;
                    row += match rows {
                        6.. if wide => micro::<S, 6, 2>(
                            simd,
                            panel,
                            inputs,
                            depth,
                            #[inline(always)]
                            |r, c, q| store(row + r, c, q),
                        ),
                        4.. => micro::<S, 4, 1>(
                            simd,
                            panel,
                            inputs,
                            depth,
                            #[inline(always)]
                            |r, c, q| store(row + r, c, q),
                        ),
                        _ => micro::<S, 1, 2>(
                            simd,
                            panel,
                            inputs,
                            depth,
                            #[inline(always)]
                            |r, c, q| store(row + r, c, q),
                        ),
                    };
                }
            }
            Weights::Intervals(w) => {
                for row in (0..self.outputs).step_by(ROWS) {
                    let rows = ROWS.min(self.outputs - row);
                    let (centres, radii) = packed(w, row..row + rows, block.clone(), self.row, self.column);
                    for r in 0..rows {
                        let panel = Panel { w: &centres[r], radii: Some(&radii[r]), row: BLOCK, column: 1 };
                        micro::<S, 1, 2>(
                            simd,
                            panel,
                            inputs,
                            depth,
                            #[inline(always)]
                            |_, c, q| store(row + r, c, q),
                        );
                    }
                }
            }
        }
    }

    /// Adds the products of a block of inputs for a single box.
    #[inline(always)]
    fn one_box<S: Simd>(&mut self, simd: S, block: Range<usize>, gamma: f64) {
        let (mut m, mut q, mut a) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        let (lo, hi) = (&self.x.lo[block.clone()], &self.x.hi[block.clone()]);
        for k in 0..block.len() {
            (m[k], q[k], a[k]) = centre_and_radius(lo[k], hi[k], gamma);
        }
        let (depth, inputs) = (block.len(), [&m, &q, &a]);
        let mut sums = (&mut *self.y.lo, &mut *self.y.hi);
        match self.weights {
            Weights::Points(w) if self.column == 1 => {
                let mut r = 0;
                while r < self.outputs {
                    let rows = &w[r * self.row + block.start..];
                    r += match self.outputs - r {
                        4.. => dots::<S, 4>(simd, rows, self.row, depth, inputs, &mut sums, r),
                        _ => dots::<S, 1>(simd, rows, self.row, depth, inputs, &mut sums, r),
                    };
                }
            }
            Weights::Points(w) => {
                let rows = &w[block.start * self.column..];
                axpy(simd, rows, self.column, &m[..depth], &q[..depth], sums.0, sums.1);
            }
            Weights::Intervals(w) => {
                for row in (0..self.outputs).step_by(ROWS) {
                    let rows = ROWS.min(self.outputs - row);
                    let (centres, radii) = packed(w, row..row + rows, block.clone(), self.row, self.column);
                    for r in 0..rows {
                        let [(c, radius)] =
                            dot::<S, 1>(simd, [&centres[r][..depth]], Some([&radii[r][..depth]]), inputs);
                        sums.0[row + r] += c;
                        sums.1[row + r] += radius;
                    }
                }
            }
        }
    }

    /// Turns centres and radii into bounds; what is not finite is computed again by definition.
    #[inline(always)]
    fn finish(&mut self, gamma: f64) {
        for o in 0..self.outputs {
            let bias = self.bias.map_or(0.0, |b| b[o]);
            let row = o * self.boxes..(o + 1) * self.boxes;
            let mut finite = true;
            for (lo, hi) in self.y.lo[row.clone()].iter_mut().zip(&mut self.y.hi[row]) {
                (*lo, *hi) = bounds(*lo, *hi, bias, gamma);
                finite &= lo.is_finite() & hi.is_finite();
            }
            if !finite {
                self.by_definition(o);
            }
        }
    }

    /// The outputs of a node that are not finite, by interval operations one after the other.
    #[cold]
    fn by_definition(&mut self, output: usize) {
        for b in 0..self.boxes {
            let at = output * self.boxes + b;
            if self.y.lo[at].is_finite() && self.y.hi[at].is_finite() {
                continue;
            }
            let bias = Interval::point(self.bias.map_or(0.0, |bias| bias[output]));
            let sum = (0..self.inputs).fold(bias, |sum, i| {
                sum + self.weights.get(output * self.row + i * self.column) * self.x.get(i * self.boxes + b)
            });
            self.y.set(at, sum);
        }
    }
}

/// Centres and radii of some rows of interval weights over a block of inputs.
#[inline(always)]
fn packed(
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

/// `MR` rows of weights by a tile of boxes, `NV` registers at a time: hands each row's sums of centres and radii to `store`
/// and returns `MR`. Every loop over the accumulators must be small enough to unroll, or they go to memory.
#[inline(always)]
fn micro<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    panel: Panel<'_>,
    inputs: &Inputs,
    depth: usize,
    mut store: impl FnMut(usize, &[f64; TILE], &[f64; TILE]),
) -> usize {
    let lanes = S::F64_LANES;
    let mut sums = [[[0.0; TILE]; 2]; MR];
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
                    let (w, a) = (simd.splat_f64s(radii[at]), registers::<S, NV>(&inputs.a[k], part));
                    for v in 0..NV {
                        radius[r][v] = simd.mul_add_e_f64s(w, a[v], radius[r][v]);
                    }
                }
            }
        }
        for r in 0..MR {
            let at = part * NV;
            S::as_mut_simd_f64s(&mut sums[r][0]).0[at..at + NV].copy_from_slice(&c[r]);
            S::as_mut_simd_f64s(&mut sums[r][1]).0[at..at + NV].copy_from_slice(&radius[r]);
        }
    }
    for (r, [c, radius]) in sums.iter().enumerate() {
        store(r, c, radius);
    }
    MR
}

/// `NV` registers of a row of a tile.
#[inline(always)]
fn registers<S: Simd, const NV: usize>(row: &[f64; TILE], part: usize) -> [S::f64s; NV] {
    *S::as_simd_f64s(row).0[part * NV..].first_chunk().expect("a tile is whole registers")
}

/// `c += w·m` and `radius += |w|·q`, in each of `N` places.
#[inline(always)]
fn accumulate<S: Simd, const N: usize>(
    simd: S,
    w: [S::f64s; N],
    m: S::f64s,
    q: S::f64s,
    c: &mut [S::f64s; N],
    radius: &mut [S::f64s; N],
) {
    for i in 0..N {
        c[i] = simd.mul_add_e_f64s(w[i], m, c[i]);
        radius[i] = simd.mul_add_e_f64s(simd.abs_f64s(w[i]), q, radius[i]);
    }
}

/// Adds the products of `MR` rows with one box to the sums from `row` on, and returns `MR`.
#[inline(always)]
fn dots<S: Simd, const MR: usize>(
    simd: S,
    w: &[f64],
    stride: usize,
    depth: usize,
    inputs: [&[f64; BLOCK]; 3],
    sums: &mut (&mut [f64], &mut [f64]),
    row: usize,
) -> usize {
    let mut rows: [&[f64]; MR] = [&[]; MR];
    for r in 0..MR {
        rows[r] = &w[r * stride..][..depth];
    }
    let products = dot::<S, MR>(simd, rows, None, inputs);
    for r in 0..MR {
        sums.0[row + r] += products[r].0;
        sums.1[row + r] += products[r].1;
    }
    MR
}

/// Centres and radii of the products of `MR` rows with one box.
#[inline(always)]
fn dot<S: Simd, const MR: usize>(
    simd: S,
    rows: [&[f64]; MR],
    radii: Option<[&[f64]; MR]>,
    [m, q, a]: [&[f64; BLOCK]; 3],
) -> [(f64, f64); MR] {
    let (mut c, mut radius) = ([simd.splat_f64s(0.0); MR], [simd.splat_f64s(0.0); MR]);
    let (m, q, a) = (S::as_simd_f64s(m).0, S::as_simd_f64s(q).0, S::as_simd_f64s(a).0);
    let whole = rows[0].len() / S::F64_LANES;
    let mut bodies: [&[S::f64s]; MR] = [&[]; MR];
    for r in 0..MR {
        bodies[r] = &S::as_simd_f64s(rows[r]).0[..whole];
    }
    let mut w = c;
    for (k, (&m, &q)) in m[..whole].iter().zip(&q[..whole]).enumerate() {
        for r in 0..MR {
            w[r] = bodies[r][k];
        }
        accumulate(simd, w, m, q, &mut c, &mut radius);
    }
    if whole * S::F64_LANES < rows[0].len() {
        for r in 0..MR {
            w[r] = simd.partial_load_f64s(&rows[r][whole * S::F64_LANES..]);
        }
        accumulate(simd, w, m[whole], q[whole], &mut c, &mut radius);
    }
    if let Some(radii) = radii {
        for r in 0..MR {
            let (body, rest) = S::as_simd_f64s(radii[r]);
            for (w, a) in body.iter().zip(a) {
                radius[r] = simd.mul_add_e_f64s(*w, *a, radius[r]);
            }
            if !rest.is_empty() {
                radius[r] = simd.mul_add_e_f64s(simd.partial_load_f64s(rest), a[body.len()], radius[r]);
            }
        }
    }
    let mut sums = [(0.0, 0.0); MR];
    for r in 0..MR {
        sums[r] = (simd.reduce_sum_f64s(c[r]), simd.reduce_sum_f64s(radius[r]));
    }
    sums
}

/// Adds `Σₖ w[k·stride + o]·m[k]` to `c[o]`, and the radii to `radius[o]`: the weights are contiguous along the outputs.
#[inline(always)]
fn axpy<S: Simd>(simd: S, w: &[f64], stride: usize, m: &[f64], q: &[f64], c: &mut [f64], radius: &mut [f64]) {
    const NV: usize = 4;
    let lanes = S::F64_LANES;
    let mut o = 0;
    while o < c.len() {
        let width = c.len() - o;
        o += if width >= NV * lanes {
            axpy_strip::<S, NV>(simd, &w[o..], stride, m, q, &mut c[o..o + NV * lanes], &mut radius[o..o + NV * lanes])
        } else {
            let width = width.min(lanes);
            axpy_strip::<S, 1>(simd, &w[o..], stride, m, q, &mut c[o..o + width], &mut radius[o..o + width])
        };
    }
}

/// `NV` registers of outputs, or a part of one; returns how many outputs that are.
#[inline(always)]
fn axpy_strip<S: Simd, const NV: usize>(
    simd: S,
    w: &[f64],
    stride: usize,
    m: &[f64],
    q: &[f64],
    c: &mut [f64],
    radius: &mut [f64],
) -> usize {
    let width = c.len();
    let mut sum = load::<S, NV>(simd, c);
    let mut sum_of_radii = load::<S, NV>(simd, radius);
    for ((&m, &q), row) in m.iter().zip(q).zip(w.chunks(stride)) {
        let w = load::<S, NV>(simd, &row[..width]);
        accumulate(simd, w, simd.splat_f64s(m), simd.splat_f64s(q), &mut sum, &mut sum_of_radii);
    }
    for v in 0..NV {
        let range = v * S::F64_LANES..width.min((v + 1) * S::F64_LANES);
        simd.partial_store_f64s(&mut c[range.clone()], sum[v]);
        simd.partial_store_f64s(&mut radius[range], sum_of_radii[v]);
    }
    width
}

/// `NV` whole registers, or what there is of one.
#[inline(always)]
fn load<S: Simd, const NV: usize>(simd: S, from: &[f64]) -> [S::f64s; NV] {
    match S::as_simd_f64s(from).0.first_chunk() {
        Some(whole) => *whole,
        None => [simd.partial_load_f64s(from); NV],
    }
}

//! The product for a single box: as fast as the weights come from the second-level cache.

use core::ops::Range;

use pulp::Simd;

use super::Weights;
use super::bounds::{bounds, finite};
use super::product::{BLOCK, Product, ROWS, centres_and_radii, load, magnitude, packed, store};

impl Product<'_> {
    /// The sums for a single box, and their bounds; returns whether all are finite.
    #[inline(always)]
    pub(super) fn one_box<S: Simd>(&mut self, simd: S, gamma: f64) -> bool {
        self.y.lo.fill(0.0);
        self.y.hi.fill(0.0);
        for block in self.blocks() {
            self.block_of_one_box(simd, block, gamma);
        }
        let mut check = simd.splat_f64s(0.0);
        for o in (0..self.outputs).step_by(S::F64_LANES) {
            let range = o..self.outputs.min(o + S::F64_LANES);
            let bias = self.bias.map_or(simd.splat_f64s(0.0), |bias| load(simd, &bias[range.clone()]));
            let (lo, hi) = (&mut self.y.lo[range.clone()], &mut self.y.hi[range]);
            let (below, above) = bounds(simd, load(simd, lo), load(simd, hi), bias, gamma);
            check = finite(simd, below, above, check);
            store(simd, lo, below);
            store(simd, hi, above);
        }
        simd.reduce_sum_f64s(check) == 0.0
    }

    /// Adds the products of a block of inputs for a single box.
    #[inline(always)]
    fn block_of_one_box<S: Simd>(&mut self, simd: S, block: Range<usize>, gamma: f64) {
        let (mut m, mut q) = ([0.0; BLOCK], [0.0; BLOCK]);
        let (lo, hi) = (&self.x.lo[block.clone()], &self.x.hi[block.clone()]);
        centres_and_radii(simd, lo, hi, gamma, &mut m[..block.len()], &mut q[..block.len()]);
        let (depth, inputs) = (block.len(), [&m, &q]);
        let mut sums = (&mut *self.y.lo, &mut *self.y.hi);
        match self.weights {
            Weights::Points(w) if self.column == 1 => {
                let (wide, mut r) = (S::REGISTER_COUNT >= 32, 0);
                while r < self.outputs {
                    let rows = &w[r * self.row + block.start..];
                    r += match self.outputs - r {
                        8.. if wide => dots::<S, 8>(simd, rows, self.row, depth, inputs, &mut sums, r),
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
    inputs: [&[f64; BLOCK]; 2],
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
    [m, q]: [&[f64; BLOCK]; 2],
) -> [(f64, f64); MR] {
    let (mut c, mut radius) = ([simd.splat_f64s(0.0); MR], [simd.splat_f64s(0.0); MR]);
    let (m, q) = (S::as_simd_f64s(m).0, S::as_simd_f64s(q).0);
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
            for (k, w) in body.iter().enumerate() {
                radius[r] = simd.mul_add_e_f64s(*w, magnitude(simd, m[k], q[k]), radius[r]);
            }
            if !rest.is_empty() {
                let a = magnitude(simd, m[whole], q[whole]);
                radius[r] = simd.mul_add_e_f64s(simd.partial_load_f64s(rest), a, radius[r]);
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
    let mut sum = loads::<S, NV>(simd, c);
    let mut sum_of_radii = loads::<S, NV>(simd, radius);
    for ((&m, &q), row) in m.iter().zip(q).zip(w.chunks(stride)) {
        let w = loads::<S, NV>(simd, &row[..width]);
        accumulate(simd, w, simd.splat_f64s(m), simd.splat_f64s(q), &mut sum, &mut sum_of_radii);
    }
    for v in 0..NV {
        let range = v * S::F64_LANES..width.min((v + 1) * S::F64_LANES);
        store(simd, &mut c[range.clone()], sum[v]);
        store(simd, &mut radius[range], sum_of_radii[v]);
    }
    width
}

/// `NV` whole registers, or what there is of one.
#[inline(always)]
fn loads<S: Simd, const NV: usize>(simd: S, from: &[f64]) -> [S::f64s; NV] {
    match S::as_simd_f64s(from).0.first_chunk() {
        Some(whole) => *whole,
        None => [simd.partial_load_f64s(from); NV],
    }
}

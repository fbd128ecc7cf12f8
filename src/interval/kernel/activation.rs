//! Activations and their first derivative over slices.
//!
//! The values at the ends come from [`Activation::jet`], in plain doubles; they are widened by a bound of its rounding error
//! and hulled with the extrema that may lie between the ends. What is outside of the range where that bound is proved goes
//! through [`Interval::activation`], one by one.

use pulp::{Arch, WithSimd};

use super::{Boxes, BoxesMut};
use crate::math::{Activation, Contract, Fused, Separate};

/// Ends up to here are within the range of the bounds below: `e^(2x)`, which tanh needs, is a normal number.
const RANGE: f64 = 350.0;
/// Elements taken at once.
const LANES: usize = 64;
const U: f64 = f64::EPSILON / 2.0;
/// The least double, 2⁻¹⁰⁷⁴.
const ETA: f64 = f64::from_bits(1);

/// `y = f(x)` and `slope = f′(x)`, element by element, as range enclosures.
///
/// # Shapes
/// Three equal lengths.
///
/// # Guarantee
/// Encloses. Within 18 units of `2⁻⁵³` of the value (32 of the derivative), or exactly as [`Interval::activation`] for
/// elements with a bound beyond ±350. Crossed bounds, ∅, give ∅.
///
/// # Panics
/// If the slices differ in length.
///
/// [`Interval::activation`]: super::Interval::activation
#[track_caller]
pub fn activation(function: Activation, x: Boxes<'_>, mut y: BoxesMut<'_>, mut slope: BoxesMut<'_>) {
    assert!(x.lo.len() == x.hi.len() && y.lo.len() == y.hi.len() && slope.lo.len() == slope.hi.len());
    assert!(x.len() == y.lo.len() && x.len() == slope.lo.len(), "as many results as arguments");
    let sweep = Sweep { function, x, y: &mut y, slope: &mut slope };
    match Arch::new() {
        // Where the machine has no fused operation, `mul_add` would be a library call.
        Arch::Scalar => sweep.run(Separate),
        arch => arch.dispatch(sweep),
    }
    exceptions(function, x, &mut y, &mut slope);
}

/// Value and slope at an end, and what the error of the slope is measured by.
struct End {
    value: f64,
    slope: f64,
    slope_size: f64,
}

/// A critical point, bracketed, and the extremum there, rounded away from the other values.
#[derive(Clone, Copy)]
struct Extremum {
    at: (f64, f64),
    value: f64,
}

impl Extremum {
    const fn new(at: f64, value: f64) -> Self {
        Self { at: (at.next_down(), at.next_up()), value }
    }

    /// Whether it may lie between the ends.
    #[inline(always)]
    fn inside(self, lo: f64, hi: f64) -> bool {
        (lo <= self.at.1) & (hi >= self.at.0)
    }
}

/// Error bounds of an activation in doubles, its least value, and the extrema of its slope.
///
/// Below, u is 2⁻⁵³, `e = e⁻ˣ` is good to 3u, and `a/(a + b)` is [`Logistic`](crate::math::Logistic), `a = w − r` above and
/// `b = 2ⁿ(w + r)` below. Reduction leaves `r` good to 0.26u. The polynomial `w` in [2, 4) is rounded three times, by 2u each, to
/// 6.1u in all, of which `2r/(w² − r²) < 0.18` is a share in `b/a`; the roundings of `a` and `b` are another u each: `b/a = e⁻ˣ` to 3.4u of
/// itself. Scaling by `2ⁿ` is exact. The factors leave room for the rounding of the bounds themselves, another u each.
struct Shape {
    /// Times the value.
    value_error: f64,
    /// Times [`End::slope_size`].
    slope_error: f64,
    least_value: Option<Extremum>,
    greatest_slope: Option<Extremum>,
    least_slope: Option<Extremum>,
}

const PLAIN: Shape =
    Shape { value_error: 0.0, slope_error: 0.0, least_value: None, greatest_slope: None, least_slope: None };
/// `t = e^(−2|x|) − 1` to 3u of itself, `t/(2+t)` to 6u; `4e/(1+e)²` to 11u.
const TANH: Shape =
    Shape { value_error: 12.0 * U, slope_error: 16.0 * U, greatest_slope: Some(Extremum::new(0.0, 1.0)), ..PLAIN };
/// The sum, the division and the product are 3u, and `b/a` enters by its 3.4u times 1−s: s to 6.4u of itself, its product p
/// with its complement to 10.4u (what the two share of `b/a` enters with opposite signs).
const SIGMOID: Shape =
    Shape { value_error: 8.0 * U, slope_error: 14.0 * U, greatest_slope: Some(Extremum::new(0.0, 0.25)), ..PLAIN };
/// `ln(1+e)` to 8u, the sum with `x` to 9u.
const SOFTPLUS: Shape = Shape { value_error: 12.0 * U, slope_error: 8.0 * U, ..PLAIN };
/// `x·a/(a + b)` to 7.4u. The terms of `s + x·p` may cancel: their errors are 6.4u of the first and 11.4u of the second, and their sum is
/// rounded once more.
///
/// The values are the second doubles outward from the extrema.
const SILU: Shape = Shape {
    value_error: 9.0 * U,
    slope_error: 14.0 * U,
    least_value: Some(Extremum::new(-1.278464542761074, (-0.2784645427610738_f64).next_down())),
    greatest_slope: Some(Extremum::new(2.3993572805154675, 1.099_839_320_128_867_f64.next_up())),
    least_slope: Some(Extremum::new(-2.3993572805154675, (-0.09983932012886692_f64).next_down())),
};

/// The arguments of [`activation`].
pub(super) struct Sweep<'a, 'b, 'c> {
    pub(super) function: Activation,
    pub(super) x: Boxes<'a>,
    pub(super) y: &'a mut BoxesMut<'b>,
    pub(super) slope: &'a mut BoxesMut<'c>,
}

impl WithSimd for Sweep<'_, '_, '_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.run(Fused);
    }
}

impl Sweep<'_, '_, '_> {
    #[inline(always)]
    pub(super) fn run<C: Contract>(self, c: C) {
        let Self { function, x, y, slope } = self;
        match function {
            Activation::Relu => relu(x, y, slope),
            Activation::Identity => identity(x, y, slope),
            Activation::Tanh => ends(c, x, y, slope, TANH, by_slope(Activation::Tanh)),
            Activation::Sigmoid => ends(c, x, y, slope, SIGMOID, by_slope(Activation::Sigmoid)),
            Activation::Softplus => ends(c, x, y, slope, SOFTPLUS, by_slope(Activation::Softplus)),
            Activation::Silu => ends(c, x, y, slope, SILU, silu),
        }
    }
}

/// An activation whose slope is good to a multiple of itself.
#[inline(always)]
fn by_slope<C: Contract>(function: Activation) -> impl Fn(C, f64) -> End + Copy {
    #[inline(always)]
    move |c, x| {
        let [value, slope, ..] = function.jet(c, x);
        End { value, slope, slope_size: slope }
    }
}

#[inline(always)]
fn silu<C: Contract>(c: C, x: f64) -> End {
    let [value, slope, ..] = Activation::Silu.jet(c, x);
    let [s, p, ..] = Activation::Sigmoid.jet(c, x);
    End { value, slope, slope_size: c.mul_add(x.abs(), p, s) }
}

/// One tile of [`ends`]. `x − (ku|x| + η)` grows with `x`, so that hulls may be taken first; η is for products that
/// underflow.
#[inline(always)]
fn step<C: Contract>(
    c: C,
    lo: &[f64; LANES],
    hi: &[f64; LANES],
    [y_lo, y_hi, slope_lo, slope_hi]: [&mut [f64; LANES]; 4],
    shape: &Shape,
    f: impl Fn(C, f64) -> End + Copy,
) {
    for i in 0..LANES {
        let (a, b) = (f(c, lo[i]), f(c, hi[i]));
        let (below, above) = (least(a.value, b.value), greatest(a.value, b.value));
        y_lo[i] = below - c.mul_add(below.abs(), shape.value_error, ETA);
        y_hi[i] = above + c.mul_add(above.abs(), shape.value_error, ETA);
        let slope = |end: &End, error: f64| c.mul_add(end.slope_size, error, end.slope);
        slope_lo[i] = least(slope(&a, -shape.slope_error), slope(&b, -shape.slope_error));
        slope_hi[i] = greatest(slope(&a, shape.slope_error), slope(&b, shape.slope_error));
        if let Some(e) = shape.least_value {
            y_lo[i] = if e.inside(lo[i], hi[i]) { e.value } else { y_lo[i] };
        }
        if let Some(e) = shape.greatest_slope {
            slope_hi[i] = if e.inside(lo[i], hi[i]) { e.value } else { slope_hi[i] };
        }
        if let Some(e) = shape.least_slope {
            slope_lo[i] = if e.inside(lo[i], hi[i]) { e.value } else { slope_lo[i] };
        }
    }
}

#[inline(always)]
fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

#[inline(always)]
fn greatest(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// Hulls of the widened values at both ends and of the extrema between, [`LANES`] at a time.
#[inline(always)]
fn ends<C: Contract>(
    contract: C,
    x: Boxes<'_>,
    y: &mut BoxesMut<'_>,
    slope: &mut BoxesMut<'_>,
    shape: Shape,
    f: impl Fn(C, f64) -> End + Copy,
) {
    let (los, lo_rest) = x.lo.as_chunks::<LANES>();
    let (his, hi_rest) = x.hi.as_chunks::<LANES>();
    let (y_los, y_lo_rest) = y.lo.as_chunks_mut::<LANES>();
    let (y_his, y_hi_rest) = y.hi.as_chunks_mut::<LANES>();
    let (slope_los, slope_lo_rest) = slope.lo.as_chunks_mut::<LANES>();
    let (slope_his, slope_hi_rest) = slope.hi.as_chunks_mut::<LANES>();
    for (((((lo, hi), a), b), c), d) in los.iter().zip(his).zip(y_los).zip(y_his).zip(slope_los).zip(slope_his) {
        step(contract, lo, hi, [a, b, c, d], &shape, f);
    }
    // The last few, in a padded tile.
    let rest = lo_rest.len();
    if rest > 0 {
        let mut tile = [[0.0; LANES]; 6];
        tile[0][..rest].copy_from_slice(lo_rest);
        tile[1][..rest].copy_from_slice(hi_rest);
        let [lo, hi, a, b, c, d] = &mut tile;
        step(contract, lo, hi, [a, b, c, d], &shape, f);
        y_lo_rest.copy_from_slice(&a[..rest]);
        y_hi_rest.copy_from_slice(&b[..rest]);
        slope_lo_rest.copy_from_slice(&c[..rest]);
        slope_hi_rest.copy_from_slice(&d[..rest]);
    }
}

/// Exact.
#[inline(always)]
fn identity(x: Boxes<'_>, y: &mut BoxesMut<'_>, slope: &mut BoxesMut<'_>) {
    y.lo.copy_from_slice(x.lo);
    y.hi.copy_from_slice(x.hi);
    slope.lo.fill(1.0);
    slope.hi.fill(1.0);
}

/// Exact; the slope is `[0, 1]` where the kink is touched.
#[inline(always)]
fn relu(x: Boxes<'_>, y: &mut BoxesMut<'_>, slope: &mut BoxesMut<'_>) {
    for i in 0..x.len() {
        let (lo, hi) = (x.lo[i], x.hi[i]);
        (y.lo[i], y.hi[i]) = (lo.max(0.0), hi.max(0.0));
        (slope.lo[i], slope.hi[i]) = (if lo > 0.0 { 1.0 } else { 0.0 }, if hi >= 0.0 { 1.0 } else { 0.0 });
    }
}

/// Whether the bounds of the errors are proved for an element.
#[inline(always)]
fn proved(lo: f64, hi: f64) -> bool {
    (lo >= -RANGE) & (hi <= RANGE) & (lo <= hi)
}

/// Whether they are for all elements.
struct AllProved<'a>(Boxes<'a>);

impl WithSimd for AllProved<'_> {
    type Output = bool;
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> bool {
        self.0.lo.iter().zip(self.0.hi).fold(true, |all, (&lo, &hi)| all & proved(lo, hi))
    }
}

/// Elements that are unbounded, empty, no interval, or out of the proved range: by definition.
#[inline(always)]
fn exceptions(function: Activation, x: Boxes<'_>, y: &mut BoxesMut<'_>, slope: &mut BoxesMut<'_>) {
    if Arch::new().dispatch(AllProved(x)) {
        return;
    }
    for i in 0..x.len() {
        if !proved(x.lo[i], x.hi[i]) {
            y.set(i, x.get(i).activation(function, 0));
            slope.set(i, x.get(i).activation(function, 1));
        }
    }
}

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

/// `y = f(x)` and `slope = f′(x)`, element by element, as range enclosures.
///
/// # Shapes
/// Three equal lengths.
///
/// # Guarantee
/// Encloses. Within 16 units of `2⁻⁵³` of the value (32 of the derivative), or exactly as [`Interval::activation`] for
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

/// Values at both ends, and their error bounds.
struct Ends {
    value: f64,
    value_error: f64,
    slope: f64,
    slope_error: f64,
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

/// Least value and extrema of the slope of an activation.
struct Extrema {
    least_value: Option<Extremum>,
    greatest_slope: Option<Extremum>,
    least_slope: Option<Extremum>,
}

const NONE: Extrema = Extrema { least_value: None, greatest_slope: None, least_slope: None };
const TANH: Extrema = Extrema { greatest_slope: Some(Extremum::new(0.0, 1.0)), ..NONE };
const SIGMOID: Extrema = Extrema { greatest_slope: Some(Extremum::new(0.0, 0.25)), ..NONE };
/// The values are the second doubles outward from the extrema.
const SILU: Extrema = Extrema {
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
            Activation::Identity => ends(c, x, y, slope, NONE, identity),
            Activation::Relu => relu(x, y, slope),
            Activation::Tanh => ends(c, x, y, slope, TANH, tanh),
            Activation::Sigmoid => ends(c, x, y, slope, SIGMOID, sigmoid),
            Activation::Softplus => ends(c, x, y, slope, NONE, softplus),
            Activation::Silu => ends(c, x, y, slope, SILU, silu),
        }
    }
}

#[inline(always)]
fn identity<C: Contract>(_: C, x: f64) -> Ends {
    Ends { value: x, value_error: 0.0, slope: 1.0, slope_error: 0.0 }
}

/// With `e = e⁻ˣ` to 3u, of which 2u are shared by `1+e`, and that to 4u: s = 1/(1+e) to 5u of itself, its product p with
/// 1−s = e·s to 11u (what is shared enters with opposite signs). Here and below the factors leave room for the rounding of
/// the bounds themselves.
#[inline(always)]
fn sigmoid<C: Contract>(c: C, x: f64) -> Ends {
    let [value, slope, ..] = Activation::Sigmoid.jet(c, x);
    Ends { value, value_error: 8.0 * U * value, slope, slope_error: 12.0 * U * slope }
}

/// `t = e^(−2|x|) − 1` to 3u of itself, `t/(2+t)` to 6u; `4e/(1+e)²` to 11u.
#[inline(always)]
fn tanh<C: Contract>(c: C, x: f64) -> Ends {
    let [value, slope, ..] = Activation::Tanh.jet(c, x);
    Ends { value, value_error: 12.0 * U * value.abs(), slope, slope_error: 16.0 * U * slope }
}

/// `ln(1+e)` to 8u, the sum with `x` to 9u.
#[inline(always)]
fn softplus<C: Contract>(c: C, x: f64) -> Ends {
    let [value, slope, ..] = Activation::Softplus.jet(c, x);
    Ends { value, value_error: 12.0 * U * value, slope, slope_error: 8.0 * U * slope }
}

/// `x·s` to 6u. The terms of `s + x·p` may cancel: their errors are 5u of the first and 12u of the second.
#[inline(always)]
fn silu<C: Contract>(c: C, x: f64) -> Ends {
    let [value, slope, ..] = Activation::Silu.jet(c, x);
    let [s, p, ..] = Activation::Sigmoid.jet(c, x);
    Ends { value, value_error: 8.0 * U * value.abs(), slope, slope_error: 14.0 * U * (s + x.abs() * p) }
}

/// One tile of [`ends`].
#[inline(always)]
fn step<C: Contract>(
    c: C,
    lo: &[f64; LANES],
    hi: &[f64; LANES],
    [y_lo, y_hi, slope_lo, slope_hi]: [&mut [f64; LANES]; 4],
    extrema: &Extrema,
    f: impl Fn(C, f64) -> Ends + Copy,
) {
    for i in 0..LANES {
        let (a, b) = (f(c, lo[i]), f(c, hi[i]));
        y_lo[i] = least(a.value - a.value_error, b.value - b.value_error);
        y_hi[i] = greatest(a.value + a.value_error, b.value + b.value_error);
        slope_lo[i] = least(a.slope - a.slope_error, b.slope - b.slope_error);
        slope_hi[i] = greatest(a.slope + a.slope_error, b.slope + b.slope_error);
        if let Some(e) = extrema.least_value {
            y_lo[i] = if e.inside(lo[i], hi[i]) { e.value } else { y_lo[i] };
        }
        if let Some(e) = extrema.greatest_slope {
            slope_hi[i] = if e.inside(lo[i], hi[i]) { e.value } else { slope_hi[i] };
        }
        if let Some(e) = extrema.least_slope {
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
    extrema: Extrema,
    f: impl Fn(C, f64) -> Ends + Copy,
) {
    let (los, lo_rest) = x.lo.as_chunks::<LANES>();
    let (his, hi_rest) = x.hi.as_chunks::<LANES>();
    let (y_los, y_lo_rest) = y.lo.as_chunks_mut::<LANES>();
    let (y_his, y_hi_rest) = y.hi.as_chunks_mut::<LANES>();
    let (slope_los, slope_lo_rest) = slope.lo.as_chunks_mut::<LANES>();
    let (slope_his, slope_hi_rest) = slope.hi.as_chunks_mut::<LANES>();
    for (((((lo, hi), a), b), c), d) in los.iter().zip(his).zip(y_los).zip(y_his).zip(slope_los).zip(slope_his) {
        step(contract, lo, hi, [a, b, c, d], &extrema, f);
    }
    // The last few, in a padded tile.
    let rest = lo_rest.len();
    if rest > 0 {
        let mut tile = [[0.0; LANES]; 6];
        tile[0][..rest].copy_from_slice(lo_rest);
        tile[1][..rest].copy_from_slice(hi_rest);
        let [lo, hi, a, b, c, d] = &mut tile;
        step(contract, lo, hi, [a, b, c, d], &extrema, f);
        y_lo_rest.copy_from_slice(&a[..rest]);
        y_hi_rest.copy_from_slice(&b[..rest]);
        slope_lo_rest.copy_from_slice(&c[..rest]);
        slope_hi_rest.copy_from_slice(&d[..rest]);
    }
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

/// Elements that are unbounded, empty, no interval, or out of the proved range: by definition.
#[inline(always)]
fn exceptions(function: Activation, x: Boxes<'_>, y: &mut BoxesMut<'_>, slope: &mut BoxesMut<'_>) {
    let proved = |lo: f64, hi: f64| (lo >= -RANGE) & (hi <= RANGE) & (lo <= hi);
    if x.lo.iter().zip(x.hi).fold(true, |all, (&lo, &hi)| all & proved(lo, hi)) {
        return;
    }
    for i in 0..x.len() {
        if !proved(x.lo[i], x.hi[i]) {
            y.set(i, x.get(i).activation(function, 0));
            slope.set(i, x.get(i).activation(function, 1));
        }
    }
}

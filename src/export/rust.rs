//! Rust that needs only `core`.

use core::fmt::Write as _;

use super::formula::formula;
use super::plan::{About, Plan, Step};
use crate::data::Surrogate;
use crate::error::Result;

/// Samples that the batch forms take together.
const LANES: usize = 8;

/// The surrogate as a Rust file, to be a module or `include!`d in one: `price`, `price_delta`, `price_delta_gamma`, their
/// `_batch` forms, and what `about` says as comments and constants.
///
/// # Guarantee
/// The bits of [`Frozen`](crate::nn::Frozen) over [`Surrogate::folded`]. No allocation, no panic, no `unsafe`, no `std`.
///
/// # Errors
/// If the network has several outputs, or `about` the ranges of another number of inputs.
///
/// # Examples
/// ```
/// use sobolev::data::{Scaling, Surrogate};
/// use sobolev::export::{About, rust};
/// use sobolev::math::Activation;
/// use sobolev::nn::{Network, Stack};
///
/// let network = Network::new(Stack::mlp(1, &[], 1, Activation::Silu), vec![2.0, 0.5]);
/// let text = rust(&Surrogate { network, scaling: Scaling::identity(1) }, &About::default())?;
/// assert!(text.contains("pub fn price_delta_gamma(x: &[f64; INPUTS]) -> (f64, [f64; INPUTS], f64)"));
/// # Ok::<(), sobolev::error::Error>(())
/// ```
pub fn rust(surrogate: &Surrogate, about: &About) -> Result<String> {
    let plan = Plan::new(surrogate, about)?;
    let mut out = String::new();
    for line in plan.preamble(about) {
        out += format!("// {line}").trim_end();
        out.push('\n');
    }
    out += "\n/// Number of inputs.\n";
    line(&mut out, format_args!("pub const INPUTS: usize = {};", plan.inputs()));
    constants(&mut out, about);
    for (l, step) in plan.steps.iter().enumerate() {
        layer(&mut out, l, step);
    }
    for function in plan.activations() {
        let f = formula(function);
        line(&mut out, format_args!("\n/// Value, first and second derivative.\n#[inline(always)]"));
        line(&mut out, format_args!("fn {function}(x: f64) -> [f64; 3] {{"));
        for (name, text) in &f.statements {
            line(&mut out, format_args!("    let {name} = {text};"));
        }
        line(&mut out, format_args!("    [{}]\n}}", f.results.join(", ")));
    }
    out += HELPERS;
    evaluations(&mut out, &plan);
    out += &PUBLIC.replace("LANES", &LANES.to_string());
    Ok(out)
}

fn line(out: &mut String, text: core::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes everything");
}

fn constants(out: &mut String, about: &About) {
    if !about.domain.is_empty() {
        *out += "/// Lowest and highest value of each input.\n";
        line(out, format_args!("pub const DOMAIN: [[f64; 2]; INPUTS] = {:?};", about.domain));
    }
    for (name, r) in &about.r_squared {
        line(out, format_args!("/// R² of {name} on test points.\npub const R_SQUARED_{}: f64 = {r:?};", shout(name)));
    }
    for (name, text) in &about.origin {
        line(out, format_args!("/// Where the network is from: {name}.\npub const {}: &str = {text:?};", shout(name)));
    }
}

/// A name as a constant's.
pub(super) fn shout(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn layer(out: &mut String, l: usize, step: &Step) {
    let (fan_in, fan_out) = (step.fan_in(), step.fan_out());
    line(out, format_args!("\nstatic W{l}: [[f64; {fan_in}]; {fan_out}] = ["));
    for row in step.weights.chunks(fan_in) {
        line(out, format_args!("    {row:?},"));
    }
    line(out, format_args!("];\nstatic B{l}: [f64; {fan_out}] = {:?};", step.biases));
}

/// `value`, `gradient`, `curvature`: each layer a line.
fn evaluations(out: &mut String, plan: &Plan) {
    let (head, all) = (plan.head, plan.steps.len());
    let name = |l: usize| plan.steps[l].layer.activation;
    *out += "\n#[inline(always)]\nfn value<const R: usize>(a: &Nodes<INPUTS, R>) -> [f64; R] {\n";
    for l in 0..all {
        line(out, format_args!("    let a = &values({}, affine(&W{l}, &B{l}, a));", name(l)));
    }
    *out += "    a[0]\n}\n";

    *out += "\n#[inline(always)]\n";
    *out += "fn gradient<const R: usize>(a: &Nodes<INPUTS, R>) -> ([f64; R], Nodes<INPUTS, R>) {\n";
    for l in 0..head {
        line(out, format_args!("    let (a, s{l}) = &slopes({}, affine(&W{l}, &B{l}, a));", name(l)));
    }
    if plan.has_tail() {
        *out += "    let d = &[[1.0; R]];\n";
    }
    for l in head..all {
        line(out, format_args!("    let (a, d) = &tangents({}, affine(&W{l}, &B{l}, a), linear(&W{l}, d));", name(l)));
    }
    reverse(out, plan);
    line(out, format_args!("    (a[0], {})\n}}", if plan.has_tail() { "scaled(g, d[0])" } else { "*g" }));

    *out += "\n#[inline(always)]\n";
    *out += "fn curvature<const R: usize>(a: &Nodes<INPUTS, R>) -> ([f64; R], Nodes<INPUTS, R>, [f64; R]) {\n";
    if plan.spots == plan.inputs() {
        *out += "    let d = &[[1.0; R]; INPUTS];\n";
    } else {
        // Parameters stay.
        let along = |i| if i < plan.spots { "[1.0; R]" } else { "[0.0; R]" };
        let d: Vec<_> = (0..plan.inputs()).map(along).collect();
        line(out, format_args!("    let d = &[{}];", d.join(", ")));
    }
    for l in 0..head {
        let (f, call) = (name(l), if l == 0 { "bend" } else { "bend_on" });
        let more = if l == 0 { String::new() } else { format!(", linear(&W{l}, e)") };
        let z = format!("affine(&W{l}, &B{l}, a), linear(&W{l}, d){more}");
        line(out, format_args!("    let (a, s{l}, d, e) = &{call}({f}, {z});"));
    }
    *out += "    let (d_head, e_head) = (d[0], e[0]);\n";
    if plan.has_tail() {
        *out += "    let d = &[[1.0; R]];\n";
    }
    for l in head..all {
        let (f, call) = (name(l), if l == head { "bend" } else { "bend_on" });
        let more = if l == head { String::new() } else { format!(", linear(&W{l}, e)") };
        let z = format!("affine(&W{l}, &B{l}, a), linear(&W{l}, d){more}");
        line(out, format_args!("    let (a, _, d, e) = &{call}({f}, {z});"));
    }
    reverse(out, plan);
    if plan.has_tail() {
        *out += "    (a[0], scaled(g, d[0]), chained(d[0], e[0], d_head, e_head))\n}\n";
    } else {
        *out += "    let _ = d_head;\n    (a[0], *g, e_head)\n}\n";
    }
}

/// Adjoints of the head from the seed 1.
fn reverse(out: &mut String, plan: &Plan) {
    *out += "    let g = &[[1.0; R]];\n";
    for l in (0..plan.head).rev() {
        line(out, format_args!("    let g = &transposed(&W{l}, &products(g, s{l}));"));
    }
}

const HELPERS: &str = r#"
/// `R` samples, node by node.
type Nodes<const N: usize, const R: usize> = [[f64; R]; N];

#[allow(dead_code)]
#[inline(always)]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `a` where `x` is negative, else `b`.
#[allow(dead_code)]
#[inline(always)]
fn negative(x: f64, a: f64, b: f64) -> f64 {
    if x < 0.0 { a } else { b }
}

#[allow(dead_code)]
#[inline(always)]
fn positive(x: f64) -> f64 {
    if x > 0.0 { 1.0 } else { 0.0 }
}

#[allow(dead_code)]
#[inline(always)]
fn magnitude(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & (u64::MAX >> 1))
}

/// `2^n` from `n + 1.5·2^52`.
#[allow(dead_code)]
#[inline(always)]
fn power_of_two(shifted: f64) -> f64 {
    f64::from_bits(shifted.to_bits().wrapping_add(1023).wrapping_shl(52))
}

/// `W x + b`.
#[inline(always)]
fn affine<const I: usize, const O: usize, const R: usize>(w: &[[f64; I]; O], b: &[f64; O], x: &Nodes<I, R>) -> Nodes<O, R> {
    let mut z = [[0.0; R]; O];
    for o in 0..O {
        let mut sum = [b[o]; R];
        for i in 0..I {
            for r in 0..R {
                sum[r] += w[o][i] * x[i][r];
            }
        }
        z[o] = sum;
    }
    z
}

/// `W x`.
#[inline(always)]
fn linear<const I: usize, const O: usize, const R: usize>(w: &[[f64; I]; O], x: &Nodes<I, R>) -> Nodes<O, R> {
    affine(w, &[0.0; O], x)
}

/// `Wᵀ z`.
#[inline(always)]
fn transposed<const I: usize, const O: usize, const R: usize>(w: &[[f64; I]; O], z: &Nodes<O, R>) -> Nodes<I, R> {
    let mut x = [[0.0; R]; I];
    for i in 0..I {
        let mut sum = [0.0; R];
        for o in 0..O {
            for r in 0..R {
                sum[r] += w[o][i] * z[o][r];
            }
        }
        x[i] = sum;
    }
    x
}

#[inline(always)]
fn products<const N: usize, const R: usize>(a: &Nodes<N, R>, b: &Nodes<N, R>) -> Nodes<N, R> {
    let mut out = [[0.0; R]; N];
    for n in 0..N {
        for r in 0..R {
            out[n][r] = a[n][r] * b[n][r];
        }
    }
    out
}

#[allow(dead_code)]
#[inline(always)]
fn scaled<const N: usize, const R: usize>(a: &Nodes<N, R>, b: [f64; R]) -> Nodes<N, R> {
    products(a, &[b; N])
}

/// `f″ u̇² + f′ ü`.
#[allow(dead_code)]
#[inline(always)]
fn chained<const R: usize>(d: [f64; R], e: [f64; R], u_dot: [f64; R], u_ddot: [f64; R]) -> [f64; R] {
    let mut out = [0.0; R];
    for r in 0..R {
        out[r] = e[r] * u_dot[r] * u_dot[r] + d[r] * u_ddot[r];
    }
    out
}

/// `σ(z)`.
#[inline(always)]
fn values<const N: usize, const R: usize>(f: impl Fn(f64) -> [f64; 3], z: Nodes<N, R>) -> Nodes<N, R> {
    let mut a = [[0.0; R]; N];
    for n in 0..N {
        for r in 0..R {
            a[n][r] = f(z[n][r])[0];
        }
    }
    a
}

/// `σ(z)`, `σ′(z)`.
#[inline(always)]
fn slopes<const N: usize, const R: usize>(f: impl Fn(f64) -> [f64; 3], z: Nodes<N, R>) -> (Nodes<N, R>, Nodes<N, R>) {
    let (mut a, mut s) = ([[0.0; R]; N], [[0.0; R]; N]);
    for n in 0..N {
        for r in 0..R {
            let [value, slope, _] = f(z[n][r]);
            a[n][r] = value;
            s[n][r] = slope;
        }
    }
    (a, s)
}

/// `σ(z)`, `σ′ ż`.
#[allow(dead_code)]
#[inline(always)]
fn tangents<const N: usize, const R: usize>(
    f: impl Fn(f64) -> [f64; 3],
    z: Nodes<N, R>,
    z_dot: Nodes<N, R>,
) -> (Nodes<N, R>, Nodes<N, R>) {
    let (a, s) = slopes(f, z);
    (a, products(&s, &z_dot))
}

/// `σ(z)`, `σ′(z)`, `σ′ ż`, `σ″ ż²`.
#[inline(always)]
fn bend<const N: usize, const R: usize>(
    f: impl Fn(f64) -> [f64; 3],
    z: Nodes<N, R>,
    z_dot: Nodes<N, R>,
) -> (Nodes<N, R>, Nodes<N, R>, Nodes<N, R>, Nodes<N, R>) {
    let (mut a, mut s, mut d, mut e) = ([[0.0; R]; N], [[0.0; R]; N], [[0.0; R]; N], [[0.0; R]; N]);
    for n in 0..N {
        for r in 0..R {
            let [value, slope, curve] = f(z[n][r]);
            a[n][r] = value;
            s[n][r] = slope;
            d[n][r] = slope * z_dot[n][r];
            e[n][r] = curve * z_dot[n][r] * z_dot[n][r];
        }
    }
    (a, s, d, e)
}

/// `σ(z)`, `σ′(z)`, `σ′ ż`, `σ″ ż² + σ′ z̈`.
#[allow(dead_code)]
#[inline(always)]
fn bend_on<const N: usize, const R: usize>(
    f: impl Fn(f64) -> [f64; 3],
    z: Nodes<N, R>,
    z_dot: Nodes<N, R>,
    z_ddot: Nodes<N, R>,
) -> (Nodes<N, R>, Nodes<N, R>, Nodes<N, R>, Nodes<N, R>) {
    let (a, s, d, mut e) = bend(f, z, z_dot);
    for n in 0..N {
        for r in 0..R {
            e[n][r] += s[n][r] * z_ddot[n][r];
        }
    }
    (a, s, d, e)
}

#[inline(always)]
fn single<const N: usize>(x: &[f64; N]) -> Nodes<N, 1> {
    let mut out = [[0.0]; N];
    for n in 0..N {
        out[n] = [x[n]];
    }
    out
}

#[inline(always)]
fn point<const N: usize>(x: &Nodes<N, 1>) -> [f64; N] {
    let mut out = [0.0; N];
    for n in 0..N {
        out[n] = x[n][0];
    }
    out
}

/// `R` samples of every column from `at` on; zeros beyond the end.
#[inline(always)]
fn load<const N: usize, const R: usize>(x: &[&[f64]; N], at: usize) -> Nodes<N, R> {
    let mut out = [[0.0; R]; N];
    for (lanes, column) in out.iter_mut().zip(x) {
        for (lane, v) in lanes.iter_mut().zip(column.get(at..).unwrap_or(&[])) {
            *lane = *v;
        }
    }
    out
}

/// Up to `end`, as many of the samples as there are.
#[inline(always)]
fn store<const R: usize>(lanes: &[f64; R], column: &mut [f64], at: usize, end: usize) {
    for (v, lane) in column.get_mut(at..end).unwrap_or(&mut []).iter_mut().take(R).zip(lanes) {
        *v = *lane;
    }
}
"#;

const PUBLIC: &str = r#"
/// Price at `x`.
#[inline]
pub fn price(x: &[f64; INPUTS]) -> f64 {
    value(&single(x))[0]
}

/// Price and deltas at `x`.
#[inline]
pub fn price_delta(x: &[f64; INPUTS]) -> (f64, [f64; INPUTS]) {
    let (y, g) = gradient(&single(x));
    (y[0], point(&g))
}

/// Price, deltas and gamma (`1ᵀH1`) at `x`.
#[inline]
pub fn price_delta_gamma(x: &[f64; INPUTS]) -> (f64, [f64; INPUTS], f64) {
    let (y, g, h) = curvature(&single(x));
    (y[0], point(&g), h[0])
}

/// Prices of many points, one column an input; as many as the shortest column has, which is returned.
pub fn price_batch(x: &[&[f64]; INPUTS], price: &mut [f64]) -> usize {
    let points = x.iter().fold(price.len(), |n, column| n.min(column.len()));
    let mut at = 0;
    while at < points {
        store(&value::<LANES>(&load(x, at)), price, at, points);
        at += LANES;
    }
    points
}

/// Prices and deltas of many points, one column an input and a delta; as many as the shortest column has.
pub fn price_delta_batch(x: &[&[f64]; INPUTS], price: &mut [f64], delta: &mut [&mut [f64]; INPUTS]) -> usize {
    let points = x.iter().fold(price.len(), |n, column| n.min(column.len()));
    let points = delta.iter().fold(points, |n, column| n.min(column.len()));
    let mut at = 0;
    while at < points {
        let (y, g) = gradient::<LANES>(&load(x, at));
        store(&y, price, at, points);
        for (g, delta) in g.iter().zip(delta.iter_mut()) {
            store(g, delta, at, points);
        }
        at += LANES;
    }
    points
}

/// Prices, deltas and gammas of many points, one column each; as many as the shortest column has.
pub fn price_delta_gamma_batch(
    x: &[&[f64]; INPUTS],
    price: &mut [f64],
    delta: &mut [&mut [f64]; INPUTS],
    gamma: &mut [f64],
) -> usize {
    let points = x.iter().fold(price.len().min(gamma.len()), |n, column| n.min(column.len()));
    let points = delta.iter().fold(points, |n, column| n.min(column.len()));
    let mut at = 0;
    while at < points {
        let (y, g, h) = curvature::<LANES>(&load(x, at));
        store(&y, price, at, points);
        for (g, delta) in g.iter().zip(delta.iter_mut()) {
            store(g, delta, at, points);
        }
        store(&h, gamma, at, points);
        at += LANES;
    }
    points
}
"#;

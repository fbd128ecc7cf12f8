//! Freestanding C99 and its header.

use core::fmt::Write as _;

use super::formula::formula;
use super::plan::{About, Plan};
use super::rust::shout;
use crate::data::Surrogate;
use crate::error::Result;

/// Samples that the batch forms take together.
const LANES: usize = 8;

/// The two files of a surrogate in C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSource {
    /// `{stem}.c`, which includes the header by that name.
    pub source: String,
    /// `{stem}.h`.
    pub header: String,
}

/// The surrogate as C99 that needs no library, only `<stddef.h>` and `<stdint.h>`, which freestanding compilers have:
/// `price`, `price_delta`, `price_delta_gamma` and their `_batch` forms. `stem` names the files and begins every macro.
///
/// # Guarantee
/// The sums and products of [`rust`](super::rust()) in the same order: the same bits where the compiler fuses none of them
/// (`-ffp-contract=off`), the same up to that rounding elsewhere. No allocation, no calls, no globals written.
///
/// # Errors
/// If the network has several outputs, or `about` the ranges of another number of inputs.
pub fn c(surrogate: &Surrogate, about: &About, stem: &str) -> Result<CSource> {
    let plan = Plan::new(surrogate, about)?;
    let comment =
        plan.preamble(about).iter().fold("/*\n".to_owned(), |all, text| all + format!(" * {text}").trim_end() + "\n")
            + " */\n";
    Ok(CSource { header: header(&plan, about, stem, &comment), source: source(&plan, stem, &comment) })
}

fn header(plan: &Plan, about: &About, stem: &str, comment: &str) -> String {
    let (inputs, macros) = (plan.inputs(), shout(stem));
    let mut out = format!("{comment}#ifndef {macros}_H\n#define {macros}_H\n\n#include <stddef.h>\n\n");
    line(&mut out, format_args!("#define {macros}_INPUTS {inputs}"));
    if !about.domain.is_empty() {
        let rows: Vec<String> = about.domain.iter().map(|[low, high]| format!("{{{low:?}, {high:?}}}")).collect();
        let text = rows.join(", ");
        line(
            &mut out,
            format_args!("/* Lowest and highest value of each input. */\n#define {macros}_DOMAIN {{{text}}}"),
        );
    }
    for (name, r) in &about.r_squared {
        line(&mut out, format_args!("#define {macros}_R_SQUARED_{} {r:?}", shout(name)));
    }
    for (name, text) in &about.origin {
        let text = text.replace('\\', "/").replace('"', "'");
        line(&mut out, format_args!("#define {macros}_{} \"{text}\"", shout(name)));
    }
    out + &PROTOTYPES.replace("INPUTS", &inputs.to_string())
}

fn source(plan: &Plan, stem: &str, comment: &str) -> String {
    let inputs = plan.inputs();
    let mut out = format!("{comment}#include \"{stem}.h\"\n\n#include <stdint.h>\n{HELPERS}");
    for function in plan.activations() {
        let f = formula(function);
        line(&mut out, format_args!("\nstatic INLINE void apply_{function}(double x, double out[3]) {{"));
        for (name, text) in &f.statements {
            line(&mut out, format_args!("    const double {name} = {text};"));
        }
        for (k, text) in f.results.iter().enumerate() {
            line(&mut out, format_args!("    out[{k}] = {text};"));
        }
        out += "}\n";
        out += &ACTIVATIONS.replace("NAME", function.name());
    }
    for (l, step) in plan.steps.iter().enumerate() {
        let numbers = |v: &[f64]| v.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ");
        line(&mut out, format_args!("\nstatic const double W{l}[{}] = {{", step.weights.len()));
        step.weights.chunks(step.fan_in()).for_each(|row| line(&mut out, format_args!("    {},", numbers(row))));
        line(
            &mut out,
            format_args!("}};\nstatic const double B{l}[{}] = {{{}}};", step.fan_out(), numbers(&step.biases)),
        );
    }
    evaluations(&mut out, plan);
    out + &PUBLIC.replace("INPUTS", &inputs.to_string()).replace("LANES", &LANES.to_string())
}

fn line(out: &mut String, text: core::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes everything");
}

fn evaluations(out: &mut String, plan: &Plan) {
    *out += "\nstatic INLINE void value(int R, const double *a, double *price) {\n";
    for (l, s) in plan.steps.iter().enumerate() {
        let (i, o, f, from) = (s.fan_in(), s.fan_out(), s.layer.activation, of("a", l));
        line(out, format_args!("    double a{l}[{}];", o * LANES));
        line(out, format_args!("    affine({i}, {o}, R, W{l}, B{l}, {from}, a{l});\n    values_{f}({o} * R, a{l});"));
    }
    line(out, format_args!("    copy(R, a{}, price);\n}}", plan.steps.len() - 1));
    for second in [false, true] {
        let (name, more) = if second { ("curvature", ", double *gamma") } else { ("gradient", "") };
        line(
            out,
            format_args!("\nstatic INLINE void {name}(int R, const double *a, double *price, double *delta{more}) {{"),
        );
        derivatives(out, plan, second);
        *out += "}\n";
    }
}

/// The name of a buffer that holds what enters layer `l`.
fn of(letter: &str, l: usize) -> String {
    if l == 0 { letter.to_owned() } else { format!("{letter}{}", l - 1) }
}

/// Forward with tangents where they are needed, then the head in reverse.
fn derivatives(out: &mut String, plan: &Plan, second: bool) {
    let (head, last) = (plan.head, plan.steps.len() - 1);
    let inputs = plan.inputs();
    if second {
        line(out, format_args!("    double d[{}];\n    fill({inputs} * R, 1.0, d);", inputs * LANES));
        if plan.spots < inputs {
            // Parameters stay.
            line(out, format_args!("    fill({} * R, 0.0, d + {} * R);", inputs - plan.spots, plan.spots));
        }
    }
    if plan.has_tail() {
        line(out, format_args!("    double t[{LANES}];\n    fill(R, 1.0, t);"));
    }
    for (l, s) in plan.steps.iter().enumerate() {
        let (i, o, f, straight) = (s.fan_in(), s.fan_out(), s.layer.activation, l == 0 || l == head);
        let n = o * LANES;
        line(out, format_args!("    double a{l}[{n}], s{l}[{n}];"));
        line(out, format_args!("    affine({i}, {o}, R, W{l}, B{l}, {}, a{l});", of("a", l)));
        let moving = second || l >= head;
        if moving {
            let from = if l == head { "t".to_owned() } else { of("d", l) };
            line(out, format_args!("    double d{l}[{n}];\n    affine({i}, {o}, R, W{l}, 0, {from}, d{l});"));
        }
        if second {
            line(out, format_args!("    double e{l}[{n}];"));
            if straight {
                line(out, format_args!("    bend_{f}({o} * R, a{l}, s{l}, d{l}, e{l});"));
            } else {
                line(out, format_args!("    affine({i}, {o}, R, W{l}, 0, e{}, e{l});", l - 1));
                line(out, format_args!("    bend_on_{f}({o} * R, a{l}, s{l}, d{l}, e{l});"));
            }
        } else {
            line(out, format_args!("    slopes_{f}({o} * R, a{l}, s{l});"));
            if moving {
                line(out, format_args!("    multiply({o} * R, s{l}, d{l});"));
            }
        }
    }
    line(out, format_args!("    copy(R, a{last}, price);"));
    line(out, format_args!("    double g{}[{LANES}];\n    fill(R, 1.0, g{});", head - 1, head - 1));
    for (l, s) in plan.steps[..head].iter().enumerate().rev() {
        let (i, o) = (s.fan_in(), s.fan_out());
        let to = if l == 0 { "delta".to_owned() } else { format!("g{}", l - 1) };
        if l > 0 {
            line(out, format_args!("    double {to}[{}];", i * LANES));
        }
        line(out, format_args!("    multiply({o} * R, s{l}, g{l});\n    transposed({i}, {o}, R, W{l}, g{l}, {to});"));
    }
    if plan.has_tail() {
        line(out, format_args!("    for (int j = 0; j < {inputs}; j++) multiply(R, d{last}, delta + j * R);"));
    }
    if second && plan.has_tail() {
        line(out, format_args!("    chain(R, d{last}, e{last}, d{h}, e{h}, gamma);", h = head - 1));
    } else if second {
        line(out, format_args!("    copy(R, e{last}, gamma);"));
    }
}

const PROTOTYPES: &str = r#"
#ifdef __cplusplus
extern "C" {
#endif

/* Price at x. */
double price(const double x[INPUTS]);
/* Price at x; deltas. */
double price_delta(const double x[INPUTS], double delta[INPUTS]);
/* Price at x; deltas and gamma. */
double price_delta_gamma(const double x[INPUTS], double delta[INPUTS], double *gamma);

/* The same at n points: one array of n numbers for each input, price, delta and gamma. Results must not overlap inputs. */
void price_batch(const double *const x[INPUTS], size_t n, double *price);
void price_delta_batch(const double *const x[INPUTS], size_t n, double *price, double *const delta[INPUTS]);
void price_delta_gamma_batch(const double *const x[INPUTS], size_t n, double *price, double *const delta[INPUTS],
                             double *gamma);

#ifdef __cplusplus
}
#endif

#endif
"#;

const HELPERS: &str = r#"
#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline, unused))
#else
#define INLINE inline
#endif

static INLINE double clamp(double x, double low, double high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}
/* a where x is negative, else b */
static INLINE double negative(double x, double a, double b) { return x < 0.0 ? a : b; }
static INLINE double positive(double x) { return x > 0.0 ? 1.0 : 0.0; }
static INLINE double magnitude(double x) { return x < 0.0 ? -x : x; }
/* 2^n from n + 1.5 * 2^52 */
static INLINE double power_of_two(double shifted) {
    union { double number; uint64_t bits; } u;
    u.number = shifted;
    u.bits = (u.bits + 1023u) << 52;
    return u.number;
}

/* Buffers hold R samples a node, node by node: x[node * R + sample]. */

/* z = W x + b; no b is zero */
static INLINE void affine(int fan_in, int fan_out, int R, const double *w, const double *b, const double *x, double *z) {
    for (int o = 0; o < fan_out; o++) {
        for (int r = 0; r < R; r++) {
            double sum = b ? b[o] : 0.0;
            for (int i = 0; i < fan_in; i++) sum += w[o * fan_in + i] * x[i * R + r];
            z[o * R + r] = sum;
        }
    }
}
/* x = W^T z */
static INLINE void transposed(int fan_in, int fan_out, int R, const double *w, const double *z, double *x) {
    for (int i = 0; i < fan_in; i++) {
        for (int r = 0; r < R; r++) {
            double sum = 0.0;
            for (int o = 0; o < fan_out; o++) sum += w[o * fan_in + i] * z[o * R + r];
            x[i * R + r] = sum;
        }
    }
}
static INLINE void fill(int n, double value, double *out) {
    for (int k = 0; k < n; k++) out[k] = value;
}
static INLINE void copy(int n, const double *from, double *to) {
    for (int k = 0; k < n; k++) to[k] = from[k];
}
static INLINE void multiply(int n, const double *by, double *x) {
    for (int k = 0; k < n; k++) x[k] *= by[k];
}
/* f'' u_dot^2 + f' u_ddot */
static INLINE void chain(int n, const double *d, const double *e, const double *u_dot, const double *u_ddot, double *out) {
    for (int k = 0; k < n; k++) out[k] = e[k] * u_dot[k] * u_dot[k] + d[k] * u_ddot[k];
}
"#;

/// How an activation is applied to a whole layer.
const ACTIVATIONS: &str = r#"static INLINE void values_NAME(int n, double *a) {
    for (int k = 0; k < n; k++) {
        double f[3];
        apply_NAME(a[k], f);
        a[k] = f[0];
    }
}
static INLINE void slopes_NAME(int n, double *a, double *s) {
    for (int k = 0; k < n; k++) {
        double f[3];
        apply_NAME(a[k], f);
        a[k] = f[0];
        s[k] = f[1];
    }
}
/* value, slope, first and second derivative along a straight line */
static INLINE void bend_NAME(int n, double *a, double *s, double *d, double *e) {
    for (int k = 0; k < n; k++) {
        double f[3];
        apply_NAME(a[k], f);
        a[k] = f[0];
        s[k] = f[1];
        e[k] = f[2] * d[k] * d[k];
        d[k] = f[1] * d[k];
    }
}
/* and along a curve */
static INLINE void bend_on_NAME(int n, double *a, double *s, double *d, double *e) {
    for (int k = 0; k < n; k++) {
        double f[3];
        apply_NAME(a[k], f);
        a[k] = f[0];
        s[k] = f[1];
        e[k] = f[2] * d[k] * d[k] + f[1] * e[k];
        d[k] = f[1] * d[k];
    }
}
"#;

const PUBLIC: &str = r#"
static INLINE void load(const double *const x[INPUTS], size_t at, size_t n, double *a) {
    for (int j = 0; j < INPUTS; j++) {
        for (size_t r = 0; r < LANES; r++) a[j * LANES + r] = at + r < n ? x[j][at + r] : 0.0;
    }
}
static INLINE void store(const double *lanes, size_t at, size_t n, double *out) {
    for (size_t r = 0; r < LANES && at + r < n; r++) out[at + r] = lanes[r];
}

double price(const double x[INPUTS]) {
    double y[1];
    value(1, x, y);
    return y[0];
}

double price_delta(const double x[INPUTS], double delta[INPUTS]) {
    double y[1];
    gradient(1, x, y, delta);
    return y[0];
}

double price_delta_gamma(const double x[INPUTS], double delta[INPUTS], double *gamma) {
    double y[1];
    curvature(1, x, y, delta, gamma);
    return y[0];
}

void price_batch(const double *const x[INPUTS], size_t n, double *price) {
    for (size_t at = 0; at < n; at += LANES) {
        double a[INPUTS * LANES], y[LANES];
        load(x, at, n, a);
        value(LANES, a, y);
        store(y, at, n, price);
    }
}

void price_delta_batch(const double *const x[INPUTS], size_t n, double *price, double *const delta[INPUTS]) {
    for (size_t at = 0; at < n; at += LANES) {
        double a[INPUTS * LANES], y[LANES], g[INPUTS * LANES];
        load(x, at, n, a);
        gradient(LANES, a, y, g);
        store(y, at, n, price);
        for (int j = 0; j < INPUTS; j++) store(g + j * LANES, at, n, delta[j]);
    }
}

void price_delta_gamma_batch(const double *const x[INPUTS], size_t n, double *price, double *const delta[INPUTS],
                             double *gamma) {
    for (size_t at = 0; at < n; at += LANES) {
        double a[INPUTS * LANES], y[LANES], g[INPUTS * LANES], h[LANES];
        load(x, at, n, a);
        curvature(LANES, a, y, g, h);
        store(y, at, n, price);
        for (int j = 0; j < INPUTS; j++) store(g + j * LANES, at, n, delta[j]);
        store(h, at, n, gamma);
    }
}
"#;

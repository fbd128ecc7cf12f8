//! The elementary functions of the generated files, as statements that Rust and C share: plain `+ − × ÷` in the order of
//! [`ExpParts`](crate::math::ExpParts) and [`Activation::jet`], so that the bits are the same.

use crate::math::Activation;

/// `name = expression` lines over an argument `x`, and the expressions of value, first and second derivative.
///
/// Expressions use the helpers `clamp(x, low, high)`, `negative(x, a, b)` (`a` if `x < 0`, else `b`), `positive(x)` (1 or
/// 0), `magnitude(x)` and `power_of_two(n)` (from a shifted `n`), which each language writes in its own way.
pub(super) struct Formula {
    /// One a line, in order.
    pub(super) statements: Vec<(String, String)>,
    /// Value, first and second derivative.
    pub(super) results: [&'static str; 3],
}

/// `scale·(1 + r + q·p) = e^argument`, with `head = scale·(1 + r)` and `bend = scale·q`; every name with `suffix` behind it.
fn exponential(argument: &str, suffix: &str) -> Vec<(String, String)> {
    let pair = |i: &str, j: &str| format!("r# * (1.0 / {j}) + 1.0 / {i}");
    [
        ("y#", format!("clamp({argument}, -708.0, 709.0)")),
        // Adding 1.5·2^52 leaves round(y/ln 2) in the low bits.
        ("shifted#", "y# * 1.4426950408889634 + 6755399441055744.0".into()),
        ("n#", "shifted# - 6755399441055744.0".into()),
        ("r#", "n# * -1.9082149292705877e-10 + (n# * -6.931471803691238e-1 + y#)".into()),
        ("scale#", "power_of_two(shifted#)".into()),
        ("q#", "r# * r#".into()),
        ("q2#", "q# * q#".into()),
        ("low#", format!("({}) * q# + ({})", pair("24.0", "120.0"), pair("2.0", "6.0"))),
        ("middle#", format!("({}) * q# + ({})", pair("40320.0", "362880.0"), pair("720.0", "5040.0"))),
        ("high#", format!("({}) * q# + ({})", pair("479001600.0", "6227020800.0"), pair("3628800.0", "39916800.0"))),
        ("p#", "high# * (q2# * q2#) + (middle# * q2# + low#)".into()),
        ("bend#", "scale# * q#".into()),
        ("head#", "scale# * r# + scale#".into()),
        ("e#", "bend# * p# + head#".into()),
    ]
    .map(|(name, text)| (name.replace('#', suffix), text.replace('#', suffix)))
    .into()
}

fn sigmoid() -> Vec<(String, String)> {
    let mut all = exponential("-x", "");
    extend(&mut all, &[("s", "1.0 / (bend * p + (1.0 + head))"), ("complement", "e * s"), ("slope", "s * complement")]);
    all
}

/// With `1 − 2s`, which second derivatives need.
fn skewed() -> Vec<(String, String)> {
    let mut all = sigmoid();
    extend(&mut all, &[("skew", "complement - s")]);
    all
}

fn extend(all: &mut Vec<(String, String)>, more: &[(&str, &str)]) {
    all.extend(more.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())));
}

/// What a layer applies to each of its nodes.
pub(super) fn formula(function: Activation) -> Formula {
    let (statements, results) = match function {
        Activation::Identity => (vec![], ["x", "1.0", "0.0"]),
        Activation::Relu => (vec![], ["negative(x, 0.0, x)", "positive(x)", "0.0"]),
        Activation::Sigmoid => (skewed(), ["s", "slope", "slope * skew"]),
        Activation::Silu => (skewed(), ["x * s", "x * slope + s", "slope * (x * skew + 2.0)"]),
        Activation::Softplus => {
            let mut all = sigmoid();
            all.extend(exponential("-magnitude(x)", "_"));
            // ln(1 + u) = 2 artanh t, t = u/(2 + u).
            let series =
                (1..=17).rev().fold("0.0".to_owned(), |sum, k| format!("({sum}) * t2 + 1.0 / {}.0", 2 * k + 1));
            extend(
                &mut all,
                &[
                    ("t", "e_ / (2.0 + e_)"),
                    ("t2", "t * t"),
                    ("series", &series),
                    ("twice", "2.0 * t"),
                    ("ln", "(twice * t2) * series + twice"),
                ],
            );
            (all, ["negative(x, 0.0, x) + ln", "s", "slope"])
        }
        Activation::Tanh => {
            let mut all = exponential("-2.0 * magnitude(x)", "");
            extend(
                &mut all,
                &[
                    ("t", "scale * (p * q + r) + (scale - 1.0)"),
                    ("size", "-t / (2.0 + t)"),
                    ("value", "negative(x, -size, size)"),
                    ("slope", "4.0 * e / ((1.0 + e) * (1.0 + e))"),
                ],
            );
            (all, ["value", "slope", "-2.0 * value * slope"])
        }
    };
    Formula { statements, results }
}

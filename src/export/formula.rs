//! The elementary functions of the generated files, as statements that Rust and C share: plain `+ − × ÷` in the order of
//! [`ExpParts`](crate::math::ExpParts), [`Logistic`](crate::math::Logistic) and [`Activation::jet`], so that the bits are the same.

use crate::math::Activation;

/// `name = expression` lines over an argument `x`, and the expressions of value, first and second derivative.
///
/// Expressions use the helpers `clamp(x, low, high)`, `negative(x, a, b)` (`a` if `x < 0`, else `b`), `positive(x)` (1 or
/// 0), `magnitude(x)` and `power_of_two(n)` (from a shifted `n`), which each language writes in its own way.
pub(super) struct Formula {
    /// One a line, in order.
    pub(super) statements: Statements,
    /// Value, first and second derivative.
    pub(super) results: [&'static str; 3],
}

type Statements = Vec<(String, String)>;

/// Adds statements, `suffix` in place of every `#`: two reductions in one function need names apart.
fn extend(all: &mut Statements, suffix: &str, more: &[(&str, &str)]) {
    all.extend(more.iter().map(|&(name, text)| (name.replace('#', suffix), text.replace('#', suffix))));
}

/// `scale = 2^n`, `r`, its square and fourth power, where `n·ln 2 + r` is the clamped argument.
fn reduction(argument: &str, suffix: &str) -> Statements {
    let mut all = Statements::new();
    extend(
        &mut all,
        suffix,
        &[
            ("y#", argument),
            // Adding 1.5·2^52 leaves round(y/ln 2) in the low bits.
            ("shifted#", "y# * 1.4426950408889634 + 6755399441055744.0"),
            ("n#", "shifted# - 6755399441055744.0"),
            ("r#", "n# * -1.9082149292705877e-10 + (n# * -6.931471803691238e-1 + y#)"),
            ("scale#", "power_of_two(shifted#)"),
            ("q#", "r# * r#"),
            ("q2#", "q# * q#"),
        ],
    );
    all
}

/// `e = scale·(1 + r + q·p) = e^argument`.
fn exponential(argument: &str, suffix: &str) -> Statements {
    let pair = |i: &str, j: &str| format!("r# * (1.0 / {j}) + 1.0 / {i}");
    let mut all = reduction(&format!("clamp({argument}, -708.0, 709.0)"), suffix);
    extend(
        &mut all,
        suffix,
        &[
            ("low#", &format!("({}) * q# + ({})", pair("24.0", "120.0"), pair("2.0", "6.0"))),
            ("middle#", &format!("({}) * q# + ({})", pair("40320.0", "362880.0"), pair("720.0", "5040.0"))),
            (
                "high#",
                &format!("({}) * q# + ({})", pair("479001600.0", "6227020800.0"), pair("3628800.0", "39916800.0")),
            ),
            ("p#", "high# * (q2# * q2#) + (middle# * q2# + low#)"),
            ("e#", "(scale# * q#) * p# + (scale# * r# + scale#)"),
        ],
    );
    all
}

/// `s`, `1 − s` and their product.
fn sigmoid() -> Statements {
    // Clamped, then negated: the other way round is a comparison and a choice where it could be a minimum.
    let mut all = reduction("-clamp(x, -708.0, 708.0)", "");
    extend(
        &mut all,
        "",
        &[
            ("low", "q * 0.16666666666666555 + 2.0"),
            ("middle", "q * 6.613756250599969e-5 + -2.777777777669847e-3"),
            // Subtracted: LLVM would pair two sums in one register, and wait longer for taking them apart.
            ("high", "1.653383759357258e-6 - q * 4.136061381587261e-8"),
            ("w", "(middle * q2 + low) - high * (q2 * q2)"),
            ("above", "w - r"),
            ("below", "scale * (w + r)"),
            ("inverse", "1.0 / (below + above)"),
            ("s", "above * inverse"),
            ("complement", "below * inverse"),
            ("slope", "s * complement"),
        ],
    );
    all
}

/// With `1 − 2s`, which second derivatives need.
fn skewed() -> Statements {
    let mut all = sigmoid();
    extend(&mut all, "", &[("skew", "complement - s")]);
    all
}

/// What a layer applies to each of its nodes.
pub(super) fn formula(function: Activation) -> Formula {
    let (statements, results) = match function {
        Activation::Identity => (vec![], ["x", "1.0", "0.0"]),
        Activation::Relu => (vec![], ["negative(x, 0.0, x)", "positive(x)", "0.0"]),
        Activation::Sigmoid => (skewed(), ["s", "slope", "slope * skew"]),
        Activation::Silu => (skewed(), ["x * above * inverse", "x * slope + s", "slope * (x * skew + 2.0)"]),
        Activation::Softplus => {
            let mut all = sigmoid();
            all.extend(exponential("-magnitude(x)", "_"));
            // ln(1 + u) = 2 artanh t, t = u/(2 + u).
            let series =
                (1..=17).rev().fold("0.0".to_owned(), |sum, k| format!("({sum}) * t2 + 1.0 / {}.0", 2 * k + 1));
            extend(
                &mut all,
                "",
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
                "",
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

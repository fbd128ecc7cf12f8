//! The basic operations are tightest: against exact sums, products, quotients and roots of random bit patterns. And the
//! check notices: with either bound one ulp inward, or one outward, each operation fails it.

mod oracle;

use astro_float::{BigFloat, RoundingMode};
use oracle::{Bits, Failure, INWARD, exact, judge};
use sobolev::interval::Interval;

type Operation = fn([Interval; 3]) -> Interval;
/// Exact, or to far more digits than could decide a rounding; `None` where it is not defined.
type Value = fn([f64; 3]) -> Option<BigFloat>;

/// Any sum of products of doubles fits.
const BITS: usize = 4400;

fn big<const N: usize>(x: [f64; N], f: impl Fn([BigFloat; N]) -> BigFloat) -> Option<BigFloat> {
    Some(f(x.map(exact)))
}

/// Each operation, with its values at points; monotone in each operand on either side of 0.
const OPERATIONS: [(&str, Operation, Value); 8] = [
    ("sum", |[a, b, _]| a + b, |[a, b, _]| big([a, b], |[a, b]| a.add(&b, BITS, RoundingMode::None))),
    ("difference", |[a, b, _]| a - b, |[a, b, _]| big([a, b], |[a, b]| a.sub(&b, BITS, RoundingMode::None))),
    ("product", |[a, b, _]| a * b, |[a, b, _]| big([a, b], |[a, b]| a.mul_full_prec(&b))),
    (
        "quotient",
        |[a, b, _]| a / b,
        |[a, b, _]| {
            if b == 0.0 { None } else { big([a, b], |[a, b]| a.div(&b, 512, RoundingMode::None)) }
        },
    ),
    (
        "reciprocal",
        |[_, b, _]| b.recip(),
        |[_, b, _]| {
            if b == 0.0 { None } else { big([1.0, b], |[a, b]| a.div(&b, 512, RoundingMode::None)) }
        },
    ),
    ("square", |[a, ..]| a.sqr(), |[a, ..]| big([a], |[a]| a.mul_full_prec(&a))),
    ("root", |[a, ..]| a.abs().sqrt(), |[a, ..]| big([a.abs()], |[a]| a.sqrt(512, RoundingMode::None))),
    (
        "fused product and sum",
        |[a, b, c]| a.mul_add(b, c),
        |[a, b, c]| big([a, b, c], |[a, b, c]| a.mul_full_prec(&b).add(&c, BITS, RoundingMode::None)),
    ),
];

/// Two ends of one sign (so that the extrema are at ends): bit patterns, numbers of one size, neighbours.
fn operand(bits: &mut Bits) -> Interval {
    let kind = bits.next() % 4;
    let a = match kind {
        0 => bits.any(),
        1 => bits.sized(-1074, -1000),
        _ => bits.sized(-3, 3),
    };
    let b = match kind {
        0 => bits.any().copysign(a),
        1 => bits.sized(-1074, -960).copysign(a),
        2 => bits.sized(-3, 3).copysign(a),
        _ => a.next_up(),
    };
    Interval::between(a, b).expect("finite")
}

/// The suite: an operation on so many random operands, each result changed.
fn run(
    (_, operation, value): (&str, Operation, Value),
    count: usize,
    change: impl Fn(Interval) -> Interval,
) -> Result<(), (Failure, [Interval; 3], Interval)> {
    let mut bits = Bits(0x2545_f491_4f6c_dd1d);
    for _ in 0..count {
        let x = [(); 3].map(|()| operand(&mut bits));
        let ends = x.map(|x| [x.inf(), x.sup()]);
        let corners = (0..8).map(|k| [ends[0][k & 1], ends[1][k >> 1 & 1], ends[2][k >> 2]]);
        let Some(values) = corners.map(value).collect::<Option<Vec<_>>>() else { continue };
        let least = values.iter().skip(1).fold(values[0].clone(), |a, b| a.min(b));
        let greatest = values.iter().skip(1).fold(values[0].clone(), |a, b| a.max(b));
        let range = change(operation(x));
        judge(range, &least, &greatest, 0, 0.0).map_err(|failure| (failure, x, range))?;
    }
    Ok(())
}

#[test]
fn operations_are_tightest() {
    let samples = std::env::var("INTERVAL_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    for operation in OPERATIONS {
        let outcome = run(operation, samples, |range| range);
        assert!(outcome.is_ok(), "{}: {outcome:?}", operation.0);
    }
}

#[test]
fn one_ulp_inward_or_outward_is_noticed() {
    for operation in OPERATIONS {
        for mutate in INWARD {
            let outcome = run(operation, 40, mutate);
            assert!(matches!(outcome, Err((Failure::Outside, ..))), "{}: {outcome:?}", operation.0);
        }
        let lower = |x: Interval| Interval::new(x.inf().next_down(), x.sup()).unwrap_or(x);
        let raise = |x: Interval| Interval::new(x.inf(), x.sup().next_up()).unwrap_or(x);
        for mutate in [lower as fn(Interval) -> Interval, raise] {
            let outcome = run(operation, 40, mutate);
            assert!(matches!(outcome, Err((Failure::Loose, ..))), "{}: {outcome:?}", operation.0);
        }
    }
}

//! Elementary functions and activations against an arbitrary-precision oracle: containment, and tightness as documented.

mod oracle;

use astro_float::BigFloat;
use oracle::{Bits, Failure, Oracle, judge};
use sobolev::interval::Interval;
use sobolev::math::Activation;

type Function = fn(Interval) -> Interval;
type Value = fn(&mut Oracle, &BigFloat) -> BigFloat;

/// A monotone piece of a function (any function, at points), where to look at it, and what its documentation promises.
struct Case {
    name: &'static str,
    f: Function,
    value: Value,
    /// Least and largest exponent of the arguments.
    sizes: (i32, i32),
    domain: (f64, f64),
    ulps: u32,
}

const fn case(name: &'static str, f: Function, value: Value, sizes: (i32, i32), domain: (f64, f64)) -> Case {
    Case { name, f, value, sizes, domain, ulps: 1 }
}

const ALL: (f64, f64) = (f64::MIN, f64::MAX);
const POSITIVE: (f64, f64) = (f64::from_bits(1), f64::MAX);
const UNIT: (f64, f64) = (-1.0, 1.0);

macro_rules! own {
    ($name:ident) => {
        |o, x| x.$name(o.precision, oracle::NEAREST, &mut o.consts)
    };
}

fn cases() -> Vec<Case> {
    vec![
        case("exp", Interval::exp, own!(exp), (-60, 9), (-746.0, 709.7)),
        case(
            "exp2",
            Interval::exp2,
            |o, x| {
                let l = own_ln2(o);
                let y = o.mul(x, &l);
                o.exp(&y)
            },
            (-60, 10),
            (-1076.0, 1023.9),
        ),
        case(
            "exp10",
            Interval::exp10,
            |o, x| {
                let ten = o.of(10.0);
                let l = o.ln(&ten);
                let y = o.mul(x, &l);
                o.exp(&y)
            },
            (-60, 8),
            (-323.5, 308.2),
        ),
        case(
            "expm1",
            Interval::expm1,
            |o, x| {
                let e = o.exp(x);
                o.sub(&e, &o.of(1.0))
            },
            (-300, 9),
            (-746.0, 709.7),
        ),
        case("ln", Interval::ln, own!(ln), (-1074, 1023), POSITIVE),
        case("ln near 1", Interval::ln, own!(ln), (-1, 0), (0.5, 2.0)),
        case(
            "log2",
            Interval::log2,
            |o, x| {
                let l = own_ln2(o);
                let y = o.ln(x);
                o.div(&y, &l)
            },
            (-1074, 1023),
            POSITIVE,
        ),
        case(
            "log10",
            Interval::log10,
            |o, x| {
                let ten = o.of(10.0);
                let l = o.ln(&ten);
                let y = o.ln(x);
                o.div(&y, &l)
            },
            (-1074, 1023),
            POSITIVE,
        ),
        case(
            "ln1p",
            Interval::ln1p,
            |o, x| {
                let y = o.add(x, &o.of(1.0));
                o.ln(&y)
            },
            (-300, 1023),
            (-0.999_999_999, f64::MAX),
        ),
        case("sin", Interval::sin, own!(sin), (-300, 1023), ALL),
        case("cos", Interval::cos, own!(cos), (-300, 1023), ALL),
        case("tan", Interval::tan, own!(tan), (-300, 1023), ALL),
        case("sin small", Interval::sin, own!(sin), (-28, 4), ALL),
        case("cos small", Interval::cos, own!(cos), (-28, 4), ALL),
        case("tan small", Interval::tan, own!(tan), (-28, 4), ALL),
        case("asin", Interval::asin, own!(asin), (-60, 0), UNIT),
        case("acos", Interval::acos, own!(acos), (-60, 0), UNIT),
        case("atan", Interval::atan, own!(atan), (-60, 1023), ALL),
        case("atan small", Interval::atan, own!(atan), (-30, 30), ALL),
        case("sinh", Interval::sinh, own!(sinh), (-60, 9), (-710.4, 710.4)),
        case("cosh", Interval::cosh, own!(cosh), (-60, 9), (-710.4, 710.4)),
        case("tanh", Interval::tanh, own!(tanh), (-60, 6), ALL),
        case("erf", Interval::erf, |o, x| o.erf(x), (-60, 2), (-5.5, 5.5)),
        case(
            "normal_cdf",
            Interval::normal_cdf,
            |o, x| {
                let root = o.sqrt(&o.of(2.0));
                let z = o.div(x, &root);
                let e = o.erf(&z);
                o.div(&o.add(&o.of(1.0), &e), &o.of(2.0))
            },
            (-60, 5),
            (-38.4, 8.0),
        ),
        case(
            "normal_pdf",
            Interval::normal_pdf,
            |o, x| {
                let half = o.div(&o.mul(x, x), &o.of(-2.0));
                let e = o.exp(&half);
                let tau = {
                    let pi = o.pi();
                    o.add(&pi, &pi)
                };
                o.div(&e, &o.sqrt(&tau))
            },
            (-60, 5),
            (-38.5, 38.5),
        ),
        case(
            "powi 3",
            |x| x.powi(3),
            |o, x| {
                let y = o.mul(x, x);
                o.mul(&y, x)
            },
            (-340, 340),
            ALL,
        ),
        case(
            "powi -7",
            |x| x.powi(-7),
            |o, x| {
                let y = x.powi(7, o.precision, oracle::NEAREST);
                o.div(&o.of(1.0), &y)
            },
            (-140, 140),
            ALL,
        ),
        case("powi 1000", |x| x.powi(1000), |o, x| x.powi(1000, o.precision, oracle::NEAREST), (-1, 0), ALL),
        case(
            "powf 0.7",
            |x| x.powf(Interval::point(0.7)),
            |o, x| {
                let l = o.ln(x);
                let y = o.mul(&l, &o.of(0.7));
                o.exp(&y)
            },
            (-1074, 1023),
            POSITIVE,
        ),
        case(
            "powf -300.1",
            |x| x.powf(Interval::point(-300.1)),
            |o, x| {
                let l = o.ln(x);
                let y = o.mul(&l, &o.of(-300.1));
                o.exp(&y)
            },
            (-3, 2),
            (0.1, 10.0),
        ),
        case("sigmoid", |x| x.activation(Activation::Sigmoid, 0), |o, x| o.sigmoid(x), (-60, 9), (-745.5, 800.0)),
        case(
            "silu",
            |x| x.activation(Activation::Silu, 0),
            |o, x| {
                let s = o.sigmoid(x);
                o.mul(&s, x)
            },
            (-600, 11),
            (-745.5, 2100.0),
        ),
        case(
            "softplus",
            |x| x.activation(Activation::Softplus, 0),
            |o, x| {
                let e = o.exp(x);
                let y = o.add(&e, &o.of(1.0));
                o.ln(&y)
            },
            (-60, 11),
            (-745.5, 2100.0),
        ),
        case("tanh activation", |x| x.activation(Activation::Tanh, 0), own!(tanh), (-60, 6), ALL),
    ]
}

fn own_ln2(o: &mut Oracle) -> BigFloat {
    o.consts.ln_2(o.precision, oracle::NEAREST)
}

/// Runs a case at random points; the first failure, if any.
fn run(case: &Case, count: usize) -> Result<(), (Failure, f64, Interval)> {
    run_with(case, count, |range| range)
}

/// The same with every result changed.
fn run_with(case: &Case, count: usize, change: fn(Interval) -> Interval) -> Result<(), (Failure, f64, Interval)> {
    let mut oracle = Oracle::new(if case.sizes.1 > 100 || case.domain.0 < -700.0 || case.sizes.0 < -200 {
        oracle::PRECISION
    } else {
        256
    });
    if case.name.starts_with("normal_cdf") {
        oracle.precision = 2600; // 1 + erf cancels e^(−738) at −38
    }
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let mut done = 0;
    while done < count {
        let x = bits.sized(case.sizes.0, case.sizes.1);
        if x < case.domain.0 || x > case.domain.1 {
            continue;
        }
        done += 1;
        let range = change((case.f)(Interval::point(x)));
        let big = oracle.of(x);
        let value = (case.value)(&mut oracle, &big);
        judge(range, &value, &value, case.ulps, 0.0).map_err(|failure| (failure, x, range))?;
    }
    Ok(())
}

#[test]
fn functions_enclose_within_the_documented_ulps() {
    // A million take hours, for a release; a few are enough for every day.
    let samples = std::env::var("INTERVAL_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    let mut failures = Vec::new();
    for case in cases() {
        let start = std::time::Instant::now();
        if let Err((failure, x, range)) = run(&case, samples) {
            failures.push(format!("{}: {failure:?} at {x:e}: {:e} {:e}", case.name, range.inf(), range.sup()));
        }
        println!("{:>16} {:?}", case.name, start.elapsed());
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The steps of the definition of each activation's derivative, in `s = σ(x)`, `p = s(1 − s)` and `q = 1 − 2s`.
fn derivative(o: &mut Oracle, function: Activation, order: usize, x: &BigFloat) -> BigFloat {
    let number = |o: &Oracle, v: f64| o.of(v);
    if function == Activation::Tanh {
        let doubled = o.add(x, x);
        let inner = derivative(o, Activation::Sigmoid, order, &doubled);
        let scale = number(o, [0.0, 4.0, 8.0, 16.0][order]);
        return o.mul(&scale, &inner);
    }
    let one = number(o, 1.0);
    let s = o.sigmoid(x);
    let complement = o.sub(&one, &s);
    let p = o.mul(&s, &complement);
    let q = o.sub(&complement, &s);
    let pq = o.mul(&p, &q);
    let third = {
        let six = o.mul(&number(o, 6.0), &p);
        let rest = o.sub(&one, &six);
        o.mul(&p, &rest)
    };
    match (function, order) {
        (Activation::Softplus, 1) => s,
        (Activation::Softplus, 2) | (Activation::Sigmoid, 1) => p,
        (Activation::Softplus, 3) | (Activation::Sigmoid, 2) => pq,
        (Activation::Sigmoid, 3) => third,
        // (x·σ)⁽ᵏ⁾ = k·σ⁽ᵏ⁻¹⁾ + x·σ⁽ᵏ⁾
        (Activation::Silu, _) => {
            let sigmas = [s, p, pq, third];
            let first = o.mul(&number(o, order as f64), &sigmas[order - 1]);
            let second = o.mul(x, &sigmas[order]);
            o.add(&first, &second)
        }
        _ => unreachable!("{function} {order} has another test"),
    }
}

const SMOOTH: [Activation; 4] = [Activation::Tanh, Activation::Sigmoid, Activation::Softplus, Activation::Silu];
/// 2⁻⁵⁰: what derivatives may be off in absolute terms.
const SLACK: f64 = 8.0 * f64::EPSILON / 2.0;

#[test]
fn derivatives_of_activations_enclose_within_the_documented_bounds() {
    let mut oracle = Oracle::new(1280);
    let mut bits = Bits(7);
    for function in SMOOTH {
        for order in 1..=3 {
            for _ in 0..200 {
                let x = bits.sized(-30, 9);
                let range = Interval::point(x).activation(function, order);
                let big = oracle.of(x);
                let value = derivative(&mut oracle, function, order, &big);
                let verdict = judge(range, &value, &value, 4, SLACK);
                assert_eq!(verdict, Ok(()), "{function}, order {order}, at {x:e}: {range:?}");
            }
        }
    }
}

/// Ranges against dense sampling in arbitrary precision: the extrema of the samples lie inside, and the range is no wider
/// than they are, up to the square of the spacing.
#[test]
fn ranges_of_activations_are_those_of_their_samples() {
    let mut oracle = Oracle::new(192);
    let mut bits = Bits(11);
    const SAMPLES: usize = 96;
    for function in SMOOTH {
        for order in 1..=3 {
            for _ in 0..24 {
                let (a, width) = (12.0 * bits.unit() - 6.0, 4.0 * bits.unit());
                let x = Interval::new(a, a + width).expect("ordered");
                let range = x.activation(function, order);
                let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
                for k in 0..=SAMPLES {
                    let at = (a + width * k as f64 / SAMPLES as f64).min(x.sup());
                    let point = oracle.of(at);
                    let value = derivative(&mut oracle, function, order, &point);
                    assert!(
                        oracle::exact(range.inf()) <= value && value <= oracle::exact(range.sup()),
                        "{function}, order {order}, at {at}: outside of {range}"
                    );
                    // To double precision is enough for the comparison of widths.
                    let near = Interval::point(at).activation(function, order).mid();
                    (least, greatest) = (least.min(near), greatest.max(near));
                }
                // A fifth derivative of tanh is below 64; the range may reach beyond the samples by f⁗·h²/8.
                let beyond = 64.0 * (width / SAMPLES as f64).powi(2);
                assert!(
                    range.inf() >= least - beyond && range.sup() <= greatest + beyond,
                    "{function} {order} {x}: {range}"
                );
            }
        }
    }
}

#[test]
fn relu_certifies_nothing_at_the_kink() {
    let at = |lo, hi, order| Interval::new(lo, hi).expect("ordered").activation(Activation::Relu, order);
    for (lo, hi) in [(0.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (-1.0, 1.0)] {
        assert_eq!(at(lo, hi, 1), Interval::new(0.0, 1.0).expect("ordered"));
        assert_eq!((at(lo, hi, 2), at(lo, hi, 3)), (Interval::ENTIRE, Interval::ENTIRE));
    }
    assert_eq!((at(1.0, 2.0, 1), at(-2.0, -1.0, 1)), (Interval::ONE, Interval::ZERO));
    assert_eq!((at(1.0, 2.0, 2), at(-2.0, -1.0, 3)), (Interval::ZERO, Interval::ZERO));
}

/// The tests notice one ulp inward: with either bound of every result moved, each case must fail.
#[test]
fn one_ulp_inward_is_noticed() {
    for (i, case) in cases().into_iter().enumerate() {
        let raised = |x: Interval| Interval::new(x.inf().next_up(), x.sup()).unwrap_or(x);
        let lowered = |x: Interval| Interval::new(x.inf(), x.sup().next_down()).unwrap_or(x);
        for mutate in [raised as fn(Interval) -> Interval, lowered] {
            let outcome = run_with(&case, 60, mutate);
            assert!(
                matches!(outcome, Err((Failure::Outside, ..))),
                "case {i}, {}: a bound one ulp inward went unnoticed: {outcome:?}",
                case.name
            );
        }
    }
}

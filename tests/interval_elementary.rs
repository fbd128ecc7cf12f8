//! Elementary functions against an arbitrary-precision oracle: containment, and tightness as documented.

mod oracle;

use astro_float::BigFloat;
use oracle::{Bits, Failure, INWARD, Oracle, judge};
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
        case("asinh", Interval::asinh, own!(asinh), (-60, 1023), ALL),
        case("asinh small", Interval::asinh, own!(asinh), (-28, 8), ALL),
        case("acosh", Interval::acosh, own!(acosh), (0, 1023), (1.0, f64::MAX)),
        case("acosh near 1", Interval::acosh, own!(acosh), (0, 0), (1.0, 2.0)),
        case("atanh", Interval::atanh, own!(atanh), (-60, -1), UNIT),
        case(
            "rootn 3",
            |x| x.rootn(3),
            |o, x| {
                let l = o.ln(&x.abs());
                let y = o.div(&l, &o.of(3.0));
                let y = o.exp(&y);
                if x.is_negative() { y.neg() } else { y }
            },
            (-1074, 1023),
            ALL,
        ),
        case(
            "rootn -4",
            |x| x.rootn(-4),
            |o, x| {
                let l = o.ln(x);
                let y = o.div(&l, &o.of(-4.0));
                o.exp(&y)
            },
            (-1074, 1023),
            POSITIVE,
        ),
        case(
            "hypot 0.3",
            |x| x.hypot(Interval::point(0.3)),
            |o, x| {
                let y = o.mul(&o.of(0.3), &o.of(0.3));
                let y = o.add(&o.mul(x, x), &y);
                o.sqrt(&y)
            },
            (-30, 60),
            ALL,
        ),
        case("atan2 of 1", |x| Interval::ONE.atan2(x), |o, x| o.angle(1.0, x), (-1074, 1023), ALL),
        case("atan2 of 1e-308", |x| Interval::point(1e-308).atan2(x), |o, x| o.angle(1e-308, x), (-1074, 0), ALL),
        case("atan2 of -7", |x| Interval::point(-7.0).atan2(x), |o, x| o.angle(-7.0, x), (-8, 8), ALL),
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

/// Ranges over extrema, poles and jumps: every sample's enclosure lies inside, and the hull of the samples is nearly all.
#[test]
fn ranges_are_those_of_their_samples() {
    let mut bits = Bits(11);
    const SAMPLES: usize = 64;
    let functions: [(&str, Function, f64); 12] = [
        ("sin", Interval::sin, 6.0),
        ("cos", Interval::cos, 6.0),
        ("tan", Interval::tan, 1.5),
        ("cosh", Interval::cosh, 3.0),
        ("normal_pdf", Interval::normal_pdf, 3.0),
        ("x²", Interval::sqr, 3.0),
        ("x⁴", |x| x.powi(4), 3.0),
        ("x⁻²", |x| x.powi(-2), 3.0),
        ("x⁻³", |x| x.powi(-3), 3.0),
        ("|x|", Interval::abs, 3.0),
        ("√(x² + 0.04)", |x| x.hypot(Interval::point(0.2)), 3.0),
        ("angle of (x, −0.1)", |x| Interval::point(-0.1).atan2(x), 3.0),
    ];
    for (name, f, scale) in functions {
        for _ in 0..200 {
            let (a, b) = (scale * (2.0 * bits.unit() - 1.0), scale * (2.0 * bits.unit() - 1.0));
            let x = Interval::between(a, b).expect("finite");
            let range = f(x);
            let mut hull = Interval::EMPTY;
            for k in 0..=SAMPLES {
                let t = k as f64 / SAMPLES as f64;
                let at = (x.inf() * (1.0 - t) + x.sup() * t).clamp(x.inf(), x.sup());
                hull = hull.hull(f(Interval::point(at)));
            }
            assert!(hull.is_subset(range), "{name} of {x}: {hull} is not in {range}");
            if range.is_bounded() {
                // Between samples a smooth function leaves their hull by f″h²/8; these have curvatures below 60, and 3000 on x⁻².
                let beyond = range.mag().max(60.0) * (x.width() / SAMPLES as f64).powi(2) * 20.0;
                assert!(range.width() <= hull.width() + beyond + 1e-12, "{name} of {x}: {range} beside {hull}");
            }
        }
    }
}

/// The tests notice one ulp inward: with either bound of every result moved, each case must fail.
#[test]
fn one_ulp_inward_is_noticed() {
    for (i, case) in cases().into_iter().enumerate() {
        for mutate in INWARD {
            let outcome = run_with(&case, 60, mutate);
            assert!(
                matches!(outcome, Err((Failure::Outside, ..))),
                "case {i}, {}: a bound one ulp inward went unnoticed: {outcome:?}",
                case.name
            );
        }
    }
}

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
        let range = (case.f)(Interval::point(x));
        let big = oracle.of(x);
        let value = (case.value)(&mut oracle, &big);
        judge(range, &value, &value, case.ulps, 0.0).map_err(|failure| (failure, x, range))?;
    }
    Ok(())
}

#[test]
fn functions_enclose_within_the_documented_ulps() {
    let mut failures = Vec::new();
    for case in cases() {
        let start = std::time::Instant::now();
        if let Err((failure, x, range)) = run(&case, 300) {
            failures.push(format!("{}: {failure:?} at {x:e}: {:e} {:e}", case.name, range.inf(), range.sup()));
        }
        println!("{:>16} {:?}", case.name, start.elapsed());
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

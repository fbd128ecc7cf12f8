//! The derivatives of the activations against an arbitrary-precision oracle: containment, and tightness as documented.

mod oracle;

use astro_float::BigFloat;
use oracle::{Bits, Failure, INWARD, Oracle, judge};
use sobolev::interval::Interval;
use sobolev::math::Activation;

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

/// The zeros of the next derivative, to ten digits: where a derivative turns.
const CRITICAL: [f64; 9] = [
    0.0,
    1.2784645427,
    2.3993572805,
    3.4358409935,
    4.4292351005,
    1.0319582417,
    1.3169578969,
    2.2924316695,
    0.6584789484,
];

/// Where the derivatives are looked at: any size, near critical points, in the tails, over the proved range and beyond.
fn place(bits: &mut Bits, k: usize) -> f64 {
    let sign = if bits.next() & 1 == 0 { 1.0 } else { -1.0 };
    match k % 4 {
        0 => bits.sized(-30, 9),
        1 => sign * (CRITICAL[k / 4 % CRITICAL.len()] + bits.sized(-45, -3)),
        2 => sign * (30.0 + 720.0 * bits.unit()),
        _ => 12.0 * bits.unit() - 6.0,
    }
}

/// The suite: a derivative at so many points, each result changed.
fn run(
    oracle: &mut Oracle,
    (function, order): (Activation, usize),
    count: usize,
    change: fn(Interval) -> Interval,
) -> Result<(), (Failure, f64, Interval)> {
    let mut bits = Bits(7 + order as u64);
    for k in 0..count {
        let x = place(&mut bits, k);
        let range = change(Interval::point(x).activation(function, order));
        let big = oracle.of(x);
        let value = derivative(oracle, function, order, &big);
        judge(range, &value, &value, 4, SLACK).map_err(|failure| (failure, x, range))?;
    }
    Ok(())
}

#[test]
fn derivatives_enclose_within_the_documented_bounds() {
    let mut oracle = Oracle::new(2400); // 1 − σ cancels e^(−750)
    let samples = std::env::var("INTERVAL_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(120);
    for function in SMOOTH {
        for order in 1..=3 {
            let outcome = run(&mut oracle, (function, order), samples, |range| range);
            assert!(outcome.is_ok(), "{function}, order {order}: {outcome:?}");
        }
    }
}

/// The mutation check: with either bound one ulp inward each derivative must fail, and by what it no longer contains.
#[test]
fn one_ulp_inward_is_noticed() {
    let mut oracle = Oracle::new(2400);
    for function in SMOOTH {
        for order in 1..=3 {
            for mutate in INWARD {
                let outcome = run(&mut oracle, (function, order), 40, mutate);
                assert!(matches!(outcome, Err((Failure::Outside, ..))), "{function}, order {order}: {outcome:?}");
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

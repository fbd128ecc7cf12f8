//! Properties of scalar intervals: enclosure, isotonicity, hull and algebraic identities; the fast operations against the
//! naive ones, and both against arbitrary precision.

use astro_float::{BigFloat, RoundingMode};
use proptest::prelude::*;

use super::exact::Exact;
use super::{Interval, naive};

/// Any finite double: random bits, small integers, neighbours of powers of two, zeros.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite()),
        3 => -8.0..8.0_f64,
        2 => (-6_i32..6).prop_map(f64::from),
        1 => (-1074_i32..1023, any::<bool>()).prop_map(|(k, up)| {
            let power = 2.0_f64.powi(k.max(-1022)) * 2.0_f64.powi((k + 1022).min(0));
            if up { power.next_up() } else { power.next_down() }
        }),
        1 => (0_u64..64).prop_map(f64::from_bits),
    ]
}

fn bounded() -> impl Strategy<Value = Interval> {
    prop_oneof![
        4 => (number(), number()).prop_map(|(a, b)| Interval::between(a, b).unwrap()),
        1 => number().prop_map(Interval::point),
    ]
}

fn any_interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        8 => bounded(),
        1 => number().prop_map(|a| Interval::new(a, f64::INFINITY).unwrap()),
        1 => number().prop_map(|a| Interval::new(f64::NEG_INFINITY, a).unwrap()),
        1 => Just(Interval::ENTIRE),
        1 => Just(Interval::EMPTY),
        1 => Just(Interval::ZERO),
    ]
}

/// Exactly; subnormal doubles by way of normal ones, which is all that the library converts exactly.
fn big(x: f64) -> BigFloat {
    let scale = BigFloat::from_f64(2.0_f64.powi(-200), 64);
    if x.is_subnormal() {
        BigFloat::from_f64(x * 2.0_f64.powi(200), 64).mul(&scale, 64, RoundingMode::None)
    } else {
        BigFloat::from_f64(x, 64)
    }
}

/// `lo` and `hi` are the doubles around `value`: nothing lies between, and they coincide only where it is one.
fn tightest(lo: f64, hi: f64, value: &BigFloat) -> bool {
    let at_or_below = |x: f64| x == f64::NEG_INFINITY || (x.is_finite() && big(x) <= *value);
    let at_or_above = |x: f64| x == f64::INFINITY || (x.is_finite() && big(x) >= *value);
    at_or_below(lo) && at_or_above(hi) && (lo == hi || (lo.next_up() == hi && !at_or_above(lo) && !at_or_below(hi)))
}

const BITS: usize = 4400;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The specification itself, against arbitrary precision.
    #[test]
    fn exact_rounding_is_exact(a in number(), b in number(), c in number()) {
        let check = |name: &str, e: Exact, value: &BigFloat| {
            prop_assert!(tightest(e.down(), e.up(), value), "{name} of {a:e}, {b:e}, {c:e}: {:e} {:e}", e.down(), e.up());
            Ok(())
        };
        let product = big(a).mul_full_prec(&big(b));
        check("product", Exact::product(a, b), &product)?;
        check("product and sum", Exact::product_sum(a, b, c), &product.add(&big(c), BITS, RoundingMode::None))?;
        check("sum", Exact::product_sum(a, 1.0, c), &big(a).add(&big(c), BITS, RoundingMode::None))?;
        if b != 0.0 {
            check("quotient", Exact::quotient(a, b), &big(a).div(&big(b), 512, RoundingMode::None))?;
        }
        check("root", Exact::root(a.abs()), &big(a.abs()).sqrt(512, RoundingMode::None))?;
    }

    /// Fast and naive agree to the bit.
    #[test]
    fn operations_are_the_naive_ones(a in bounded(), b in bounded()) {
        prop_assert_eq!(a + b, naive::add(a, b));
        prop_assert_eq!(a - b, naive::sub(a, b));
        prop_assert_eq!(a * b, naive::mul(a, b));
        if !b.contains(0.0) {
            prop_assert_eq!(a / b, naive::div(a, b));
        }
        let size = a.abs();
        prop_assert_eq!(size.sqrt(), naive::sqrt(size));
        prop_assert_eq!(a.sqr(), naive::mul(size, size));
        prop_assert_eq!(a.mul_add(b, Interval::ZERO), a * b);
        prop_assert_eq!(a.mul_add(Interval::ONE, b), a + b);
    }

    /// The mutation check of the basic operations: one ulp inward is not what the naive twin gives.
    #[test]
    fn one_ulp_inward_is_noticed(a in bounded(), b in bounded()) {
        let product = a * b;
        if product.inf().next_up() <= product.sup().min(f64::MAX) {
            prop_assert_ne!(Interval::new(product.inf().next_up(), product.sup()).unwrap(), naive::mul(a, b));
        }
    }

    #[test]
    fn results_contain_the_results_at_points(a in bounded(), b in bounded(), s in 0.0..=1.0_f64, t in 0.0..=1.0_f64) {
        let inside = |x: Interval, t: f64| (x.inf() * (1.0 - t) + x.sup() * t).clamp(x.inf(), x.sup());
        let (x, y) = (Interval::point(inside(a, s)), Interval::point(inside(b, t)));
        for (name, f) in BINARY {
            prop_assert!(f(x, y).is_subset(f(a, b)), "{name} of {a:?} and {b:?} misses that of {x:?} and {y:?}");
        }
        for (name, f) in UNARY {
            prop_assert!(f(x).is_subset(f(a)), "{name} of {a:?} misses that of {x:?}");
        }
    }

    /// A larger argument never gives a smaller result.
    #[test]
    fn operations_are_isotone(a in any_interval(), b in any_interval(), more in any_interval()) {
        let wide = a.hull(more);
        for (name, f) in BINARY {
            prop_assert!(f(a, b).is_subset(f(wide, b)), "{name} of {a:?} ⊆ {wide:?} and {b:?}");
            prop_assert!(f(b, a).is_subset(f(b, wide)), "{name} of {b:?} and {a:?} ⊆ {wide:?}");
        }
        for (name, f) in UNARY {
            prop_assert!(f(a).is_subset(f(wide)), "{name} of {a:?} ⊆ {wide:?}: {:?} ⊄ {:?}", f(a), f(wide));
        }
    }

    #[test]
    fn identities_hold(a in any_interval(), b in any_interval(), c in any_interval()) {
        prop_assert_eq!(a + b, b + a);
        prop_assert_eq!(a * b, b * a);
        prop_assert_eq!(-(-a), a);
        prop_assert_eq!(a - b, -(b - a));
        prop_assert_eq!((-a) * b, -(a * b));
        prop_assert_eq!(a * Interval::ONE, a);
        prop_assert_eq!(a.hull(b).hull(c), a.hull(b.hull(c)));
        prop_assert_eq!(a.intersection(b).intersection(c), a.intersection(b.intersection(c)));
        prop_assert!(a.intersection(b).is_subset(a) && a.is_subset(a.hull(b)));
        prop_assert_eq!(a.hull(b).is_subset(b), a.is_subset(b));
        prop_assert_eq!(a.max(b), -((-a).min(-b)));
        let [first, second] = a.div_pair(b);
        prop_assert!((a / b).is_subset(first.hull(second)));
        prop_assert!(second.is_empty() || first.precedes(second));
    }

    #[test]
    fn numeric_functions_describe_the_set(a in bounded()) {
        let (mid, rad) = (a.mid(), a.rad());
        prop_assert!(a.contains(mid));
        prop_assert!(a.is_subset(Interval::point(mid) + Interval::new(-rad, rad).unwrap_or(Interval::ENTIRE)));
        prop_assert!(a.mig() <= a.mag() && a.abs().contains(a.mag()) && a.abs().contains(a.mig()));
        prop_assert!(Interval::point(a.sup() - a.inf()).is_subset(Interval::ENTIRE) && a.width() >= a.sup() - a.inf());
    }

    #[test]
    fn text_is_outward_both_ways(a in any_interval(), decimals in proptest::option::of(0_usize..30)) {
        let text = match decimals {
            Some(decimals) => format!("{a:.decimals$}"),
            None => a.to_string(),
        };
        let back: Interval = text.parse().unwrap();
        prop_assert!(a.is_subset(back), "{a:?} → {text} → {back:?}");
        if decimals.is_none() && a.is_bounded() {
            prop_assert!(back.inf() >= a.inf().next_down().next_down() && back.sup() <= a.sup().next_up().next_up());
        }
    }
}

type Binary = fn(Interval, Interval) -> Interval;
const BINARY: [(&str, Binary); 9] = [
    ("sum", |a, b| a + b),
    ("difference", |a, b| a - b),
    ("product", |a, b| a * b),
    ("quotient", |a, b| a / b),
    ("minimum", Interval::min),
    ("maximum", Interval::max),
    ("hull", Interval::hull),
    ("fused product and sum", |a, b| a.mul_add(b, a)),
    ("power", Interval::powf),
];

type Unary = fn(Interval) -> Interval;
const UNARY: [(&str, Unary); 32] = [
    ("negative", |x| -x),
    ("reciprocal", Interval::recip),
    ("square", Interval::sqr),
    ("root", Interval::sqrt),
    ("absolute value", Interval::abs),
    ("cube", |x| x.powi(3)),
    ("x⁻²", |x| x.powi(-2)),
    ("x⁻³", |x| x.powi(-3)),
    ("exp", Interval::exp),
    ("exp2", Interval::exp2),
    ("exp10", Interval::exp10),
    ("expm1", Interval::expm1),
    ("ln", Interval::ln),
    ("log2", Interval::log2),
    ("log10", Interval::log10),
    ("ln1p", Interval::ln1p),
    ("sin", Interval::sin),
    ("cos", Interval::cos),
    ("tan", Interval::tan),
    ("asin", Interval::asin),
    ("acos", Interval::acos),
    ("atan", Interval::atan),
    ("sinh", Interval::sinh),
    ("cosh", Interval::cosh),
    ("tanh", Interval::tanh),
    ("erf", Interval::erf),
    ("normal_cdf", Interval::normal_cdf),
    ("normal_pdf", Interval::normal_pdf),
    ("silu", |x| x.activation(crate::math::Activation::Silu, 0)),
    ("silu′", |x| x.activation(crate::math::Activation::Silu, 1)),
    ("relu′", |x| x.activation(crate::math::Activation::Relu, 1)),
    ("softplus", |x| x.activation(crate::math::Activation::Softplus, 0)),
];

//! A million pairs of the worst operands: random bits, subnormal, huge, signed zeros, infinities, neighbours of powers of two.
//!
//! Basic operations are held to exact arithmetic that shares nothing with the crate: integers of 128 bits for products,
//! expansions of doubles for sums. Elementary functions are held to the platform's, whose errors are a few ulp, at as
//! many points; to arbitrary precision in `interval_elementary.rs`.

mod oracle;

use std::cmp::Ordering;

use oracle::Bits;
use sobolev::interval::Interval;

const CASES: usize = 1_000_000;

/// `magnitude·2^exponent` with a sign, of a finite double or of a product of two.
#[derive(Clone, Copy)]
struct Scaled(bool, u128, i32);

fn scaled(x: f64) -> Scaled {
    let (biased, fraction) = ((x.to_bits() >> 52 & 0x7ff) as i32, x.to_bits() & ((1 << 52) - 1));
    let magnitude = if biased == 0 { fraction } else { fraction | 1 << 52 };
    Scaled(x.is_sign_negative(), magnitude.into(), biased.max(1) - 1075)
}

impl Scaled {
    fn times(self, other: Self) -> Self {
        Self(self.0 != other.0, self.1 * other.1, self.2 + other.2)
    }

    fn cmp(self, other: Self) -> Ordering {
        let sign = |s: Self| {
            if s.1 == 0 {
                0
            } else if s.0 {
                -1
            } else {
                1
            }
        };
        let order = sign(self).cmp(&sign(other));
        if order.is_ne() || sign(self) == 0 {
            return order;
        }
        // The leading bit decides, or the bits with it aligned.
        let top = |s: Self| s.2 - s.1.leading_zeros() as i32;
        let aligned = |s: Self| s.1 << s.1.leading_zeros();
        let sizes = top(self).cmp(&top(other)).then(aligned(self).cmp(&aligned(other)));
        if self.0 { sizes.reverse() } else { sizes }
    }
}

/// `x·y` against `z`, where the product of zero and infinity is zero.
fn product_against(x: f64, y: f64, z: f64) -> Ordering {
    if x == 0.0 || y == 0.0 {
        return 0.0.partial_cmp(&z).expect("numbers");
    }
    if x.is_infinite() || y.is_infinite() {
        let product = f64::INFINITY.copysign(x) * 1_f64.copysign(y);
        return product.partial_cmp(&z).expect("numbers");
    }
    if z.is_infinite() {
        return 0.0.partial_cmp(&z).expect("numbers");
    }
    scaled(x).times(scaled(y)).cmp(scaled(z))
}

/// The sign of a sum of doubles that does not overflow: by an expansion, whose parts do not overlap.
fn sign_of_sum(terms: &[f64]) -> Ordering {
    let mut parts: Vec<f64> = Vec::with_capacity(terms.len());
    for &term in terms {
        let mut sum = term;
        for part in &mut parts {
            let (a, b) = (sum, *part);
            sum = a + b;
            let back = sum - a;
            *part = (a - (sum - back)) + (b - back);
        }
        parts.push(sum);
    }
    let leading = parts.iter().rev().find(|part| **part != 0.0);
    leading.map_or(Ordering::Equal, |part| part.partial_cmp(&0.0).expect("finite"))
}

/// `x + y` against `z`.
fn sum_against(x: f64, y: f64, z: f64) -> Ordering {
    let infinite = [x, y].into_iter().find(|x| x.is_infinite());
    if infinite.is_some() || z.is_infinite() {
        return infinite.unwrap_or(0.0).partial_cmp(&z).expect("numbers");
    }
    // Quarters are exact where a sum could overflow: beside such numbers a subnormal one decides by its sign alone.
    let quarter = |x: f64| if x.abs() < 1.0 { x } else { 0.25 * x };
    let huge = [x, y, z].iter().any(|x| x.abs() > 1e300);
    if huge { sign_of_sum(&[quarter(x), quarter(y), -quarter(z)]) } else { sign_of_sum(&[x, y, -z]) }
}

/// Whether all the corners lie within, and no bound could be one step further inward.
fn is_tightest(range: Interval, corners: &[(f64, f64)], against: impl Fn(f64, f64, f64) -> Ordering) -> bool {
    let (lo, hi) = (range.inf(), range.sup());
    let reached = |bound: f64, inward: f64, order: Ordering| {
        corners.iter().any(|&(x, y)| against(x, y, bound).is_eq() || against(x, y, inward) == order)
    };
    corners.iter().all(|&(x, y)| against(x, y, lo).is_ge() && against(x, y, hi).is_le())
        && reached(lo, lo.next_up(), Ordering::Less)
        && reached(hi, hi.next_down(), Ordering::Greater)
}

#[track_caller]
fn assert_tightest(
    range: Interval,
    corners: &[(f64, f64)],
    against: impl Fn(f64, f64, f64) -> Ordering,
    what: impl Fn() -> String,
) {
    assert!(is_tightest(range, corners, against), "{}: {range:?} is not the tightest", what());
}

fn number(bits: &mut Bits) -> f64 {
    let sign = if bits.next() & 1 == 0 { 1.0 } else { -1.0 };
    let x = match bits.next() % 12 {
        0..3 => f64::from_bits(bits.next()),
        3 => f64::from_bits(bits.next() >> 12),
        4 => f64::from_bits(bits.next() % 4),
        5 => f64::MAX * (1.0 - bits.unit() * f64::EPSILON),
        6 => f64::INFINITY,
        7 => f64::MIN_POSITIVE * (1.0 + 4.0 * bits.unit()),
        8 => (bits.next() % 8) as f64,
        9 => (1.0 + f64::EPSILON * (bits.next() % 3) as f64) * 2_f64.powi(bits.next() as i32 % 540),
        10 => f64::from_bits(f64::from_bits((bits.next() % 2047) << 52).to_bits().saturating_sub(bits.next() % 2)),
        _ => bits.sized(-2, 2),
    };
    if x.is_nan() { 0.0 * sign } else { x * sign }
}

fn operand(bits: &mut Bits) -> Interval {
    let a = number(bits);
    let b = match bits.next() % 4 {
        0 => a,
        1 => a.next_up(),
        _ => number(bits),
    };
    // Two infinities of one sign are beyond all doubles.
    let bound = |x: f64, y: f64| if x == y { x.clamp(f64::MIN, f64::MAX) } else { x };
    Interval::between(bound(a, b), b).or(Interval::between(bound(a, b), bound(b, a))).expect("ordered")
}

fn ends(x: Interval) -> [f64; 2] {
    [x.inf(), x.sup()]
}

fn corners(a: Interval, b: Interval) -> [(f64, f64); 4] {
    let ([a, c], [b, d]) = (ends(a), ends(b));
    [(a, b), (a, d), (c, b), (c, d)]
}

#[test]
fn sums_and_products_are_tightest() {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    for case in 0..CASES {
        let (a, b) = (operand(&mut bits), operand(&mut bits));
        let what = |name: &'static str| move || format!("case {case}: {name} of {a:?} and {b:?}");
        assert_tightest(a * b, &corners(a, b), product_against, what("product"));
        let sum = [(a.inf(), b.inf()), (a.sup(), b.sup())];
        assert_tightest(a + b, &sum, sum_against, what("sum"));
        let difference = [(a.inf(), -b.sup()), (a.sup(), -b.inf())];
        assert_tightest(a - b, &difference, sum_against, what("difference"));
        let square = [(a.mig(), a.mig()), (a.mag(), a.mag())];
        assert_tightest(a.sqr(), &square, product_against, what("square"));
        assert_eq!(a.max(b), -((-a).min(-b)), "{a:?} {b:?}");
        assert_eq!((a.max(b).inf(), a.max(b).sup()), (a.inf().max(b.inf()), a.sup().max(b.sup())), "{a:?} {b:?}");
        assert_eq!((a.abs().inf(), a.abs().sup()), (a.mig(), a.mag()), "{a:?}");
    }
}

/// `x/y` against `z`: `x` against `z·y`; an infinite divisor makes 0 of all numbers, 0 stands for a positive one near it.
fn quotient_against(x: f64, y: f64, z: f64) -> Ordering {
    if x == 0.0 || y.is_infinite() {
        return 0.0.partial_cmp(&z).expect("numbers");
    }
    if y == 0.0 || x.is_infinite() {
        return f64::INFINITY.copysign(if y < 0.0 { -x } else { x }).partial_cmp(&z).expect("numbers");
    }
    let order = product_against(z, y, x).reverse();
    if y < 0.0 { order.reverse() } else { order }
}

#[test]
fn quotients_and_roots_are_tightest() {
    let mut bits = Bits(0xd1b5_4a32_d192_ed03);
    for case in 0..CASES {
        let (a, b) = (operand(&mut bits), operand(&mut bits));
        let what = |name: &'static str| move || format!("case {case}: {name} of {a:?} and {b:?}");
        if b.inf() >= 0.0 && b.sup() > 0.0 {
            // The quotient of two infinities is between those of either and a number.
            let indefinite = |&(x, y): &(f64, f64)| !(x.is_infinite() && y.is_infinite());
            let corners: Vec<_> = corners(a, b).into_iter().filter(indefinite).collect();
            assert_tightest(a / b, &corners, quotient_against, what("quotient"));
            let mirrored = a / -b;
            assert_eq!((mirrored.inf(), mirrored.sup()), (-(a / b).sup(), -(a / b).inf()), "{}", what("quotient")());
            let recip = [(1.0, b.inf()), (1.0, b.sup())];
            assert_tightest(b.recip(), &recip, quotient_against, what("reciprocal"));
        } else if b.inf() < 0.0 && b.sup() > 0.0 {
            let expected = if a == Interval::ZERO { a } else { Interval::ENTIRE };
            assert_eq!(a / b, expected, "{}", what("quotient")());
        } else if b == Interval::ZERO {
            assert!((a / b).is_empty(), "{}", what("quotient")());
        }
        let root = a.sqrt();
        if a.sup() < 0.0 {
            assert!(root.is_empty());
        } else {
            // √x against z ≥ 0: x against z².
            let against = |x: f64, _: f64, z: f64| {
                if z < 0.0 { Ordering::Greater } else { product_against(z, z, x).reverse() }
            };
            assert_tightest(root, &[(a.inf().max(0.0), 0.0), (a.sup(), 0.0)], against, what("root"));
        }
    }
}

/// `x·y + z` against `w`, where nothing over- or underflows: four terms, exactly.
#[test]
fn fused_products_and_sums_are_tightest() {
    let mut bits = Bits(0x94d0_49bb_1331_11eb);
    for case in 0..CASES / 2 {
        let mut point = |sizes: (i32, i32)| bits.sized(sizes.0, sizes.1);
        let (a, b) = (point((-200, 200)), point((-200, 200)));
        let p = a * b;
        // Anything, what cancels, and what nearly does.
        let c = match case % 4 {
            0 => point((-400, 400)),
            1 => -p,
            2 => -p.next_up(),
            _ => -a.mul_add(b, -p),
        };
        let error = a.mul_add(b, -p);
        let range = Interval::point(a).mul_add(Interval::point(b), Interval::point(c));
        let against = |_: f64, _: f64, w: f64| match w.is_infinite() {
            true => 0.0.partial_cmp(&w).expect("numbers"),
            false => sign_of_sum(&[p, error, c, -w]),
        };
        assert_tightest(range, &[(0.0, 0.0)], against, || format!("case {case}: {a:e}·{b:e} + {c:e}"));
    }
}

/// The oracle itself: either bound one step inward or outward is noticed.
#[test]
fn one_ulp_is_noticed() {
    let mut bits = Bits(0x2545_f491_4f6c_dd1d);
    for _ in 0..10_000 {
        let (a, b) = (Interval::point(bits.any()), Interval::point(bits.any()));
        let pair = [(a.inf(), b.inf())];
        let positive = if b.inf() > 0.0 { b } else { -b };
        for (range, pair, against) in [
            (a + b, pair, sum_against as fn(f64, f64, f64) -> Ordering),
            (a * b, pair, product_against),
            (a / positive, [(a.inf(), positive.inf())], quotient_against),
        ] {
            assert!(is_tightest(range, &pair, against));
            let (lo, hi) = (range.inf(), range.sup());
            for (lo, hi) in [(lo.next_up(), hi), (lo, hi.next_down()), (lo.next_down(), hi), (lo, hi.next_up())] {
                if let Ok(mutant) = Interval::new(lo, hi)
                    && mutant != range
                {
                    assert!(!is_tightest(mutant, &pair, against), "{range:?} and {mutant:?} of {a:?} and {b:?}");
                }
            }
        }
    }
}

type Function = (&'static str, fn(Interval) -> Interval, fn(f64) -> f64);

/// The platform's functions are trusted for so many ulp.
const TRUST: u64 = 4;

fn ulps_apart(a: f64, b: f64) -> u64 {
    let ordered = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    ordered(a).abs_diff(ordered(b))
}

#[test]
fn elementary_functions_agree_with_the_platform_everywhere() {
    let functions: [Function; 16] = [
        ("exp", Interval::exp, f64::exp),
        ("exp2", Interval::exp2, f64::exp2),
        ("expm1", Interval::expm1, f64::exp_m1),
        ("ln", |x| x.abs().ln(), |x| x.abs().ln()),
        ("ln1p", |x| x.abs().ln1p(), |x| x.abs().ln_1p()),
        ("log2", |x| x.abs().log2(), |x| x.abs().log2()),
        ("log10", |x| x.abs().log10(), |x| x.abs().log10()),
        ("sin", Interval::sin, f64::sin),
        ("cos", Interval::cos, f64::cos),
        ("tan", Interval::tan, f64::tan),
        ("atan", Interval::atan, f64::atan),
        ("sinh", Interval::sinh, f64::sinh),
        ("cosh", Interval::cosh, f64::cosh),
        ("tanh", Interval::tanh, f64::tanh),
        ("asinh", Interval::asinh, libm::asinh),
        ("cube root", |x| x.rootn(3), f64::cbrt),
    ];
    let mut bits = Bits(0xbf58_476d_1ce4_e5b9);
    for case in 0..CASES {
        let x = number(&mut bits);
        if x.is_infinite() {
            continue;
        }
        let (name, range, value) = functions[case % functions.len()];
        let (range, value) = (range(Interval::point(x)), value(x));
        if range.is_empty() {
            assert!(!value.is_finite(), "{name}({x:e}) has no value beside {value:e}");
            continue;
        }
        let [lo, hi] = ends(range);
        // At most one step beyond the tightest: three between the bounds.
        assert!(ulps_apart(lo, hi) <= 3, "{name}({x:e}): {lo:e} {hi:e} is loose");
        let near = |bound: f64| ulps_apart(bound, value) <= TRUST + 3;
        assert!(
            lo <= value && value <= hi || near(lo) || near(hi),
            "{name}({x:e}): {value:e} is far from {lo:e} {hi:e}"
        );
    }
}

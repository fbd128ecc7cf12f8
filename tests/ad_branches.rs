//! Boxes across branches, over every number that differentiates: what holds at points of either side lies within.

mod oracle;

use oracle::Bits;
use sobolev::ad::significance::Analysis;
use sobolev::ad::{Function, Jet, forward, gradient, hessian};
use sobolev::interval::Interval;
use sobolev::math::{Activation, Scalar};

/// A function of two variables with a branch in it.
#[derive(Clone, Copy, Debug)]
enum Branch {
    Max,
    Min,
    Abs,
    PositivePart,
    Relu,
    ReluSlope,
    Less,
    Exceeds,
    Nested,
    Steps,
    Powers,
}
use Branch::*;

const BRANCHES: [Branch; 11] = [Max, Min, Abs, PositivePart, Relu, ReluSlope, Less, Exceeds, Nested, Steps, Powers];

impl Function for Branch {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (x, y) = (x[0], x[1]);
        let gap = (x - y.sqr()).named("gap");
        let branch = match self {
            Max => x.sin().max(y.exp().shift(-1.0)),
            Min => x.sin().min(y.exp().shift(-1.0)),
            Abs => gap.abs() * y,
            PositivePart => gap.positive_part().sqr() * x,
            Relu => gap.activation(Activation::Relu, 0) * x,
            ReluSlope => gap.activation(Activation::Relu, 1) * x,
            Less => S::select(x.lt(y), x.sqr(), y.cos()),
            Exceeds => S::select(gap.exceeds(S::zero()), x * y, y),
            Nested => S::select(x.lt(y), S::select(y.exceeds(S::zero()), x, -x), gap.abs().max(x)),
            Steps => S::select_slope(x.lt(y), x, y) * S::select(x.lt(S::zero()), S::zero(), S::one()),
            Powers => (gap.abs().shift(0.5)).powi(-3) * x.max(y).powi(4),
        };
        branch + x.scale(3.0)
    }
}

/// Value, gradient and Hessian.
type Expansion = (Interval, [Interval; 2], [Interval; 4]);

/// By each of the ways there are.
fn expansions(f: &impl Function, x: [Interval; 2]) -> [Expansion; 3] {
    let (value, by_tape, rows) = hessian(f, &x);
    let (forward_value, by_dual, dual_rows) = forward::hessian(f, &x);
    let (one, zero) = (Interval::ONE, Interval::ZERO);
    // Of a jet one entry of the Hessian, and the two slopes.
    let jet = |i: usize, j: usize| {
        let direction = |k: usize, i: usize| if k == i { one } else { zero };
        f.eval(&[0, 1].map(|k| Jet { value: x[k], r: direction(k, i), v: direction(k, j), rv: zero }))
    };
    let jets = [jet(0, 0), jet(0, 1), jet(1, 0), jet(1, 1)];
    assert_eq!(jets.map(|jet| jet.value), [f.eval(&x); 4]);
    assert_eq!((gradient(f, &x).0, value, forward_value), (jets[0].value, jets[0].value, jets[0].value));
    [
        (value, [by_tape[0], by_tape[1]], rows.try_into().expect("two by two")),
        (forward_value, by_dual, [dual_rows[0][0], dual_rows[0][1], dual_rows[1][0], dual_rows[1][1]]),
        (jets[0].value, [jets[0].r, jets[3].v], jets.map(|jet| jet.rv)),
    ]
}

/// Values at points and slopes of chords: nothing that knows of a derivative.
#[test]
fn both_sides_are_enclosed() {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    for case in 0..400 {
        let (low, width) = ([0, 1].map(|_| 2.0 * bits.unit() - 1.5), 10_f64.powf(-3.0 * bits.unit()));
        let x = low.map(|low| Interval::new(low, low + width).expect("ordered"));
        for f in BRANCHES {
            let wide = expansions(&f, x);
            let found = Analysis::new().run(&f, &x).expect("defined everywhere");
            let split = Analysis::new().bisections(3).run(&f, &x).expect("defined everywhere");
            for _ in 0..8 {
                let at = x.map(|x| (x.inf() + bits.unit() * width).min(x.sup()));
                let thin = expansions(&f, at.map(Interval::point));
                let name = |what: &str| format!("case {case}, {f:?} over {x:?}, {what} at {at:?}");
                for ((value, slopes, rows), (thin_value, thin_slopes, thin_rows)) in wide.into_iter().zip(thin) {
                    assert!(thin_value.is_subset(value) && value.contains(f.eval(&at)), "{}", name("value"));
                    let within =
                        |thin: &[Interval], wide: &[Interval]| thin.iter().zip(wide).all(|(t, w)| t.is_subset(*w));
                    assert!(within(&thin_slopes, &slopes), "{}: {thin_slopes:?} {slopes:?}", name("slopes"));
                    assert!(within(&thin_rows, &rows), "{}: {thin_rows:?} {rows:?}", name("curvatures"));
                    // From here to another corner along an axis, whatever lies between.
                    for axis in 0..2 {
                        let mut to = at;
                        to[axis] = if bits.next() & 1 == 0 { x[axis].inf() } else { x[axis].sup() };
                        let [a, b] = [at, to].map(|x| f.eval(&x.map(Interval::point)));
                        let chord = (b - a) / (Interval::point(to[axis]) - Interval::point(at[axis]));
                        let apart = chord.is_empty() || !chord.is_disjoint(slopes[axis]);
                        assert!(apart, "{}: chord {chord:?} {:?}", name("chord"), slopes[axis]);
                    }
                }
                for found in [&found, &split] {
                    assert!(found.outputs[0].contains(f.eval(&at)), "{}", name("output"));
                    let adjoints = [found.nodes[0].adjoints[0], found.nodes[1].adjoints[0]];
                    assert!((0..2).all(|i| thin[0].1[i].is_subset(adjoints[i])), "{}", name("adjoints"));
                }
            }
        }
    }
}

fn interval(low: f64, high: f64) -> Interval {
    Interval::new(low, high).expect("ordered")
}

/// A branch that has no value on the box, taken or not: the rest is what it was.
#[derive(Clone, Copy, Debug)]
enum Undefined {
    /// Not taken.
    Root,
    Logarithm,
    /// Whether it is taken is undecided; where it is there is no value.
    Perhaps,
    /// A root of what is 0 all over the box.
    Corner,
}

impl Function for Undefined {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (x, y) = (x[0], x[1]);
        let zero = S::zero();
        let branch = match self {
            Self::Root => S::select(x.lt(S::one()), zero, x.shift(-1.0).sqrt()),
            Self::Logarithm => S::select(x.exceeds(S::one()), x.shift(-1.0).ln().sqr(), zero),
            Self::Perhaps => S::select(y.lt(zero), x.shift(-1.0).sqrt(), zero),
            Self::Corner => x.shift(-1.0).positive_part().sqrt(),
        };
        branch + x.scale(3.0)
    }
}

#[test]
fn branches_without_a_value_leave_the_rest() {
    let x = [interval(-1.0, 0.5), interval(-1.0, 1.0)];
    let three = Interval::point(3.0);
    for f in [Undefined::Root, Undefined::Logarithm, Undefined::Perhaps, Undefined::Corner] {
        for (value, slopes, rows) in expansions(&f, x) {
            assert_eq!(value, interval(-3.0, 1.5), "{f:?}");
            assert!(slopes[0].contains(3.0) && slopes[1].contains(0.0), "{f:?}: {slopes:?}");
            assert!(rows.iter().all(|row| row.contains(0.0)), "{f:?}: {rows:?}");
            assert!(matches!(f, Undefined::Perhaps) || slopes == [three, Interval::ZERO], "{f:?}: {slopes:?}");
        }
        let found = Analysis::new().run(&f, &x).expect("defined");
        assert!(found.nodes[0].score >= 4.5, "{f:?} finds that x₀ matters: {found}");
    }
}

/// A comparison with what has no value decides nothing.
#[test]
fn a_comparison_without_a_value_is_undecided() {
    struct Compared;
    impl Function for Compared {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            let root = x[0].sqrt();
            S::select(root.lt(S::one()), S::one(), S::zero()) + S::select(root.exceeds(S::one()), S::zero(), S::one())
        }
    }
    for (value, ..) in expansions(&Compared, [interval(-2.0, -1.0), Interval::ONE]) {
        assert_eq!(value, interval(0.0, 2.0));
    }
}

#[test]
fn exponents_at_the_end_of_their_range_have_their_derivatives() {
    struct Power(i32);
    impl Function for Power {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            x[0].powi(self.0)
        }
    }
    // Near 1 the powers are of moderate size: e^(n·ln x).
    let x = 1.0 + 2_f64.powi(-33);
    let at = Interval::point(x);
    for n in [i32::MIN, i32::MIN + 1, i32::MIN + 2, i32::MAX] {
        let power = |m: i64| (Interval::from(m) * at.ln()).exp();
        let (exponent, n64) = (f64::from(n), i64::from(n));
        let slope = Interval::point(exponent) * power(n64 - 1);
        let curvature = Interval::point(exponent) * Interval::point(exponent - 1.0) * power(n64 - 2);
        for (_, slopes, rows) in expansions(&Power(n), [at, Interval::ONE]) {
            // Enclosures of one number meet; one power more or less would be 10⁻¹⁰ away.
            for (got, expected) in [(slopes[0], slope), (rows[0], curvature)] {
                assert!(!got.is_disjoint(expected) && got.width() < 1e-14 * got.mag(), "{n}: {got:?} {expected:?}");
            }
        }
    }
}

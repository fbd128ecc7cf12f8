//! Tests of kinks and jumps: at points by convention, over intervals never one-sided.

use super::{Dual, Function, Jet, Tape, forward, gradient, hessian};
use crate::interval::Interval;
use crate::math::{Activation, Scalar};

/// A function of `x[0]` with something at zero, plus `x[1]²`, which has nothing to do with it.
struct At<F>(F);

/// The branches of [`Scalar`], by name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Branch {
    Max,
    Min,
    PositivePart,
    Abs,
    Relu,
    Select,
    Digital,
}

use Branch::{Abs, Digital, Max, Min, PositivePart, Relu, Select};

impl Function for At<Branch> {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (zero, one) = (S::zero(), S::one());
        let branch = match self.0 {
            Max => x[0].max(zero),
            Min => x[0].min(zero),
            PositivePart => x[0].positive_part(),
            Abs => x[0].abs(),
            Relu => x[0].activation(Activation::Relu, 0),
            Select => S::select(x[0].lt(zero), -x[0], x[0]),
            Digital => S::select(x[0].lt(zero), zero, one),
        };
        branch + x[1].sqr()
    }
}

const KINKS: [(Branch, f64, f64); 5] =
    [(Max, 0.0, 1.0), (Min, 1.0, 0.0), (PositivePart, 0.0, 1.0), (Abs, -1.0, 1.0), (Relu, 0.0, 1.0)];

fn interval(low: f64, high: f64) -> Interval {
    Interval::new(low, high).expect("ordered")
}

/// Slopes by tape, by dual numbers and by a jet; curvatures by tape over dual numbers, nested dual numbers and a jet.
fn derivatives(branch: Branch, x: Interval) -> ([Interval; 3], [Interval; 3]) {
    let x = [x, interval(1.0, 2.0)];
    let (value, by_tape) = gradient(&At(branch), &x);
    let (_, by_dual) = forward::gradient(&At(branch), &x);
    let (_, _, tape_rows) = hessian(&At(branch), &x);
    let (_, _, dual_rows) = forward::hessian(&At(branch), &x);
    let jet = |v0: f64, v1: f64| {
        let direction =
            |value, r: f64, v: f64| Jet { value, r: Interval::point(r), v: Interval::point(v), rv: Interval::ZERO };
        At(branch).eval(&[direction(x[0], 1.0, v0), direction(x[1], 0.0, v1)])
    };
    assert_eq!(value, jet(1.0, 0.0).value);
    // What the branch does not depend on is not disturbed by it.
    let two = Interval::point(2.0);
    assert_eq!((by_tape[1], by_dual[1]), (two * x[1], two * x[1]), "{branch:?}");
    assert_eq!((tape_rows[3], dual_rows[1][1]), (two, two), "{branch:?}");
    for mixed in [tape_rows[1], tape_rows[2], dual_rows[0][1], dual_rows[1][0], jet(0.0, 1.0).rv] {
        assert_eq!(mixed, Interval::ZERO, "{branch:?}");
    }
    let jet = jet(1.0, 0.0);
    ([by_tape[0], by_dual[0], jet.r], [tape_rows[0], dual_rows[0][0], jet.rv])
}

#[test]
fn kinks_have_the_slopes_of_both_sides() {
    for (branch, left, right) in KINKS {
        for x in [interval(-1.0, 1.0), interval(0.0, 1.0), interval(-1.0, 0.0), interval(0.0, 0.0)] {
            let (slopes, curvatures) = derivatives(branch, x);
            assert_eq!(slopes, [interval(left.min(right), left.max(right)); 3], "{branch:?} over {x:?}");
            assert_eq!(curvatures, [Interval::ENTIRE; 3], "{branch:?} over {x:?}");
        }
    }
}

#[test]
fn a_jump_has_any_slope() {
    for branch in [Digital, Select] {
        for x in [interval(-1.0, 1.0), interval(0.0, 1.0), interval(-1.0, 0.0), interval(0.0, 0.0)] {
            let (slopes, curvatures) = derivatives(branch, x);
            // Where the two are known to meet there is no jump.
            let meets = branch == Select && x == Interval::ZERO;
            let slope = if meets { interval(-1.0, 1.0) } else { Interval::ENTIRE };
            assert_eq!(slopes, [slope; 3], "{branch:?} over {x:?}");
            assert_eq!(curvatures, [Interval::ENTIRE; 3], "{branch:?} over {x:?}");
        }
    }
}

#[test]
fn decided_branches_are_exact() {
    for (branch, left, right) in KINKS.into_iter().chain([(Select, -1.0, 1.0), (Digital, 0.0, 0.0)]) {
        for (x, slope) in [(interval(-2.0, -1.0), left), (interval(1.0, 2.0), right)] {
            assert_eq!(
                derivatives(branch, x),
                ([Interval::point(slope); 3], [Interval::ZERO; 3]),
                "{branch:?} over {x:?}"
            );
        }
    }
}

/// At a tie a point takes the side that `exceeds` denies: the slope of ReLU at 0 is 0.
#[test]
fn points_at_a_tie_take_one_side() {
    for (branch, slope) in [(Max, 0.0), (Min, 1.0), (PositivePart, 0.0), (Abs, -1.0), (Relu, 0.0), (Select, 1.0)] {
        let (_, by_tape) = gradient(&At(branch), &[0.0, 1.0]);
        let (_, by_dual) = forward::gradient(&At(branch), &[0.0, 1.0]);
        assert_eq!((by_tape[0], by_dual[0]), (slope, slope), "{branch:?}");
    }
}

/// The comparison may be of what the branches never see.
#[test]
fn what_is_compared_is_depended_on() {
    struct Barrier;
    impl Function for Barrier {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            S::select((x[0] * x[1]).lt(S::one()), x[2], S::zero())
        }
    }
    let x = [interval(0.5, 1.5), interval(0.9, 1.1), interval(2.0, 3.0)];
    let (value, bar) = gradient(&Barrier, &x);
    assert_eq!(value, interval(0.0, 3.0));
    assert_eq!(bar, [Interval::ENTIRE, Interval::ENTIRE, interval(0.0, 1.0)]);
    let (_, bar) = forward::gradient(&Barrier, &x);
    assert_eq!(bar, [Interval::ENTIRE, Interval::ENTIRE, interval(0.0, 1.0)]);
}

/// Remainders of the Taylor polynomials of order 1 and 2 fall as h² and h³.
#[test]
fn taylor_remainders_fall_with_the_right_slope() {
    struct Wave;
    impl Function for Wave {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            (x[0] * x[1]).sin() + (x[1] - x[2]).silu() * x[2].exp() + (x[0] / x[2]).ln()
        }
    }
    let (x, v) = ([1.3, 0.7, 0.9], [0.5, -0.8, 0.6]);
    let mut tape = Tape::<Dual<f64>>::new();
    let (mut g, mut hv) = ([0.0; 3], [[0.0]; 3]);
    let y = tape.hvp_into(&Wave, &x, v.as_chunks().0, &mut g, &mut hv);
    let dot = |g: [f64; 3]| g.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
    let remainders = |h: f64| {
        let at: f64 = Wave.eval(&[0, 1, 2].map(|i| x[i] + h * v[i]));
        let first = at - y - h * dot(g);
        [first, first - 0.5 * h * h * dot(hv.map(|[hv]| hv))]
    };
    for h in [1e-2, 5e-3, 2.5e-3] {
        let (coarse, fine) = (remainders(h), remainders(0.5 * h));
        for (order, slope) in [(0, 2.0), (1, 3.0)] {
            let measured = (coarse[order] / fine[order]).log2();
            assert!((measured - slope).abs() < 0.05, "remainder {order} at {h} falls as h^{measured}");
        }
    }
}

#[test]
fn constants_have_no_node_and_no_adjoint() {
    let tape = Tape::new();
    let x = tape.input(2.0_f64);
    let constant = super::Var::constant(3.0).exp() * Scalar::constant(2.0);
    assert_eq!(tape.len(), 1);
    let y = x * constant;
    assert_eq!(tape.len(), 2);
    assert_eq!(y.adjoints().of(constant), 0.0);
    assert_eq!(y.adjoints().of(x), constant.value());
}

#[test]
fn several_seeds_add_up() {
    let tape = Tape::new();
    let x = tape.input(2.0_f64);
    let (y, z) = (x.sqr(), x.powi(3));
    let bar = tape.adjoints([(y, 1.0), (z, 10.0), (y, 1.0)]);
    assert_eq!(bar.of(x), 2.0 * 4.0 + 10.0 * 12.0);
    // An intermediate's adjoint counts what comes through it.
    assert_eq!((bar.of(y), bar.of(z)), (2.0, 10.0));
}

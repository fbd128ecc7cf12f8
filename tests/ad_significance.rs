//! Significance of functions: Eqs. (2) and (3) against scores known in closed form, and against sampling.

use sobolev::ad::significance::{Analysis, Outputs, Significance, SignificanceError};
use sobolev::ad::{Function, Map, gradient};
use sobolev::interval::Interval;
use sobolev::math::Scalar;

fn interval(low: f64, high: f64) -> Interval {
    Interval::new(low, high).expect("ordered")
}

fn score(found: &Significance, name: &str) -> f64 {
    found.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("no {name}")).score
}

/// `|a − b|` within a few roundings.
#[track_caller]
fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} ≠ {b}");
}

/// `y₀ = 3x₀ − 2x₁`, `y₁ = 5x₁`, over named terms.
struct Linear;

impl Map for Linear {
    fn outputs(&self) -> usize {
        2
    }
    fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
        let (_, second) = (x[0].named("first"), x[1]);
        let term = (S::constant(3.0) * x[0]).named("term");
        y[0] = term - S::constant(2.0) * second;
        y[1] = S::constant(5.0) * second;
    }
}

#[test]
fn linear_functions_score_width_times_weight() {
    let x = [interval(-1.0, 1.0), interval(0.0, 4.0)];
    let largest = Analysis::new().run(&Linear, &x).unwrap();
    let names: Vec<_> = largest.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["first", "x1", "term"]);
    assert_close(score(&largest, "first"), 2.0 * 3.0);
    assert_close(score(&largest, "term"), 6.0 * 1.0);
    assert_close(score(&largest, "x1"), 4.0 * 5.0);
    let sum = Analysis::new().outputs(Outputs::Sum).run(&Linear, &x).unwrap();
    assert_close(score(&sum, "first"), 2.0 * 3.0);
    assert_close(score(&sum, "x1"), 4.0 * (2.0 + 5.0));
    // Splitting can add nothing to a linear function.
    let split = Analysis::new().bisections(5).run(&Linear, &x).unwrap();
    assert_eq!((&split.nodes, &split.outputs), (&largest.nodes, &largest.outputs));
    assert_eq!(largest.ranking()[0].name, "x1");
}

/// The paper's kind of function, with a dependence that intervals overestimate.
struct Wave;

impl Function for Wave {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        (x[0] + x[1]).ln().named("slow") + (x[0] / x[1]).cos().named("fast")
    }
}

#[test]
fn splitting_tightens_towards_sampled_scores() {
    let x = [interval(1.0, 10.0); 2];
    let mut steepest = [0.0_f64; 2];
    for i in 0..=180 {
        for j in 0..=180 {
            let (_, bar) = gradient(&Wave, &[i, j].map(|k| 1.0 + 0.05 * f64::from(k)));
            steepest = [0, 1].map(|axis| steepest[axis].max(bar[axis].abs()));
        }
    }
    let mut last = [f64::INFINITY; 2];
    for bisections in [0, 4, 8, 12] {
        let found = Analysis::new().bisections(bisections).run(&Wave, &x).unwrap();
        for axis in 0..2 {
            let score = found.nodes[axis].score;
            assert!(score >= 9.0 * steepest[axis] && score <= last[axis], "x{axis} after {bisections}: {score}");
            last[axis] = score;
        }
    }
    // What 4096 boxes leave of the overestimation.
    for axis in 0..2 {
        assert!(last[axis] < 1.3 * 9.0 * steepest[axis], "x{axis}: {} against {}", last[axis], 9.0 * steepest[axis]);
    }
}

#[test]
fn a_jump_scores_without_bound_until_it_is_split_off() {
    struct Digital;
    impl Function for Digital {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            S::select(x[0].lt(S::one()), S::zero(), S::one()) + S::constant(0.5) * x[1]
        }
    }
    let found = Analysis::new().bisections(3).run(&Digital, &[interval(0.0, 2.0), interval(0.0, 1.0)]).unwrap();
    assert_eq!(score(&found, "x0"), f64::INFINITY);
    assert_close(score(&found, "x1"), 0.5);
    // An input that is a point has no influence, however steep the function.
    let found = Analysis::new().run(&Digital, &[interval(1.0, 1.0), interval(0.0, 1.0)]).unwrap();
    assert_eq!(score(&found, "x0"), 0.0);
}

#[test]
fn boxes_outside_the_domain_are_refused_by_name() {
    struct Log;
    impl Function for Log {
        fn eval<S: Scalar>(&self, x: &[S]) -> S {
            x[0].ln().named("logarithm").sqr()
        }
    }
    let error = Analysis::new().run(&Log, &[interval(-2.0, -1.0)]).unwrap_err();
    assert_eq!(error, SignificanceError::Undefined { name: "logarithm".into() });
    assert_eq!(error.to_string(), "logarithm is defined nowhere in the box, or in a part of it");
    let error = Analysis::new().run(&Log, &[Interval::EMPTY]).unwrap_err();
    assert_eq!(error, SignificanceError::EmptyInput { input: 0 });
}

#[test]
fn the_report_lists_nodes_by_score() {
    let report = Analysis::new().bisections(10).run(&Wave, &[interval(1.0, 10.0); 2]).unwrap().to_string();
    println!("{report}");
    let names: Vec<_> = report.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["node", "x1", "x0", "slow", "fast"]);
}

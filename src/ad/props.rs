//! What must hold for any function: identities between the modes, an independent crate's derivatives, enclosure.

use num_dual::{Dual as Peer, Dual3, DualNum, HyperDual};
use proptest::prelude::*;

use super::{Dual, Function, Jet, Lanes, Map, Tape, forward, gradient, hessian, hvp, jvp, vjp};
use crate::interval::Interval;
use crate::math::{Activation, Scalar, normal};

const N: usize = 4;

/// Every smooth operation, on positive inputs.
struct Smooth;

impl Function for Smooth {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let logarithmic = (x[0] + x[1]).ln() * x[2].sin() - (x[0] / x[3]).sqrt() * x[1].cos();
        let powers = x[1].powi(3) * x[2].powi(-2) + x[0].sqr() / x[3].shift(2.0) - x[2].recip() * (-x[1]).exp();
        let activations = (x[0] - x[2]).silu() + (x[1] * x[3]).tanh() * x[0].softplus() + x[3].scale(2.0).sigmoid();
        logarithmic + powers + activations
    }
}

/// [`Smooth`] in the terms of another crate, activations by their formulas.
fn smooth_by_peer<D: DualNum<Primitive = f64> + Copy>(x: [D; N]) -> D {
    let sigmoid = |x: D| ((-x).exp() + 1.0).recip();
    let logarithmic = (x[0] + x[1]).ln() * x[2].sin() - (x[0] / x[3]).sqrt() * x[1].cos();
    let powers = x[1].powi(3) * x[2].powi(-2) + x[0].powi(2) / (x[3] + 2.0) - x[2].recip() * (-x[1]).exp();
    let activations =
        (x[0] - x[2]) * sigmoid(x[0] - x[2]) + (x[1] * x[3]).tanh() * (x[0].exp() + 1.0).ln() + sigmoid(x[3] * 2.0);
    logarithmic + powers + activations
}

/// Three outputs.
struct Several;

impl Map for Several {
    fn outputs(&self) -> usize {
        3
    }
    fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
        y[0] = Smooth.eval(x);
        y[1] = x[0] * x[1] - x[2] / x[3];
        y[2] = y[0].sin() * x[3] + x[1].normal_cdf() * x[2].normal_pdf();
    }
}

/// Every kink and a jump that the function of a knock-out has.
struct Kinked;

impl Function for Kinked {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let one = S::one();
        let smooth = x[0] * x[1] + x[2].sqr();
        let kinks = x[0].max(x[1]) * x[2] + (x[1] - one).abs() + x[2].min(x[3]).sqr() + (x[3] - one).positive_part();
        let relu = (x[0] - x[2]).activation(Activation::Relu, 0);
        S::select((x[0] + x[3]).lt(S::constant(2.0)), smooth, kinks + relu)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[track_caller]
fn assert_close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-11 * (1.0 + a.abs().max(b.abs())), "{what}: {a} ≠ {b}");
}

fn inputs() -> impl Strategy<Value = [f64; N]> {
    prop::array::uniform4(0.3..2.5_f64)
}

fn directions() -> impl Strategy<Value = [f64; N]> {
    prop::array::uniform4(-1.0..1.0_f64)
}

/// A box and a point of it.
fn boxes() -> impl Strategy<Value = ([Interval; N], [f64; N])> {
    (inputs(), 1e-6..0.3_f64, prop::array::uniform4(0.0..=1.0_f64)).prop_map(|(low, width, place)| {
        let x = low.map(|low| Interval::new(low, low + width).expect("finite and ordered"));
        (x, std::array::from_fn(|i| (low[i] + place[i] * width).min(x[i].sup())))
    })
}

/// That an enclosure has the number a floating-point evaluation gives, up to that evaluation's own rounding.
#[track_caller]
fn assert_encloses(enclosure: Interval, point: f64, what: &str) {
    let slack = 1e-12 * (1.0 + point.abs());
    assert!(enclosure.inf() <= point + slack && point - slack <= enclosure.sup(), "{what}: {point} ∉ {enclosure:?}");
}

fn peer_gradient(x: [f64; N]) -> [f64; N] {
    std::array::from_fn(|i| {
        let x: [Peer<f64>; N] = std::array::from_fn(|k| Peer::new(x[k], f64::from(u8::from(k == i))));
        smooth_by_peer(x).eps
    })
}

fn peer_hessian(x: [f64; N]) -> [[f64; N]; N] {
    let unit = |k: usize, i: usize| f64::from(u8::from(k == i));
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            smooth_by_peer(std::array::from_fn(|k| HyperDual::new(x[k], unit(k, i), unit(k, j), 0.0))).eps1eps2
        })
    })
}

proptest! {
    #[test]
    fn tangents_and_adjoints_agree(x in inputs(), v in directions(), u in prop::array::uniform3(-1.0..1.0_f64)) {
        let (y, y_dot) = jvp(&Several, &x, &v);
        let (z, x_bar) = vjp(&Several, &x, &u);
        prop_assert_eq!(&y, &z);
        assert_close(dot(&u, &y_dot), dot(&x_bar, &v), "⟨u, Jv⟩ = ⟨Jᵀu, v⟩");
        let (w, w_dot) = forward::jvp::<_, N, 3>(&Several, &x, &v);
        prop_assert_eq!((w.to_vec(), w_dot.to_vec()), (y, y_dot));
    }

    #[test]
    fn hessians_are_symmetric(x in inputs(), u in directions(), v in directions()) {
        let (_, g, hu) = hvp(&Smooth, &x, &u);
        let (_, _, hv) = hvp(&Smooth, &x, &v);
        assert_close(dot(&u, &hv), dot(&v, &hu), "uᵀHv = vᵀHu");
        let jets: [Jet<f64>; N] = std::array::from_fn(|i| Jet { value: x[i], r: u[i], v: v[i], rv: 0.0 });
        let jet = Smooth.eval(&jets);
        assert_close(jet.r, dot(&g, &u), "uᵀ∇f");
        assert_close(jet.v, dot(&g, &v), "vᵀ∇f");
        assert_close(jet.rv, dot(&u, &hv), "uᵀHv");
    }

    #[test]
    fn the_peer_agrees(x in inputs(), v in directions()) {
        let (value, g) = gradient(&Smooth, &x);
        assert_close(value, smooth_by_peer(x), "value");
        let (_, g2, h) = hessian(&Smooth, &x);
        let (_, g3, hv) = hvp(&Smooth, &x, &v);
        let (_, g4) = forward::gradient(&Smooth, &x);
        let (_, g5, h5) = forward::hessian(&Smooth, &x);
        let (_, g6, hv6) = forward::hvp(&Smooth, &x, &v);
        let (peer_g, peer_h) = (peer_gradient(x), peer_hessian(x));
        for i in 0..N {
            [g[i], g2[i], g3[i], g4[i], g5[i], g6[i]].iter().for_each(|&g| assert_close(g, peer_g[i], "gradient"));
            [hv[i], hv6[i]].iter().for_each(|&hv| assert_close(hv, dot(&peer_h[i], &v), "Hessian-vector product"));
            for j in 0..N {
                [h[i * N + j], h5[i][j]].iter().for_each(|&h| assert_close(h, peer_h[i][j], "Hessian"));
            }
        }
    }

    #[test]
    fn lanes_are_points(points in prop::array::uniform8(inputs())) {
        let x: [Lanes<f64, 8>; N] = std::array::from_fn(|i| Lanes(points.map(|point| point[i])));
        let mut bar = [Lanes::splat(0.0); N];
        let y = Tape::new().gradient_into(&Kinked, &x, &mut bar);
        for (lane, point) in points.iter().enumerate() {
            let (value, g) = gradient(&Kinked, point);
            prop_assert_eq!(y.0[lane], value);
            prop_assert_eq!(bar.map(|bar| bar.0[lane]).to_vec(), g);
        }
        // The exponential in lanes is another polynomial.
        let y = Tape::new().gradient_into(&Smooth, &x, &mut bar);
        for (lane, point) in points.iter().enumerate() {
            let (value, g) = gradient(&Smooth, point);
            assert_close(y.0[lane], value, "value");
            (0..N).for_each(|i| assert_close(bar[i].0[lane], g[i], "gradient"));
        }
    }

    #[test]
    fn interval_adjoints_contain_point_adjoints((x, point) in boxes()) {
        let (mut bar, mut thin_bar, mut y, mut thin_y) =
            ([Interval::ZERO; N], [Interval::ZERO; N], [Interval::ZERO; 3], [Interval::ZERO; 3]);
        for k in 0..3 {
            let mut y_bar = [0.0; 3];
            y_bar[k] = 1.0;
            let (value, x_bar) = vjp(&Several, &point, &y_bar);
            let mut tape = Tape::new();
            tape.vjp_into(&Several, &x, &y_bar.map(Interval::point), &mut y, &mut bar);
            tape.vjp_into(&Several, &point.map(Interval::point), &y_bar.map(Interval::point), &mut thin_y, &mut thin_bar);
            assert_encloses(y[k], value[k], "value");
            for i in 0..N {
                assert_encloses(bar[i], x_bar[i], "adjoint");
                prop_assert!(thin_bar[i].is_subset(bar[i]), "isotone: {:?} ⊄ {:?}", thin_bar[i], bar[i]);
            }
        }
    }

    #[test]
    fn interval_hessian_rows_contain_point_rows((x, point) in boxes()) {
        let (_, g, h) = hessian(&Smooth, &point);
        let (mut bar, mut rows) = ([Interval::ZERO; N], [Interval::ZERO; N * N]);
        Tape::<Dual<Interval, 3>>::new().hessian_into(&Smooth, &x, &mut bar, &mut rows);
        let (_, forward_bar, forward_rows) = forward::hessian(&Smooth, &x);
        for i in 0..N {
            [bar[i], forward_bar[i]].iter().for_each(|&bar| assert_encloses(bar, g[i], "gradient"));
            for j in 0..N {
                [rows[i * N + j], forward_rows[i][j]].iter().for_each(|&row| assert_encloses(row, h[i * N + j], "Hessian"));
            }
        }
    }

    /// Boxes across kinks and across the jump, whose slope is everything.
    #[test]
    fn no_branch_is_lost((x, point) in boxes()) {
        let (value, g) = gradient(&Kinked, &point);
        let (_, _, h) = hessian(&Kinked, &point);
        let (enclosure, bar) = gradient(&Kinked, &x);
        let (_, forward_bar) = forward::gradient(&Kinked, &x);
        let (_, _, rows) = hessian(&Kinked, &x);
        assert_encloses(enclosure, value, "value");
        for i in 0..N {
            [bar[i], forward_bar[i]].iter().for_each(|&bar| assert_encloses(bar, g[i], "adjoint"));
            for j in 0..N {
                assert_encloses(rows[i * N + j], h[i * N + j], "Hessian");
            }
        }
    }

    /// Slopes of chords, which know nothing of any derivative: by the mean value theorem an enclosure has one in it.
    #[test]
    fn chords_lie_within((x, point) in boxes(), axis in 0..N) {
        let (_, bar) = gradient(&Kinked, &x);
        let at = |end: f64| {
            let mut point = point;
            point[axis] = end;
            Kinked.eval(&point)
        };
        let (low, high) = (x[axis].inf(), x[axis].sup());
        prop_assume!(high - low > 1e-3);
        let chord = (at(high) - at(low)) / (high - low);
        let slack = 1e-9 * (1.0 + chord.abs());
        prop_assert!(bar[axis].inf() - slack <= chord && chord <= bar[axis].sup() + slack, "{chord} ∉ {:?}", bar[axis]);
    }

    /// Orders 0 to 3 and three derivatives of each, to order six, which the peer has by nesting.
    #[test]
    fn activations_have_all_derivatives(x in -3.0..3.0_f64) {
        let inner = Dual3::new(x, 1.0, 0.0, 0.0);
        let outer = Dual3::new(inner, Dual3::from_re(1.0), Dual3::from_re(0.0), Dual3::from_re(0.0));
        let sigmoid = ((-outer).exp() + 1.0).recip();
        for (activation, y) in [
            (Activation::Identity, outer),
            (Activation::Tanh, outer.tanh()),
            (Activation::Sigmoid, sigmoid),
            (Activation::Softplus, (outer.exp() + 1.0).ln()),
            (Activation::Silu, outer * sigmoid),
        ] {
            let expected = [y.re.re, y.re.v1, y.re.v2, y.re.v3, y.v1.v3, y.v2.v3, y.v3.v3];
            for order in 0..4 {
                let got = parts(third(x).activation(activation, order));
                (0..4).for_each(|k| assert_close(got[k], expected[order + k], activation.name()));
                let jet = Jet { value: x, r: 1.0, v: 1.0, rv: 0.0 }.activation(activation, order);
                assert_close(jet.r, expected[order + 1], activation.name());
                assert_close(jet.rv, expected[order + 2], activation.name());
            }
        }
    }

    #[test]
    fn elementary_functions_have_their_derivatives(x in 0.2..3.0_f64) {
        let at = Dual3::new(x, 1.0, 0.0, 0.0);
        let check = |f: &dyn Fn(Third) -> Third, jet: &dyn Fn(Jet<f64>) -> Jet<f64>, y: Dual3<f64>, name: &str| {
            let expected = [y.re, y.v1, y.v2, y.v3];
            let got = parts(f(third(x)));
            (0..4).for_each(|k| assert_close(got[k], expected[k], name));
            let jet = jet(Jet { value: x, r: 1.0, v: 1.0, rv: 0.0 });
            [jet.value, jet.r, jet.rv].iter().zip(expected).for_each(|(&a, b)| assert_close(a, b, name));
        };
        macro_rules! check {
            ($($name:literal: $f:expr => $y:expr),* $(,)?) => { $(check(&$f, &$f, $y, $name);)* };
        }
        let density = (at.powi(2) * -0.5).exp() * 0.398_942_280_401_432_7;
        let distribution = Dual3::new(normal::cdf(x), density.re, density.v1, density.v2);
        check! {
            "recip": |x| x.recip() => at.recip(),
            "sqr": |x| x.sqr() => at.powi(2),
            "powi 5": |x| x.powi(5) => at.powi(5),
            "powi 1": |x| x.powi(1) => at,
            "powi 0": |x| x.powi(0) => Dual3::from_re(1.0),
            "powi −3": |x| x.powi(-3) => at.powi(-3),
            "sqrt": |x| x.sqrt() => at.sqrt(),
            "exp": |x| x.exp() => at.exp(),
            "ln": |x| x.ln() => at.ln(),
            "sin": |x| x.sin() => at.sin(),
            "cos": |x| x.cos() => at.cos(),
            "density": |x| x.normal_pdf() => density,
            "distribution": |x| x.normal_cdf() => distribution,
            "quotient": |x| x.sin() / x => at.sin() / at,
        }
    }
}

type Third = Dual<Dual<Dual<f64>>>;

/// A variable with three derivatives.
fn third(x: f64) -> Third {
    Dual::variable(Dual::variable(Dual::variable(x)))
}

fn parts(y: Third) -> [f64; 4] {
    [y.value.value.value, y.value.value.tangent[0], y.value.tangent[0].tangent[0], y.tangent[0].tangent[0].tangent[0]]
}

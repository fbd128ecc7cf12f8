//! Nanoseconds a point: p50 and p99 over blocks of 64 calls, each of which waits for the answer of the one before.
//!
//! `cargo bench --bench latency`; arguments are substrings of row names. Criterion has no percentiles of dependent calls.

use sobolev::nn::{Fixed, Native, Tabulated};

#[path = "networks/blocks.rs"]
mod blocks;
#[path = "networks/generated.rs"]
mod generated;
#[path = "networks/mod.rs"]
mod networks;
use networks::{ClosedForm, Collapsed, Dynamic, Eight, Pruned, Wide, random};

fn is_wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|a| !a.starts_with('-')).all(|a| name.contains(&a))
}

fn row(network: &str, what: &str, call: impl FnMut(f64) -> f64) {
    let name = format!("{network} {what}");
    if is_wanted(&name) {
        print(&name, blocks::percentiles(call));
    }
}

fn print(name: &str, [p50, p99]: [f64; 2]) {
    println!("{name:<49} p50 {p50:>10.1} ns   p99 {p99:>10.1} ns");
}

/// One network in every form.
fn network<C: Fixed>(name: &str) {
    let net = random::<C>();
    let native = Native::new(net);
    let dynamic = Dynamic::new(&net);
    let dense = networks::Dense::new(&net);
    let (mut x, mut ones) = (C::zero_inputs(), C::zero_inputs());
    x.as_mut().copy_from_slice(&POINT);
    ones.as_mut().fill(1.0);

    // Checked before timed: all forms agree.
    let (y, dy, gamma) = net.gamma(&x, &ones);
    for other in [native.value(&x), native.gamma(&x, &ones).0, dynamic.clone().value(&POINT), dense.value(&POINT)] {
        assert!((other - y).abs() < 1e-12 * y.abs().max(1.0), "{name}: {other} ≠ {y}");
    }
    let check = |other: f64, want: f64| assert!((other - want).abs() < 1e-11, "{name}: {other} ≠ {want}");
    check(native.gamma(&x, &ones).2, gamma);
    check(dynamic.clone().gradient(&POINT).1[6], dy.as_ref()[6]);
    check(dense.gradient(&POINT).1[6], dy.as_ref()[6]);
    check(net.hessian(&x).2.as_ref().iter().map(|r| r.as_ref().iter().sum::<f64>()).sum(), gamma);

    let nudged = |nudge: f64| {
        let mut x = x;
        x.as_mut()[0] += nudge;
        x
    };
    let sum = |x: &C::Inputs<f64>| x.as_ref().iter().sum::<f64>();
    row(name, "value, native", |e| native.value(&nudged(e)));
    row(name, "value, scalar", |e| net.value(&nudged(e)));
    row(name, "value, run-time widths", {
        let mut dynamic = dynamic.clone();
        move |e| dynamic.value(nudged(e).as_ref())
    });
    row(name, "value, faer", |e| dense.value(nudged(e).as_ref()));
    let first = |(y, dy): (f64, C::Inputs<f64>)| y + sum(&dy);
    row(name, "+ deltas, native", |e| first(native.value_and_gradient(&nudged(e))));
    row(name, "+ deltas, scalar", |e| first(net.value_and_gradient(&nudged(e))));
    row(name, "+ deltas, run-time widths", {
        let mut dynamic = dynamic.clone();
        move |e| {
            let (y, dy) = dynamic.gradient(nudged(e).as_ref());
            y + dy.iter().sum::<f64>()
        }
    });
    row(name, "+ deltas, faer", |e| {
        let (y, dy) = dense.gradient(nudged(e).as_ref());
        y + dy.iter().sum::<f64>()
    });
    let second = |(y, dy, gamma): (f64, C::Inputs<f64>, f64)| y + sum(&dy) + gamma;
    row(name, "+ deltas + gamma, native", |e| second(native.gamma(&nudged(e), &ones)));
    row(name, "+ deltas + gamma, scalar", |e| second(net.gamma(&nudged(e), &ones)));
    if let Ok(fast) = Tabulated::new(net, &C::inputs_of([-3.0, 3.0]), 1e-10) {
        check(fast.gamma(&x, &ones).0, y);
        println!("{name}: table of {} cells, errors {:.1e}", fast.table().cells(), fast.table().errors()[2]);
        row(name, "value, tail tabulated", |e| fast.value(&nudged(e)));
        row(name, "+ deltas, tail tabulated", |e| first(fast.value_and_gradient(&nudged(e))));
        row(name, "+ deltas + gamma, tail tabulated", |e| second(fast.gamma(&nudged(e), &ones)));
    }
    if C::PARAMS < 1000 {
        if is_wanted(&format!("{name} generated")) {
            generated::rows(&net, &POINT).iter().for_each(|(what, times)| print(&format!("{name} {what}"), *times));
        }
        let third =
            |(y, dy, h): (f64, C::Inputs<f64>, C::Square<f64>)| y + sum(&dy) + h.as_ref().iter().map(sum).sum::<f64>();
        row(name, "+ deltas + Hessian, native", |e| third(native.hessian(&nudged(e))));
        row(name, "+ deltas + Hessian, scalar", |e| third(net.hessian(&nudged(e))));
    }
}

fn main() {
    let basket = ClosedForm::example();
    row("closed form", "value", |e| basket.greeks(&nudge(e))[0]);
    row("closed form", "value + deltas + gamma", |e| basket.greeks(&nudge(e)).iter().sum());
    network::<Pruned>("7-3-3-1-2-2-2-1");
    network::<Collapsed>("7-3-3-1");
    network::<Eight>("7-8x6-1");
    network::<Wide>("7-128x6-1");
}

const POINT: [f64; 7] = [0.3, -0.5, 0.9, 1.4, -1.1, 0.2, -0.7];

fn nudge(e: f64) -> [f64; 7] {
    let mut x = POINT;
    x[0] += e;
    x
}

//! Sweeps, optimiser steps and simulation allocate nothing once their memory is there: a counting allocator shows it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sobolev::data::{Bundle, Curvature, Scaled, Simulator};
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::model::{Bachelier, Call};
use sobolev::nn::{Accum, Network, Slot, Stack};
use sobolev::train::{BatchGradient, Loss, LossWeights, Rows};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one only counts and passes on")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[track_caller]
fn none(what: &str, mut run: impl FnMut()) {
    run();
    let before = COUNT.get();
    run();
    assert_eq!(COUNT.get() - before, 0, "{what} allocated");
}

fn net(hidden: &[usize]) -> Network<Stack, f64> {
    let mut rng = Streams::new(1, Purpose::Initialisation).next().unwrap();
    Network::init(Stack::mlp(7, hidden, 1, Activation::Silu), &mut rng)
}

#[test]
fn every_sweep() {
    for hidden in [vec![128; 3], vec![3, 3, 1, 2, 2, 2], vec![37]] {
        let net = net(&hidden);
        let (mut ws, mut grad) = (net.workspace(), vec![0.0; net.params().len()]);
        none("forward", || net.forward::<2, _>(&mut ws));
        none("reverse", || net.reverse::<2, _>(&mut ws));
        none("tangent", || net.tangent(&mut ws));
        none("second reverse", || net.second_reverse(&mut ws));
        none("second reverse with parameters", || net.second_reverse_params(&mut ws, &mut grad, Accum::Add));
        none("reverse with parameters", || net.reverse_params(&mut ws, &mut grad, Accum::Add));
        assert!(ws.output(Slot::Value)[0][0].is_finite());
        let mut ws = net.curvature_workspace();
        none("lift", || net.lift(&mut ws));
        none("product", || net.product(&mut ws));
        none("pull", || net.pull(&mut ws, &mut grad, Accum::Add));
        none("total", || net.total(&mut ws, &mut grad, Accum::Add));
        assert!(ws.value()[0].is_finite());
    }
}

#[test]
fn the_gradient_of_a_batch() {
    let x = faer::Mat::from_fn(300, 7, |r, j| ((r * 7 + j) as f64).sin());
    let mut data = Scaled::new(x.clone(), faer::Mat::from_fn(300, 1, |r, _| x[(r, 0)]), Some(x));
    let mut labels = Curvature::new(300, 300);
    labels.put_scaled(Bundle::new(0..300, faer::Mat::identity(7, 2)));
    data.set_curvature(Some(labels));
    for hidden in [&[9, 5][..], &[8, 8]] {
        let net = net(hidden);
        for loss in [Loss::Values, Loss::SOBOLEV, Loss::SECOND_ORDER] {
            let (mut weights, mut gradient) = (LossWeights::new(loss, &data), BatchGradient::new(&net, 300));
            weights.set(loss, 2);
            none("a gradient", || _ = gradient.compute(&net, &data, &Rows::Range(0..300), &weights));
        }
    }
}

#[test]
fn simulation() {
    let (model, call) = (Bachelier::random(1, 7).unwrap(), Call::default());
    let (simulator, mut streams) = (Simulator::new(&model, &call, 4).unwrap(), Streams::new(1, Purpose::Training));
    let mut samples = simulator.draw(&mut streams, 512);
    none("a draw", || simulator.draw_into(&mut streams, &mut samples));
}

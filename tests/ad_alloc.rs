//! A tape allocates nothing after its first recording.

#![expect(unsafe_code, reason = "an allocator that counts is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sobolev::ad::{Dual, Function, Lanes, Tape};
use sobolev::math::Scalar;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A smoothed call on a geometric basket: products, elementary functions, a branch.
struct Payoff;

impl Function for Payoff {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let log = x.iter().fold(S::zero(), |sum, &x| sum + x.ln()) / S::constant(x.len() as f64);
        let gain = log.exp() - S::one();
        gain.max(S::constant(-0.5)) + gain.silu() * gain.sin().sqr()
    }
}

fn count(mut call: impl FnMut()) -> usize {
    let before = ALLOCATIONS.get();
    call();
    ALLOCATIONS.get() - before
}

/// Allocations of a first and of a second call.
fn twice<T: Scalar>(mut call: impl FnMut(&mut Tape<T>)) -> [usize; 2] {
    let mut tape = Tape::new();
    [count(|| call(&mut tape)), count(|| call(&mut tape))]
}

fn assert_only_first([first, second]: [usize; 2]) {
    assert!(first > 0, "the counter counts");
    assert_eq!(second, 0);
}

#[test]
fn gradients_reuse_the_tape() {
    let (x, mut gradient) = ([1.1; 7], [0.0; 7]);
    assert_only_first(twice::<f64>(|tape| _ = tape.gradient_into(&Payoff, &x, &mut gradient)));
}

#[test]
fn gradients_in_lanes_reuse_the_tape() {
    let (x, mut gradient) = ([Lanes::splat(1.1); 7], [Lanes::splat(0.0); 7]);
    assert_only_first(twice::<Lanes<f64, 8>>(|tape| _ = tape.gradient_into(&Payoff, &x, &mut gradient)));
}

#[test]
fn hessians_reuse_the_tape() {
    let (x, mut gradient, mut hessian) = ([1.1; 7], [0.0; 7], [0.0; 49]);
    assert_only_first(twice::<Dual<f64, 4>>(|tape| _ = tape.hessian_into(&Payoff, &x, &mut gradient, &mut hessian)));
}

#[test]
fn recordings_by_hand_reuse_the_tape() {
    assert_only_first(twice::<f64>(|tape| {
        tape.clear();
        let x = [1.0, 2.0, 3.0].map(|x| tape.input(x));
        let bar = Payoff.eval(&x).adjoints();
        assert!(x.iter().all(|&x| bar.of(x).is_finite()));
    }));
}

//! Narrow networks of every width, depth, activation and number of samples against the sweeps over columns, on every
//! instruction set that the machine has.

use proptest::prelude::*;
use pulp::Arch;

use super::{NarrowWorkspace, SAMPLES, WIDTH};
use crate::math::Activation;
use crate::nn::props::{close, instruction_sets, numbers};
use crate::nn::{Accum, Chain, Layer, Network, Packed, Slot, Stack, TILE};

fn narrow() -> impl Strategy<Value = Network<Stack, f64>> {
    let hidden = prop::collection::vec((1..=WIDTH, prop::sample::select(Activation::ALL.to_vec())), 1..5);
    (1_usize..20, hidden, any::<u64>()).prop_map(|(inputs, hidden, seed)| {
        let mut width = inputs;
        let mut layer = |(next, function)| Layer::new(std::mem::replace(&mut width, next), next, function);
        let layers = hidden.into_iter().chain([(1, Activation::Identity)]).map(&mut layer).collect();
        let stack = Stack::from_layers(layers);
        let params = numbers(seed, stack.params()).map(|u| 0.8 * u).collect();
        Network::new(stack, params)
    })
}

/// `x`, `r` and `ȳ`: columns of so many samples.
struct Data {
    samples: usize,
    x: Vec<Vec<f64>>,
    r: Vec<Vec<f64>>,
    y: Vec<f64>,
}

/// `f`, `∇f`, and the gradient in the parameters on top of what stood there.
struct Out {
    f: Vec<f64>,
    bar: Vec<Vec<f64>>,
    grad: Vec<f64>,
}

fn put<T: Packed, const R: usize>(columns: &mut [[T; R]], from: &[Vec<f64>], at: usize) {
    for (column, from) in columns.iter_mut().zip(from) {
        let from = from[at..].iter().copied().chain(std::iter::repeat(0.0));
        column.iter_mut().zip(from).for_each(|(place, x)| *place = T::of(x));
    }
}

fn take<T: Packed, const R: usize>(column: &[T; R], samples: usize) -> Vec<f64> {
    column[..samples.min(R)].iter().map(|x| x.to_f64()).collect()
}

/// By the strips.
fn strips<T: Packed>(net: &Network<Stack, T>, data: &Data, sobolev: bool, arch: Arch, accum: Accum) -> Out {
    let mut ws = NarrowWorkspace::new(net.chain());
    ws.set_arch(arch);
    let mut grad = vec![T::ONE; net.params().len()];
    put(ws.inputs_mut(), &data.x, 0);
    // The second time over the same memory must be like the first.
    for _ in 0..2 {
        grad.fill(T::ONE);
        if sobolev {
            net.narrow_lift(&mut ws, data.samples);
            put(ws.gradient_and_residual().1, &data.r, 0);
        } else {
            net.narrow_value(&mut ws, data.samples);
        }
        put(std::slice::from_mut(ws.value_and_residual().1), std::slice::from_ref(&data.y), 0);
        if sobolev {
            net.narrow_pull(&mut ws, data.samples, &mut grad, accum);
        } else {
            net.narrow_pull_value(&mut ws, data.samples, &mut grad, accum);
        }
    }
    let bar = ws.gradient_and_residual().0.iter().map(|c| take(c, data.samples)).collect();
    Out { f: take(ws.value_and_residual().0, data.samples), bar, grad: grad.into_iter().map(T::to_f64).collect() }
}

/// By the sweeps over columns.
fn columns(net: &Network<Stack, f64>, data: &Data, sobolev: bool, mut accum: Accum) -> Out {
    let (mut ws, mut grad) = (net.workspace(), vec![1.0; net.params().len()]);
    let (mut f, mut bar) = (vec![], vec![vec![]; net.chain().inputs()]);
    for at in (0..data.samples).step_by(TILE) {
        let left = data.samples - at;
        put(ws.input_mut(Slot::Value), &data.x, at);
        if sobolev {
            net.forward::<2, _>(&mut ws);
            ws.output_mut(Slot::Bar)[0].fill(1.0);
            net.reverse::<2, _>(&mut ws);
            put(ws.input_mut(Slot::Dot), &data.r, at);
            net.tangent(&mut ws);
            put(ws.output_mut(Slot::BarDot), std::slice::from_ref(&data.y), at);
            net.second_reverse_params(&mut ws, &mut grad, accum);
        } else {
            net.forward::<1, _>(&mut ws);
            put(ws.output_mut(Slot::Bar), std::slice::from_ref(&data.y), at);
            net.reverse_params(&mut ws, &mut grad, accum);
        }
        f.extend(take(&ws.output(Slot::Value)[0], left));
        bar.iter_mut().zip(ws.input(Slot::Bar)).for_each(|(all, c)| all.extend(take(c, left)));
        accum = Accum::Add;
    }
    Out { f, bar, grad }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn strips_are_the_sweeps(
        net in narrow(),
        samples in 1_usize..=SAMPLES,
        sobolev in any::<bool>(),
        add in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let column = |salt: usize| -> Vec<f64> { numbers(seed ^ salt as u64, samples).collect() };
        let inputs = net.chain().inputs();
        let data = Data {
            samples,
            x: (0..inputs).map(|j| column(2 * j + 1)).collect(),
            r: (0..inputs).map(|j| column(2 * j + 101)).collect(),
            y: column(1001),
        };
        let accum = if add { Accum::Add } else { Accum::Replace };
        let want = columns(&net, &data, sobolev, accum);
        let single = net.cast::<f32>();
        for arch in instruction_sets() {
            let mut got = vec![(strips(&net, &data, sobolev, arch, accum), 1e-12)];
            // Rounding may take an argument across a kink.
            if net.chain().layers().iter().all(|l| l.activation != Activation::Relu) {
                got.push((strips(&single, &data, sobolev, arch, accum), 2e-4));
            }
            // Sums of terms of either sign, as many as there are samples.
            let size = want.grad.iter().fold(1.0, |m: f64, g| m.max(g.abs()));
            for (got, tolerance) in got {
                for (a, b) in got.f.iter().zip(&want.f) {
                    prop_assert!(close(*a, *b, 10.0 * tolerance), "value {a} ≠ {b} on {arch:?}");
                }
                for (a, b) in got.bar.iter().flatten().zip(want.bar.iter().flatten()).filter(|_| sobolev) {
                    prop_assert!(close(*a, *b, 10.0 * tolerance), "slope {a} ≠ {b} on {arch:?}");
                }
                for (a, b) in got.grad.iter().zip(&want.grad) {
                    prop_assert!((a - b).abs() <= 10.0 * tolerance * size, "gradient {a} ≠ {b} of {size} on {arch:?}");
                }
            }
        }
    }
}

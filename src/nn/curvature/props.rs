//! Properties of the second-order sweeps over random shapes and smooth activations: products against those of the
//! first-order sweeps, gradients against differences, symmetry in the two directions, and the promised number of products.

use std::cell::Cell;

use proptest::prelude::*;

use super::sweeps::{Across, Adjoint, Along, Lift, Mixed, PARTS, Product, Pull, Total, Walk};
use crate::math::{Activation, Separate};
use crate::nn::props::{batch, close, network, numbers};
use crate::nn::{Accum, Chain, Kernel, Layer, Loops, Network, Stack, TILE};

/// Kinks have no third derivative.
fn smooth() -> impl Strategy<Value = Network<Stack, f64>> {
    network(Just(1_usize))
        .prop_filter("smooth", |net| net.chain().layers().iter().all(|l| l.activation != Activation::Relu))
}

/// A jet to be differentiated: `S = Σᵣ ȳ·f + r·∇f + Σ_d ρ_d·H v_d` over one tile.
struct Jet {
    x: faer::Mat<f64>,
    value: Vec<f64>,
    slope: faer::Mat<f64>,
    /// `v`, the same for every sample, and `ρ`.
    pairs: Vec<(Vec<f64>, faer::Mat<f64>)>,
}

impl Jet {
    fn random(inputs: usize, directions: usize, seed: u64) -> Self {
        let part = |salt: u64| batch(TILE, inputs, seed ^ (salt << 7));
        Self {
            x: part(1),
            value: numbers(seed ^ 77, TILE).collect(),
            slope: part(2),
            pairs: (0..directions as u64).map(|d| (numbers(seed ^ (13 + d), inputs).collect(), part(3 + d))).collect(),
        }
    }

    /// By the first-order sweeps alone.
    fn sum(&self, net: &Network<Stack, f64>) -> f64 {
        let dot = |a: &faer::Mat<f64>, b: &faer::Mat<f64>| {
            (0..TILE).map(|r| (0..a.ncols()).map(|j| a[(r, j)] * b[(r, j)]).sum::<f64>()).sum::<f64>()
        };
        let (y, dy) = net.value_and_gradient(self.x.as_ref());
        let values: f64 = (0..TILE).map(|r| self.value[r] * y[(r, 0)]).sum();
        let mixed = |(v, rho): &(Vec<f64>, faer::Mat<f64>)| dot(&net.hvp(self.x.as_ref(), v).2, rho);
        values + dot(&self.slope, &dy) + self.pairs.iter().map(mixed).sum::<f64>()
    }

    /// By the sweeps under test.
    fn gradient(&self, net: &Network<Stack, f64>) -> Vec<f64> {
        // What stands in a gradient that is replaced must not matter.
        let (mut ws, mut grad, mut accum) = (net.curvature_workspace(), vec![1.0; net.params().len()], Accum::Replace);
        let put = |columns: &mut [[f64; TILE]], from: &faer::Mat<f64>| {
            columns.iter_mut().enumerate().for_each(|(j, c)| c.copy_from_slice(from.col_as_slice(j)));
        };
        put(ws.inputs_mut(), &self.x);
        net.lift(&mut ws);
        for (v, rho) in &self.pairs {
            ws.direction_mut().iter_mut().zip(v).for_each(|(c, v)| c.fill(*v));
            net.product(&mut ws);
            put(ws.product_and_residual().1, rho);
            net.pull(&mut ws, &mut grad, accum);
            accum = Accum::Add;
        }
        put(ws.gradient_and_residual().1, &self.slope);
        ws.value_residual_mut().copy_from_slice(&self.value);
        net.total(&mut ws, &mut grad, accum);
        grad
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The directional derivative of `S`, by fourth-order differences of sums that know nothing of the sweeps under test.
    #[test]
    fn gradients_are_differences(net in smooth(), directions in 0_usize..4, seed in any::<u64>()) {
        let jet = Jet::random(net.chain().inputs(), directions, seed);
        let gradient = jet.gradient(&net);
        let towards: Vec<f64> = numbers(seed ^ 99, gradient.len()).collect();
        let mut moved = net.clone();
        let mut at = |h: f64| {
            for ((p, start), d) in moved.params_mut().iter_mut().zip(net.params()).zip(&towards) {
                *p = start + h * d;
            }
            jet.sum(&moved)
        };
        let h = 5e-4;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        let got: f64 = gradient.iter().zip(&towards).map(|(g, d)| g * d).sum();
        let scale = gradient.iter().map(|g| g.abs()).sum::<f64>();
        prop_assert!((got - slope).abs() <= 1e-7 * (1.0 + scale), "{got} ≠ {slope} of {scale}");
    }

    /// Products are those of the first-order sweeps, for every sample; the jacobian's rows sum up to the gradient.
    #[test]
    fn products_and_rows_agree(net in smooth(), seed in any::<u64>()) {
        let inputs = net.chain().inputs();
        let mut jet = Jet::random(inputs, 1, seed);
        let (v, rho) = jet.pairs[0].clone();
        let (_, _, want) = net.hvp(jet.x.as_ref(), &v);
        let products = net.hessian_products(jet.x.as_ref(), faer::Mat::from_fn(inputs, 1, |j, _| v[j]).as_ref());
        for j in 0..inputs {
            for r in 0..TILE {
                prop_assert!(close(products[(r, j)], want[(r, j)], 1e-11), "{} ≠ {}", products[(r, j)], want[(r, j)]);
            }
        }
        let mut ws = net.curvature_workspace();
        ws.inputs_mut().iter_mut().enumerate().for_each(|(j, c)| c.copy_from_slice(jet.x.col_as_slice(j)));
        net.lift(&mut ws);
        let (mut rows, mut sum) = (vec![[0.0; TILE]; net.params().len()], vec![0.0; net.params().len()]);
        for j in 0..inputs {
            ws.direction_mut().iter_mut().zip(&v).for_each(|(c, v)| c.fill(*v));
            net.product(&mut ws);
            net.product_jacobian(&mut ws, j, &mut rows);
            for (sum, row) in sum.iter_mut().zip(&rows) {
                *sum += row.iter().zip(rho.col_as_slice(j)).map(|(a, b)| a * b).sum::<f64>();
            }
        }
        (jet.value, jet.slope) = (vec![0.0; TILE], faer::Mat::zeros(TILE, inputs));
        for (sum, want) in sum.iter().zip(jet.gradient(&net)) {
            prop_assert!(close(*sum, want, 1e-9), "{sum} ≠ {want}");
        }
    }

    /// `ρᵀHv = vᵀHρ`, and so are their gradients, though one direction is known before the other in the sweeps.
    #[test]
    fn directions_may_change_places(net in smooth(), seed in any::<u64>()) {
        let inputs = net.chain().inputs();
        let mut jet = Jet::random(inputs, 1, seed);
        let u: Vec<f64> = numbers(seed ^ 5, inputs).collect();
        jet.pairs[0].1 = faer::Mat::from_fn(TILE, inputs, |_, j| u[j]);
        let one = jet.gradient(&net);
        let v = std::mem::replace(&mut jet.pairs[0].0, u);
        jet.pairs[0].1 = faer::Mat::from_fn(TILE, inputs, |_, j| v[j]);
        let scale = one.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        for (a, b) in one.iter().zip(jet.gradient(&net)) {
            prop_assert!((a - b).abs() <= 1e-10 * (1.0 + scale), "{a} ≠ {b}");
        }
    }
}

/// Counts the products that it passes on.
#[derive(Clone, Copy)]
struct Counting<'a>(&'a Cell<usize>);

impl Kernel<f64, 1> for Counting<'_> {
    type Contract = Separate;
    fn contract(self) -> Separate {
        Separate
    }
    fn affine(self, w: &[f64], bias: Option<&[f64]>, x: &[[f64; 1]], out: &mut [[f64; 1]]) {
        self.0.set(self.0.get() + 1);
        Loops(Separate).affine(w, bias, x, out);
    }
    fn transposed(self, w: &[f64], z: &[[f64; 1]], out: &mut [[f64; 1]]) {
        self.0.set(self.0.get() + 1);
        Loops(Separate).transposed(w, z, out);
    }
    fn outer(self, z: &[[f64; 1]], x: &[[f64; 1]], grad: &mut [f64], accum: Accum, scratch: &mut [f64]) {
        self.0.set(self.0.get() + 1);
        Loops(Separate).outer(z, x, grad, accum, scratch);
    }
    fn row_sums(self, z: &[[f64; 1]], grad: &mut [f64], accum: Accum) {
        Loops(Separate).row_sums(z, grad, accum);
    }
}

/// `6k + 6` products a layer, less those that would take adjoints on to the inputs.
#[test]
fn products_are_as_many_as_promised() {
    let layers: &[Layer] = &[
        Layer::new(3, 5, Activation::Silu),
        Layer::new(5, 4, Activation::Tanh),
        Layer::new(4, 1, Activation::Identity),
    ];
    let params: Vec<f64> = numbers(3, layers.params()).collect();
    for k in 0..5 {
        let (count, mut grad) = (Cell::new(0), vec![0.0; params.len()]);
        let mut tape = vec![[0.3]; PARTS * layers.nodes()];
        let kernel = Counting(&count);
        macro_rules! both {
            ($down:ident, $up:ident) => {
                layers.down(&mut $down(Walk::down(kernel, &params, &mut tape)));
                layers.up(&mut $up(Walk::up(kernel, &params, &mut tape, 1, &mut grad, Accum::Add, &mut [])));
            };
        }
        both!(Lift, Adjoint);
        for _ in 0..k {
            both!(Along, Product);
            both!(Across, Pull);
        }
        both!(Mixed, Total);
        assert_eq!(count.get(), (6 * k + 6) * layers.len() - (k + 1));
    }
}

mod typed {
    use super::*;
    use crate::nn::Fixed;

    crate::network!(Mixed2: 3 => 5 silu => 4 tanh => 3 softplus => 2 sigmoid => 1);

    /// Widths that are types change no bit.
    #[test]
    fn typed_and_thawed_agree() {
        let typed = Network::<_, f64>::new(Mixed2, numbers(3, Mixed2::PARAMS).collect());
        let (x, v) = (batch(100, 3, 4), batch(3, 2, 5));
        assert_eq!(
            typed.hessian_products(x.as_ref(), v.as_ref()),
            typed.clone().thaw().hessian_products(x.as_ref(), v.as_ref())
        );
    }
}

//! One training step as the benches take it: our own, a naive twin, and one layer at a time through faer; and what the
//! machine allows at most.

pub(crate) mod layers;
pub(crate) mod naive;
pub(crate) mod peak;

use faer::Mat;
use pulp::Arch;
use sobolev::data::{Bundle, Curvature, Scaled};
use sobolev::math::Activation;
use sobolev::math::random::{Normals, Purpose, Streams};
use sobolev::nn::{Chain, Network, Packed, Stack};
use sobolev::train::{Adam, BatchGradient, Loss, LossWeights, Losses, Rows};

pub(crate) use peak::peak;

/// Directions of the second-order loss.
pub(crate) const DIRECTIONS: usize = 2;

/// Operations in the products of one step: three passes for values, six for the Sobolev loss, 6k + 6 with k directions; the
/// ones at the inputs that nobody needs left out.
pub(crate) fn flops(chain: &impl Chain, loss: Loss, batch: usize) -> f64 {
    let weights: usize = chain.layers().iter().map(|l| l.weights()).sum();
    let first = chain.layers()[0].weights();
    let passes = match loss {
        Loss::Values => 3 * weights - first,
        Loss::Sobolev { .. } => 6 * weights - first,
        Loss::SecondOrder { .. } => (6 * DIRECTIONS + 6) * weights - (DIRECTIONS + 1) * first,
    };
    2.0 * (passes * batch) as f64
}

/// Inputs, values, derivatives and products of the Hessian with directions, all standard normal.
pub(crate) fn data<T: Packed>(n: usize, inputs: usize) -> Scaled<T> {
    let mut numbers = vec![0.0; n * (2 * inputs + 1 + DIRECTIONS * inputs) + inputs * DIRECTIONS];
    Normals::new(&mut Streams::new(1, Purpose::Training).next().expect("endless")).fill(&mut numbers);
    let mut next = numbers.into_iter().map(T::of);
    let mut draw = |rows, columns| Mat::from_fn(rows, columns, |_, _| next.next().expect("enough of them"));
    let mut data = Scaled::new(draw(n, inputs), draw(n, 1), Some(draw(n, inputs)));
    let mut bundle = Bundle::new(0..n, draw(inputs, DIRECTIONS));
    bundle.products = draw(n, DIRECTIONS * inputs);
    let mut curvature = Curvature::new(n, n);
    curvature.put_scaled(bundle);
    data.set_curvature(Some(curvature));
    data
}

/// A network, data, and all that a step needs.
pub(crate) struct Step<T: Packed> {
    pub(crate) net: Network<Stack, T>,
    pub(crate) data: Scaled<T>,
    pub(crate) weights: LossWeights,
    gradient: BatchGradient<T>,
    adam: Adam<T>,
}

impl<T: Packed> Step<T> {
    pub(crate) fn new(hidden: &[usize], loss: Loss, data: Scaled<T>, arch: Arch) -> Self {
        let mut rng = Streams::new(1, Purpose::Initialisation).next().expect("endless");
        let net = Network::<_, T>::init(Stack::mlp(data.inputs().ncols(), hidden, 1, Activation::Silu), &mut rng);
        Self::of(net, loss, data, arch)
    }

    pub(crate) fn of(net: Network<Stack, T>, loss: Loss, data: Scaled<T>, arch: Arch) -> Self {
        let mut weights = LossWeights::new(loss, &data);
        weights.set(loss, if loss.is_second_order() { DIRECTIONS } else { 0 });
        let gradient = BatchGradient::new(&net, data.len()).on(arch);
        let adam = Adam::new(net.params().len()).on(arch);
        Self { net, data, weights, gradient, adam }
    }

    /// Loss and gradient, the latter left in parts.
    pub(crate) fn gradient(&mut self) -> Losses {
        self.gradient.compute(&self.net, &self.data, &Rows::Range(0..self.data.len()), &self.weights)
    }

    /// The whole gradient, for checks.
    pub(crate) fn summed(&mut self) -> (f64, Vec<f64>) {
        let loss = self.gradient().weighted(&self.weights);
        let mut sum = vec![0.0; self.net.params().len()];
        for part in self.gradient.parts() {
            sum.iter_mut().zip(part).for_each(|(s, g)| *s += g.to_f64());
        }
        (loss, sum)
    }

    /// A whole step, at a rate that leaves the network as it was.
    pub(crate) fn run(&mut self) -> Losses {
        let losses = self.gradient();
        let parts: Vec<&[T]> = self.gradient.parts().collect();
        self.adam.step(self.net.params_mut(), &parts, 1e-9, self.gradient.parallel());
        losses
    }
}

/// Largest difference between two gradients, relative to the largest entry.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    let size = b.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / size
}

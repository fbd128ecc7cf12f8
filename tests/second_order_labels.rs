//! Pathwise products with the Hessian: against one tape over each path, against finite differences of deltas over the same
//! paths, against the closed form.

use faer::Mat;
use sobolev::ad::{Function, hvp};
use sobolev::data::{CHUNK, Samples, Simulator};
use sobolev::math::Scalar;
use sobolev::math::random::{Normals, Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::{Bachelier, Call, ClosedForm, Jacobian, Model, ModelError, Payoff, Regularity, Smoothing};

const BASKET_SEED: u64 = 11;

fn streams() -> Streams {
    Streams::new(5, Purpose::Training)
}

/// A model with nothing but its path, and what it says of its Jacobian.
struct Plain<M>(M, Jacobian);

impl<M: Model> Model for Plain<M> {
    fn inputs(&self) -> usize {
        self.0.inputs()
    }
    fn noise(&self) -> usize {
        self.0.noise()
    }
    fn observables(&self) -> usize {
        self.0.observables()
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        self.0.path(inputs, noise, observables);
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        self.0.training_inputs(normals, inputs);
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        self.0.test_inputs(uniforms, inputs);
    }
    fn jacobian(&self) -> Jacobian {
        self.1
    }
}

/// Lognormal assets, all looked at: affine in the inputs for each noise. Or curved in them, for one that is not.
struct Assets {
    curved: bool,
}

impl Model for Assets {
    fn inputs(&self) -> usize {
        3
    }
    fn noise(&self) -> usize {
        3
    }
    fn observables(&self) -> usize {
        3
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        for i in 0..3 {
            let x = if self.curved { inputs[i].sqr() * inputs[(i + 1) % 3] } else { inputs[i] };
            observables[i] = x * (S::constant(0.3) * noise[i]).exp();
        }
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        inputs.iter_mut().zip(normals).for_each(|(x, &z)| *x = (S::constant(0.2) * z).exp());
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        inputs.copy_from_slice(uniforms);
    }
}

/// Call on the product of all observables over their sum.
struct Ratio;

impl Payoff for Ratio {
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        let (product, sum) = observables.iter().fold((S::one(), S::zero()), |(p, s), &x| (p * x, s + x));
        smoothing.positive_part(product / sum - S::constant(0.3))
    }
    fn regularity(&self) -> Regularity {
        Regularity::Lipschitz
    }
}

/// Two directions, other ones for each block.
fn directions(blocks: usize, m: usize) -> Mat<f64> {
    Mat::from_fn(blocks, 2 * m, |b, column| ((7 * b + 3 * column) % 11) as f64 / 11.0 - 0.4)
}

/// Path and payoff as one function of inputs and noise.
struct Path<'a, M, P>(&'a M, &'a P, Smoothing);

impl<M: Model, P: Payoff> Function for Path<'_, M, P> {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (inputs, noise) = x.split_at(self.0.inputs());
        let mut observables = vec![S::zero(); self.0.observables()];
        self.0.path(inputs, noise, &mut observables);
        self.1.pay(&observables, self.2)
    }
}

/// The products of a ragged draw, held to a plain loop over the same random numbers with one tape over each path.
#[track_caller]
fn checked(model: &impl Model, payoff: &impl Payoff, block: usize) -> Mat<f64> {
    let (n, m, pairs) = (CHUNK + 45, model.inputs(), 2);
    let smoothing = Smoothing::of_width(0.1).unwrap();
    // Labels of the payoff itself, curvature of its smoothing.
    let simulator = Simulator::new(model, payoff, pairs).unwrap();
    let samples = simulator.draw(&mut streams(), n);
    let directions = directions(n.div_ceil(block), m);
    let mut products = Mat::zeros(n, 2 * m);
    simulator.hessian_products_into(&samples, smoothing, directions.as_ref(), block, &mut products).unwrap();

    let path = Path(model, payoff, smoothing);
    for (chunk, mut generator) in streams().take(2).enumerate() {
        let mut normals = Normals::new(&mut generator);
        let mut draw = |count: usize| (0..count).map(|_| normals.draw()).collect::<Vec<_>>();
        for first in (chunk * CHUNK..n.min((chunk + 1) * CHUNK)).step_by(8) {
            draw(m); // for the inputs
            let noise = [draw(model.noise()), draw(model.noise())];
            for row in first..n.min(first + 8) {
                let mut sums = vec![0.0; 2 * m];
                for (noise, sign) in noise.iter().flat_map(|z| [(z, 1.0), (z, -1.0)]) {
                    let x = samples.inputs().row(row).iter().copied();
                    let x: Vec<f64> = x.chain(noise.iter().map(|z| sign * z[row - first])).collect();
                    for d in 0..2 {
                        let v = |j: usize| if j < m { directions[(row / block, d * m + j)] } else { 0.0 };
                        let (_, _, hv) = hvp(&path, &x, &(0..x.len()).map(v).collect::<Vec<_>>());
                        (0..m).for_each(|j| sums[d * m + j] += hv[j] / (2 * pairs) as f64);
                    }
                }
                for (j, want) in sums.iter().enumerate() {
                    let got = products[(row, j)];
                    assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()), "{got} ≠ {want} at {row}, {j}");
                }
            }
        }
    }
    products
}

/// Every way there is: a Jacobian that is constant, of the noise alone, of inputs too; one observable and several; blocks that
/// chunks and batches cut.
#[test]
fn every_way_is_the_taped_way() {
    let bachelier = || Bachelier::random(BASKET_SEED, 4).unwrap();
    let call = Call::default();
    let fast = checked(&bachelier(), &call, 100);
    for jacobian in [Jacobian::Constant, Jacobian::OfNoise, Jacobian::General] {
        let plain = checked(&Plain(bachelier(), jacobian), &call, 100);
        let off = (fast.as_ref() - plain.as_ref()).norm_max();
        assert!(off < 1e-12, "{jacobian:?}: {off:e}");
    }
    for jacobian in [Jacobian::OfNoise, Jacobian::General] {
        checked(&Plain(Assets { curved: false }, jacobian), &Ratio, 3);
    }
    checked(&Assets { curved: true }, &Ratio, 1);
}

/// `1ᵀH1` of the call against its closed form. Smoothing is the convolution with a logistic kernel of deviation πw/√3, which
/// lessens gamma at the money by a share of π²w²/(6s²) to second order: 0.4 %.
#[test]
fn curvature_is_gamma() {
    let model = Bachelier::random(BASKET_SEED, 3).unwrap();
    let (call, w) = (Call::default(), 0.01);
    let mut samples = Samples::zeros(60_000, 3, true);
    samples.inputs_mut().fill(1.1);
    let simulator = Simulator::new(&model, &call, 4).unwrap();
    simulator.label_into(&mut streams(), &mut samples);
    let mut products = Mat::zeros(samples.len(), 3);
    let ones = Mat::from_fn(1, 3, |_, _| 1.0);
    let smoothing = Smoothing::of_width(w).unwrap();
    simulator.hessian_products_into(&samples, smoothing, ones.as_ref(), samples.len(), &mut products).unwrap();
    let gammas: Vec<f64> = (0..samples.len()).map(|r| products.row(r).iter().sum()).collect();
    let (moments, truth) = (Moments::of(&gammas), model.greeks(&call, &[1.1; 3], &mut [0.0; 3]).unwrap().gamma);
    let (off, error) = (moments.mean() - truth, moments.standard_error());
    assert!(error < 0.01 * truth && off.abs() < 5.0 * error + 0.005 * truth, "off by {off} of {truth}, error {error}");
}

#[test]
fn curvature_of_a_kink_is_refused() {
    let (model, call) = (Bachelier::random(BASKET_SEED, 2).unwrap(), Call::default());
    let simulator = Simulator::new(&model, &call, 1).unwrap();
    let samples = simulator.draw(&mut streams(), 8);
    let ones = Mat::from_fn(1, 2, |_, _| 1.0);
    let error = simulator.hessian_products_into(&samples, Smoothing::NONE, ones.as_ref(), 8, &mut Mat::zeros(8, 2));
    assert!(matches!(error, Err(ModelError::NotPathwise { order: 2, .. })), "{error:?}");
}

//! The networks that latency and throughput are measured on, and what they are measured against.
#![allow(dead_code, reason = "each bench uses a part")]

use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, ColRef, Mat, MatRef, Par};
use rand_distr::{Distribution, StandardNormal};
use sobolev::math::random::{Purpose, Streams};
use sobolev::math::{Activation, Separate, normal};
use sobolev::nn::{Chain as _, Fixed, Forward, Frozen, Layer, Loops, Network, Reverse, SLOTS, Slot};

sobolev::network!(pub(crate) Pruned: 7 => 3 silu => 3 silu => 1 silu => 2 silu => 2 silu => 2 silu => 1);
sobolev::network!(pub(crate) Collapsed: 7 => 3 silu => 3 silu => 1);
sobolev::network!(pub(crate) Eight: 7 => 8 silu => 8 silu => 8 silu => 8 silu => 8 silu => 8 silu => 1);
sobolev::network!(pub(crate) Wide: 7 => 128 silu => 128 silu => 128 silu => 128 silu => 128 silu => 128 silu => 1);

/// Normal numbers under a fixed seed.
pub(crate) fn normals(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = Streams::new(seed, Purpose::Test).next().expect("endless");
    move || StandardNormal.sample(&mut rng)
}

/// A network as training starts.
pub(crate) fn random<C: Fixed>() -> Frozen<C, f64> {
    let mut rng = Streams::new(1, Purpose::Initialisation).next().expect("endless");
    Network::init(C::default(), &mut rng).freeze()
}

/// The Bachelier basket: price, seven deltas, gamma `1ᵀH1`.
pub(crate) struct ClosedForm {
    weights: [f64; 7],
    strike: f64,
    deviation: f64,
}

impl ClosedForm {
    /// A basket near the money.
    pub(crate) fn example() -> Self {
        Self { weights: std::array::from_fn(|i| (i + 1) as f64 / 28.0), strike: 0.1, deviation: 0.2 }
    }
    /// Price, deltas, gamma.
    #[inline(never)]
    pub(crate) fn greeks(&self, x: &[f64; 7]) -> [f64; 9] {
        let forward: f64 = self.weights.iter().zip(x).map(|(w, x)| w * x).sum();
        let d = (forward - self.strike) / self.deviation;
        let (cdf, pdf) = (normal::cdf(d), normal::pdf(d));
        let mut out = [0.0; 9];
        out[0] = self.deviation * (d * cdf + pdf);
        for i in 0..7 {
            out[1 + i] = self.weights[i] * cdf;
        }
        out[8] = pdf / self.deviation;
        out
    }
}

/// The same sweeps with widths read at run time.
#[derive(Clone)]
pub(crate) struct Dynamic {
    layers: &'static [Layer],
    params: Vec<f64>,
    tape: Vec<[f64; 1]>,
}

impl Dynamic {
    /// With the parameters of `net`.
    pub(crate) fn new<C: Fixed>(net: &Frozen<C, f64>) -> Self {
        let layers = std::hint::black_box(C::LAYERS);
        Self { layers, params: net.params().as_ref().to_vec(), tape: vec![[0.0]; SLOTS * layers.nodes()] }
    }
    fn load(&mut self, x: &[f64]) {
        self.tape.iter_mut().zip(x).for_each(|(t, &x)| *t = [x]);
    }
    /// f(x).
    #[inline(never)]
    pub(crate) fn value(&mut self, x: &[f64]) -> f64 {
        self.load(x);
        self.layers.down(&mut Forward::<_, _, 1, 0>::new(Loops(Separate), &self.params, &mut self.tape));
        self.tape[self.tape.len() - SLOTS][0]
    }
    /// f(x), ∇f(x).
    #[inline(never)]
    pub(crate) fn gradient(&mut self, x: &[f64]) -> (f64, [f64; 7]) {
        self.load(x);
        self.layers.down(&mut Forward::<_, _, 1, 1>::new(Loops(Separate), &self.params, &mut self.tape));
        let output = self.tape.len() - SLOTS;
        let y = self.tape[output][0];
        self.tape[output + Slot::Bar as usize] = [1.0];
        let up = &mut Reverse::<_, _, 1, 1, true>::new(
            Loops(Separate),
            &self.params,
            &mut self.tape,
            1,
            &mut [],
            sobolev::nn::Accum::Add,
            &mut [],
        );
        self.layers.up(up);
        (y, std::array::from_fn(|i| self.tape[Slot::Bar as usize * 7 + i][0]))
    }
}

/// What one writes with faer and std: a matrix-vector product and a loop over nodes for each layer.
pub(crate) struct Dense {
    layers: &'static [Layer],
    params: Vec<f64>,
}

impl Dense {
    /// With the parameters of `net`.
    pub(crate) fn new<C: Fixed>(net: &Frozen<C, f64>) -> Self {
        Self { layers: std::hint::black_box(C::LAYERS), params: net.params().as_ref().to_vec() }
    }
    /// Slopes of every layer, outputs.
    fn forward(&self, x: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let (mut a, mut rest, mut slopes) = (x.to_vec(), self.params.as_slice(), Vec::new());
        for l in self.layers {
            let (w, next) = rest.split_at(l.weights());
            let (b, next) = next.split_at(l.fan_out.0);
            let mut z = b.to_vec();
            let w = MatRef::from_row_major_slice(w, l.fan_out.0, l.fan_in.0);
            matmul(
                ColMut::from_slice_mut(&mut z).as_mat_mut(),
                Accum::Add,
                w,
                ColRef::from_slice(&a).as_mat(),
                1.0,
                Par::Seq,
            );
            let mut slope = vec![1.0; z.len()];
            if l.activation == Activation::Silu {
                for (z, slope) in z.iter_mut().zip(&mut slope) {
                    let s = 1.0 / (1.0 + (-*z).exp());
                    *slope = s * (1.0 + *z * (1.0 - s));
                    *z *= s;
                }
            }
            slopes.push(slope);
            (a, rest) = (z, next);
        }
        (slopes, a)
    }
    /// f(x).
    #[inline(never)]
    pub(crate) fn value(&self, x: &[f64]) -> f64 {
        self.forward(x).1[0]
    }
    /// f(x), ∇f(x).
    #[inline(never)]
    pub(crate) fn gradient(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let (slopes, y) = self.forward(x);
        let (mut bar, mut end) = (vec![1.0], self.params.len());
        for (l, slope) in self.layers.iter().zip(&slopes).rev() {
            end -= l.params();
            bar.iter_mut().zip(slope).for_each(|(b, s)| *b *= s);
            let w = MatRef::from_row_major_slice(&self.params[end..end + l.weights()], l.fan_out.0, l.fan_in.0);
            let mut below = vec![0.0; l.fan_in.0];
            let out = ColMut::from_slice_mut(&mut below).as_mat_mut();
            matmul(out, Accum::Replace, w.transpose(), ColRef::from_slice(&bar).as_mat(), 1.0, Par::Seq);
            bar = below;
        }
        (y[0], bar)
    }

    /// Values at a batch, layer by layer.
    #[inline(never)]
    pub(crate) fn batch(&self, x: MatRef<'_, f64>) -> Mat<f64> {
        let (mut a, mut rest) = (x.to_owned(), self.params.as_slice());
        for l in self.layers {
            let (w, next) = rest.split_at(l.weights());
            let (b, next) = next.split_at(l.fan_out.0);
            let mut z = Mat::from_fn(a.nrows(), b.len(), |_, o| b[o]);
            let w = MatRef::from_row_major_slice(w, l.fan_out.0, l.fan_in.0);
            matmul(z.as_mut(), Accum::Add, a.as_ref(), w.transpose(), 1.0, Par::Seq);
            if l.activation == Activation::Silu {
                for o in 0..b.len() {
                    z.col_as_slice_mut(o).iter_mut().for_each(|z| *z /= 1.0 + (-*z).exp());
                }
            }
            (a, rest) = (z, next);
        }
        a
    }
}

//! What samples say about nodes: estimates from inside, which every enclosure must contain.

use faer::MatRef;

use crate::nn::{Chain, Network, Slot, TILE, load};

/// One node at all samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Mean of the values.
    pub mean: f64,
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub largest: f64,
    /// The largest `|∂y/∂n|`, over the outputs.
    pub slope: f64,
}

impl Sampled {
    /// Every node at the samples `n × inputs`: the inputs, then layer by layer, outputs included.
    ///
    /// # Panics
    /// If the samples have another number of columns than the network has inputs.
    ///
    /// # Examples
    /// ```
    /// use sobolev::math::Activation;
    /// use sobolev::nn::{Network, Stack};
    /// use sobolev::significance::Sampled;
    /// let net = Network::new(Stack::mlp(1, &[1], 1, Activation::Relu), vec![1.0, 0.0, 3.0, 0.0]);
    /// let at = Sampled::of(&net, faer::mat![[-1.0], [3.0]].as_ref());
    /// assert_eq!(at[1][0], Sampled { mean: 1.5, least: 0.0, largest: 3.0, slope: 3.0 });
    /// assert_eq!(at[0][0].score(), 4.0 * 3.0);
    /// ```
    #[track_caller]
    pub fn of<C: Chain>(net: &Network<C, f64>, inputs: MatRef<'_, f64>) -> Vec<Vec<Self>> {
        let none = Self { mean: 0.0, least: f64::INFINITY, largest: f64::NEG_INFINITY, slope: 0.0 };
        let widths = std::iter::once(net.chain().inputs()).chain(net.chain().layers().iter().map(|l| l.fan_out.0));
        let mut all: Vec<Vec<Self>> = widths.map(|n| vec![none; n]).collect();
        let share = 1.0 / inputs.nrows() as f64;
        for output in 0..net.chain().outputs() {
            let seed = &mut |_: usize, _: &[Lanes], seeds: &mut [Lanes]| {
                seeds.as_flattened_mut().fill(0.0);
                seeds[output].fill(1.0);
            };
            visit(net, inputs, seed, &mut |at| {
                for (node, (values, adjoints)) in all[at.level].iter_mut().zip(at.values.iter().zip(at.adjoints)) {
                    for adjoint in &adjoints[..at.rows] {
                        node.slope = node.slope.max(adjoint.abs());
                    }
                    if output == 0 {
                        for value in &values[..at.rows] {
                            node.mean += share * value;
                            node.least = node.least.min(*value);
                            node.largest = node.largest.max(*value);
                        }
                    }
                }
            });
        }
        all
    }

    /// The sampled twin of Eq. (3): range times largest derivative. No more than any enclosure's score.
    pub fn score(&self) -> f64 {
        (self.largest - self.least) * self.slope
    }
}

/// One number of each sample in a tile.
pub type Lanes = [f64; TILE];

/// Turns the outputs' values at some samples, from a first one on, into their adjoints: one column of lanes an output.
pub type Seed<'a> = dyn FnMut(usize, &[Lanes], &mut [Lanes]) + 'a;

/// One level (the inputs, then the layers) of a network at some samples.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Which level.
    pub level: usize,
    /// The first of the samples.
    pub first: usize,
    /// How many lanes hold samples.
    pub rows: usize,
    /// Values, one column of lanes a node.
    pub values: &'a [Lanes],
    /// Adjoints, one column of lanes a node.
    pub adjoints: &'a [Lanes],
}

/// Goes over all samples tile by tile: `seed` makes adjoints of the outputs' values; then `visit` is called for every level.
///
/// # Panics
/// If the samples have another number of columns than the network has inputs.
#[track_caller]
pub fn visit<C: Chain>(
    net: &Network<C, f64>,
    inputs: MatRef<'_, f64>,
    seed: &mut Seed<'_>,
    visit: &mut dyn FnMut(At<'_>),
) {
    let chain = net.chain();
    let layers = chain.layers();
    assert_eq!(inputs.ncols(), chain.inputs(), "expected one column an input of {}", net.describe());
    let mut ws = net.workspace();
    let (mut outputs, mut seeds) = (Vec::new(), vec![[0.0; TILE]; chain.outputs()]);
    let mut adjoints = Vec::new();
    for first in (0..inputs.nrows()).step_by(TILE) {
        let rows = TILE.min(inputs.nrows() - first);
        load(inputs.subrows(first, rows), ws.input_mut(Slot::Value));
        net.forward::<1, _>(&mut ws);
        outputs.clear();
        outputs.extend_from_slice(ws.output(Slot::Value));
        seed(first, &outputs, &mut seeds);
        ws.output_mut(Slot::Bar).copy_from_slice(&seeds);
        net.reverse::<1, _>(&mut ws);
        for level in 0..=layers.len() {
            adjoints.clear();
            if level == layers.len() {
                adjoints.extend_from_slice(&seeds);
            } else {
                // n̄ = Wᵀz̄ of the layer above.
                let (w, _) = net.layer_params(level);
                adjoints.resize(layers[level].fan_in.0, [0.0; TILE]);
                for (row, bar) in w.chunks_exact(adjoints.len()).zip(ws.layer(level + 1, chain, Slot::Bar)) {
                    for (out, w) in adjoints.iter_mut().zip(row) {
                        for r in 0..TILE {
                            out[r] += w * bar[r];
                        }
                    }
                }
            }
            visit(At { level, first, rows, values: ws.layer(level, chain, Slot::Value), adjoints: &adjoints });
        }
    }
}

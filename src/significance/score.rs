//! Eqs. (2) and (3): the significance of inputs and nodes; and that of single weights.

use super::{Method, Prepared, Trace};
use crate::interval::Interval;
use crate::nn::{Chain, Network, Packed};

/// How the scores of one node for several outputs become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// The largest: a node matters if it matters to any output.
    #[default]
    Max,
    /// The sum.
    Sum,
}

impl Aggregate {
    /// One score for every place from one an output.
    fn of(self, all: impl IntoIterator<Item = Vec<Vec<f64>>>) -> Vec<Vec<f64>> {
        let add = |mut total: Vec<Vec<f64>>, one: Vec<Vec<f64>>| {
            for (total, one) in total.iter_mut().flatten().zip(one.into_iter().flatten()) {
                *total = match self {
                    Self::Max => total.max(one),
                    Self::Sum => (Interval::point(*total) + Interval::point(one)).sup(),
                };
            }
            total
        };
        all.into_iter().reduce(add).unwrap_or_default()
    }
}

/// `S(n) = width([n])·max |∇_[n] y|` for the inputs (Eq. (2)) and for every node of every layer (Eq. (3)), outputs
/// included: one vector for the inputs, then one a layer. By interval arithmetic over the whole box, as the paper has it; see
/// [`Method::scores`] for tighter ones.
///
/// # Guarantee
/// Rounded upward: no less than the product of the true width of the node's range over the box with the true largest
/// derivative. It may be more, by orders of magnitude in deep networks over wide boxes, and by factors that differ from
/// layer to layer: compare scores within a layer only.
///
/// # Panics
/// As [`Trace::of`].
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// use sobolev::math::Activation;
/// use sobolev::nn::{Network, Stack};
/// use sobolev::significance::{Aggregate, scores};
///
/// // y = 2·relu(x₀) + 0.1·relu(x₁)
/// let net = Network::new(Stack::mlp(2, &[2], 1, Activation::Relu), vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.1, 0.0]);
/// let x = [Interval::new(0.0, 1.0)?; 2];
/// let score = scores(&net, &x, Aggregate::Max)[1][0];
/// assert!(score >= 2.0 && score < 2.0 + 1e-12);
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[track_caller]
pub fn scores<C: Chain, T: Packed>(net: &Network<C, T>, inputs: &[Interval], aggregate: Aggregate) -> Vec<Vec<f64>> {
    Method::default().scores(net, inputs, aggregate)
}

impl Method {
    /// Scores as [`scores`] has them, from this method's enclosures: over several boxes the width of the hull of a node's
    /// ranges, times the largest derivative in any box.
    ///
    /// # Guarantee
    /// As [`scores`].
    ///
    /// # Panics
    /// As [`Trace::of`].
    #[track_caller]
    pub fn scores<C: Chain, T: Packed>(
        self,
        net: &Network<C, T>,
        domain: &[Interval],
        aggregate: Aggregate,
    ) -> Vec<Vec<f64>> {
        aggregate.of(self.all(net, domain).iter().map(Trace::scores))
    }

    /// The significance of every weight of every layer, row-major as the weights are; see [`Trace::weight_scores`].
    ///
    /// # Panics
    /// As [`Trace::of`].
    #[track_caller]
    pub fn weight_scores<C: Chain, T: Packed>(
        self,
        net: &Network<C, T>,
        domain: &[Interval],
        aggregate: Aggregate,
    ) -> Vec<Vec<f64>> {
        aggregate.of(self.all(net, domain).iter().map(|trace| trace.weight_scores(net)))
    }

    #[track_caller]
    fn all<C: Chain, T: Packed>(self, net: &Network<C, T>, domain: &[Interval]) -> Vec<Trace> {
        let outputs: Vec<usize> = (0..net.chain().outputs()).collect();
        self.traces(&Prepared::new(net, self.enclosure), domain, &outputs)
    }
}

impl Trace {
    /// Eqs. (2) and (3) for this output: inputs, then layer by layer.
    pub fn scores(&self) -> Vec<Vec<f64>> {
        let layers = self.nodes.iter().zip(&self.adjoints);
        layers.map(|(n, bar)| n.iter().zip(bar).map(|(n, bar)| score(*n, bar.mag())).collect()).collect()
    }

    /// Eq. (3) for what a weight sends on: `S(wₒᵢ) = width(wₒᵢ[nᵢ])·max |∇_[kₒ] y|`, one vector a layer, row-major as the
    /// weights are.
    ///
    /// Since `n̄ᵢ = Σₒ wₒᵢ k̄ₒ`, a node is worth no more than the weights that leave it: the true score of node i is at most
    /// `Σₒ S(wₒᵢ)`.
    ///
    /// # Guarantee
    /// As [`scores`].
    ///
    /// # Panics
    /// If the network has another shape.
    #[track_caller]
    pub fn weight_scores<C: Chain, T: Packed>(&self, net: &Network<C, T>) -> Vec<Vec<f64>> {
        let layer = |(l, bars): (usize, &Vec<Interval>)| {
            let (w, _) = net.layer_params(l);
            let below = &self.nodes[l];
            assert_eq!(w.len(), below.len() * bars.len(), "layer {l} of another shape");
            let row = |(row, bar): (&[T], &Interval)| -> Vec<f64> {
                let sent = |(w, n): (&T, &Interval)| score(Interval::point(w.to_f64()) * *n, bar.mag());
                row.iter().zip(below).map(sent).collect()
            };
            w.chunks_exact(below.len()).zip(bars).flat_map(row).collect()
        };
        self.pre_adjoints.iter().enumerate().map(layer).collect()
    }
}

/// Rounded upward. A node that never moves has no influence however wild the derivative: 0·∞ is 0 for intervals.
fn score(node: Interval, slope: f64) -> f64 {
    (Interval::point(node.width()) * Interval::point(slope)).sup()
}

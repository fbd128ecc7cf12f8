//! Eqs. (2) and (3): the significance of inputs and nodes.

use super::Trace;
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

/// `S(n) = width([n])·max |∇_[n] y|` for the inputs (Eq. (2)) and for every node of every layer (Eq. (3)), outputs
/// included: one vector for the inputs, then one a layer.
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
/// assert_eq!(scores(&net, &x, Aggregate::Max)[1][0], 2.0);
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[track_caller]
pub fn scores<C: Chain, T: Packed>(net: &Network<C, T>, inputs: &[Interval], aggregate: Aggregate) -> Vec<Vec<f64>> {
    let mut total: Vec<Vec<f64>> = Vec::new();
    for output in 0..net.chain().outputs() {
        let trace = Trace::of(net, inputs, output);
        let layers = trace.nodes.iter().zip(&trace.adjoints);
        let one: Vec<Vec<f64>> =
            layers.map(|(n, bar)| n.iter().zip(bar).map(|(n, bar)| score(*n, *bar)).collect()).collect();
        if total.is_empty() {
            total = one;
        } else {
            for (total, one) in total.iter_mut().flatten().zip(one.into_iter().flatten()) {
                *total = match aggregate {
                    Aggregate::Max => total.max(one),
                    Aggregate::Sum => (Interval::point(*total) + Interval::point(one)).sup(),
                };
            }
        }
    }
    total
}

/// Rounded upward. A node that never moves has no influence however wild the derivative: 0·∞ is 0 for intervals.
fn score(node: Interval, adjoint: Interval) -> f64 {
    (Interval::point(node.width()) * Interval::point(adjoint.mag())).sup()
}

//! Interval values and interval adjoints of a network (§3.1, Table 1).

use super::bounds::{Bounds, Level};
use super::slab::Slab;
use super::{Cover, Method, Prepared};
use crate::interval::Interval;
use crate::nn::{Chain, Network, Packed};

/// Enclosures of everything a network computes over a domain of inputs, and of the derivatives of one output.
///
/// # Guarantee
/// Enclosures, outward rounded: for every input in the domain, every quantity of the network in real arithmetic with the
/// parameters it holds lies in its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Inputs first, then the nodes of each layer: `[n]`.
    pub nodes: Vec<Vec<Interval>>,
    /// `[k] = W[n] + b` of each layer.
    pub pre_activations: Vec<Vec<Interval>>,
    /// `∇_[n] [y]`, in the order of `nodes`.
    pub adjoints: Vec<Vec<Interval>>,
    /// `∇_[k] [y]`, in the order of `pre_activations`.
    pub pre_adjoints: Vec<Vec<Interval>>,
}

impl Trace {
    /// Interval forward and interval adjoint of the given output over the box: the paper's, [`Method::default`].
    ///
    /// # Panics
    /// If the box has not one interval an input or one is empty, or there is no such output.
    #[track_caller]
    pub fn of<C: Chain, T: Packed>(net: &Network<C, T>, inputs: &[Interval], output: usize) -> Self {
        let method = Method::default();
        method.trace(&Prepared::new(net, method.enclosure), inputs, output)
    }

    fn of_bounds(bounds: &Bounds) -> Self {
        let hulls = |f: fn(&Level) -> &Slab, skip: usize| -> Vec<Vec<Interval>> {
            bounds.levels[skip..].iter().map(|level| f(level).hulls(bounds.boxes())).collect()
        };
        Self {
            nodes: hulls(|l| &l.node, 0),
            pre_activations: hulls(|l| &l.pre, 1),
            adjoints: hulls(|l| &l.bar, 0),
            pre_adjoints: hulls(|l| &l.pre_bar, 1),
        }
    }

    pub(super) fn hull(mut self, other: Self) -> Self {
        let pairs = |a: &mut Vec<Vec<Interval>>, b: Vec<Vec<Interval>>| {
            for (a, b) in a.iter_mut().flatten().zip(b.into_iter().flatten()) {
                *a = a.hull(b);
            }
        };
        pairs(&mut self.nodes, other.nodes);
        pairs(&mut self.pre_activations, other.pre_activations);
        pairs(&mut self.adjoints, other.adjoints);
        pairs(&mut self.pre_adjoints, other.pre_adjoints);
        self
    }
}

impl Method {
    /// The trace of one output: over several boxes the hull of theirs, boxes over all threads. `prepared` must know the norms
    /// that the enclosure needs: it was made for the same enclosure, or for [`Enclosure::Both`](super::Enclosure::Both).
    ///
    /// # Panics
    /// As [`Trace::of`].
    #[track_caller]
    pub fn trace(self, prepared: &Prepared, domain: &[Interval], output: usize) -> Trace {
        self.traces(prepared, domain, &[output]).swap_remove(0)
    }

    /// The traces of several outputs.
    ///
    /// # Panics
    /// As [`Trace::of`].
    #[track_caller]
    pub fn traces(self, prepared: &Prepared, domain: &[Interval], outputs: &[usize]) -> Vec<Trace> {
        assert_eq!(domain.len(), prepared.inputs(), "expected one interval an input");
        let cover = Cover::split(prepared, domain, self.boxes);
        let parts = prepared.over(&cover, self.enclosure, |bounds| {
            let of = |&output: &usize| {
                prepared.adjoints(output, bounds);
                Trace::of_bounds(bounds)
            };
            outputs.iter().map(of).collect::<Vec<_>>()
        });
        let hull = |all: Vec<Trace>, part: Vec<Trace>| all.into_iter().zip(part).map(|(a, b)| a.hull(b)).collect();
        parts.into_iter().reduce(hull).expect("a cover has a box")
    }
}

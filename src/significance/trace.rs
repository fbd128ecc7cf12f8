//! Interval values and interval adjoints of a network (§3.1, Table 1).

use crate::interval::Interval;
use crate::nn::{Activate, Chain, Dense, Network, Packed, Sweep, Width};

/// Enclosures of everything a network computes over a box of inputs, and of the derivatives of one output.
///
/// # Guarantee
/// Enclosures, outward rounded: for every input in the box, every quantity of the network in real arithmetic with the
/// parameters it holds lies in its interval.
#[derive(Clone, Debug)]
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
    /// Interval forward and interval adjoint of the given output over the box.
    ///
    /// # Panics
    /// If the box has not one interval an input, or there is no such output.
    #[track_caller]
    pub fn of<C: Chain, T: Packed>(net: &Network<C, T>, inputs: &[Interval], output: usize) -> Self {
        let chain = net.chain();
        assert_eq!(inputs.len(), chain.inputs(), "expected one interval an input of {}", net.describe());
        assert!(output < chain.outputs(), "{} has no output {output}", net.describe());
        let mut trace = Self {
            nodes: vec![inputs.to_vec()],
            pre_activations: Vec::new(),
            adjoints: Vec::new(),
            pre_adjoints: Vec::new(),
        };
        chain.down(&mut Forward { params: net.params(), trace: &mut trace });
        let mut seed = vec![Interval::ZERO; chain.outputs()];
        seed[output] = Interval::ONE;
        trace.adjoints.push(seed);
        chain.up(&mut Adjoint { params: net.params(), trace: &mut trace });
        trace.adjoints.reverse();
        trace.pre_adjoints.reverse();
        trace
    }
}

struct Forward<'a, T> {
    params: &'a [T],
    trace: &'a mut Trace,
}

impl<T: Packed> Sweep for Forward<'_, T> {
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (here, rest) = self.params.split_at(layer.params());
        let (w, b) = here.split_at(layer.weights());
        self.params = rest;
        let x = &self.trace.nodes[self.trace.nodes.len() - 1];
        let k: Vec<Interval> = w
            .chunks_exact(layer.fan_in.get())
            .zip(b)
            .map(|(row, b)| row.iter().zip(x).fold(point(*b), |sum, (w, x)| sum + point(*w) * *x))
            .collect();
        let function = layer.activation.function();
        self.trace.nodes.push(k.iter().map(|k| k.activation(function, 0)).collect());
        self.trace.pre_activations.push(k);
    }
}

/// Fills `adjoints` and `pre_adjoints` from the outputs down, in that order.
struct Adjoint<'a, T> {
    params: &'a [T],
    trace: &'a mut Trace,
}

impl<T: Packed> Sweep for Adjoint<'_, T> {
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>) {
        let (rest, here) = self.params.split_at(self.params.len() - layer.params());
        let w = &here[..layer.weights()];
        self.params = rest;
        let done = self.trace.pre_adjoints.len();
        let k = &self.trace.pre_activations[self.trace.pre_activations.len() - 1 - done];
        let function = layer.activation.function();
        let above = &self.trace.adjoints[done];
        let pre: Vec<Interval> = k.iter().zip(above).map(|(k, bar)| k.activation(function, 1) * *bar).collect();
        let fan_in = layer.fan_in.get();
        let below = (0..fan_in)
            .map(|i| {
                let column = w[i..].iter().step_by(fan_in);
                column.zip(&pre).fold(Interval::ZERO, |sum, (w, bar)| sum + point(*w) * *bar)
            })
            .collect();
        self.trace.pre_adjoints.push(pre);
        self.trace.adjoints.push(below);
    }
}

fn point<T: Packed>(x: T) -> Interval {
    Interval::point(x.to_f64())
}

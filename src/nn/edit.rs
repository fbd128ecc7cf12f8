//! Edits of a network whose widths are run-time: what pruning does to parameters.
#![cfg(feature = "std")]

use super::packed::Packed;
use super::{Chain, Dyn, Layer, Network, Stack};
use crate::math::Activation;

impl<T: Packed> Network<Stack, T> {
    /// Removes nodes of hidden layer `layer`, with their incoming and outgoing weights, and folds what each of them gave on
    /// average into the next layer's biases: `b += W[:, n]·fold[n]` (§3.2).
    ///
    /// `keep` lists the nodes that stay, ascending; `fold` has one constant for every node of the layer.
    ///
    /// # Panics
    /// If `layer` is not hidden, `keep` is empty, not ascending or out of range, or `fold` has another length.
    #[track_caller]
    pub fn keep_nodes(&mut self, layer: usize, keep: &[usize], fold: &[f64]) {
        let layers = self.chain().layers();
        assert!(layer + 1 < layers.len(), "layer {layer} is not hidden in {}", self.describe());
        let (here, next) = (layers[layer], layers[layer + 1]);
        let (inputs, nodes, outputs) = (here.fan_in.0, here.fan_out.0, next.fan_out.0);
        assert!(!keep.is_empty() && keep.is_sorted_by(|a, b| a < b) && keep[keep.len() - 1] < nodes);
        assert_eq!(fold.len(), nodes, "one constant a node of layer {layer}");

        let (w, b) = self.layer_params(layer);
        let mut new: Vec<T> = keep.iter().flat_map(|&n| &w[n * inputs..(n + 1) * inputs]).copied().collect();
        new.extend(keep.iter().map(|&n| b[n]));
        let (w, b) = self.layer_params(layer + 1);
        let mut removed = vec![true; nodes];
        keep.iter().for_each(|&n| removed[n] = false);
        new.extend(w.chunks_exact(nodes).flat_map(|row| keep.iter().map(|&n| row[n])));
        for o in 0..outputs {
            let gone = (0..nodes).filter(|&n| removed[n]);
            let folded: f64 = gone.map(|n| w[o * nodes + n].to_f64() * fold[n]).sum();
            new.push(T::of(b[o].to_f64() + folded));
        }

        let (chain, params) = self.parts_mut();
        let at: usize = chain.0[..layer].iter().map(Layer::params).sum();
        params.splice(at..at + here.params() + next.params(), new);
        chain.0[layer].fan_out = Dyn(keep.len());
        chain.0[layer + 1].fan_in = Dyn(keep.len());
    }

    /// Cuts the chain behind hidden layer `layer`, which becomes a linear output: what is left gives its pre-activations
    /// (§6.1, Figure 7).
    ///
    /// # Panics
    /// If the layer is not hidden.
    #[track_caller]
    pub fn truncate_after(&mut self, layer: usize) {
        assert!(layer + 1 < self.chain().layers().len(), "layer {layer} is not hidden in {}", self.describe());
        let (chain, params) = self.parts_mut();
        chain.0.truncate(layer + 1);
        chain.0[layer].activation = Activation::Identity;
        params.truncate(chain.params());
    }

    /// Replaces every output `y` by `scale·y + shift`.
    ///
    /// # Panics
    /// If the output layer is not linear.
    #[track_caller]
    pub fn rescale_output(&mut self, scale: f64, shift: f64) {
        let layer = *self.chain().layers().last().expect("a chain has layers");
        assert_eq!(layer.activation, Activation::Identity, "only a linear output can be rescaled");
        let at = self.params().len() - layer.params();
        let (weights, biases) = self.params_mut()[at..].split_at_mut(layer.weights());
        weights.iter_mut().for_each(|w| *w = T::of(w.to_f64() * scale));
        biases.iter_mut().for_each(|b| *b = T::of(b.to_f64() * scale + shift));
    }
}

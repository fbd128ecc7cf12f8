//! First-order training of networks so narrow that all nodes of a layer stand in registers at once: the sweeps of
//! [`Forward`](super::Forward) to [`SecondReverse`](super::SecondReverse) without a visit to memory between two layers.
//!
//! * **Strips.** A register a node: as many samples as that has lanes go through the whole network, then the next. What is
//!   kept of a strip is contiguous, for few enough bytes to stay in the first-level cache from one sweep to the next.
//! * **Padding.** Every layer has [`WIDTH`] nodes, those that the network lacks with weights of zero: loops over nodes have
//!   constant bounds and unroll.
//! * **Gradient last.** The gradient in the parameters is summed over all strips of a tile at the end, so that sums over
//!   lanes, which cost as much for two samples as for two hundred, come once.

mod gather;
mod layer;
mod sweeps;

#[cfg(test)]
mod props;

use pulp::Simd;

use super::compiled::{Compiled, OnTiles, RunParts};
use super::{Accum, Aligned, Chain, Layer, Network, Packed, SLOTS};
use crate::math::Activation;
use layer::Params;
use sweeps::Strips;

/// Nodes of a layer: their sums, what is added to them and what an activation needs fit into 16 registers.
const WIDTH: usize = 8;
/// Samples in a tile: few sums over lanes, and a tape that the second-level cache holds.
pub(crate) const SAMPLES: usize = 256;

/// Memory for the sweeps of one narrow network over one tile, sized once and lent to every sweep; one a thread.
#[derive(Clone, Debug)]
pub(crate) struct NarrowWorkspace<T> {
    /// Columns that callers read and write, `x`, `∇f`, `r`, `f` and `ȳ`; then the strips.
    tape: Aligned<T>,
    /// Parameters with rows and columns of zeros where nodes are missing.
    params: Aligned<T>,
    arch: pulp::Arch,
    inputs: usize,
}

/// Columns beside those of the inputs: the output's value, its residual.
const OUTPUTS: usize = 2;

/// Whether a network is narrow, and wide enough for padding to pay: seven nodes a layer are as fast either way.
pub(crate) fn fits<C: Chain>(chain: &C) -> bool {
    let (last, hidden) = chain.layers().split_last().expect("a network has a layer");
    let narrow = !hidden.is_empty() && hidden.iter().all(|l| l.fan_out.0 <= WIDTH);
    let weights = || chain.layers().iter().map(Layer::weights).sum::<usize>();
    let one = last.fan_out.0 == 1 && last.activation == Activation::Identity;
    narrow && one && 4 * padded(chain.layers()) <= 5 * weights()
}

/// Weights of the padded network.
fn padded(layers: &[Layer]) -> usize {
    WIDTH * (columns(layers.inputs()) + (layers.len() - 2) * WIDTH + 1)
}

/// Inputs with those that pad them.
fn columns(inputs: usize) -> usize {
    inputs.next_multiple_of(WIDTH)
}

impl<T: Packed> NarrowWorkspace<T> {
    /// For a network that [`fits`].
    pub(crate) fn new<C: Chain>(chain: &C) -> Self {
        let (inputs, hidden) = (chain.inputs(), chain.layers().len() - 1);
        let strip = 2 * columns(inputs) + hidden * SLOTS * WIDTH;
        Self {
            tape: Aligned::zeros(SAMPLES * (3 * inputs + OUTPUTS + strip)),
            params: Aligned::zeros(padded(chain.layers()) + (hidden + 1) * WIDTH),
            arch: pulp::Arch::new(),
            inputs,
        }
    }

    /// For sweeps over the given instruction set instead of the best that the machine has.
    pub(crate) fn set_arch(&mut self, arch: pulp::Arch) {
        self.arch = arch;
    }

    fn tape_mut(&mut self) -> &mut [[T; SAMPLES]] {
        self.tape.as_chunks_mut().0
    }

    /// `x`, one column an input.
    pub(crate) fn inputs_mut(&mut self) -> &mut [[T; SAMPLES]] {
        let n = self.inputs;
        &mut self.tape_mut()[..n]
    }
    /// `f`, and `ȳ`, what the gradient of `ȳ·f` is asked for.
    pub(crate) fn value_and_residual(&mut self) -> (&[T; SAMPLES], &mut [T; SAMPLES]) {
        let at = 3 * self.inputs;
        let [value, residual, ..] = &mut self.tape_mut()[at..] else { unreachable!("two columns of the output") };
        (value, residual)
    }
    /// `∇f`, and `r`, what the gradient of `r·∇f` is asked for.
    pub(crate) fn gradient_and_residual(&mut self) -> (&[[T; SAMPLES]], &mut [[T; SAMPLES]]) {
        let n = self.inputs;
        let (bar, dot) = self.tape_mut()[n..3 * n].split_at_mut(n);
        (bar, dot)
    }

    /// Rows and columns of zeros stay as they are.
    fn pad(&mut self, layers: &[Layer], mut params: &[T]) {
        let mut padded = &mut *self.params;
        for (l, layer) in layers.iter().enumerate() {
            let (n, m) = (layer.fan_in.0, layer.fan_out.0);
            let (width, height) =
                (if l == 0 { columns(n) } else { WIDTH }, if l + 1 < layers.len() { WIDTH } else { 1 });
            let (this, rest) = params.split_at(layer.params());
            let (place, more) = padded.split_at_mut(width * height + WIDTH);
            if (n, m) == (width, height) {
                place[..this.len()].copy_from_slice(this);
            } else {
                let (weights, biases) = this.split_at(layer.weights());
                for (row, weights) in place.chunks_exact_mut(width).zip(weights.chunks_exact(n)) {
                    row.iter_mut().zip(weights).for_each(|(p, &w)| *p = w);
                }
                place[width * height..].iter_mut().zip(biases).for_each(|(p, &b)| *p = b);
            }
            (params, padded) = (rest, more);
        }
    }
}

/// The first-order sweeps over the first `samples` of a tile, lanes beyond them zero up to a whole register.
impl<C: Chain, T: Packed> Network<C, T> {
    /// `f`.
    pub(crate) fn narrow_value(&self, ws: &mut NarrowWorkspace<T>, samples: usize) {
        ws.pad(self.chain().layers(), self.params());
        self.strips(ws, samples, Sweeps::Value, &mut []);
    }
    /// The gradient of `ȳ·f` in the parameters, after [`narrow_value`](Self::narrow_value).
    pub(crate) fn narrow_pull_value(&self, ws: &mut NarrowWorkspace<T>, samples: usize, grad: &mut [T], accum: Accum) {
        self.strips(ws, samples, Sweeps::PullValue(accum), grad);
    }
    /// `f` and `∇f`.
    pub(crate) fn narrow_lift(&self, ws: &mut NarrowWorkspace<T>, samples: usize) {
        ws.pad(self.chain().layers(), self.params());
        self.strips(ws, samples, Sweeps::Lift, &mut []);
    }
    /// The gradient of `ȳ·f + r·∇f` in the parameters, after [`narrow_lift`](Self::narrow_lift).
    pub(crate) fn narrow_pull(&self, ws: &mut NarrowWorkspace<T>, samples: usize, grad: &mut [T], accum: Accum) {
        self.strips(ws, samples, Sweeps::Pull(accum), grad);
    }

    fn strips(&self, ws: &mut NarrowWorkspace<T>, samples: usize, sweeps: Sweeps, grad: &mut [T]) {
        let NarrowWorkspace { tape, params, arch, .. } = ws;
        let tape = tape.as_chunks_mut::<SAMPLES>().0;
        let run = RunParts { layers: self.chain().layers(), params, tape, scratch: &mut [], grad };
        <T as Compiled<Pass, SAMPLES>>::walk(*arch, Pass { samples, sweeps }, run);
    }
}

/// Sweeps over strips, one after the other, as training runs them.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    samples: usize,
    sweeps: Sweeps,
}

#[derive(Clone, Copy, Debug)]
enum Sweeps {
    /// Forward of order 1.
    Value,
    /// Reverse, and the gradient of the parameters.
    PullValue(Accum),
    /// Forward of order 2, and reverse down to the inputs.
    Lift,
    /// Tangent, second reverse, and the gradient of the parameters.
    Pull(Accum),
}

impl OnTiles for Pass {
    #[inline(always)]
    fn walk<S: Simd, T: Packed, const R: usize>(self, simd: S, run: RunParts<'_, T, R>) {
        let RunParts { layers, params, tape, grad, .. } = run;
        let strips = Strips::new(simd, layers, Params::new(params, layers.inputs()), tape, self.samples);
        match self.sweeps {
            Sweeps::Value => strips.value(),
            Sweeps::PullValue(accum) => strips.pull_value(grad, accum),
            Sweeps::Lift => strips.lift(),
            Sweeps::Pull(accum) => strips.pull(grad, accum),
        }
    }
}

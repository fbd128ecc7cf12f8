//! A network made ready for enclosures, the memory they live in, and the sweep down and up.

use rayon::prelude::*;

use super::ball::Ball;
use super::linear::Linear;
use super::norms::Norms;
use super::slab::Slab;
use super::{Cover, Enclosure};
use crate::interval::kernel::{self, Boxes, Weights};
use crate::nn::{self, Aligned, Chain, Network, Packed};

/// One layer's parameters as doubles; what a network in single precision holds is exact there.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) shape: nn::Layer,
    pub(super) w: Aligned<f64>,
    pub(super) b: Vec<f64>,
    /// For [`Enclosure::Ball`].
    pub(super) norms: Option<Norms>,
}

impl Layer {
    pub(super) fn weights(&self) -> Weights<'_> {
        Weights::Points(&self.w)
    }
    pub(super) fn inputs(&self) -> usize {
        self.shape.fan_in.0
    }
    pub(super) fn nodes(&self) -> usize {
        self.shape.fan_out.0
    }
}

/// A network made ready for one kind of enclosure: parameters in double precision, and their norms if they are needed.
///
/// # Examples
/// ```
/// use sobolev::interval::kernel::Boxes;
/// use sobolev::math::Activation;
/// use sobolev::nn::{Network, Stack};
/// use sobolev::significance::{Enclosure, Prepared};
///
/// // y = relu(x) − relu(−x) over [−1, 0] and [1, 2], side by side.
/// let net = Network::new(Stack::mlp(1, &[2], 1, Activation::Relu), vec![1.0, -1.0, 0.0, 0.0, 1.0, -1.0, 0.0]);
/// let prepared = Prepared::new(&net, Enclosure::Interval);
/// let mut bounds = prepared.bounds(2);
/// prepared.run(Boxes::new(&[-1.0, 1.0], &[0.0, 2.0]), 0, &mut bounds);
/// let (y, x_bar) = (bounds.nodes(2), bounds.adjoints(0));
/// assert!(y.lo[0] <= -1.0 && y.lo[0] > -1.0 - 1e-12 && y.hi[1] >= 2.0 && y.hi[1] < 2.0 + 1e-12);
/// assert!(x_bar.get(1).contains(1.0) && x_bar.get(1).width() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) layers: Vec<Layer>,
    enclosure: Enclosure,
}

/// Boxes that one task takes: their nodes stay in the second-level cache. Fixed, so that results do not depend on threads.
const CHUNK: usize = 64;
/// The same for linear relaxations, which take far longer a box.
const LINEAR_CHUNK: usize = 4;

impl Prepared {
    /// Takes the parameters over.
    pub fn new<C: Chain, T: Packed>(net: &Network<C, T>, enclosure: Enclosure) -> Self {
        let doubles = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<f64>>();
        let layer = |(l, &shape): (usize, &nn::Layer)| {
            let (w, b) = net.layer_params(l);
            let (w, b) = (doubles(w), doubles(b));
            let norms = enclosure.ball().then(|| Norms::of(&w, shape.fan_out.0, shape.fan_in.0));
            Layer { shape, w: Aligned::from(&w[..]), b, norms }
        };
        Self { layers: net.chain().layers().iter().enumerate().map(layer).collect(), enclosure }
    }

    /// The kind of enclosure.
    pub fn enclosure(&self) -> Enclosure {
        self.enclosure
    }
    /// How many inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs()
    }
    /// How many outputs.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].nodes()
    }

    /// Memory for that many boxes side by side.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn bounds(&self, boxes: usize) -> Bounds {
        self.bounds_by(self.enclosure, boxes)
    }

    pub(super) fn bounds_by(&self, enclosure: Enclosure, boxes: usize) -> Bounds {
        let mut bounds = Bounds {
            boxes: 0,
            levels: vec![Level::default(); self.layers.len() + 1],
            ball: enclosure.ball().then(|| Box::new(Ball::new(self))),
            linear: enclosure.linear().then(|| Box::new(Linear::new(self))),
        };
        bounds.reshape(self, boxes);
        bounds
    }

    /// Values and adjoints over each box: [`Self::values`], then [`Self::adjoints`].
    ///
    /// # Panics
    /// As they do.
    #[track_caller]
    pub fn run(&self, x: Boxes<'_>, output: usize, bounds: &mut Bounds) {
        self.values(x, bounds);
        self.adjoints(output, bounds);
    }

    /// Encloses every pre-activation and node over each box.
    ///
    /// # Shapes
    /// `x` inputs × boxes, `x.lo[input·boxes + box]`; no box may be empty.
    ///
    /// # Panics
    /// If `x` or `bounds` have another shape.
    #[track_caller]
    pub fn values(&self, x: Boxes<'_>, bounds: &mut Bounds) {
        let boxes = bounds.boxes;
        assert_eq!(x.len(), self.inputs() * boxes, "expected {} inputs in {boxes} boxes", self.inputs());
        assert_eq!(bounds.levels.len(), self.layers.len() + 1, "memory for a network of as many layers");
        debug_assert!(x.lo.iter().zip(x.hi).all(|(lo, hi)| lo <= hi), "no box is empty");
        bounds.levels[0].node.copy_from(x);
        let Bounds { levels, ball, linear, .. } = bounds;
        if let Some(ball) = ball {
            ball.begin(self, x);
        }
        for (l, layer) in self.layers.iter().enumerate() {
            let (below, above) = levels.split_at_mut(l + 1);
            let here = &mut above[0];
            kernel::affine(layer.weights(), Some(&layer.b), below[l].node.view(), here.pre.view_mut(), boxes);
            if let Some(ball) = ball {
                ball.pre_activations(layer, l, &mut here.pre);
            }
            if let Some(linear) = linear {
                linear.pre_activations(self, l, below, &mut here.pre, boxes);
            }
            let (k, n, slope) = (here.pre.view(), here.node.view_mut(), here.slope.view_mut());
            kernel::activation(layer.shape.activation, k, n, slope);
            if let Some(ball) = ball {
                ball.nodes(layer, l, here);
            }
            if let Some(linear) = linear {
                linear.activation_lines(layer, l, here);
            }
        }
    }

    /// Encloses the derivative of an output in every node and pre-activation over each box; [`Self::values`] must have run.
    ///
    /// # Panics
    /// If there is no such output.
    #[track_caller]
    pub fn adjoints(&self, output: usize, bounds: &mut Bounds) {
        assert!(output < self.outputs(), "there is no output {output} of {}", self.outputs());
        let Bounds { boxes, levels, ball, linear } = bounds;
        let (boxes, last) = (*boxes, self.layers.len());
        levels[last].bar.fill(0.0);
        levels[last].bar.lo[output * boxes..][..boxes].fill(1.0);
        levels[last].bar.hi[output * boxes..][..boxes].fill(1.0);
        if let Some(ball) = ball {
            ball.begin_adjoints(self, output);
        }
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let (below, above) = levels.split_at_mut(l + 1);
            let here = &mut above[0];
            kernel::multiply(here.slope.view(), here.bar.view(), here.pre_bar.view_mut());
            if let Some(ball) = ball {
                ball.pre_adjoints(layer, l, here);
            }
            if let Some(linear) = linear {
                linear.product_lines(l, here);
            }
            kernel::adjoint(layer.weights(), here.pre_bar.view(), below[l].bar.view_mut(), boxes);
            if let Some(ball) = ball {
                ball.adjoints(layer, l, &mut below[l].bar);
            }
            if let Some(linear) = linear {
                linear.adjoints(self, l, &mut below[l].bar, above, boxes);
            }
        }
    }

    /// Calls `f(bounds)` after [`Self::values`] on chunks of a cover, over all threads; results in the order of the boxes.
    pub(super) fn over<R: Send>(
        &self,
        cover: &Cover,
        enclosure: Enclosure,
        f: impl Fn(&mut Bounds) -> R + Sync,
    ) -> Vec<R> {
        let chunk = if enclosure.linear() { LINEAR_CHUNK } else { CHUNK };
        let boxes = cover.len();
        let starts: Vec<usize> = (0..boxes).step_by(chunk).collect();
        let memory = || (self.bounds_by(enclosure, chunk.min(boxes)), Slab::default());
        let one = |(bounds, x): &mut (Bounds, Slab), &start: &usize| {
            let range = start..boxes.min(start + chunk);
            bounds.reshape(self, range.len());
            cover.gather(range, x);
            self.values(x.view(), bounds);
            f(bounds)
        };
        if starts.len() == 1 {
            return vec![one(&mut memory(), &0)];
        }
        starts.par_iter().map_init(memory, one).collect()
    }
}

/// One level: the inputs (nodes and adjoints only), or a layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) pre: Slab,
    pub(super) node: Slab,
    pub(super) slope: Slab,
    pub(super) bar: Slab,
    pub(super) pre_bar: Slab,
}

/// Enclosures of everything a network computes over some boxes side by side; memory that is lent again and again.
///
/// # Shapes
/// Nodes × boxes each, `lo[node·boxes + box]`. Level 0 are the inputs, level `l + 1` the nodes of layer `l`.
///
/// # Guarantee
/// Enclosures, outward rounded: for every input in a box, every quantity of the network in real arithmetic with the
/// parameters it holds lies in its interval.
#[derive(Clone, Debug)]
pub struct Bounds {
    boxes: usize,
    pub(super) levels: Vec<Level>,
    ball: Option<Box<Ball>>,
    linear: Option<Box<Linear>>,
}

impl Bounds {
    /// Boxes side by side.
    pub fn boxes(&self) -> usize {
        self.boxes
    }
    /// `[n]`, the inputs (level 0) or the nodes of a layer.
    pub fn nodes(&self, level: usize) -> Boxes<'_> {
        self.levels[level].node.view()
    }
    /// `[k] = W[n] + b` of a layer.
    pub fn pre_activations(&self, layer: usize) -> Boxes<'_> {
        self.levels[layer + 1].pre.view()
    }
    /// `∇_[n] [y]`, in the inputs (level 0) or in the nodes of a layer.
    pub fn adjoints(&self, level: usize) -> Boxes<'_> {
        self.levels[level].bar.view()
    }
    /// `∇_[k] [y]` of a layer.
    pub fn pre_adjoints(&self, layer: usize) -> Boxes<'_> {
        self.levels[layer + 1].pre_bar.view()
    }

    /// Memory for another number of boxes.
    #[track_caller]
    pub(super) fn reshape(&mut self, prepared: &Prepared, boxes: usize) {
        assert!(boxes > 0, "at least one box");
        if boxes == self.boxes {
            return;
        }
        self.boxes = boxes;
        for (l, level) in self.levels.iter_mut().enumerate() {
            let nodes = if l == 0 { prepared.inputs() } else { prepared.layers[l - 1].nodes() };
            level.node.resize(nodes * boxes);
            level.bar.resize(nodes * boxes);
            if l > 0 {
                for slab in [&mut level.pre, &mut level.slope, &mut level.pre_bar] {
                    slab.resize(nodes * boxes);
                }
            }
        }
        if let Some(ball) = &mut self.ball {
            ball.reshape(prepared, boxes);
        }
        if let Some(linear) = &mut self.linear {
            linear.reshape(prepared, boxes);
        }
    }
}

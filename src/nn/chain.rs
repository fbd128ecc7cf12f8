//! What a network is made of: widths, layers, and the order they are walked in. No arithmetic here.

use core::fmt::Debug;

use crate::math::Activation;

/// A layer width: [`Const`], known to the compiler, or [`Dyn`], known to the program.
pub trait Width: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The number of nodes.
    fn get(self) -> usize;
}

/// `N` nodes, known to the compiler; takes no memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Const<const N: usize>;

impl<const N: usize> Width for Const<N> {
    #[inline(always)]
    fn get(self) -> usize {
        N
    }
}

/// A width found at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dyn(pub usize);

impl Width for Dyn {
    #[inline(always)]
    fn get(self) -> usize {
        self.0
    }
}

/// The activation of a layer: an [`Activation`], or one of the types in [`act`].
pub trait Activate: Copy + Debug + Send + Sync + 'static {
    /// Which function it is; a constant once inlined for the types in [`act`].
    fn function(self) -> Activation;
}

impl Activate for Activation {
    #[inline(always)]
    fn function(self) -> Activation {
        self
    }
}

/// An activation that is a type.
pub trait Typed: Activate + Default {
    /// Which function it is.
    const FUNCTION: Activation;
}

/// The activations as types, under the names that [`network!`](crate::network) writes.
#[expect(
    non_camel_case_types,
    reason = "the macro looks names up here, so that a misspelt one gets the compiler's own suggestion"
)]
pub mod act {
    use super::{Activate, Activation, Typed};
    macro_rules! typed {
        ($($name:ident $kind:ident),+) => { $(
            #[doc = concat!("[`Activation::", stringify!($kind), "`] as a type.")]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub struct $name;
            impl Activate for $name {
                #[inline(always)]
                fn function(self) -> Activation {
                    Activation::$kind
                }
            }
            impl Typed for $name {
                const FUNCTION: Activation = Activation::$kind;
            }
        )+ };
    }
    typed!(identity Identity, relu Relu, tanh Tanh, sigmoid Sigmoid, softplus Softplus, silu Silu);
}

/// The shape of one dense layer, `σ(W x + b)`; zero bytes when everything about it is known to the compiler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dense<I, O, A> {
    /// Nodes of the layer before.
    pub fan_in: I,
    /// Nodes of this layer.
    pub fan_out: O,
    /// σ.
    pub activation: A,
}

/// A dense layer whose shape was found at run time.
pub type Layer = Dense<Dyn, Dyn, Activation>;

impl<I: Width, O: Width, A: Activate> Dense<I, O, A> {
    /// Number of weights, `fan_out × fan_in`.
    #[inline(always)]
    pub fn weights(&self) -> usize {
        self.fan_in.get() * self.fan_out.get()
    }
    /// Number of parameters: weights, then biases.
    #[inline(always)]
    pub fn params(&self) -> usize {
        self.weights() + self.fan_out.get()
    }
}

impl Layer {
    /// A layer of the given shape.
    pub const fn new(fan_in: usize, fan_out: usize, activation: Activation) -> Self {
        Self { fan_in: Dyn(fan_in), fan_out: Dyn(fan_out), activation }
    }
}

/// What happens at one layer. A sweep carries its own place in the parameters and in memory, and is walked down the chain
/// (from the inputs) or up it.
pub trait Sweep {
    /// Visits a layer.
    fn layer<I: Width, O: Width, A: Activate>(&mut self, layer: &Dense<I, O, A>);
}

/// Which layers there are, in order.
pub trait Chain: Clone + Debug + Send + Sync {
    /// The layers, from the inputs to the outputs.
    fn layers(&self) -> &[Layer];

    /// Number of inputs.
    fn inputs(&self) -> usize {
        self.layers()[0].fan_in.0
    }
    /// Number of outputs.
    fn outputs(&self) -> usize {
        self.layers()[self.layers().len() - 1].fan_out.0
    }
    /// Number of parameters.
    fn params(&self) -> usize {
        self.layers().iter().map(Layer::params).sum()
    }
    /// Number of nodes, inputs and outputs included.
    fn nodes(&self) -> usize {
        self.inputs() + self.layers().iter().map(|l| l.fan_out.0).sum::<usize>()
    }

    /// Walks a sweep from the inputs to the outputs; widths are read at run time.
    #[inline(always)]
    fn down<S: Sweep>(&self, sweep: &mut S) {
        for layer in self.layers() {
            sweep.layer(layer);
        }
    }
    /// Walks a sweep from the outputs to the inputs.
    #[inline(always)]
    fn up<S: Sweep>(&self, sweep: &mut S) {
        for layer in self.layers().iter().rev() {
            sweep.layer(layer);
        }
    }
}

impl Chain for &[Layer] {
    fn layers(&self) -> &[Layer] {
        self
    }
}

/// A shape that the compiler knows; [`network!`](crate::network) implements it.
pub trait Fixed: Chain + Copy + Default + 'static {
    /// The layers, from the inputs to the outputs.
    const LAYERS: &'static [Layer];
    /// Number of inputs.
    const INPUTS: usize;
    /// Number of outputs.
    const OUTPUTS: usize;
    /// Number of parameters.
    const PARAMS: usize;
    /// `[T; PARAMS]`.
    type Params<T: Copy>: AsRef<[T]> + AsMut<[T]> + Copy;
    /// `[T; INPUTS]`.
    type Inputs<T: Copy>: AsRef<[T]> + AsMut<[T]> + Copy;
    /// `[[T; INPUTS]; INPUTS]`.
    type Square<T: Copy>: AsRef<[Self::Inputs<T>]> + AsMut<[Self::Inputs<T>]> + Copy;
    /// One `V` for each node, inputs and outputs included.
    type Nodes<V: Copy>: AsRef<[V]> + AsMut<[V]> + Copy;

    /// All the same.
    fn params_of<T: Copy>(fill: T) -> Self::Params<T>;
    /// All the same.
    fn inputs_of<T: Copy>(fill: T) -> Self::Inputs<T>;
    /// All the same.
    fn square_of<T: Copy>(fill: T) -> Self::Square<T>;
    /// All zero, for a start.
    fn zero_inputs<T: Copy + Default>() -> Self::Inputs<T> {
        Self::inputs_of(T::default())
    }
    /// All the same.
    fn nodes_of<V: Copy>(fill: V) -> Self::Nodes<V>;

    /// Straight-line code, every width a constant: for one sample on the stack.
    fn down_typed<S: Sweep>(self, sweep: &mut S);
    /// The same from the outputs to the inputs.
    fn up_typed<S: Sweep>(self, sweep: &mut S);
}

/// A chain whose every width was found at run time: what pruning works on.
#[cfg(feature = "std")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack(pub(crate) Vec<Layer>);

#[cfg(feature = "std")]
impl Stack {
    /// `inputs => hidden[0] activation => … => outputs`, the output layer linear.
    ///
    /// # Panics
    /// If a width is zero.
    #[track_caller]
    pub fn mlp(inputs: usize, hidden: &[usize], outputs: usize, activation: Activation) -> Self {
        let mut widths = vec![inputs];
        widths.extend_from_slice(hidden);
        widths.push(outputs);
        assert!(widths.iter().all(|&w| w > 0), "a layer needs at least one node, found widths {widths:?}");
        let function = |l| if l < hidden.len() { activation } else { Activation::Identity };
        Self(widths.windows(2).enumerate().map(|(l, w)| Layer::new(w[0], w[1], function(l))).collect())
    }

    /// Takes layers as they are.
    ///
    /// # Panics
    /// If there is none, one has no nodes, or neighbours disagree.
    #[track_caller]
    pub fn from_layers(layers: Vec<Layer>) -> Self {
        assert!(!layers.is_empty(), "a network needs at least one layer");
        assert!(layers.iter().all(|l| l.weights() > 0), "a layer needs at least one node, found {layers:?}");
        let agree = layers.windows(2).all(|l| l[0].fan_out == l[1].fan_in);
        assert!(agree, "each layer must take as many inputs as the one before it has nodes, found {layers:?}");
        Self(layers)
    }

    /// Widths of the hidden layers.
    pub fn hidden(&self) -> Vec<usize> {
        self.0[..self.0.len() - 1].iter().map(|l| l.fan_out.0).collect()
    }
}

#[cfg(feature = "std")]
impl Chain for Stack {
    fn layers(&self) -> &[Layer] {
        &self.0
    }
}

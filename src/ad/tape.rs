//! Reverse mode: a recording of one evaluation, and adjoints from it.

use core::cell::{Cell, RefCell};
use core::fmt;

use super::Var;
use crate::math::Scalar;

/// A recording of one evaluation: for each node the local derivatives by the nodes it was computed from.
///
/// The numbers may be of any kind: over `f64` the tape yields gradients, over [`Lanes`](super::Lanes) gradients of many
/// points at once, over intervals interval adjoints (Eq. 2), over [`Dual`](super::Dual) Hessian-vector products.
///
/// Memory is kept between recordings: once it has grown to the size of the function, recording and reversing allocate
/// nothing. A tape belongs to one thread; give each its own.
///
/// # Examples
/// For a function written over [`Scalar`] use a driver such as [`gradient_into`](Self::gradient_into). By hand:
/// ```
/// use sobolev::ad::Tape;
/// use sobolev::math::Scalar;
///
/// let mut tape = Tape::new();
/// for strike in [1.0, 1.2] {
///     tape.clear();
///     let (spot, volatility) = (tape.input(1.1_f64), tape.input(0.2));
///     let price = (spot + volatility - Scalar::constant(strike)).positive_part();
///     let bar = price.adjoints();
///     assert_eq!((bar.of(spot), bar.of(volatility)), (1.0, 1.0));
/// }
/// ```
pub struct Tape<T> {
    /// Borrowed only to append copies or to read them, never while any operation of `T` runs on a `Var`.
    nodes: RefCell<Nodes<T>>,
    /// Adjoints of the last sweep, kept for their memory.
    pub(super) adjoints: Cell<Vec<T>>,
    /// What was named during a recording, where an analysis asks for it.
    names: RefCell<Option<Vec<Named<T>>>>,
    /// Memory for the inputs of a recording; always empty.
    pub(super) inputs: Cell<Vec<Slot<T>>>,
}

/// The size and alignment of a [`Var`] without its lifetime.
pub(super) type Slot<T> = (T, usize, u32);

/// An intermediate of a recording that the function gave a name.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    pub(super) name: String,
    pub(super) node: u32,
    pub(super) value: T,
}

/// Edges in order of their nodes: node `i` has those from `ends[i − 1]` up to `ends[i]`.
struct Nodes<T> {
    ends: Vec<u32>,
    parents: Vec<u32>,
    partials: Vec<T>,
}

impl<T> Default for Tape<T> {
    fn default() -> Self {
        let nodes = Nodes { ends: Vec::new(), parents: Vec::new(), partials: Vec::new() };
        Self {
            nodes: RefCell::new(nodes),
            adjoints: Cell::default(),
            names: RefCell::default(),
            inputs: Cell::default(),
        }
    }
}

impl<T> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("nodes", &self.len()).finish_non_exhaustive()
    }
}

impl<T> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many nodes are recorded: inputs and operations on them. Constants have none.
    pub fn len(&self) -> usize {
        self.nodes.borrow().ends.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the recording and keeps its memory.
    pub fn clear(&mut self) {
        let nodes = self.nodes.get_mut();
        nodes.ends.clear();
        nodes.parents.clear();
        nodes.partials.clear();
    }
}

impl<T: Scalar> Tape<T> {
    /// A variable to differentiate by.
    #[inline]
    pub fn input(&self, value: T) -> Var<'_, T> {
        Var::new(value, self, self.push([]))
    }

    /// Appends a node with an edge to each operand that is on the tape.
    #[inline]
    pub(super) fn push<const K: usize>(&self, edges: [(Option<u32>, T); K]) -> u32 {
        let nodes = &mut *self.nodes.borrow_mut();
        for (parent, partial) in edges {
            if let Some(parent) = parent {
                nodes.parents.push(parent);
                nodes.partials.push(partial);
            }
        }
        let node = u32::try_from(nodes.ends.len()).expect("a recording has fewer than 2³² nodes");
        let end = u32::try_from(nodes.parents.len()).expect("a recording has fewer than 2³² edges");
        nodes.ends.push(end);
        node
    }

    /// Starts to remember names, none so far.
    pub(super) fn start_trace(&self) {
        self.names.replace(Some(Vec::new()));
    }

    /// The names since the start, in the order they were given.
    pub(super) fn end_trace(&self) -> Vec<Named<T>> {
        self.names.take().unwrap_or_default()
    }

    #[inline]
    pub(super) fn trace(&self, node: u32, value: T, name: impl fmt::Display) {
        // Formatted before the borrow: the name is foreign code.
        if self.names.borrow().is_some() {
            let named = Named { name: name.to_string(), node, value };
            self.names.borrow_mut().as_mut().expect("just seen").push(named);
        }
    }

    /// The adjoint of every node: `Σₖ y̅ₖ ∂yₖ/∂node` for outputs and weights `(yₖ, y̅ₖ)`.
    ///
    /// # Panics
    /// If an output is on another tape.
    #[track_caller]
    pub fn adjoints<'t>(&'t self, seeds: impl IntoIterator<Item = (Var<'t, T>, T)>) -> Adjoints<'t, T> {
        let nodes = self.nodes.borrow();
        let mut bar = self.adjoints.take();
        bar.clear();
        bar.resize(nodes.ends.len(), T::zero());
        for (output, weight) in seeds {
            if let Some((tape, node)) = output.place() {
                assert!(core::ptr::eq(tape, self), "an output of another tape");
                bar[node as usize] = bar[node as usize] + weight;
            }
        }
        nodes.reverse(&mut bar);
        Adjoints { tape: self, bar }
    }
}

impl<T: Scalar> Nodes<T> {
    /// From each node to its operands, last node first.
    fn reverse(&self, bar: &mut [T]) {
        let mut end = self.parents.len();
        for node in (0..self.ends.len()).rev() {
            let start = if node == 0 { 0 } else { self.ends[node - 1] as usize };
            let node_bar = bar[node];
            for (&parent, &partial) in self.parents[start..end].iter().zip(&self.partials[start..end]) {
                bar[parent as usize] = bar[parent as usize] + partial * node_bar;
            }
            end = start;
        }
    }
}

/// The adjoints of one reverse sweep. Dropping it gives their memory back to the tape.
pub struct Adjoints<'t, T: Scalar> {
    tape: &'t Tape<T>,
    bar: Vec<T>,
}

impl<T: Scalar> Adjoints<'_, T> {
    /// The adjoint of a variable, an input or any intermediate one; zero for a constant.
    ///
    /// # Panics
    /// If it is on another tape.
    #[inline]
    #[track_caller]
    pub fn of(&self, x: Var<'_, T>) -> T {
        let Some((tape, node)) = x.place() else { return T::zero() };
        assert!(core::ptr::eq(tape, self.tape), "a variable of another tape");
        self.of_node(node)
    }

    #[inline]
    pub(super) fn of_node(&self, node: u32) -> T {
        // A node recorded after the sweep cannot have influenced it.
        self.bar.get(node as usize).copied().unwrap_or_else(T::zero)
    }
}

impl<T: Scalar> Drop for Adjoints<'_, T> {
    fn drop(&mut self) {
        self.tape.adjoints.set(core::mem::take(&mut self.bar));
    }
}

impl<T: Scalar> fmt::Debug for Adjoints<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Adjoints").field(&self.bar).finish()
    }
}

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
    /// Room for nodes, of which the first `len` are recorded; node 0 stands for all constants.
    nodes: Vec<Cell<Node<T>>>,
    len: Cell<usize>,
    /// The nodes for which there was no room; [`clear`](Self::clear) makes it.
    overflow: RefCell<Vec<Cell<Node<T>>>>,
    /// Adjoints of the last sweep, kept for their memory.
    adjoints: Cell<Vec<T>>,
    /// Memory for the inputs of a recording; always empty.
    pub(super) inputs: Cell<Vec<Slot<T>>>,
    /// What was named during a recording, where an analysis asks for it.
    names: RefCell<Option<Vec<Named<T>>>>,
}

/// The size and alignment of a [`Var`] without its lifetime.
pub(super) type Slot<T> = (T, usize, u32);

/// Local derivatives by up to two operands. What has fewer points to the constants, whose adjoint nobody asks for.
#[derive(Clone, Copy)]
struct Node<T> {
    partials: [T; 2],
    parents: [u32; 2],
}

/// The node of every constant.
pub(super) const CONSTANT: u32 = 0;

/// An intermediate of a recording that the function gave a name.
struct Named<T> {
    name: String,
    node: u32,
    value: T,
}

impl<T> Default for Tape<T> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            len: Cell::new(1),
            overflow: RefCell::default(),
            adjoints: Cell::default(),
            inputs: Cell::default(),
            names: RefCell::default(),
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
        self.len.get() - 1
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the recording and keeps its memory.
    pub fn clear(&mut self) {
        self.len.set(1);
        let overflow = self.overflow.get_mut();
        if self.nodes.is_empty() {
            core::mem::swap(&mut self.nodes, overflow);
        } else {
            self.nodes.append(overflow);
        }
    }
}

impl<T: Scalar> Tape<T> {
    /// A variable to differentiate by.
    #[inline]
    pub fn input(&self, value: T) -> Var<'_, T> {
        Var::new(value, self, self.push([T::zero(); 2], [CONSTANT; 2]))
    }

    /// Appends a node.
    #[inline]
    pub(super) fn push(&self, partials: [T; 2], parents: [u32; 2]) -> u32 {
        let (index, node) = (self.len.get(), Node { partials, parents });
        self.len.set(index + 1);
        // The constants' node is not stored.
        match self.nodes.get(index - 1) {
            Some(place) => place.set(node),
            None => self.push_overflow(node),
        }
        index as u32
    }

    #[cold]
    fn push_overflow(&self, node: Node<T>) {
        assert!(u32::try_from(self.len.get()).is_ok(), "a recording has fewer than 2³² nodes");
        self.overflow.borrow_mut().push(Cell::new(node));
    }

    /// Starts to remember names, none so far.
    pub(super) fn start_trace(&self) {
        self.names.replace(Some(Vec::new()));
    }

    /// What was named since the start, in that order.
    pub(super) fn end_trace(&self) -> Vec<(String, Var<'_, T>)> {
        let names = self.names.take().unwrap_or_default();
        names.into_iter().map(|Named { name, node, value }| (name, Var::new(value, self, node))).collect()
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
        let mut bar = self.adjoints.take();
        bar.clear();
        bar.resize(self.len.get(), T::zero());
        for (output, weight) in seeds {
            if let Some((tape, node)) = output.place() {
                assert!(core::ptr::eq(tape, self), "an output of another tape");
                bar[node as usize] = bar[node as usize] + weight;
            }
        }
        let stored = self.nodes.len().min(self.len());
        reverse(&self.overflow.borrow(), 1 + stored, &mut bar);
        reverse(&self.nodes[..stored], 1, &mut bar);
        Adjoints { tape: self, bar }
    }
}

/// From each node to its operands, last node first; the first has the index given.
fn reverse<T: Scalar>(nodes: &[Cell<Node<T>>], first: usize, bar: &mut [T]) {
    for (index, node) in nodes.iter().enumerate().rev() {
        let Node { partials, parents } = node.get();
        let node_bar = bar[first + index];
        for (partial, parent) in partials.into_iter().zip(parents) {
            if parent != CONSTANT {
                // What has no value on the whole box, in a branch, has no part in the result.
                bar[parent as usize] = bar[parent as usize] + (partial * node_bar).or(T::zero());
            }
        }
    }
}

/// The adjoints of one reverse sweep. Dropping it gives their memory back to the tape.
///
/// # Examples
/// ```
/// use sobolev::ad::Tape;
/// use sobolev::math::Scalar;
///
/// let tape = Tape::new();
/// let x = tape.input(3.0_f64);
/// let (y, z) = (x.sqr(), x.scale(5.0));
/// // Two outputs, weighted: 1·y + 10·z.
/// let bar = tape.adjoints([(y, 1.0), (z, 10.0)]);
/// assert_eq!((bar.of(x), bar.of(z)), (2.0 * 3.0 + 10.0 * 5.0, 10.0));
/// ```
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

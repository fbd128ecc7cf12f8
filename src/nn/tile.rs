//! Memory for the sweeps over one tile.

use super::packed::Packed;
use super::{Aligned, Chain, SLOTS, Slot};
use crate::math::Real;

/// Samples in a tile, unless a workspace says otherwise. Smaller tiles leave registers idle in thin layers.
pub const TILE: usize = 64;

/// Memory for the sweeps of one network over one tile of `R` samples, a multiple of 16, sized once and lent to
/// every sweep; one a thread.
#[derive(Clone, Debug)]
pub struct Workspace<T, const R: usize = TILE> {
    tape: Aligned<T>,
    scratch: Aligned<T>,
    arch: pulp::Arch,
    inputs: usize,
    outputs: usize,
}

impl<T: Packed, const R: usize> Workspace<T, R> {
    /// Sized for the given shape.
    pub fn new<C: Chain>(chain: &C) -> Self {
        let widest = chain.layers().iter().map(|l| l.fan_in.0).max().unwrap_or(0);
        Self {
            tape: Aligned::zeros(R * SLOTS * chain.nodes()),
            scratch: Aligned::zeros(2 * R * widest.next_multiple_of(16)),
            arch: pulp::Arch::new(),
            inputs: chain.inputs(),
            outputs: chain.outputs(),
        }
    }

    /// For sweeps over the given instruction set instead of the best that the machine has.
    pub fn set_arch(&mut self, arch: pulp::Arch) {
        self.arch = arch;
    }

    /// Whether this memory was sized for a network of that shape.
    pub fn fits<C: Chain>(&self, chain: &C) -> bool {
        self.tape.len() == R * SLOTS * chain.nodes() && (self.inputs, self.outputs) == (chain.inputs(), chain.outputs())
    }
}

impl<T: Real, const R: usize> Workspace<T, R> {
    /// All of it, block after block, to be put back later: sweeps overwrite what they no longer need.
    pub(crate) fn tape(&self) -> &[[T; R]] {
        self.tape.as_chunks().0
    }
    pub(super) fn tape_mut(&mut self) -> &mut [[T; R]] {
        self.tape.as_chunks_mut().0
    }
    /// The instruction set, the tape, and memory for a product.
    pub(super) fn parts_mut(&mut self) -> (pulp::Arch, &mut [[T; R]], &mut [T]) {
        (self.arch, self.tape.as_chunks_mut().0, &mut self.scratch)
    }
    /// Puts back what [`Self::tape`] gave.
    pub(crate) fn restore(&mut self, tape: &[[T; R]]) {
        self.tape_mut().copy_from_slice(tape);
    }
    /// A slot of the inputs: one column a node.
    pub fn input(&self, slot: Slot) -> &[[T; R]] {
        &self.tape()[slot as usize * self.inputs..][..self.inputs]
    }
    /// A slot of the inputs: one column a node.
    pub fn input_mut(&mut self, slot: Slot) -> &mut [[T; R]] {
        let at = slot as usize * self.inputs;
        let inputs = self.inputs;
        &mut self.tape_mut()[at..][..inputs]
    }
    /// A slot of the outputs: one column a node.
    pub fn output(&self, slot: Slot) -> &[[T; R]] {
        let at = self.tape().len() - (SLOTS - slot as usize) * self.outputs;
        &self.tape()[at..at + self.outputs]
    }
    /// A slot of the outputs: one column a node.
    pub fn output_mut(&mut self, slot: Slot) -> &mut [[T; R]] {
        let outputs = self.outputs;
        let at = self.tape().len() - (SLOTS - slot as usize) * outputs;
        &mut self.tape_mut()[at..at + outputs]
    }
    /// A slot of the inputs (block 0) or of a layer (blocks 1 on): one column a node.
    ///
    /// # Panics
    /// If the chain has no such block.
    #[track_caller]
    pub fn layer<C: Chain>(&self, block: usize, chain: &C, slot: Slot) -> &[[T; R]] {
        let layers = chain.layers();
        let width = |b: usize| if b == 0 { layers[0].fan_in.0 } else { layers[b - 1].fan_out.0 };
        let start: usize = (0..block).map(width).sum();
        &self.tape()[SLOTS * start + slot as usize * width(block)..][..width(block)]
    }
    /// The gradient in the inputs and the direction beside it, to turn one into the other.
    pub fn input_bar_and_dot(&mut self) -> (&[[T; R]], &mut [[T; R]]) {
        let n = self.inputs;
        let (bar, dot) = self.tape_mut()[Slot::Bar as usize * n..(Slot::Dot as usize + 1) * n].split_at_mut(n);
        (bar, dot)
    }
}

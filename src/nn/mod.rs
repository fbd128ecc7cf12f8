//! Floor 3: dense networks whose shape the compiler knows, or that pruning edits at run time; one set of sweeps for both.
//!
//! * **Shape.** A [`Chain`] is a list of [`Dense`] layers. [`network!`](crate::network) writes one whose widths are types
//!   ([`Fixed`]); [`Stack`] holds widths found at run time.
//! * **Parameters** are one flat slice: layer after layer the weights row-major `[fan_out][fan_in]`, then the biases. Adam,
//!   Levenberg–Marquardt, finite differences, files and freezing are plain slices.
//! * **Tiles.** A batch goes through in tiles of [`TILE`] samples, node-major: one `[T; TILE]` a node, samples in lanes.
//!   Registers are full whatever widths pruning leaves, and a tile of the largest network stays in the second-level cache
//!   from the first product to the last. The same memory is a column-major `batch × features` matrix.
//! * **Sweeps.** A [`Sweep`] is what happens at one layer; it is walked down or up the chain. [`Forward`], [`Reverse`],
//!   [`Tangent`] and [`SecondReverse`] are the four that derivatives are made of; a new analysis is a new sweep. Training on
//!   second derivatives has eight of its own, see [`CurvatureWorkspace`].
//! * **Narrow networks**, of at most eight nodes a layer, are trained by the same sweeps over registers: all nodes of a layer at
//!   once, for as many samples as a register has lanes.
//! * **Compiled once.** Sweeps over tiles become machine code in this crate, for both precisions and every instruction set
//!   ([`Compiled`]): a crate that trains a network calls it and compiles in seconds what took minutes.
//! * **Workspace** is sized once and lent by the caller: a sweep allocates nothing.

#[cfg(feature = "std")]
mod aligned;
mod chain;
#[cfg(feature = "std")]
mod compiled;
#[cfg(feature = "std")]
mod curvature;
mod edit;
mod frozen;
#[cfg(feature = "std")]
mod gemm;
#[cfg(feature = "std")]
mod jacobian;
mod kernel;
#[cfg(feature = "std")]
mod lanes;
mod macros;
#[cfg(feature = "std")]
mod narrow;
#[cfg(feature = "std")]
mod network;
#[cfg(feature = "std")]
mod packed;
#[cfg(feature = "std")]
mod registers;
mod sweep;
#[cfg(feature = "std")]
mod tile;

#[cfg(all(test, feature = "std"))]
mod naive;
#[cfg(all(test, feature = "std"))]
mod props;

#[cfg(feature = "std")]
pub(crate) use aligned::Aligned;
pub use chain::{Activate, Chain, Const, Dense, Fixed, Layer, Sweep, Typed, Width, act};
#[cfg(feature = "std")]
pub use chain::{Dyn, Stack};
#[cfg(feature = "std")]
pub use compiled::{Compiled, Pass};
#[cfg(feature = "std")]
pub use curvature::{CurvatureWorkspace, Pass as CurvaturePass};
pub use frozen::Frozen;
#[cfg(feature = "std")]
pub use frozen::{Greeks, Native, Table, Tabulated};
pub use kernel::{Accum, Kernel, Loops, Then};
#[cfg(feature = "std")]
pub use narrow::Pass as NarrowPass;
#[cfg(feature = "std")]
pub(crate) use narrow::{NarrowWorkspace, SAMPLES as NARROW, fits as is_narrow};
#[cfg(feature = "std")]
pub(crate) use network::load;
#[cfg(feature = "std")]
pub use network::{Network, ShapeMismatch};
#[cfg(feature = "std")]
pub use packed::Packed;
#[cfg(feature = "std")]
pub use registers::Registers;
pub use sweep::{Forward, Reverse, SLOTS, SecondReverse, Slot, Tangent};
#[cfg(feature = "std")]
pub use tile::{TILE, Workspace};

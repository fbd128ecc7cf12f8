//! Floor 2: algorithmic differentiation over any scalar.

mod dual;
pub mod forward;
mod function;
mod jet;
mod lanes;
mod rule;

#[cfg(feature = "std")]
mod reverse;
#[cfg(feature = "std")]
pub mod significance;
#[cfg(feature = "std")]
mod tape;
#[cfg(feature = "std")]
mod var;

pub use dual::{Dual, DualMask};
pub use function::{Function, Map};
pub use jet::{Jet, JetMask};
pub use lanes::Lanes;
#[cfg(feature = "std")]
pub use reverse::{gradient, hessian, hvp, jvp, vjp};
#[cfg(feature = "std")]
pub use tape::{Adjoints, Tape};
#[cfg(feature = "std")]
pub use var::{Var, VarMask};

#[cfg(test)]
mod branches;
#[cfg(test)]
mod props;

//! Floor 2: algorithmic differentiation over any scalar.
//!
//! # Writing a function
//!
//! Write it once over [`Scalar`](crate::math::Scalar), as a [`Function`] (one output) or a [`Map`] (several). What it is
//! evaluated over decides what comes out:
//!
//! | over | yields |
//! |---|---|
//! | `f64`, [`Lanes<f64, 8>`](Lanes) | its value at one point; at eight |
//! | [`Interval`](crate::interval::Interval) | an enclosure of its range |
//! | [`Dual<T, N>`](Dual) | derivatives in `N` directions: forward mode |
//! | [`Jet<T>`](Jet) | two directions and the second derivative in both |
//! | [`Series<T, N>`](Series), of one variable | Taylor coefficients to any order |
//! | [`Var`] on a [`Tape<T>`](Tape) | the gradient, and the adjoint of every intermediate: reverse mode |
//! | a tape over [`Lanes`] | gradients of many points at once |
//! | a tape over [`Dual`] | products with the Hessian: forward over reverse |
//! | a tape over intervals | interval adjoints, and from them [significance](significance::Analysis), Eqs. (2)–(3) |
//! | a tape over `Dual<Interval, N>` | enclosures of rows of the Hessian |
//!
//! # Choosing a driver
//!
//! [`jvp`], [`vjp`], [`gradient`], [`hvp`] and [`hessian`] take slices and allocate what they return. In a loop, lend a tape:
//! [`Tape::gradient_into`], [`Tape::vjp_into`], [`Tape::hvp_into`], [`Tape::hessian_into`] allocate nothing once the tape has
//! grown to the size of the function. For a handful of inputs, and without `std`, [`forward`] works on arrays.
//!
//! ```
//! use sobolev::ad::{self, Function};
//! use sobolev::interval::Interval;
//! use sobolev::math::Scalar;
//!
//! struct Rosenbrock;
//! impl Function for Rosenbrock {
//!     fn eval<S: Scalar>(&self, x: &[S]) -> S {
//!         (S::one() - x[0]).sqr() + S::constant(100.0) * (x[1] - x[0].sqr()).sqr()
//!     }
//! }
//! let (value, gradient, hessian) = ad::hessian(&Rosenbrock, &[1.0, 1.0]);
//! assert_eq!((value, gradient, hessian), (0.0, vec![0.0, 0.0], vec![802.0, -400.0, -400.0, 200.0]));
//!
//! // The same over a box: proof that the valley's floor is convex in x₁, and enclosures of all derivatives.
//! let x = [Interval::new(0.9, 1.1)?, Interval::new(0.9, 1.1)?];
//! let (_, gradient, hessian) = ad::hessian(&Rosenbrock, &x);
//! assert!(gradient[1].contains(0.0) && hessian[0].contains(802.0) && hessian[3].inf() >= 199.99);
//! # Ok::<(), sobolev::interval::InvalidInterval>(())
//! ```
//!
//! # Soundness
//!
//! *Promised.* Over intervals, values and derivatives are enclosures for every point of the box at which the function is
//! differentiable, under the assumptions of [`interval`](crate::interval): binary64, round to nearest, no flush to zero, no
//! fast-math. The rules of differentiation are evaluated over intervals themselves, so every rounding is outward.
//!
//! *Kinks and jumps.* Where a branch is undecided over the box, or decided only up to a tie, both sides are enclosed: the
//! slope of `max(x, 0)` is [0, 1] on any box that touches 0, its curvature everything. A `select` remembers what was
//! compared: its result depends on that with any slope, unless the branches are equal throughout the box. So a digital payoff
//! over an undecided box has the derivative (−∞, ∞), never 0. At a point one side is taken, for ReLU the slope 0. A branch
//! that has no value anywhere in the box (`√x` below 0) has no part in value or derivative; a comparison with it is
//! undecided.
//!
//! *Not promised.* Intervals take each occurrence of a variable as another one, so enclosures may be wide. A box that leaves
//! the domain in part (`ln` of [−1, 1]) is cut to it, as IEEE 1788 says, without notice. Where the
//! argument of a square root is 0 all over the box, second derivatives say nothing. Over floating point a branch that is
//! not taken still has an adjoint, 0, and `0·∞` is NaN: keep both branches finite. A comparison has no `bool` here; code
//! that leaves [`Scalar`](crate::math::Scalar) to branch by a bound or a midpoint is on its own.
//!
//! *Tested* by identities between the modes (⟨u, Jv⟩ = ⟨Jᵀu, v⟩, uᵀHv = vᵀHu), the fall of Taylor remainders, the
//! derivatives of an independent crate to the sixth order, point derivatives and slopes of chords that must lie within
//! enclosures, inclusion isotonicity, a table of every branch before, on, after and across its kink, and branches across
//! random boxes, sampled on either side, by every way there is to differentiate.

mod dual;
pub mod forward;
mod function;
mod jet;
mod lanes;
mod rule;
mod series;

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
pub use series::Series;
#[cfg(feature = "std")]
pub use tape::{Adjoints, Tape};
#[cfg(feature = "std")]
pub use var::{Var, VarMask};

#[cfg(test)]
mod branches;
#[cfg(test)]
mod props;

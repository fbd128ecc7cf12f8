//! Floor 1: intervals that certainly contain what they bound.
//!
//! [`Interval`] is a set of real numbers with doubles for ends. An operation on intervals contains the result of the real
//! operation at every point of its operands, whatever the roundings on the way: the fundamental theorem of interval
//! arithmetic, which composes. Evaluate a function over `Interval` (any function that is generic over
//! [`Scalar`](crate::math::Scalar)) and its range over a whole box is enclosed. The module `kernel` (feature `std`) does the same
//! for whole layers of a network.
//!
//! ```
//! use sobolev::interval::Interval;
//! use sobolev::math::Scalar;
//!
//! fn price<T: Scalar>(x: T) -> T {
//!     (x - T::one()) * x.normal_cdf() + x.normal_pdf()
//! }
//!
//! let range = price(Interval::new(0.9, 1.1)?);
//! assert!(range.contains(price(1.0)) && range.width() < 0.3);
//! # Ok::<(), sobolev::interval::InvalidInterval>(())
//! ```
//!
//! # What is promised
//!
//! | operations | bounds |
//! |---|---|
//! | `+ − × ÷`, [`recip`](Interval::recip), [`sqr`](Interval::sqr), [`sqrt`](Interval::sqrt), [`mul_add`](Interval::mul_add), [`div_pair`](Interval::div_pair), text (of very long fractions: 3 ulp) | tightest: both correctly rounded, subnormal and huge included |
//! | [`abs`](Interval::abs), [`min`](Interval::min), [`max`](Interval::max), hull, intersection, negation | exact |
//! | [`sign`](Interval::sign), [`floor`](Interval::floor) and the other roundings to integers | exact |
//! | [`cancel_minus`](Interval::cancel_minus), [`div_within`](Interval::div_within) | tightest |
//! | elementary functions, values of the activations | within 1 ulp of the tightest, arguments of any size |
//! | derivatives of the activations | within 4 ulp or 2⁻⁵⁰, whichever is larger |
//! | slices | enclosures; how wide is stated at each |
//!
//! Conventions are the set-based ones of IEEE 1788-2015: ∅ is an interval, functions are taken where they are defined, 0
//! times an unbounded interval is 0. What is not a number encloses nothing known: NaN gives [`Interval::ENTIRE`]; overflow is
//! rounded like everything else, so that `[MAX, MAX] + [MAX, MAX] = [MAX, ∞]`. The results of operations on operands that
//! occur twice are as wide as if they were independent: `x − x` is not 0.
//!
//! # Under which assumptions
//!
//! - `f64` is binary64, operations round to nearest, ties to even: what Rust defines. Nothing here changes the rounding mode,
//!   and no foreign code may have left it changed (that is undefined behaviour in Rust already).
//! - Subnormal numbers are not flushed to zero, neither as results nor as arguments.
//! - No compiler option allows other values than IEEE 754's (there is no fast-math in stable Rust). On 32-bit x86 without
//!   SSE2, whose x87 unit rounds twice, nothing is promised.
//! - The libm crate is relied on for exact operations only (`rint`, `frexp`) and for the square root, which is correctly
//!   rounded. Its logarithms and inverse functions serve as starting points of one Newton step, and to be off by 10⁻¹²
//!   would be enough for the bounds.
//!
//! # How it is done
//!
//! Directed rounding comes from error-free transforms: an operation to nearest, the sign of what it rounded away, one step
//! to the neighbour; where a transform could over- or underflow integers decide. Elementary functions are evaluated in
//! double-double at each end, with an error below 2⁻⁷⁰ of the value, and rounded outward once with a margin of 2⁻⁶⁴; `exp`
//! by a table, to 2⁻⁵⁸. Arguments of trigonometric functions are reduced by integers against 1280 bits of 2/π. A function
//! that is not monotone is enclosed by its values at the ends and at the critical points between them.
//!
//! # How it is tested
//!
//! - [`naive`] is the specification, by integer arithmetic; it is held to arbitrary precision, and the operations to it, bit for
//!   bit, on random bit patterns. A second oracle, of other integers and of expansions of doubles, judges a million pairs of
//!   the worst operands.
//! - Elementary functions and derivatives are held to arbitrary precision at random points of every size: containment, and
//!   the stated tightness. Ranges that contain critical points are held to dense samples.
//! - Properties: enclosure of points, isotonicity, hull, identities, text there and back; literals of random digits
//!   against exact fractions.
//! - The slice kernels are held to exact sums on every instruction set of the machine and on the portable path:
//!   ill-conditioned, subnormal, near overflow.
//! - The public conformance suite ITF1788, where it is at hand (`tests/itf1788.rs`).
//! - Mutation: the same checks run on mutants and must fail: each basic operation, elementary function and derivative with
//!   either bound one ulp inward, layers without their rounding bound, activations in slices without their margins, the latter
//!   two on every instruction set.

mod activation;
mod angle;
mod arith;
mod decimal;
mod directed;
mod double;
mod exact;
mod exponential;
mod hyperbolic;
#[cfg(feature = "std")]
pub mod kernel;
mod literal;
mod logarithm;
mod monotone;
pub mod naive;
mod normal;
mod pair;
mod power;
mod reduction;
mod relation;
mod reverse;
mod scalar;
mod set;
mod steps;
mod text;
mod trigonometric;

pub use literal::{ParseIntervalError, ParseIntervalReason};
pub use relation::Overlap;
pub use scalar::Tri;
pub use set::{Interval, InvalidInterval};

#[cfg(test)]
mod props;

//! The numbers of a recording.

use core::fmt;
use core::ops::{Add, Div, Mul, Neg, Sub};

use super::rule::{Unary, elementary};
use super::tape::CONSTANT;
use super::{Adjoints, Tape};
use crate::math::{Activation, Scalar};

/// A number on a [`Tape`], or a constant that is on none.
///
/// # Examples
/// ```
/// use sobolev::ad::{Tape, Var};
/// use sobolev::math::Scalar;
///
/// let tape = Tape::new();
/// let (x, y) = (tape.input(3.0_f64), tape.input(4.0));
/// let r = (x.sqr() + y.sqr()).sqrt();
/// let bar = r.adjoints();
/// assert_eq!((r.value(), bar.of(x), bar.of(y)), (5.0, 0.6000000000000001, 0.8));
/// ```
#[derive(Clone, Copy)]
pub struct Var<'t, T> {
    value: T,
    tape: Option<&'t Tape<T>>,
    node: u32,
}

/// A comparison of variables, which remembers what was compared: where the answer is undecided, what is selected by it
/// depends on that too.
///
/// # Examples
/// ```
/// use sobolev::ad::Tape;
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// // Knocked out somewhere in the box: the barrier's level matters without bound, the payoff at most in full.
/// let tape = Tape::new();
/// let (spot, payoff) = (tape.input(Interval::new(0.9, 1.1)?), tape.input(Interval::ONE));
/// let value = Scalar::select(spot.lt(Scalar::one()), Scalar::zero(), payoff);
/// let bar = value.adjoints();
/// assert_eq!((bar.of(spot), bar.of(payoff)), (Interval::ENTIRE, Interval::new(0.0, 1.0)?));
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VarMask<'t, T: Scalar> {
    /// Selects values.
    mask: T::Mask,
    /// Selects slopes: undecided at ties already.
    side: T::Mask,
    compared: [Var<'t, T>; 2],
}

impl<T: fmt::Debug> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("Var");
        tuple.field(&self.value);
        self.tape.map(|_| tuple.field(&self.node));
        tuple.finish()
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    #[inline]
    pub(super) fn new(value: T, tape: &'t Tape<T>, node: u32) -> Self {
        Self { value, tape: Some(tape), node }
    }

    /// A number that is not differentiated by.
    #[inline]
    pub fn fixed(value: T) -> Self {
        Self { value, tape: None, node: CONSTANT }
    }

    /// The number itself.
    #[inline]
    pub fn value(self) -> T {
        self.value
    }

    /// The adjoint `∂self/∂node` of every node of the recording.
    ///
    /// # Panics
    /// If this is a constant, which belongs to no recording.
    pub fn adjoints(self) -> Adjoints<'t, T>
    where
        T: 't,
    {
        self.tape.expect("a constant has no adjoints").adjoints([(self, T::one())])
    }

    #[inline]
    pub(super) fn node(self) -> u32 {
        self.node
    }

    #[inline]
    pub(super) fn place(self) -> Option<(&'t Tape<T>, u32)> {
        self.tape.map(|tape| (tape, self.node))
    }

    /// A number computed from two others, given the local derivative by each.
    #[inline]
    fn record(value: T, [(a, by_a), (b, by_b)]: [(Self, T); 2]) -> Self {
        match a.tape.or(b.tape) {
            None => Self::fixed(value),
            Some(tape) => {
                debug_assert!(b.tape.is_none_or(|other| core::ptr::eq(tape, other)), "variables of two tapes");
                Self::new(value, tape, tape.push([by_a, by_b], [a.node, b.node]))
            }
        }
    }

    /// A number computed from this one, given the local derivative.
    #[inline]
    fn record_one(self, value: T, partial: T) -> Self {
        match self.tape {
            None => Self::fixed(value),
            Some(tape) => Self::new(value, tape, tape.push([partial, T::zero()], [self.node, CONSTANT])),
        }
    }

    #[inline(always)]
    fn unary(self, f: Unary) -> Self {
        let y = f.value(self.value);
        match self.tape {
            None => Self::fixed(y),
            Some(_) => self.record_one(y, f.slope(self.value, y)),
        }
    }
}

impl<T: Scalar> Neg for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.record_one(-self.value, -T::one())
    }
}

impl<T: Scalar> Add for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::record(self.value + other.value, [(self, T::one()), (other, T::one())])
    }
}

impl<T: Scalar> Sub for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::record(self.value - other.value, [(self, T::one()), (other, -T::one())])
    }
}

impl<T: Scalar> Mul for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self::record(self.value * other.value, [(self, other.value), (other, self.value)])
    }
}

impl<T: Scalar> Div for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = other.value.recip();
        Self::record(quotient, [(self, inverse), (other, -(quotient * inverse))])
    }
}

impl<'t, T: Scalar> Scalar for Var<'t, T> {
    type Mask = VarMask<'t, T>;

    elementary!();

    #[inline]
    fn constant(x: f64) -> Self {
        Self::fixed(T::constant(x))
    }
    #[inline]
    fn scale(self, factor: f64) -> Self {
        self.record_one(self.value.scale(factor), T::constant(factor))
    }
    /// The derivative is that of the variable itself: no node.
    #[inline]
    fn shift(self, term: f64) -> Self {
        Self { value: self.value.shift(term), ..self }
    }
    #[inline]
    fn abs(self) -> Self {
        let right = self.value.exceeds(T::zero());
        self.record_one(self.value.abs(), T::select(right, T::one(), -T::one()))
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        let first = self.value.exceeds(other.value);
        let [a, b] = shares::<T>(first);
        Self::record(self.value.max(other.value), [(self, a), (other, b)])
    }
    #[inline]
    fn min(self, other: Self) -> Self {
        let second = self.value.exceeds(other.value);
        let [b, a] = shares::<T>(second);
        Self::record(self.value.min(other.value), [(self, a), (other, b)])
    }
    #[inline]
    fn lt(self, other: Self) -> Self::Mask {
        let mask = self.value.lt(other.value);
        VarMask { mask, side: other.value.exceeds(self.value), compared: [self, other] }
    }
    #[inline]
    fn exceeds(self, other: Self) -> Self::Mask {
        let side = self.value.exceeds(other.value);
        VarMask { mask: side, side, compared: [self, other] }
    }
    #[inline]
    fn is_undecided(mask: Self::Mask) -> bool {
        T::is_undecided(mask.side)
    }
    #[inline]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select(mask.mask, a.value, b.value), a, b, |any| any * (a.value - b.value))
    }
    #[inline]
    fn or(self, other: Self) -> Self {
        Self { value: self.value.or(other.value), ..self }
    }
    #[inline]
    fn select_slope(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select_slope(mask.side, a.value, b.value), a, b, |any| any)
    }
    /// Remembered by a tape that traces; a constant is not.
    #[inline]
    fn named(self, name: impl fmt::Display) -> Self {
        if let Some(tape) = self.tape {
            tape.trace(self.node, self.value, name);
        }
        self
    }
}

/// The share of either branch in the derivative: 1 and 0, or both [0, 1] where the choice is undecided.
#[inline]
fn shares<T: Scalar>(mask: T::Mask) -> [T; 2] {
    [T::select(mask, T::one(), T::zero()), T::select(mask, T::zero(), T::one())]
}

impl<'t, T: Scalar> VarMask<'t, T> {
    /// `value`, the choice between `a` and `b`, with its dependence on both; where undecided the choice is a step of what
    /// was compared, whose slope, any number times the height, is `jump(any)`.
    #[inline]
    fn choose(self, value: T, a: Var<'t, T>, b: Var<'t, T>, jump: impl Fn(T) -> T) -> Var<'t, T> {
        let [to_a, to_b] = shares::<T>(self.side);
        let chosen = Var::record(value, [(a, to_a), (b, to_b)]);
        if T::is_undecided(self.side) {
            let jump = jump(T::select_slope(self.side, T::zero(), T::zero()));
            let [left, right] = self.compared;
            let step = Var::record(value, [(left, jump), (right, -jump)]);
            Var::record(value, [(chosen, T::one()), (step, T::one())])
        } else {
            chosen
        }
    }
}

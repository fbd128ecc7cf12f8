//! Payoffs ν (Definition 3), and sigmoidal smoothing of their branches (§5.2.4).

use serde::{Deserialize, Serialize};

use super::ModelError;
use super::basket::require;
use crate::ad::{Dual, Function};
use crate::math::Scalar;

/// What is paid, as a function of the observables of a path. Written once; every derivative is by algorithmic differentiation.
pub trait Payoff: Sync {
    /// `ν(observables)`. Branch through `smoothing`, so that the same payoff can be smoothed; mark it `#[inline(always)]`.
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S;

    /// How smooth ν is, unsmoothed: whether its pathwise derivatives are unbiased.
    fn regularity(&self) -> Regularity;

    /// What is said of the payoff where the pathwise method is refused.
    fn singularity(&self) -> Singularity {
        Singularity { payoff: "given".into(), what: "jumps or has kinks".into(), level: 1.0 }
    }

    /// Refuses pathwise derivatives of an order (1 or 2) that would be biased.
    ///
    /// # Errors
    /// [`ModelError::NotPathwise`], which says why and what smoothing would do.
    fn require_pathwise(&self, order: usize, smoothing: Smoothing) -> Result<(), ModelError> {
        if !smoothing.is_none() || self.regularity().allows(order) {
            return Ok(());
        }
        let singularity = self.singularity();
        let width = singularity.width();
        let Singularity { payoff, what, .. } = singularity;
        Err(ModelError::NotPathwise { order, payoff, what, width })
    }

    /// Hands over the payoff under its own type, as [`Model::visit`](super::Model::visit).
    fn visit<V: PayoffVisitor>(&self, visitor: V) -> V::Output
    where
        Self: Sized,
    {
        visitor.visit(self)
    }
}

/// What is done with a payoff once its type is known.
pub trait PayoffVisitor {
    /// What comes of it.
    type Output;
    /// Does it.
    fn visit<P: Payoff>(self, payoff: &P) -> Self::Output;
}

/// The condition of §5.2.3: pathwise derivatives of order n are unbiased if ν's derivative of order n − 1 is Lipschitz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regularity {
    /// ν jumps: no pathwise derivative is unbiased.
    Discontinuous,
    /// ν is Lipschitz with kinks: the first is unbiased, the second is zero almost everywhere, and wrong.
    Lipschitz,
    /// ν′ is Lipschitz too: the first and the second are unbiased.
    Smooth,
}

impl Regularity {
    /// Whether pathwise derivatives of an order (1 or 2) are unbiased.
    pub const fn allows(self, order: usize) -> bool {
        order
            <= match self {
                Self::Discontinuous => 0,
                Self::Lipschitz => 1,
                Self::Smooth => 2,
            }
    }
}

/// Where ν is not smooth, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Singularity {
    /// The payoff's name.
    pub payoff: String,
    /// What ν does where, as "jumps by 1 where the basket is at the strike 1.1".
    pub what: String,
    /// The level at which it does: the unit of smoothing widths.
    pub level: f64,
}

impl Singularity {
    /// A fiftieth of the level to one significant digit: wide enough for labels of little noise, and at a deviation at maturity
    /// of a fifth of the level a bias below 2 %.
    pub fn width(&self) -> f64 {
        let width = if self.level == 0.0 { 0.02 } else { 0.02 * self.level.abs() };
        let unit = 10f64.powi(width.log10().floor() as i32);
        // Through decimal text, so that 0.02 prints as such.
        format!("{:.0e}", (width / unit).round() * unit).parse().unwrap_or(width)
    }
}

/// How branches are taken: sharply, or blended by a sigmoid of a given width (§5.2.4).
///
/// ```
/// use sobolev::model::Smoothing;
/// let smoothing = Smoothing::of_width(0.05)?;
/// // x/(1 + e^(−x/w)): at the kink 0, with slope ½ and curvature 1/(2w).
/// assert_eq!(smoothing.positive_part_derivatives(0.0), [0.0, 0.5, 10.0]);
/// assert_eq!(Smoothing::NONE.positive_part(0.3), 0.3);
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Smoothing {
    width: f64,
    fourth_order: bool,
}

impl Smoothing {
    /// Sharp branches.
    pub const NONE: Self = Self { width: 0.0, fourth_order: false };

    /// Sigmoids `σ(x) = 1/(1 + e^(−x/w))` of width w, in units of what is compared; 0 for sharp branches.
    ///
    /// # Errors
    /// A width that is negative or not finite.
    pub fn of_width(width: f64) -> Result<Self, ModelError> {
        let good = width.is_finite() && width >= 0.0;
        require(good, || "the smoothing width".into(), width, "a finite number not below 0")?;
        Ok(Self { width, fourth_order: false })
    }

    /// The same width with the sigmoid σ replaced by `2σ(√2 x) − σ(x)`: what is expected of a payoff so smoothed is off by the
    /// order of w⁴, not w², at √2 times the noise.
    ///
    /// Departs from the paper: a sigmoid averages the payoff over a kernel of variance `(πw)²/3`, a bias that no number of
    /// samples removes and that values beside it contradict; this kernel has none, it is Richardson's extrapolation to w = 0.
    /// Of the deltas of an up-and-out watched on 12 dates, smoothed at a seventh of a deviation, it leaves R² = .968 (what the
    /// noise of the truth allows) instead of .875. It overshoots, so that payoffs so smoothed are not monotone: it is for labels.
    ///
    /// ```
    /// use sobolev::model::Smoothing;
    /// let wide = Smoothing::of_width(0.05)?.fourth_order();
    /// assert_eq!(wide.positive_part_derivatives(0.0), [0.0, 0.5, 10.0 * (2.0 * 2.0_f64.sqrt() - 1.0)]);
    /// # Ok::<(), sobolev::model::ModelError>(())
    /// ```
    pub fn fourth_order(self) -> Self {
        Self { fourth_order: !self.is_none(), ..self }
    }

    /// w; 0 where branches are sharp.
    pub fn width(self) -> f64 {
        self.width
    }

    /// Whether branches are sharp.
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.width == 0.0
    }

    /// `(x)⁺`, or its smoothing `x/(1 + e^(−x/w))`, which is SiLU of width w.
    #[inline(always)]
    pub fn positive_part<S: Scalar>(self, x: S) -> S {
        if self.is_none() {
            return x.positive_part();
        }
        if self.fourth_order {
            return x * self.step(x);
        }
        let width = S::constant(self.width);
        width * (x / width).silu()
    }

    /// The blend's weight of what is above.
    #[inline(always)]
    fn step<S: Scalar>(self, x: S) -> S {
        let narrow = |factor: f64| (x * S::constant(factor / self.width)).sigmoid();
        if self.fourth_order {
            S::constant(2.0) * narrow(core::f64::consts::SQRT_2) - narrow(1.0)
        } else {
            (x / S::constant(self.width)).sigmoid()
        }
    }

    /// `below` where x < 0 and `above` elsewhere, or their blend `(1 − σ(x))·below + σ(x)·above`.
    #[inline(always)]
    pub fn branch<S: Scalar>(self, x: S, below: S, above: S) -> S {
        if self.is_none() {
            return S::select(x.lt(S::zero()), below, above);
        }
        below + self.step(x) * (above - below)
    }

    /// The larger of the two, or `b + (a − b)⁺` with the smoothed positive part.
    #[inline(always)]
    pub fn max<S: Scalar>(self, a: S, b: S) -> S {
        if self.is_none() { a.max(b) } else { b + self.positive_part(a - b) }
    }

    /// `(x)⁺` as smoothed, with its first and second derivative, by algorithmic differentiation: the curves of Figure 5.
    pub fn positive_part_derivatives(self, x: f64) -> [f64; 3] {
        let seeded = Dual::seed(Dual::<f64, 1>::seed(x, 0), 0);
        let y: Dual<Dual<f64, 1>, 1> = self.positive_part(seeded);
        [y.value.value, y.tangent[0].value, y.tangent[0].tangent[0]]
    }
}

impl TryFrom<f64> for Smoothing {
    type Error = ModelError;
    fn try_from(width: f64) -> Result<Self, ModelError> {
        Self::of_width(width)
    }
}

impl From<Smoothing> for f64 {
    fn from(smoothing: Smoothing) -> Self {
        smoothing.width
    }
}

/// European call `(B − K)⁺` on the first observable.
///
/// ```
/// use sobolev::model::{Call, Payoff, Smoothing};
/// let call = Call::new(1.1)?;
/// assert_eq!(call.pay(&[1.5], Smoothing::NONE), 0.3999999999999999);
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Call {
    strike: f64,
}

impl Call {
    /// The call struck at `strike`.
    ///
    /// # Errors
    /// A strike that is not finite.
    pub fn new(strike: f64) -> Result<Self, ModelError> {
        require(strike.is_finite(), || "the strike".into(), strike, "a finite number")?;
        Ok(Self { strike })
    }

    /// K.
    pub fn strike(&self) -> f64 {
        self.strike
    }
}

/// Struck at 1.10, as Huge and Savine's.
impl Default for Call {
    fn default() -> Self {
        Self { strike: 1.10 }
    }
}

impl TryFrom<f64> for Call {
    type Error = ModelError;
    fn try_from(strike: f64) -> Result<Self, ModelError> {
        Self::new(strike)
    }
}

impl From<Call> for f64 {
    fn from(call: Call) -> Self {
        call.strike
    }
}

impl Payoff for Call {
    #[inline(always)]
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        smoothing.positive_part(observables[0] - S::constant(self.strike))
    }

    fn regularity(&self) -> Regularity {
        Regularity::Lipschitz
    }

    fn singularity(&self) -> Singularity {
        let what = format!("has a kink where the basket is at the strike {}", self.strike);
        Singularity { payoff: "call".into(), what, level: self.strike }
    }
}

/// A payoff with its smoothing, as the function that is differentiated.
#[derive(Debug)]
pub(crate) struct Smoothed<'a, P> {
    pub(crate) payoff: &'a P,
    pub(crate) smoothing: Smoothing,
}

impl<P: Payoff> Function for Smoothed<'_, P> {
    #[inline(always)]
    fn eval<S: Scalar>(&self, observables: &[S]) -> S {
        self.payoff.pay(observables, self.smoothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook formula, its derivatives by central differences, and the limits far from the kink.
    #[test]
    fn smoothing_is_the_papers() {
        let w = 0.05;
        let smoothing = Smoothing::of_width(w).unwrap();
        let f = |x: f64| x / (1.0 + (-x / w).exp());
        for i in -40..=40 {
            let x = f64::from(i) * 0.01;
            let h = 1e-5;
            let [value, slope, curvature] = smoothing.positive_part_derivatives(x);
            assert!((value - f(x)).abs() < 1e-15);
            assert!((slope - (f(x + h) - f(x - h)) / (2.0 * h)).abs() < 1e-7);
            assert!((curvature - (f(x + h) - 2.0 * f(x) + f(x - h)) / (h * h)).abs() < 1e-4);
            assert!((smoothing.branch(x, 0.0, x) - f(x)).abs() < 1e-15);
        }
        let far = |x, limit: [f64; 3]| {
            let got = smoothing.positive_part_derivatives(x);
            // As good as the logistic function is anywhere, and zero where it is clamped.
            got.iter().zip(limit).all(|(got, want)| (got - want).abs() <= 4.0 * f64::EPSILON * want + 1e-300)
        };
        assert!(far(50.0, [50.0, 1.0, 0.0]) && far(-50.0, [0.0; 3]));
        assert_eq!(Smoothing::NONE.positive_part_derivatives(0.5), [0.5, 1.0, 0.0]);
        assert_eq!(Smoothing::NONE.branch(-0.1, 2.0, 3.0), 2.0);
        assert_eq!(Smoothing::NONE.branch(0.0, 2.0, 3.0), 3.0);
    }

    /// `∫ xⁿ (f(x) − (x)⁺) dx` for f the smoothed positive part: the moment of order n + 2 of its kernel, over (n+1)(n+2).
    #[test]
    fn the_kernel_of_fourth_order_has_no_variance() {
        let moment = |smoothing: Smoothing, n: i32| {
            let h = 1e-3;
            let term = |i: i32| {
                let x = h * f64::from(i);
                x.powi(n) * (smoothing.positive_part(x) - x.max(0.0)) * h
            };
            (-4000..=4000).map(term).sum::<f64>()
        };
        let w = 0.05_f64;
        let sigmoid = Smoothing::of_width(w).unwrap();
        // x·σ(x) is not the integral of σ, so that its kernel is that of (xσ)″: ∫ x²(xσ)″ dx = 2∫ (xσ − x⁺) dx = −(πw)²/3.
        assert!((moment(sigmoid, 0) + (core::f64::consts::PI * w).powi(2) / 6.0).abs() < 1e-6);
        assert!(moment(sigmoid.fourth_order(), 0).abs() < 1e-6);
        assert!(moment(sigmoid.fourth_order(), 2).abs() > 1e-6);
        // σ̃ itself: ∫ x (σ̃(x) − 1[x > 0]) dx is minus half of its kernel's variance.
        let variance = |smoothing: Smoothing| {
            let step = |x: f64| x * (smoothing.branch(x, 0.0, 1.0) - f64::from(u8::from(x > 0.0)));
            -2.0 * (-4000..=4000).map(|i| 1e-3 * step(1e-3 * f64::from(i))).sum::<f64>()
        };
        assert!((variance(sigmoid) - (core::f64::consts::PI * w).powi(2) / 3.0).abs() < 1e-6);
        assert!(variance(sigmoid.fourth_order()).abs() < 1e-6);
        assert!(Smoothing::NONE.fourth_order() == Smoothing::NONE);
    }

    #[test]
    fn bad_parameters_are_refused() {
        assert_eq!(
            Smoothing::of_width(-1.0).unwrap_err().to_string(),
            "the smoothing width is -1, expected a finite number not below 0"
        );
        assert!(Smoothing::of_width(f64::NAN).is_err() && Call::new(f64::INFINITY).is_err());
        assert!(serde_json::from_str::<Smoothing>("-0.1").is_err());
        assert_eq!(serde_json::from_str::<Call>("1.1").unwrap(), Call::default());
    }

    #[test]
    fn regularity_decides_the_order() {
        let call = Call::default();
        assert!(call.require_pathwise(1, Smoothing::NONE).is_ok());
        let error = call.require_pathwise(2, Smoothing::NONE).unwrap_err().to_string();
        assert!(error.contains("kink where the basket is at the strike 1.1") && error.contains("ν′ is not"), "{error}");
        assert!(error.contains("width as 0.02 "), "{error}");
        assert!(call.require_pathwise(2, Smoothing::of_width(0.01).unwrap()).is_ok());
        assert!(Regularity::Discontinuous.allows(0) && !Regularity::Discontinuous.allows(1));
        assert!(Regularity::Smooth.allows(2) && !Regularity::Smooth.allows(3));
    }

    #[test]
    fn widths_are_in_the_units_of_the_payoff() {
        let width = |level| Singularity { payoff: String::new(), what: String::new(), level }.width();
        assert_eq!((width(1.1), width(100.0), width(-0.03), width(0.0)), (0.02, 2.0, 0.0006, 0.02));
    }
}

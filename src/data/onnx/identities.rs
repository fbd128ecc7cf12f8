//! What strings of operators are together: activations by what they are, however they are taken apart.
//!
//! Everything here is an identity of real functions, with one exception that is marked: a softplus with a threshold.

use super::chain::Chain;
use super::tensor::Result;
use super::value::{Affine, Function, LINEAR, Value};
use crate::math::Activation;

use Activation::{Relu, Sigmoid, Silu, Softplus, Tanh};
use Function::{Abs, Apply, Cosh, Exp, ExpOfAbs, LogOfAbs, Sinh, Step, TimesExp};

impl Function {
    /// Why a part of an activation cannot stand alone.
    pub(super) fn incomplete(self) -> String {
        let what = match self {
            Exp | ExpOfAbs | TimesExp => "an exponential",
            Sinh | Cosh => "a hyperbolic function",
            Abs => "an absolute value",
            LogOfAbs => "a logarithm",
            Step => "a comparison",
            Apply(_) => "a function",
        };
        format!("{what} that is no part of a known activation")
    }
}

fn all(v: &[f64], is: impl Fn(f64) -> bool) -> bool {
    v.iter().all(|&v| is(v))
}
fn pairwise(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 8.0 * f64::EPSILON * a.abs().max(b.abs())
}

impl Value {
    fn of(&self, function: Function, argument: Affine) -> Self {
        Self::new(function, argument, self.batch)
    }
    fn shift_is(&self, times_scale: f64) -> bool {
        self.shift.iter().zip(&self.scale).all(|(t, s)| *t == times_scale * s)
    }

    /// The plainest of several ways to write the same: `1 − σ(v) = σ(−v)`, `2σ(2v) − 1 = tanh v`, `1 + tanh v = 2σ(2v)`.
    pub(super) fn canonical(self) -> Self {
        let argument = || self.argument.clone();
        // The new function, its argument, and its factor in terms of the old one.
        let (function, argument, factor) = match self.function {
            Apply(Sigmoid) if self.shift_is(-1.0) => (Apply(Sigmoid), argument().times(-1.0), -1.0),
            Apply(Sigmoid) if self.shift_is(-0.5) => (Apply(Tanh), argument().times(0.5), 0.5),
            Apply(Tanh) if self.shift_is(1.0) => (Apply(Sigmoid), argument().times(2.0), 2.0),
            Apply(Tanh) if self.shift_is(-1.0) => (Apply(Sigmoid), argument().times(-2.0), -2.0),
            Step if self.shift_is(-1.0) => (Step, argument().times(-1.0), -1.0),
            _ => return self,
        };
        if all(&self.scale, |s| s == 0.0) {
            return self;
        }
        let factor: Vec<f64> = self.scale.iter().map(|s| factor * s).collect();
        self.of(function, argument).times(&factor)
    }

    /// `e^self`; of `−c|v|` a part of its own.
    pub(super) fn exponential(&self, chain: &mut Chain) -> Result<Self> {
        if self.function != Abs {
            return self.apply(Exp, chain);
        }
        if !all(&self.scale, |s| s < 0.0) || !all(&self.shift, |t| t == 0.0) {
            return Err(Abs.incomplete());
        }
        let n = self.scale.len();
        let argument = self.argument.clone().rescaled(&self.scale, &vec![0.0; n]);
        Ok(self.of(ExpOfAbs, argument))
    }

    /// The sum of two computed values of the same shape.
    pub(super) fn plus_value(&self, other: &Self, chain: &mut Chain) -> Result<Self> {
        for (x, y) in [(self, other), (other, self)] {
            if let Some(sum) = x.completed_by(y, chain)? {
                return Ok(sum);
            }
        }
        let (sum, other) = (self.settle(chain)?, other.settle(chain)?);
        if sum.base != other.base {
            return Err("adds nodes of different layers; only chains of layers are networks here".into());
        }
        let mut planes = sum.planes.to_vec();
        for (plane, more) in planes.iter_mut().zip(other.planes.iter()) {
            plane.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        Ok(Self::linear(Affine { planes: planes.into(), ..sum }, self.batch))
    }

    /// A sum that is more than its parts:
    /// `f(−v) + v = f(v)` for every `f` of the family of the ramp, `|v| ± v = 2·relu(±v)`, `ln(1 + e^−|v|) + relu(v) = softplus(v)`,
    /// `eᵛ ± e⁻ᵛ`.
    fn completed_by(&self, other: &Self, chain: &mut Chain) -> Result<Option<Self>> {
        let n = self.scale.len();
        let whole = |function, argument, factor: f64| {
            let scale: Vec<f64> = self.scale.iter().map(|s| factor * s).collect();
            Some(self.of(function, argument).times(&scale).plus(&self.shift).plus(&other.shift))
        };
        Ok(match (self.function, other.function) {
            (Apply(Relu | Silu | Softplus) | Abs, LINEAR) => {
                let Some(ratio) = other.settle(chain)?.ratio(&self.argument) else { return Ok(None) };
                let scale = &self.scale;
                if self.function == Abs && ratio.iter().zip(scale).all(|(&r, &s)| near(r.abs(), s.abs())) {
                    let sign = pairwise(&ratio, scale, |r, s| (r * s).signum());
                    let argument = self.argument.clone().rescaled(&sign, &vec![0.0; n]);
                    let double: Vec<f64> = scale.iter().map(|s| 2.0 * s).collect();
                    return Ok(Some(self.of(Apply(Relu), argument).times(&double).plus(&self.shift)));
                }
                let opposite = ratio.iter().zip(scale).all(|(&r, &s)| near(r, -s));
                if !opposite || self.function == Abs {
                    return Ok(None);
                }
                // The shift of what is linear is part of its ratio.
                Some(self.of(self.function, self.argument.clone().times(-1.0)).times(scale).plus(&self.shift))
            }
            (LogOfAbs, Apply(Relu)) if self.scale == other.scale => {
                let ratio = other.argument.ratio(&self.argument);
                let same = ratio.is_some_and(|ratio| all(&ratio, |r| near(r.abs(), 1.0)));
                if same { whole(Apply(Softplus), other.argument.clone(), 1.0) } else { None }
            }
            (Exp, Exp) if self.argument == other.argument.clone().times(-1.0) => {
                let is = |sign: f64| self.scale.iter().zip(&other.scale).all(|(a, b)| *a == sign * b);
                match () {
                    () if is(1.0) => whole(Cosh, self.argument.clone(), 2.0),
                    () if is(-1.0) => whole(Sinh, self.argument.clone(), 2.0),
                    () => None,
                }
            }
            _ => None,
        })
    }

    /// `1/self`: of `s·eᵛ + t` a sigmoid, `σ(−v − ln(s/t))/t`.
    pub(super) fn reciprocal(&self) -> Result<Self> {
        let unknown = || "divides by a computed value that is no part of a known activation".to_owned();
        if self.function != Exp {
            return Err(unknown());
        }
        let mut argument = self.argument.clone().times(-1.0);
        if all(&self.shift, |t| t == 0.0) {
            let scale: Vec<f64> = self.scale.iter().map(|s| 1.0 / s).collect();
            return Ok(self.of(Exp, argument).times(&scale));
        }
        let ratio = pairwise(&self.scale, &self.shift, |s, t| s / t);
        if !all(&ratio, |r| r.is_finite() && r > 0.0) {
            return Err(unknown());
        }
        argument = argument.rescaled(&vec![1.0; ratio.len()], &ratio.iter().map(|r| -r.ln()).collect::<Vec<_>>());
        let scale: Vec<f64> = self.shift.iter().map(|t| 1.0 / t).collect();
        Ok(self.of(Apply(Sigmoid), argument).times(&scale))
    }

    /// `ln(self)`: of `s·eᵛ + t` a softplus, `softplus(v + ln(s/t)) + ln t`; `ln σ(v) = −softplus(−v)`.
    pub(super) fn logarithm(&self) -> Result<Self> {
        let positive = |v: &[f64]| all(v, |v| v > 0.0 && v.is_finite());
        let logs = |v: &[f64]| v.iter().map(|v| v.ln()).collect::<Vec<f64>>();
        let unknown = || Err(LogOfAbs.incomplete());
        if !positive(&self.scale) {
            return unknown();
        }
        let bare = all(&self.shift, |t| t == 0.0);
        match self.function {
            Exp if bare => Ok(Self::linear(self.argument.clone(), self.batch).plus(&logs(&self.scale))),
            Exp if positive(&self.shift) => {
                let ratio = pairwise(&self.scale, &self.shift, |s, t| s / t);
                let argument = self.argument.clone().rescaled(&vec![1.0; ratio.len()], &logs(&ratio));
                Ok(self.of(Apply(Softplus), argument).plus(&logs(&self.shift)))
            }
            ExpOfAbs if self.shift == self.scale => {
                Ok(self.of(LogOfAbs, self.argument.clone()).plus(&logs(&self.scale)))
            }
            Apply(Sigmoid) if bare => {
                let softplus = self.of(Apply(Softplus), self.argument.clone().times(-1.0));
                Ok(softplus.times_scalar(-1.0).plus(&logs(&self.scale)))
            }
            _ => unknown(),
        }
    }

    /// The product of two computed values of the same shape: `v·σ(v)`, `eᵛ·σ(−v) = σ(v)`, `v·eᵛ`, `v·[v > 0] = relu(v)`.
    pub(super) fn times_value(&self, other: &Self, chain: &mut Chain) -> Result<Self> {
        for (x, y) in [(self, other), (other, self)] {
            if !all(&y.shift, |t| t == 0.0) {
                continue;
            }
            if (x.function, y.function) == (Exp, Apply(Sigmoid)) {
                let opposite = y.argument.clone().times(-1.0);
                if opposite == x.argument && all(&x.shift, |t| t == 0.0) {
                    return Ok(y.of(Apply(Sigmoid), opposite).times(&y.scale).times(&x.scale));
                }
                continue;
            }
            let function = match y.function {
                Apply(Sigmoid) => Apply(Silu),
                Exp if x.function == LINEAR => TimesExp,
                Step => Apply(Relu),
                _ => continue,
            };
            if let Some(ratio) = x.settle(chain)?.ratio(&y.argument) {
                return Ok(y.of(function, y.argument.clone()).times(&y.scale).times(&ratio));
            }
        }
        Err("multiplies two computed values whose product is no known activation".into())
    }

    /// `self / other`.
    pub(super) fn over_value(&self, other: &Self, chain: &mut Chain) -> Result<Self> {
        let same = self.argument == other.argument;
        let bare = |v: &Self| all(&v.shift, |t| t == 0.0);
        match (self.function, other.function) {
            // (p·eᵛ + q)/(s·eᵛ + t) = p/s + (q − p·t/s)/(s·eᵛ + t)
            (Exp, Exp) if same => {
                let whole = pairwise(&self.scale, &other.scale, |p, s| p / s);
                let part = pairwise(&whole, &other.shift, |w, t| w * t);
                let part = pairwise(&self.shift, &part, |q, p| q - p);
                Ok(other.reciprocal()?.times(&part).plus(&whole))
            }
            (TimesExp, Exp) if same && bare(self) && other.shift == other.scale => {
                let scale = pairwise(&self.scale, &other.scale, |p, s| p / s);
                Ok(self.of(Apply(Silu), self.argument.clone()).times(&scale))
            }
            (Sinh, Cosh) if same && bare(self) && bare(other) => {
                let scale = pairwise(&self.scale, &other.scale, |p, s| p / s);
                Ok(self.of(Apply(Tanh), self.argument.clone()).times(&scale))
            }
            _ => self.times_value(&other.reciprocal()?, chain),
        }
    }

    /// Whether `[self > 0] · (x − y) + y` is `y`, because `y` is the softplus of what `x` is and the step is far enough to the
    /// right. The file then departs from its own softplus by less than `ln(1 + e⁻²⁰) = 2.1e-9` of a scale, which is not followed.
    pub(super) fn is_threshold_of(&self, x: &Self, y: &Self, chain: &mut Chain) -> Result<bool> {
        /// PyTorch's threshold.
        const LEAST: f64 = 20.0;
        if (self.function, x.function, y.function) != (Step, LINEAR, Apply(Softplus))
            || self.scale.len() != y.scale.len()
        {
            return Ok(false);
        }
        let line = Self::linear(y.argument.clone(), y.batch).times(&y.scale).plus(&y.shift).settle(chain)?;
        if !x.settle(chain)?.ratio(&line).is_some_and(|r| all(&r, |r| near(r, 1.0))) {
            return Ok(false);
        }
        // With the step at v = c: its argument is a multiple of v − c.
        let (mut step, mut v) = (self.argument.clone(), y.argument.clone());
        let constants = |a: &Affine| a.constants().iter().map(|c| -c).collect::<Vec<_>>();
        let (of_step, of_v) = (constants(&step), constants(&v));
        step.shift(&of_step);
        v.shift(&of_v);
        let Some(slope) = step.ratio(&v) else { return Ok(false) };
        let at = |i: usize| of_step[i] / slope[i] - of_v[i];
        Ok((0..slope.len()).all(|i| slope[i] > 0.0 && at(i) >= LEAST * (1.0 - 1e-12)))
    }
}

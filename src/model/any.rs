//! Models and payoffs that are chosen when the program runs, and carried by files.

use serde::{Deserialize, Serialize};

use super::pathwise::Workspace;
use super::{
    Bachelier, Batch, Call, ClosedForm, Greeks, Jacobian, Model, ModelVisitor, Payoff, PayoffVisitor, Regularity,
    Smoothing,
};
use crate::math::Scalar;

/// Any of the crate's models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnyModel {
    /// A basket of normal assets.
    Bachelier(Bachelier),
}

impl From<Bachelier> for AnyModel {
    fn from(model: Bachelier) -> Self {
        Self::Bachelier(model)
    }
}

/// The same expression of whichever model it is.
macro_rules! each {
    ($any:expr, $model:ident => $value:expr) => {
        match $any {
            AnyModel::Bachelier($model) => $value,
        }
    };
}

impl Model for AnyModel {
    fn inputs(&self) -> usize {
        each!(self, m => m.inputs())
    }
    fn noise(&self) -> usize {
        each!(self, m => m.noise())
    }
    fn observables(&self) -> usize {
        each!(self, m => m.observables())
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        each!(self, m => m.path(inputs, noise, observables));
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        each!(self, m => m.training_inputs(normals, inputs));
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        each!(self, m => m.test_inputs(uniforms, inputs));
    }
    fn observe(&self, inputs: &[Batch], noise: &[Batch], observables: &mut [Batch]) {
        each!(self, m => m.observe(inputs, noise, observables));
    }
    fn pull_back(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        observables_bar: &[Batch],
        inputs_bar: &mut [Batch],
        workspace: &mut Workspace,
    ) {
        each!(self, m => m.pull_back(inputs, noise, observables_bar, inputs_bar, workspace));
    }
    fn jacobian(&self) -> Jacobian {
        each!(self, m => m.jacobian())
    }
    fn push_forward(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        inputs_dot: &[Batch],
        observables_dot: &mut [Batch],
        workspace: &mut Workspace,
    ) {
        each!(self, m => m.push_forward(inputs, noise, inputs_dot, observables_dot, workspace));
    }
    fn visit<V: ModelVisitor>(&self, visitor: V) -> V::Output {
        each!(self, m => m.visit(visitor))
    }
}

/// Any of the crate's payoffs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AnyPayoff {
    /// `(B − K)⁺`
    Call {
        /// K.
        strike: Call,
    },
}

impl From<Call> for AnyPayoff {
    fn from(call: Call) -> Self {
        Self::Call { strike: call }
    }
}

impl Payoff for AnyPayoff {
    #[inline(always)]
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        match self {
            Self::Call { strike } => strike.pay(observables, smoothing),
        }
    }
    fn regularity(&self) -> Regularity {
        match self {
            Self::Call { strike } => strike.regularity(),
        }
    }
    fn visit<V: PayoffVisitor>(&self, visitor: V) -> V::Output {
        match self {
            Self::Call { strike } => visitor.visit(strike),
        }
    }
}

impl ClosedForm<AnyPayoff> for AnyModel {
    fn greeks(&self, payoff: &AnyPayoff, inputs: &[f64], deltas: &mut [f64]) -> Greeks {
        match (self, payoff) {
            (Self::Bachelier(model), AnyPayoff::Call { strike }) => model.greeks(strike, inputs, deltas),
        }
    }
}

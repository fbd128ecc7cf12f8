//! A model that is chosen when the program runs, and how files carry models.

use serde::{Deserialize, Serialize};

use super::pathwise::Workspace;
use super::{
    Bachelier, Basket, Batch, BlackScholes, ClosedForm, Contract, Diffusion, Dynamics, Jacobian, Lognormal, Model,
    ModelError, ModelVisitor, Normal, Observed, Parameter,
};
use crate::math::Scalar;

/// Any of the crate's models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum AnyModel {
    /// Normal assets.
    Bachelier(Bachelier),
    /// Lognormal assets.
    BlackScholes(BlackScholes),
}

/// The same expression of whichever model it is.
macro_rules! each {
    ($any:expr, $model:ident => $value:expr) => {
        match $any {
            AnyModel::Bachelier($model) => $value,
            AnyModel::BlackScholes($model) => $value,
        }
    };
}

impl AnyModel {
    /// The model of a name, `bachelier` or `black-scholes`.
    ///
    /// # Errors
    /// Another name; as [`Diffusion::new`].
    pub fn new(name: &str, basket: Basket, exposure: f64, maturity: f64) -> Result<Self, ModelError> {
        match name {
            Normal::NAME => Diffusion::new(basket, exposure, maturity).map(Self::Bachelier),
            Lognormal::NAME => Diffusion::new(basket, exposure, maturity).map(Self::BlackScholes),
            other => {
                Err(ModelError::Mismatch(format!("the model is `{other}`, expected `bachelier` or `black-scholes`")))
            }
        }
    }

    /// The model as a contract wants to see it, with given parameters among the inputs.
    ///
    /// # Errors
    /// What does not fit, as [`fit`](Self::fit).
    pub fn for_contract(self, contract: &Contract, dates: usize, inputs: &[Parameter]) -> Result<Self, ModelError> {
        let observed = contract.observed(dates);
        let model = match self {
            Self::Bachelier(m) => Self::Bachelier(m.observing(observed)?.with_inputs(inputs)),
            Self::BlackScholes(m) => Self::BlackScholes(m.observing(observed)?.with_inputs(inputs)),
        };
        model.fit(contract)?;
        Ok(model)
    }

    /// Whether the contract can be written on this model.
    ///
    /// # Errors
    /// Other observables than the contract looks at; a strike that is an input of one and fixed in the other, or that
    /// lognormal prices never reach.
    pub fn fit(&self, contract: &Contract) -> Result<(), ModelError> {
        let name = contract.kind().name();
        let (observed, strike) = each!(self, m => (m.observed(), m.inputs_are().place(Parameter::Strike).is_some()));
        let dates = if let Observed::Basket { dates } = observed { dates } else { 1 };
        if contract.observed(dates) != observed {
            let message = format!("the model lets payoffs see {observed:?}, which a {name} does not look at");
            return Err(ModelError::Mismatch(message));
        }
        if strike != contract.strike_is_input() {
            let message = "the strike is an input of the model or of the payoff, expected of both or neither";
            return Err(ModelError::Mismatch(message.into()));
        }
        let levels = [Some(contract.strike()), contract.kind().barrier().map(|(level, _)| level)];
        match levels.into_iter().flatten().find(|&level| level <= 0.0) {
            Some(level) if matches!(self, Self::BlackScholes(_)) => Err(ModelError::Value {
                what: "a strike or barrier".into(),
                value: level,
                expected: "a number above 0, as lognormal prices are",
            }),
            _ => Ok(()),
        }
    }

    /// The name in files and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bachelier(_) => Normal::NAME,
            Self::BlackScholes(_) => Lognormal::NAME,
        }
    }

    /// The basket.
    pub fn basket(&self) -> &Basket {
        each!(self, m => m.basket())
    }

    /// The same on another basket.
    ///
    /// # Errors
    /// As [`Diffusion::new`].
    pub fn with_basket(&self, basket: Basket) -> Result<Self, ModelError> {
        Fields { basket, ..self.clone().into() }.try_into()
    }

    /// Whether prices depend on the spots through the basket's price alone.
    pub fn is_of_the_basket(&self) -> bool {
        each!(self, m => m.is_of_the_basket())
    }

    /// Whether prices depend on the inputs through one number alone: the basket's price, and no parameter beside it.
    pub fn is_of_one_number(&self) -> bool {
        self.is_of_the_basket() && self.parameters().is_empty()
    }

    /// The parameters among the inputs, with their places.
    pub fn parameters(&self) -> Vec<(Parameter, usize)> {
        each!(self, m => m.inputs_are().parameters().collect())
    }
}

impl From<Bachelier> for AnyModel {
    fn from(model: Bachelier) -> Self {
        Self::Bachelier(model)
    }
}

impl From<BlackScholes> for AnyModel {
    fn from(model: BlackScholes) -> Self {
        Self::BlackScholes(model)
    }
}

/// A model as files carry it. What the first files lack is what they were made with.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default = "bachelier")]
    dynamics: String,
    basket: Basket,
    exposure: f64,
    maturity: f64,
    /// Dates on which the basket is seen; none where assets are.
    #[serde(default = "one")]
    dates: Option<usize>,
    #[serde(default)]
    parameters: Vec<String>,
}

fn bachelier() -> String {
    Normal::NAME.into()
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn one() -> Option<usize> {
    Some(1)
}

impl TryFrom<Fields> for AnyModel {
    type Error = ModelError;
    fn try_from(fields: Fields) -> Result<Self, ModelError> {
        let observed = fields.dates.map_or(Observed::Assets, |dates| Observed::Basket { dates });
        let parameters: Vec<Parameter> = fields.parameters.iter().map(|p| p.parse()).collect::<Result<_, _>>()?;
        Ok(match Self::new(&fields.dynamics, fields.basket, fields.exposure, fields.maturity)? {
            Self::Bachelier(m) => m.observing(observed)?.with_inputs(&parameters).into(),
            Self::BlackScholes(m) => m.observing(observed)?.with_inputs(&parameters).into(),
        })
    }
}

impl From<AnyModel> for Fields {
    fn from(model: AnyModel) -> Self {
        let parameters = model.parameters().iter().map(|(p, _)| p.name().to_owned()).collect();
        let dynamics = model.name().to_owned();
        each!(model, m => Self {
            dynamics,
            basket: m.basket().clone(),
            exposure: m.exposure(),
            maturity: m.maturity(),
            dates: if let Observed::Basket { dates } = m.observed() { Some(dates) } else { None },
            parameters,
        })
    }
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
    fn spots(&self) -> usize {
        each!(self, m => m.spots())
    }
    fn input_names(&self) -> Vec<String> {
        each!(self, m => m.input_names())
    }
    fn underlying(&self, inputs: &[f64]) -> f64 {
        each!(self, m => m.underlying(inputs))
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
    fn observe_both(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        mirrored: &[Batch],
        observables: &mut [Batch],
        mirrored_observables: &mut [Batch],
    ) {
        each!(self, m => m.observe_both(inputs, noise, mirrored, observables, mirrored_observables));
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

impl ClosedForm<Contract> for AnyModel {
    fn price<S: Scalar>(&self, contract: &Contract, inputs: &[S]) -> Option<S> {
        each!(self, m => m.price(contract, inputs))
    }
}

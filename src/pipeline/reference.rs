//! What a study learns from: a reference model, or a network of which nothing else is known (§6.2).

use faer::Mat;

use super::Problem;
use super::inputs::{Inputs, Use};
use super::problem::TEST_POINTS;
use crate::data::{Simulator, Surrogate, TestSet};
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Purpose, Streams};
use crate::model::{AnyModel, Contract, Model, Payoff};

/// What a study learns from, and what its results are judged by.
#[derive(Clone, Debug)]
pub enum Reference<M = AnyModel, P = Contract> {
    /// A model: inputs from its law, labels from its paths, truth from its closed form.
    Model(Box<Problem<M, P>>),
    /// A network: inputs from a box or a file, labels and truth from its own derivatives.
    Network(Box<Imitation>),
}

/// A network to be imitated where a user says.
#[derive(Clone, Debug)]
pub struct Imitation {
    /// The network that knows.
    pub teacher: Surrogate,
    /// Where it is asked.
    pub inputs: Inputs,
    /// Its own values, deltas and gammas at points that no training sees.
    pub test: TestSet,
}

impl Imitation {
    /// Test points are drawn from the inputs' law, the same ones for every seed.
    ///
    /// # Errors
    /// Another number of inputs than the network's, or more than one output.
    pub fn new(teacher: Surrogate, inputs: Inputs) -> Result<Self> {
        let (widths, ranges) = (teacher.widths(), inputs.domain().len());
        if widths[0] != ranges {
            let message = format!("expected one range for each of {} inputs, found {ranges}", widths[0]);
            return Err(Error::invalid("domain", message));
        }
        if let Some(&outputs) = widths.last().filter(|&&n| n != 1) {
            return Err(Error::invalid(
                "network",
                format!("expected one output, found {outputs}; choose one by --output"),
            ));
        }
        let points = inputs.draw(Use::Test, &mut Streams::new(0, Purpose::Test), TEST_POINTS);
        let test = teacher.test_set(points);
        Ok(Self { teacher, inputs, test })
    }
}

impl<M, P> From<Problem<M, P>> for Reference<M, P> {
    fn from(problem: Problem<M, P>) -> Self {
        Self::Model(Box::new(problem))
    }
}

impl From<Imitation> for Reference {
    fn from(imitation: Imitation) -> Self {
        Self::Network(Box::new(imitation))
    }
}

impl<M: Model, P: Payoff> Reference<M, P> {
    /// The points that results are judged on.
    pub fn test(&self) -> &TestSet {
        match self {
            Self::Model(problem) => &problem.test,
            Self::Network(imitation) => &imitation.test,
        }
    }

    /// The box of use.
    pub fn domain(&self) -> Vec<Interval> {
        match self {
            Self::Model(problem) => problem.domain(),
            Self::Network(imitation) => imitation.inputs.domain().to_vec(),
        }
    }

    /// The model.
    ///
    /// # Errors
    /// If there is only a network.
    pub fn problem(&self) -> Result<&Problem<M, P>> {
        match self {
            Self::Model(problem) => Ok(problem),
            Self::Network(_) => Err(Error::invalid(
                "reference model",
                "it is unknown, so that there is nothing to simulate; learn from a network by --teacher",
            )),
        }
    }

    /// Points to ask a teacher at: from the model's training law, or from the imitation's inputs.
    pub(super) fn inputs(&self, part: Use, streams: &mut Streams, n: usize) -> Mat<f64> {
        match self {
            Self::Model(problem) => Simulator::values_only(&problem.model, &problem.payoff, 1).inputs(streams, n),
            Self::Network(imitation) => imitation.inputs.draw(part, streams, n),
        }
    }
}

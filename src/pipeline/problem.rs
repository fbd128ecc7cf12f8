//! What is learnt: a reference model, a payoff, and the points it is judged on.

use crate::data::TestSet;
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Purpose, Streams};
use crate::model::{AnyModel, AnyPayoff, Bachelier, Call, ClosedForm, Model, Payoff, Smoothing};

/// A model and a payoff with their test points: the crate's own, chosen at run time, or a user's. Nothing of the test points
/// is ever seen by training, pruning, or the choice of a stopping time.
#[derive(Clone, Debug)]
pub struct Problem<M = AnyModel, P = AnyPayoff> {
    /// The reference model.
    pub model: M,
    /// The payoff.
    pub payoff: P,
    /// How derivative labels smooth the payoff (§5.2.4). Values are always those of the payoff itself.
    pub smoothing: Smoothing,
    /// Prices and Greeks at uniform points; the same for every training seed.
    pub test: TestSet,
    /// The seed of the basket.
    pub basket_seed: u64,
}

/// Test points (Huge and Savine's number).
pub(super) const TEST_POINTS: usize = 4096;

impl Problem {
    /// The paper's: a call on the Bachelier basket of so many assets that a seed stands for (§4).
    ///
    /// # Errors
    /// If there are no assets.
    pub fn new(assets: usize, basket_seed: u64) -> Result<Self> {
        let model = Bachelier::random(basket_seed, assets).map_err(|e| Error::invalid("dims", e.to_string()))?;
        Ok(Self::of(model.into(), Call::default().into(), Smoothing::NONE, basket_seed))
    }
}

impl<M: Model + ClosedForm<P>, P: Payoff> Problem<M, P> {
    /// Any model and payoff.
    pub fn of(model: M, payoff: P, smoothing: Smoothing, basket_seed: u64) -> Self {
        let test = TestSet::draw(&model, &payoff, &mut Streams::new(basket_seed, Purpose::Test), TEST_POINTS);
        Self { model, payoff, smoothing, test, basket_seed }
    }
}

impl<M: Model, P: Payoff> Problem<M, P> {
    /// The box that the test points fill: the domain of use.
    pub fn domain(&self) -> Vec<Interval> {
        let column = |j: usize| {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            self.test_bounds(j, &mut low, &mut high);
            Interval::new(low, high).expect("uniform points have a range")
        };
        (0..self.test.inputs.ncols()).map(column).collect()
    }

    /// Where the law of test inputs begins and ends in one input, known from the model alone.
    fn test_bounds(&self, j: usize, low: &mut f64, high: &mut f64) {
        let m = self.model.inputs();
        let mut point = vec![0.0; m];
        for u in [0.0, 1.0] {
            self.model.test_inputs(&vec![u; m], &mut point);
            (*low, *high) = (low.min(point[j]), high.max(point[j]));
        }
    }
}

//! What is learnt: a reference model, a payoff, and the points it is judged on.

use crate::data::TestSet;
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Purpose, Streams};
use crate::model::{AnyModel, Bachelier, Contract, Model, Payoff, Smoothing};

/// A model and a payoff with their test points: the crate's own, chosen at run time, or a user's. Nothing of the test points
/// is ever seen by training, pruning, or the choice of a stopping time.
#[derive(Clone, Debug)]
pub struct Problem<M = AnyModel, P = Contract> {
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

/// Test points with labels by formula (Huge and Savine's number).
pub(super) const TEST_POINTS: usize = 4096;
/// Test points with simulated labels, which take time.
const SIMULATED_TEST_POINTS: usize = 512;

impl Problem {
    /// The paper's: a call on the Bachelier basket of so many assets that a seed stands for (§4).
    ///
    /// # Errors
    /// If there are no assets.
    pub fn new(assets: usize, basket_seed: u64) -> Result<Self> {
        let model = Bachelier::random(basket_seed, assets).map_err(|e| Error::invalid("dims", e.to_string()))?;
        Self::of(model.into(), Contract::default(), Smoothing::NONE, basket_seed)
    }

    /// Any of the crate's models and contracts. Test labels are by formula where there is one, else by
    /// [revaluation](TestSet::revalued), in a few seconds.
    ///
    /// # Errors
    /// What does not fit, as [`AnyModel::fit`].
    pub fn of(model: AnyModel, payoff: Contract, smoothing: Smoothing, basket_seed: u64) -> Result<Self> {
        model.fit(&payoff).map_err(|e| Error::invalid("payoff", e.to_string()))?;
        let streams = || Streams::new(basket_seed, Purpose::Test);
        let test = TestSet::draw(&model, &payoff, &mut streams(), TEST_POINTS).unwrap_or_else(|| {
            let (n, streams) = (SIMULATED_TEST_POINTS, &mut streams());
            TestSet::revalued(&model, &payoff, streams, n, TestSet::affordable_pairs(&model, n))
        });
        Ok(Self { model, payoff, smoothing, test, basket_seed })
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

/// Whether derivative labels of a payoff can be had, as smoothed as they are.
///
/// # Errors
/// Why not, and what to do about it.
pub fn require_derivatives(payoff: &impl Payoff, smoothing: Smoothing) -> Result<()> {
    payoff.require_pathwise(1, smoothing).map_err(|e| {
        let remedy = format!("{e}; add --smoothing {}, or train on values alone", payoff.singularity().width());
        Error::invalid("payoff", remedy)
    })
}

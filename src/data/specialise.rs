//! Work compiled for the model and the payoff that a choice among many turns out to be.

use crate::model::{Model, ModelVisitor, Payoff, PayoffVisitor};

/// What one thread does with one chunk of samples, whatever the model and the payoff.
pub(super) trait Work {
    /// Does it.
    fn run<M: Model, P: Payoff>(self, model: &M, payoff: &P);
}

/// Does the work with the types that model and payoff have under their own names.
pub(super) fn specialise(model: &impl Model, payoff: &impl Payoff, work: impl Work) {
    model.visit(Pair { other: payoff, work });
}

/// The one of the two that is not being asked, and the work.
struct Pair<'a, T, W> {
    other: &'a T,
    work: W,
}

impl<P: Payoff, W: Work> ModelVisitor for Pair<'_, P, W> {
    type Output = ();
    fn visit<M: Model>(self, model: &M) {
        self.other.visit(Pair { other: model, work: self.work });
    }
}

impl<M: Model, W: Work> PayoffVisitor for Pair<'_, M, W> {
    type Output = ();
    fn visit<P: Payoff>(self, payoff: &P) {
        self.work.run(self.other, payoff);
    }
}

//! What surrogate files say of where they are from, and how a problem is found again.

use std::path::Path;

use super::args::ReferenceArgs;
use crate::data::{Metadata, Surrogate, load_network};
use crate::error::{Error, Result};
use crate::model::{AnyModel, AnyPayoff, Call, Model as _, Smoothing};
use crate::pipeline::{Problem, Scores};

/// Whether a stage came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Complete,
    Interrupted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Writes a surrogate with its problem, seed and scores. `plan` is any text that a later run compares with its own.
pub(super) fn save(
    path: &Path,
    surrogate: &Surrogate,
    problem: &Problem,
    seed: u64,
    state: State,
    plan: &str,
) -> Result<()> {
    let scores = Scores::of(surrogate, problem);
    let text = |v: String| v;
    let r_squared = format!(
        r#"{{"values":{},"deltas":{},"deltas_by_column":{},"gammas":{}}}"#,
        scores.values, scores.deltas, scores.deltas_by_column, scores.gammas
    );
    let domain: Vec<[f64; 2]> = problem.domain().iter().map(|x| [x.inf(), x.sup()]).collect();
    let metadata = Metadata::from([
        ("program".into(), concat!("sobolev ", env!("CARGO_PKG_VERSION")).into()),
        ("model".into(), serde_json::to_string(&problem.model).expect("plain numbers")),
        ("payoff".into(), serde_json::to_string(&problem.payoff).expect("plain numbers")),
        ("smoothing".into(), problem.smoothing.width().to_string()),
        ("basket_seed".into(), problem.basket_seed.to_string()),
        ("seed".into(), seed.to_string()),
        ("state".into(), state.name().into()),
        ("domain".into(), serde_json::to_string(&domain).expect("plain numbers")),
        ("r_squared".into(), text(r_squared)),
        ("plan".into(), plan.into()),
    ]);
    surrogate.save(path, &metadata)
}

/// Reads a surrogate and the problem that it was made for: what the file says, or else what the arguments say.
pub(super) fn load(path: &Path, reference: &ReferenceArgs) -> Result<(Surrogate, Problem, Metadata)> {
    let (surrogate, metadata) = load_network(path)?;
    let bad = |message: String| Error::format(path, message);
    let inputs = surrogate.scaling.inputs();
    let problem = match (reference.basket_seed, &reference.reference) {
        (Some(seed), _) => Problem::new(inputs, seed)?,
        (None, Some(other)) => problem(other, &named_reference(other)?)?,
        (None, None) => problem(path, &metadata)?,
    };
    let wanted = problem.model.inputs();
    if inputs != wanted {
        return Err(bad(format!("the network has {inputs} inputs but its model {wanted}")));
    }
    let outputs = *surrogate.widths().last().expect("a network has layers");
    if outputs != 1 {
        return Err(bad(format!("expected a network with one output, found {outputs}")));
    }
    Ok((surrogate, problem, metadata))
}

/// A network to learn from, for the same problem: one that its file names, or any with the right inputs if it names none.
pub(super) fn load_teacher(path: &Path, problem: &Problem) -> Result<Surrogate> {
    let (teacher, metadata) = load_network(path)?;
    let (found, wanted) = (teacher.widths(), problem.model.inputs());
    if (found[0], found.last()) != (wanted, Some(&1)) {
        let message = format!("expected a teacher of {wanted} inputs and one output, found widths {found:?}");
        return Err(Error::format(path, message));
    }
    if metadata.contains_key("model") {
        let of = self::problem(path, &metadata)?;
        if of.model != problem.model || of.payoff != problem.payoff {
            return Err(Error::format(path, "taught on another model or payoff than the network that is to learn"));
        }
    }
    Ok(teacher)
}

/// What a file says of a reference model: a network's file, or JSON with the fields `model` (`basket` with `weights`,
/// `correlation` and `volatilities`, `exposure` and `maturity` in years) and `strike`.
fn named_reference(path: &Path) -> Result<Metadata> {
    if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("json")) {
        return Ok(load_network(path)?.1);
    }
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|e| Error::format(path, e.to_string()))?;
    let mut metadata = Metadata::from([("basket_seed".into(), "0".into())]);
    metadata.extend(fields.into_iter().map(|(name, value)| (name, value.to_string())));
    Ok(metadata)
}

/// The problem that the metadata of a file describe.
fn problem(path: &Path, metadata: &Metadata) -> Result<Problem> {
    let bad = |message: String| Error::format(path, message);
    let field = |name: &str| {
        metadata.get(name).ok_or_else(|| {
            bad(format!(
                "metadata field `{name}` is missing, so that the reference model is unknown, which gives this command its \
                 samples and its closed form; name it by --basket-seed, or by --reference FILE, a network of the same model"
            ))
        })
    };
    let json = |name: &str, e: serde_json::Error| bad(format!("metadata field `{name}`: {e}"));
    let model: AnyModel = serde_json::from_str(field("model")?).map_err(|e| json("model", e))?;
    let payoff: AnyPayoff = match metadata.get("payoff") {
        Some(text) => serde_json::from_str(text).map_err(|e| json("payoff", e))?,
        // Files that are older than other payoffs have the strike of a call.
        None => serde_json::from_str::<Call>(field("strike")?).map_err(|e| json("strike", e))?.into(),
    };
    let smoothing = match metadata.get("smoothing") {
        Some(text) => serde_json::from_str(text).map_err(|e| json("smoothing", e))?,
        None => Smoothing::NONE,
    };
    let basket_seed =
        field("basket_seed")?.parse().map_err(|_| bad("metadata field `basket_seed`: expected a number".into()))?;
    Ok(Problem::of(model, payoff, smoothing, basket_seed))
}

/// The surrogate of a finished stage with the same seed, basket and plan, if it is there.
pub(super) fn resume(path: &Path, problem: &Problem, seed: u64, plan: &str) -> Option<Surrogate> {
    let (surrogate, found, metadata) = load(path, &ReferenceArgs::default()).ok()?;
    let is = |name: &str, want: &str| metadata.get(name).is_some_and(|v| v == want);
    let same = (&found.model, found.payoff, found.smoothing) == (&problem.model, problem.payoff, problem.smoothing);
    (same && is("seed", &seed.to_string()) && is("state", State::Complete.name()) && is("plan", plan))
        .then_some(surrogate)
}

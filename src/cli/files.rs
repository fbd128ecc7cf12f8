//! What surrogate files say of where they are from, and how a problem is found again.

use std::path::Path;

use faer::MatRef;
use serde::Serialize;

use super::args::{Domain, ReferenceArgs};
use crate::data::{Metadata, Surrogate, load_network, table};
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::model::{AnyModel, Basket, Call, Contract, Model as _, ModelError, Smoothing};
use crate::pipeline::{Imitation, Inputs, Problem, Reference, Scores};

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

/// Writes a surrogate with what it learnt from, its seed and its scores. `plan` is any text that a later run compares with
/// its own.
pub(super) fn save(
    path: &Path,
    surrogate: &Surrogate,
    reference: &Reference,
    seed: u64,
    state: State,
    plan: &str,
) -> Result<()> {
    let scores = Scores::of(surrogate, reference.test());
    let domain: Vec<[f64; 2]> = reference.domain().iter().map(|x| [x.inf(), x.sup()]).collect();
    let mut metadata = Metadata::from([
        ("program".into(), concat!("sobolev ", env!("CARGO_PKG_VERSION")).into()),
        ("seed".into(), seed.to_string()),
        ("state".into(), state.name().into()),
        ("domain".into(), json(&domain)),
        ("r_squared".into(), json(&scores)),
        ("plan".into(), plan.into()),
    ]);
    match reference {
        Reference::Model(problem) => metadata.extend([
            ("model".into(), json(&problem.model)),
            ("payoff".into(), json(&problem.payoff)),
            ("inputs".into(), json(&problem.model.input_names())),
            ("spots".into(), problem.model.spots().to_string()),
            ("smoothing".into(), problem.smoothing.width().to_string()),
            ("basket_seed".into(), problem.basket_seed.to_string()),
        ]),
        Reference::Network(imitation) => {
            metadata.insert("teacher".into(), imitation.teacher.network.describe());
        }
    }
    surrogate.save(path, &metadata)
}

/// A network's file with what it is compared with.
pub(super) struct Loaded {
    pub(super) surrogate: Surrogate,
    pub(super) reference: Reference,
    pub(super) metadata: Metadata,
}

/// Reads a network and finds what it is compared with: what the arguments say, or else its file, or else the teacher's file.
/// Where only a domain is known, that is the `teacher`, or the network itself.
pub(super) fn load(path: &Path, args: &ReferenceArgs, teacher: Option<(&Path, &Network)>) -> Result<Loaded> {
    let Network { surrogate, metadata } = read(path, args.output)?;
    let inputs = surrogate.scaling.inputs();
    if let Some((path, teacher)) = teacher {
        let found = teacher.surrogate.scaling.inputs();
        if found != inputs {
            return Err(Error::format(path, format!("expected a teacher of {inputs} inputs, found {found}")));
        }
    }
    let imitate = |inputs| {
        let teacher = teacher.map_or(&surrogate, |(_, teacher)| &teacher.surrogate);
        Imitation::new(teacher.clone(), inputs).map(Reference::from)
    };
    // The network's own file speaks first.
    let sources = || [Some((path, &metadata)), teacher.map(|(path, t)| (path, &t.metadata))].into_iter().flatten();
    let naming = |field: &str| sources().find(|(_, metadata)| metadata.contains_key(field));
    let model = |problem: Problem, path: &Path| {
        let wanted = problem.model.inputs();
        match inputs == wanted {
            true => Ok(Reference::from(problem)),
            false => Err(Error::format(path, format!("the network has {inputs} inputs but its model {wanted}"))),
        }
    };
    let reference = match args {
        ReferenceArgs { domain: Some(Domain(ranges)), .. } => {
            imitate(Inputs::uniform(for_each_input(ranges, inputs))?)?
        }
        ReferenceArgs { inputs_file: Some(file), columns, .. } => imitate(points(file, inputs, columns.as_deref())?)?,
        ReferenceArgs { basket_seed: Some(seed), .. } => match naming("model") {
            Some((of, metadata)) => model(on_basket(of, metadata, *seed)?, path)?,
            None => model(Problem::new(inputs, *seed)?, path)?,
        },
        ReferenceArgs { reference: Some(other), .. } => model(problem(other, &named_reference(other)?)?, path)?,
        _ => match (naming("model"), naming("domain")) {
            (Some((of, metadata)), _) => model(problem(of, metadata)?, path)?,
            (None, Some((of, metadata))) => imitate(Inputs::uniform(named_domain(of, metadata)?)?)?,
            (None, None) => return Err(Error::format(path, UNKNOWN)),
        },
    };
    if let (Reference::Model(wanted), Some((path, teacher))) = (&reference, teacher)
        && teacher.metadata.contains_key("model")
    {
        let of = described(path, &teacher.metadata)?;
        if of.model != wanted.model || of.payoff != wanted.payoff {
            return Err(Error::format(path, "taught on another model or payoff than the network that is to learn"));
        }
    }
    Ok(Loaded { surrogate, reference, metadata })
}

/// What to do about a network of which nothing is known.
const UNKNOWN: &str = "the metadata name no `model` and no `domain`, so that nothing is known of the inputs; give the box they \
                       fill by --domain, or some of them by --inputs-file; or the reference model by --basket-seed, or by \
                       --reference FILE, a network of the same model";

/// A network with what its file says.
pub(super) struct Network {
    pub(super) surrogate: Surrogate,
    metadata: Metadata,
}

/// Reads a network with one output, or one of its outputs.
pub(super) fn read(path: &Path, output: Option<usize>) -> Result<Network> {
    let (mut surrogate, metadata) = load_network(path)?;
    let outputs = *surrogate.widths().last().expect("a network has layers");
    match output {
        // A pruned network has been left with the one that was chosen.
        Some(output) if outputs > 1 => {
            surrogate = surrogate.output(output).map_err(|e| Error::format(path, e.to_string()))?;
        }
        None if outputs != 1 => {
            let message = format!("expected a network with one output, found {outputs}; choose one by --output");
            return Err(Error::format(path, message));
        }
        _ => {}
    }
    Ok(Network { surrogate, metadata })
}

/// One range for all inputs, or one for each.
fn for_each_input(ranges: &[Interval], inputs: usize) -> Vec<Interval> {
    match ranges {
        [all] => vec![*all; inputs],
        _ => ranges.to_vec(),
    }
}

fn named_domain(path: &Path, metadata: &Metadata) -> Result<Vec<Interval>> {
    let bad = |message: String| Error::format(path, format!("metadata field `domain`: {message}"));
    let ranges: Vec<[f64; 2]> = serde_json::from_str(&metadata["domain"]).map_err(|e| bad(e.to_string()))?;
    let range = |[low, high]: &[f64; 2]| Interval::new(*low, *high).map_err(|e| bad(e.to_string()));
    ranges.iter().map(range).collect()
}

/// All rows of a table.
fn points(path: &Path, inputs: usize, columns: Option<&[String]>) -> Result<Inputs> {
    let mut source = table::read(path, inputs, columns)?;
    let (mut block, mut rows) = (table::Block::default(), Vec::new());
    while source.next(&mut block)? {
        if let Some(reject) = block.rejects.first() {
            let line = block.lines[reject.row];
            return Err(Error::format(path, format!("line {line}: {}", reject.reason)));
        }
        rows.extend_from_slice(&block.data);
    }
    let points = MatRef::from_row_major_slice(&rows, rows.len() / inputs, inputs);
    Inputs::given(points).map_err(|e| Error::format(path, e.to_string()))
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

/// The problem that the metadata of a file describe, with its test points.
fn problem(path: &Path, metadata: &Metadata) -> Result<Problem> {
    let Described { model, payoff, smoothing, basket_seed } = described(path, metadata)?;
    Problem::of(model, payoff, smoothing, basket_seed).map_err(|e| Error::format(path, e.to_string()))
}

/// That problem on another random basket of as many assets and the same volatility.
fn on_basket(path: &Path, metadata: &Metadata, seed: u64) -> Result<Problem> {
    let Described { model, payoff, smoothing, .. } = described(path, metadata)?;
    let (bad, old) = (|e: ModelError| Error::format(path, e.to_string()), model.basket());
    let mut basket = Basket::random(seed, old.assets()).map_err(bad)?;
    if (basket.volatility() - old.volatility()).abs() > 1e-9 {
        basket = basket.with_volatility(old.volatility()).map_err(bad)?;
    }
    Problem::of(model.with_basket(basket).map_err(bad)?, payoff, smoothing, seed)
}

/// What a file says of a model and what is written on it.
struct Described {
    model: AnyModel,
    payoff: Contract,
    smoothing: Smoothing,
    basket_seed: u64,
}

fn described(path: &Path, metadata: &Metadata) -> Result<Described> {
    let bad = |message: String| Error::format(path, message);
    let field = |name: &str| {
        metadata.get(name).ok_or_else(|| {
            bad(format!("metadata field `{name}` is missing, so that this file does not name a reference model"))
        })
    };
    let damaged = |name: &str, e: serde_json::Error| bad(format!("metadata field `{name}`: {e}"));
    let model: AnyModel = serde_json::from_str(field("model")?).map_err(|e| damaged("model", e))?;
    let payoff: Contract = match metadata.get("payoff") {
        Some(text) => serde_json::from_str(text).map_err(|e| damaged("payoff", e))?,
        // Files that are older than other payoffs have the strike of a call.
        None => serde_json::from_str::<Call>(field("strike")?).map_err(|e| damaged("strike", e))?.into(),
    };
    let smoothing = match metadata.get("smoothing") {
        Some(text) => serde_json::from_str(text).map_err(|e| damaged("smoothing", e))?,
        None => Smoothing::NONE,
    };
    let basket_seed =
        field("basket_seed")?.parse().map_err(|_| bad("metadata field `basket_seed`: expected a number".into()))?;
    Ok(Described { model, payoff, smoothing, basket_seed })
}

/// The surrogate of a finished stage with the same seed, basket and plan, if it is there.
pub(super) fn resume(path: &Path, wanted: &Problem, seed: u64, plan: &str) -> Option<Surrogate> {
    let (surrogate, metadata) = load_network(path).ok()?;
    let found = described(path, &metadata).ok()?;
    let is = |name: &str, want: &str| metadata.get(name).is_some_and(|v| v == want);
    let same = (&found.model, found.payoff, found.smoothing) == (&wanted.model, wanted.payoff, wanted.smoothing);
    (same && is("seed", &seed.to_string()) && is("state", State::Complete.name()) && is("plan", plan))
        .then_some(surrogate)
}

/// Numbers that are not finite, as a score that has no meaning, are null.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain numbers")
}

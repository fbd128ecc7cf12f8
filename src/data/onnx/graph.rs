//! Walks the graph: each operator turns what is known of its inputs into what is known of its output.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::chain::Chain;
use super::functions::inlined;
use super::operators::{Refusal, is_of_constants, operator};
use super::proto::{Graph, Model, Node, ValueInfo};
use super::stored::Stored;
use super::tensor::{MOST_HELD, Tensor};
use super::value::{Affine, Batch, Value};
use super::{OnnxError, UnsupportedNode};
use crate::data::Surrogate;

/// What is known of an edge of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    Constant(Tensor),
    Computed(Value),
}

impl Known {
    /// Memory that it takes, in numbers.
    fn size(&self) -> usize {
        match self {
            Self::Constant(tensor) => tensor.data.len(),
            Self::Computed(value) => value.size(),
        }
    }
}

/// Operators of older versions broadcast by other rules.
const OLDEST_OPSET: i64 = 7;

/// The network that the model computes.
///
/// Of several outputs it is the one that a network of layers computes, as in files that give a value and its gradient.
pub(super) fn surrogate(model: &Model, graph: &Graph) -> Result<Surrogate, OnnxError> {
    let malformed = |what: String| OnnxError::Malformed(what);
    if model.opset < OLDEST_OPSET {
        return Err(malformed(format!("opset {} is not supported, expected {OLDEST_OPSET} or newer", model.opset)));
    }
    let nodes = inlined(&graph.nodes, &model.functions)?;
    let initial: HashSet<&str> = graph.initializers.iter().map(|(name, _)| name.as_str()).collect();
    let inputs: Vec<&ValueInfo> = graph.inputs.iter().filter(|i| !initial.contains(i.name.as_str())).collect();
    let &[input] = inputs.as_slice() else {
        return Err(malformed(format!("expected one input, found {}: {}", inputs.len(), names(&inputs))));
    };
    let (mut found, mut first_error) = (Vec::new(), None);
    for output in &graph.outputs {
        match of_output(graph, &nodes, input, &output.name) {
            Ok(surrogate) => found.push((output, surrogate)),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    let networks: Vec<&ValueInfo> = found.iter().map(|(output, _)| *output).collect();
    match (found.len(), first_error) {
        (1, _) => Ok(found.remove(0).1),
        (0, Some(error)) => Err(error),
        (n, _) => Err(malformed(format!("expected one output that is a network, found {n}: {}", names(&networks)))),
    }
}

fn names(infos: &[&ValueInfo]) -> String {
    infos.iter().map(|i| format!("`{}`", i.name)).collect::<Vec<_>>().join(", ")
}

/// The network that computes one of the outputs.
fn of_output(graph: &Graph, nodes: &[Node], input: &ValueInfo, output: &str) -> Result<Surrogate, OnnxError> {
    let needed = needed(nodes, output);
    let mut first_error = None;
    for reading in readings(input, || extents(graph, &needed))? {
        match run(graph, &needed, input, output, reading) {
            Ok(surrogate) => return Ok(surrogate),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    Err(first_error.expect("an input has at least one reading"))
}

/// The nodes that an output depends on, in order. What else the file holds does not matter.
fn needed<'a>(nodes: &'a [Node], output: &'a str) -> Vec<&'a Node> {
    let mut wanted = HashSet::from([output]);
    let mut needed: Vec<&Node> = Vec::new();
    for node in nodes.iter().rev() {
        if node.outputs.iter().any(|o| !o.is_empty() && wanted.contains(o.as_str())) {
            wanted.extend(node.inputs.iter().filter(|i| !i.is_empty()).map(String::as_str));
            needed.push(node);
        }
    }
    needed.reverse();
    needed
}

/// The extents of all constants: if the file does not say how many features a sample has, one of these is their number.
fn extents(graph: &Graph, nodes: &[&Node]) -> Vec<usize> {
    let stored = graph.initializers.iter().map(|(_, stored)| stored);
    let attributes = || nodes.iter().flat_map(|node| &node.attributes);
    let tensors = stored.chain(attributes().filter_map(|a| a.tensor.as_ref()));
    let dims = tensors.filter_map(|stored| stored.as_ref().ok()).flat_map(|tensor| tensor.dims.iter().copied());
    let all: BTreeSet<usize> = dims.chain(attributes().map(|a| a.floats.len())).filter(|&d| d > 1).collect();
    all.into_iter().chain([1]).collect()
}

/// The shape of one sample, and where the graph counts them.
struct Reading {
    dims: Vec<usize>,
    batch: Option<Batch>,
}

/// The shapes of one sample that an input may mean, likeliest first.
///
/// An extent that the file leaves open counts samples. Where all are fixed, the first of several does; if it is the only one
/// that is not 1, the input may also be one sample, a column of features. If the number of features is open too, it is any of
/// `extents`.
fn readings(input: &ValueInfo, extents: impl Fn() -> Vec<usize>) -> Result<Vec<Reading>, OnnxError> {
    let name = &input.name;
    let bad = |what: &str| OnnxError::Malformed(format!("input `{name}` {what}"));
    let dims = input.dims.as_ref().map_or(Cow::Owned(vec![None, None]), Cow::Borrowed);
    match dims.iter().filter(|d| d.is_none()).count() {
        2 if dims.len() == 2 => {
            return Ok(extents().into_iter().map(|n| Reading { dims: vec![1, n], batch: None }).collect());
        }
        0 | 1 => {}
        _ => return Err(bad("leaves more than the number of samples and of features open")),
    }
    let sample: Option<Vec<usize>> = dims.iter().map(|d| usize::try_from(d.unwrap_or(1)).ok()).collect();
    let sample = sample.ok_or_else(|| bad("is too large"))?;
    if dims.iter().any(Option::is_none) || sample.len() < 2 || sample[0] == 1 {
        return Ok(vec![Reading { dims: sample, batch: None }]);
    }
    let mut one = sample.clone();
    let extent = std::mem::replace(&mut one[0], 1);
    let mut readings = vec![Reading { dims: one, batch: Some(Batch { axis: 0, extent }) }];
    if sample[1..].iter().all(|&d| d == 1) {
        readings.push(Reading { dims: sample, batch: None });
    }
    Ok(readings)
}

/// Edges of the graph with what is known of them; `None` for what depends on a node that is not understood.
struct Edges<'a> {
    known: HashMap<&'a str, Option<Rc<Known>>>,
    /// After which node an edge is not read any more.
    last_use: HashMap<&'a str, usize>,
    held: usize,
}

impl<'a> Edges<'a> {
    fn new(nodes: &[&'a Node], output: &'a str) -> Self {
        let mut last_use = HashMap::new();
        for (i, node) in nodes.iter().enumerate() {
            last_use.extend(node.inputs.iter().map(|name| (name.as_str(), i)));
        }
        last_use.insert(output, nodes.len());
        Self { known: HashMap::new(), last_use, held: 0 }
    }

    fn put(&mut self, name: &'a str, known: Option<Known>) -> Result<(), OnnxError> {
        if !self.last_use.contains_key(name) {
            return Ok(());
        }
        self.held += known.as_ref().map_or(0, Known::size);
        if self.held > MOST_HELD {
            return Err(OnnxError::Malformed(format!("`{name}` is larger than any network here has")));
        }
        self.known.insert(name, known.map(Rc::new));
        Ok(())
    }

    fn forget(&mut self, names: &'a [String], node: usize) {
        for name in names {
            if self.last_use.get(name.as_str()) == Some(&node)
                && let Some(Some(known)) = self.known.remove(name.as_str())
            {
                self.held -= known.size();
            }
        }
    }
}

fn run<'a>(
    graph: &'a Graph,
    nodes: &[&'a Node],
    input: &'a ValueInfo,
    output: &'a str,
    reading: Reading,
) -> Result<Surrogate, OnnxError> {
    let bad = |what: String| OnnxError::Malformed(what);
    let (mut chain, mut edges) = (Chain::new(), Edges::new(nodes, output));
    let sample = Affine::identity(0, reading.dims).map_err(|e| bad(format!("input `{}`: {e}", input.name)))?;
    let inputs = sample.len();
    edges.put(&input.name, Some(Known::Computed(Value::linear(sample, reading.batch))))?;
    let stored: HashMap<&str, &Stored> = graph.initializers.iter().map(|(name, t)| (name.as_str(), t)).collect();
    let (mut unsupported, mut refused) = (Vec::new(), None);
    for (i, node) in nodes.iter().enumerate() {
        let fail = |message: String| OnnxError::NotANetwork {
            operator: node.operator.clone(),
            node: node.label().to_owned(),
            message,
        };
        let mut args = Vec::new();
        let mut readable = true;
        for name in &node.inputs {
            if !edges.known.contains_key(name.as_str())
                && let Some(tensor) = stored.get(name.as_str())
            {
                edges.put(name, Some(Known::Constant((*tensor).clone().map_err(bad)?)))?;
            }
            match edges.known.get(name.as_str()) {
                _ if name.is_empty() => args.push(None),
                Some(Some(known)) => args.push(Some(Rc::clone(known))),
                Some(None) => readable = false,
                None => return Err(fail(format!("reads `{name}`, which nothing before it writes"))),
            }
        }
        // What depends on a node that is not understood is passed over, so that all such nodes are found at once.
        let operator = operator(&node.full_operator());
        let mut understood = operator.is_some() && (readable || !is_of_constants(node));
        for (o, name) in node.outputs.iter().enumerate() {
            let result = match operator {
                _ if !edges.last_use.contains_key(name.as_str()) => continue,
                Some(_) if readable && o > 0 && node.operator != "Split" => {
                    Err(format!("its output {o} is not supported").into())
                }
                Some(operator) if readable => operator(&Args { node, values: &args, output: o }, &mut chain),
                _ => {
                    edges.put(name, None)?;
                    continue;
                }
            };
            match &result {
                Ok(_) => {}
                Err(Refusal::Unsupported) => understood = false,
                Err(Refusal::Because(message)) => _ = refused.get_or_insert_with(|| fail(message.clone())),
            }
            edges.put(name, result.ok())?;
        }
        if !understood {
            unsupported.push(UnsupportedNode { operator: node.full_operator(), node: node.label().to_owned() });
        }
        drop(args);
        edges.forget(&node.inputs, i);
    }
    if !unsupported.is_empty() {
        return Err(OnnxError::Unsupported(unsupported));
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    match edges.known.get(output).map(Option::as_deref) {
        Some(Some(Known::Computed(value))) => chain.surrogate(value, inputs),
        Some(_) => Err(bad(format!("output `{output}` does not depend on the input"))),
        None => Err(bad(format!("nothing writes the output `{output}`"))),
    }
}

/// A node with what is known of its inputs.
pub(super) struct Args<'a> {
    pub(super) node: &'a Node,
    values: &'a [Option<Rc<Known>>],
    /// Which of the node's outputs is asked for.
    pub(super) output: usize,
}

impl Args<'_> {
    /// Input `i`, if it is there.
    pub(super) fn optional(&self, i: usize) -> Option<&Known> {
        self.values.get(i)?.as_deref()
    }
    /// Input `i`.
    pub(super) fn get(&self, i: usize) -> Result<&Known, String> {
        self.optional(i).ok_or_else(|| format!("input {i} is missing"))
    }
    /// Input `i`, which must be known without the network's input.
    pub(super) fn constant(&self, i: usize) -> Result<&Tensor, String> {
        match self.get(i)? {
            Known::Constant(tensor) => Ok(tensor),
            Known::Computed(_) => Err(format!("input {i} depends on the network's input, expected a constant")),
        }
    }
    /// An attribute that is a list of numbers.
    pub(super) fn floats(&self, name: &str) -> Result<Tensor, String> {
        let attribute = self.node.attribute(name).ok_or_else(|| format!("`{name}` is missing"))?;
        Ok(Tensor::list(attribute.floats.clone()))
    }
    /// Whole numbers from an attribute, or from input `i` as newer versions have them.
    pub(super) fn integers(&self, name: &str, i: usize) -> Result<Option<Vec<i64>>, String> {
        match (self.node.attribute(name), self.optional(i)) {
            (Some(attribute), _) => Ok(Some(attribute.integers.clone())),
            (None, Some(_)) => Ok(Some(self.constant(i)?.integers())),
            (None, None) => Ok(None),
        }
    }
}

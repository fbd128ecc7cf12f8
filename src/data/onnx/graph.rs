//! Walks the graph: each operator turns what is known of its inputs into what is known of its output.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::chain::Chain;
use super::operators::{OPERATORS, Operator};
use super::proto::{Graph, Node, ValueInfo, is_standard};
use super::tensor::Tensor;
use super::value::{Affine, Batch, Value};
use super::{OnnxError, UnsupportedNode};
use crate::data::Surrogate;

/// What is known of an edge of the graph.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Constant(Tensor),
    Computed(Value),
}

/// Operators of older versions broadcast by other rules.
const OLDEST_OPSET: i64 = 7;

/// The network that the graph computes.
pub(super) fn surrogate(graph: &Graph, opset: i64) -> Result<Surrogate, OnnxError> {
    let malformed = |what: String| OnnxError::Malformed(what);
    if opset < OLDEST_OPSET {
        return Err(malformed(format!("opset {opset} is not supported, expected {OLDEST_OPSET} or newer")));
    }
    let nodes = needed(graph)?;
    let operators = operators(&nodes)?;
    let initial: HashSet<&str> = graph.initializers.iter().map(|(name, _)| name.as_str()).collect();
    let inputs: Vec<&ValueInfo> = graph.inputs.iter().filter(|i| !initial.contains(i.name.as_str())).collect();
    let names = |infos: &[&ValueInfo]| infos.iter().map(|i| format!("`{}`", i.name)).collect::<Vec<_>>().join(", ");
    let &[input] = inputs.as_slice() else {
        return Err(malformed(format!("expected one input, found {}: {}", inputs.len(), names(&inputs))));
    };
    let mut first_error = None;
    for reading in readings(input)? {
        match run(graph, &nodes, &operators, input, reading) {
            Ok(surrogate) => return Ok(surrogate),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    Err(first_error.expect("an input has at least one reading"))
}

/// The nodes that the output depends on, in order. What else the file holds does not matter.
fn needed(graph: &Graph) -> Result<Vec<&Node>, OnnxError> {
    let [output] = graph.outputs.as_slice() else {
        return Err(OnnxError::Malformed(format!("expected one output, found {}", graph.outputs.len())));
    };
    let mut wanted = HashSet::from([output.name.as_str()]);
    let mut nodes: Vec<&Node> = Vec::new();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|o| !o.is_empty() && wanted.contains(o.as_str())) {
            wanted.extend(node.inputs.iter().filter(|i| !i.is_empty()).map(String::as_str));
            nodes.push(node);
        }
    }
    nodes.reverse();
    Ok(nodes)
}

/// How each node is understood; all that are not, at once.
fn operators(nodes: &[&Node]) -> Result<Vec<Operator>, OnnxError> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for node in nodes {
        let name = match is_standard(&node.domain) {
            true => node.operator.clone(),
            false => format!("{}.{}", node.domain, node.operator),
        };
        match OPERATORS.iter().find(|(n, _)| *n == name) {
            Some((_, operator)) => known.push(*operator),
            None => unknown.push(UnsupportedNode { operator: name, node: node.label().to_owned() }),
        }
    }
    if unknown.is_empty() { Ok(known) } else { Err(OnnxError::Unsupported(unknown)) }
}

/// The shape of one sample, and where the graph counts them.
struct Reading {
    dims: Vec<usize>,
    batch: Option<Batch>,
}

/// The shapes of one sample that an input may mean, likeliest first.
///
/// An extent that the file leaves open counts samples. Where all are fixed, the first of several does; if it is the only one
/// that is not 1, the input may also be one sample, a column of features.
fn readings(input: &ValueInfo) -> Result<Vec<Reading>, OnnxError> {
    let name = &input.name;
    let bad = |what: &str| OnnxError::Malformed(format!("input `{name}` {what}"));
    let dims = input.dims.as_ref().ok_or_else(|| bad("has no shape"))?;
    if dims.iter().filter(|d| d.is_none()).count() > 1 {
        return Err(bad("leaves more than one extent open, expected the number of samples only"));
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

fn run(
    graph: &Graph,
    nodes: &[&Node],
    operators: &[Operator],
    input: &ValueInfo,
    reading: Reading,
) -> Result<Surrogate, OnnxError> {
    let mut chain = Chain::new();
    let x =
        Affine::identity(0, reading.dims).map_err(|e| OnnxError::Malformed(format!("input `{}`: {e}", input.name)))?;
    let inputs = x.len();
    let mut known: HashMap<&str, Rc<Known>> = HashMap::new();
    known.insert(&input.name, Rc::new(Known::Computed(Value::linear(x, reading.batch))));
    for (name, tensor) in &graph.initializers {
        known.insert(name, Rc::new(Known::Constant(tensor.clone())));
    }
    for (node, operator) in nodes.iter().zip(operators) {
        let fail = |message: String| OnnxError::NotANetwork {
            operator: node.operator.clone(),
            node: node.label().to_owned(),
            message,
        };
        let read = |name: &String| match known.get(name.as_str()) {
            _ if name.is_empty() => Ok(None),
            Some(found) => Ok(Some(Rc::clone(found))),
            None => Err(fail(format!("reads `{name}`, which nothing before it writes"))),
        };
        let args = node.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let args = Args { node, values: &args };
        let result = operator(&args, &mut chain).map_err(fail)?;
        if let Some(output) = node.outputs.first() {
            known.insert(output, Rc::new(result));
        }
    }
    let output = &graph.outputs[0].name;
    match known.get(output.as_str()).map(|k| &**k) {
        Some(Known::Computed(value)) => chain.surrogate(value, inputs),
        Some(Known::Constant(_)) => {
            Err(OnnxError::Malformed(format!("output `{output}` does not depend on the input")))
        }
        None => Err(OnnxError::Malformed(format!("nothing writes the output `{output}`"))),
    }
}

/// A node with what is known of its inputs.
pub(super) struct Args<'a> {
    pub(super) node: &'a Node,
    values: &'a [Option<Rc<Known>>],
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
    /// Whole numbers from an attribute, or from input `i` as newer versions have them.
    pub(super) fn integers(&self, name: &str, i: usize) -> Result<Option<Vec<i64>>, String> {
        match (self.node.attribute(name), self.optional(i)) {
            (Some(attribute), _) => Ok(Some(attribute.integers.clone())),
            (None, Some(_)) => Ok(Some(self.constant(i)?.integers())),
            (None, None) => Ok(None),
        }
    }
}

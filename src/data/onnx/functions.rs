//! Operators that the file itself explains, put in place of their calls.

use std::collections::HashMap;

use super::OnnxError;
use super::proto::{Attribute, Function, Node};

/// Functions call functions; a file that goes deeper, or grows longer, is not meant well.
const DEEPEST: usize = 32;
const MOST_NODES: usize = 1 << 16;

/// The nodes with every call replaced by what it does.
pub(super) fn inlined(nodes: &[Node], functions: &[Function]) -> Result<Vec<Node>, OnnxError> {
    let mut inliner = Inliner { functions, nodes: Vec::with_capacity(nodes.len()), calls: 0 };
    nodes.iter().try_for_each(|node| inliner.push(node.clone(), 0))?;
    Ok(inliner.nodes)
}

struct Inliner<'a> {
    functions: &'a [Function],
    nodes: Vec<Node>,
    /// Calls met so far: what tells the edges of one from those of another.
    calls: usize,
}

impl Inliner<'_> {
    fn push(&mut self, node: Node, depth: usize) -> Result<(), OnnxError> {
        let called = self.functions.iter().find(|f| (&f.name, &f.domain) == (&node.operator, &node.domain));
        let Some(function) = called else {
            self.nodes.push(node);
            return Ok(());
        };
        if depth > DEEPEST || self.nodes.len() > MOST_NODES {
            return Err(OnnxError::Malformed(format!("function `{}` calls too many others", function.name)));
        }
        self.calls += 1;
        let call = self.calls;
        let outer =
            |inner: &[String], outer: &[String]| inner.iter().cloned().zip(outer.iter().cloned()).collect::<Vec<_>>();
        let mut edges: HashMap<String, String> = outer(&function.outputs, &node.outputs).into_iter().collect();
        // Inputs that the call leaves out are empty names.
        edges.extend(function.inputs.iter().map(|name| (name.clone(), String::new())));
        edges.extend(outer(&function.inputs, &node.inputs));
        let edge = |name: &String| match edges.get(name) {
            _ if name.is_empty() => String::new(),
            Some(outside) => outside.clone(),
            None => format!("{name}#{call}"),
        };
        for inner in &function.nodes {
            let name = if inner.name.is_empty() { String::new() } else { format!("{}/{}", node.label(), inner.name) };
            let renamed = Node {
                inputs: inner.inputs.iter().map(edge).collect(),
                outputs: inner.outputs.iter().map(edge).collect(),
                name,
                attributes: inner.attributes.iter().filter_map(|a| attribute(a, &node, function)).collect(),
                ..inner.clone()
            };
            self.push(renamed, depth + 1)?;
        }
        Ok(())
    }
}

/// An attribute of an inner node: its own, or that of the call, or the function's default; `None` if the call may leave it out.
fn attribute(inner: &Attribute, call: &Node, function: &Function) -> Option<Attribute> {
    if inner.of_call.is_empty() {
        return Some(inner.clone());
    }
    let given = call.attributes.iter().chain(&function.defaults).find(|a| a.name == inner.of_call)?;
    Some(Attribute { name: inner.name.clone(), ..given.clone() })
}

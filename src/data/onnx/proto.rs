//! The messages of the ONNX schema that a network is made of; fields that say nothing about its values are passed over.

use std::path::Path;

use super::OnnxError;
use super::stored::{Stored, tensor};
use super::wire::Fields;
use crate::data::Metadata;

type Result<T> = std::result::Result<T, OnnxError>;

/// `ModelProto`.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Version of the standard operators.
    pub(super) opset: i64,
    pub(super) graph: Option<Graph>,
    pub(super) functions: Vec<Function>,
    pub(super) metadata: Metadata,
}

/// `FunctionProto`: an operator that the file itself explains.
#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// Attributes that have a default.
    pub(super) defaults: Vec<Attribute>,
    pub(super) nodes: Vec<Node>,
}

/// `GraphProto`.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: Vec<(String, Stored)>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) attributes: Vec<Attribute>,
}

/// `AttributeProto`.
#[derive(Clone, Debug, Default)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) float: f32,
    pub(super) integer: i64,
    pub(super) floats: Vec<f64>,
    pub(super) integers: Vec<i64>,
    pub(super) text: String,
    pub(super) tensor: Option<Stored>,
    /// Inside of a function: the attribute of its call that this one is.
    pub(super) of_call: String,
}

/// `ValueInfoProto` of a tensor.
#[derive(Debug, Default)]
pub(super) struct ValueInfo {
    pub(super) name: String,
    /// `None` where no shape is given; a dimension that is a name or nothing is `None`.
    pub(super) dims: Option<Vec<Option<i64>>>,
}

/// Element types: `TensorProto.DataType`.
pub(super) const FLOAT: i64 = 1;
pub(super) const INT32: i64 = 6;
pub(super) const INT64: i64 = 7;
pub(super) const BOOL: i64 = 9;
pub(super) const FLOAT16: i64 = 10;
pub(super) const DOUBLE: i64 = 11;
pub(super) const BFLOAT16: i64 = 16;

impl Model {
    /// `folder` is where files of numbers lie that the model names.
    pub(super) fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let mut fields = Fields::new("ModelProto", bytes);
        let mut model = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                7 => model.graph = Some(Graph::read(fields.bytes("graph", wire)?, folder)?),
                8 => {
                    let (domain, version) = operator_set(fields.bytes("opset_import", wire)?)?;
                    if is_standard(&domain) {
                        model.opset = version;
                    }
                }
                25 => model.functions.push(Function::read(fields.bytes("functions", wire)?, folder)?),
                14 => model.metadata.extend([entry(fields.bytes("metadata_props", wire)?)?]),
                _ => {}
            }
        }
        Ok(model)
    }
}

/// Whether a domain is that of the standard operators.
pub(super) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn operator_set(bytes: &[u8]) -> Result<(String, i64)> {
    let mut fields = Fields::new("OperatorSetIdProto", bytes);
    let (mut domain, mut version) = (String::new(), 0);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => domain = fields.text("domain", wire)?,
            2 => version = fields.integer("version", wire)?,
            _ => {}
        }
    }
    Ok((domain, version))
}

/// `StringStringEntryProto`.
pub(super) fn entry(bytes: &[u8]) -> Result<(String, String)> {
    let mut fields = Fields::new("StringStringEntryProto", bytes);
    let (mut key, mut value) = (String::new(), String::new());
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => key = fields.text("key", wire)?,
            2 => value = fields.text("value", wire)?,
            _ => {}
        }
    }
    Ok((key, value))
}

impl Function {
    fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let mut fields = Fields::new("FunctionProto", bytes);
        let mut function = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => function.name = fields.text("name", wire)?,
                4 => function.inputs.push(fields.text("input", wire)?),
                5 => function.outputs.push(fields.text("output", wire)?),
                7 => function.nodes.push(Node::read(fields.bytes("node", wire)?, folder)?),
                10 => function.domain = fields.text("domain", wire)?,
                11 => function.defaults.push(Attribute::read(fields.bytes("attribute_proto", wire)?, folder)?),
                _ => {}
            }
        }
        Ok(function)
    }
}

impl Graph {
    fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let mut fields = Fields::new("GraphProto", bytes);
        let mut graph = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => graph.nodes.push(Node::read(fields.bytes("node", wire)?, folder)?),
                5 => graph.initializers.push(tensor(fields.bytes("initializer", wire)?, folder)?),
                11 => graph.inputs.push(ValueInfo::read(fields.bytes("input", wire)?)?),
                12 => graph.outputs.push(ValueInfo::read(fields.bytes("output", wire)?)?),
                15 => return Err(fields.bad("sparse initializers are not supported")),
                _ => {}
            }
        }
        Ok(graph)
    }
}

impl Node {
    fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let mut fields = Fields::new("NodeProto", bytes);
        let mut node = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => node.inputs.push(fields.text("input", wire)?),
                2 => node.outputs.push(fields.text("output", wire)?),
                3 => node.name = fields.text("name", wire)?,
                4 => node.operator = fields.text("op_type", wire)?,
                5 => node.attributes.push(Attribute::read(fields.bytes("attribute", wire)?, folder)?),
                7 => node.domain = fields.text("domain", wire)?,
                _ => {}
            }
        }
        Ok(node)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.integer)
    }
    pub(super) fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.attribute(name).map_or(default, |a| a.float))
    }
    /// The operator, behind its domain if it is not a standard one.
    pub(super) fn full_operator(&self) -> String {
        if is_standard(&self.domain) { self.operator.clone() } else { format!("{}.{}", self.domain, self.operator) }
    }
    /// What messages call it: its own name, or that of what it writes.
    pub(super) fn label(&self) -> &str {
        if self.name.is_empty() { self.outputs.first().map_or("", String::as_str) } else { &self.name }
    }
}

impl Attribute {
    fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let mut fields = Fields::new("AttributeProto", bytes);
        let mut attribute = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => attribute.name = fields.text("name", wire)?,
                2 => attribute.float = fields.float("f", wire)?,
                3 => attribute.integer = fields.integer("i", wire)?,
                4 => attribute.text = String::from_utf8_lossy(fields.bytes("s", wire)?).into_owned(),
                5 => attribute.tensor = Some(tensor(fields.bytes("t", wire)?, folder)?.1),
                7 => fields.fixed("floats", wire, &mut attribute.floats, |b| f64::from(f32::from_le_bytes(b)))?,
                8 => fields.integers("ints", wire, &mut attribute.integers)?,
                21 => attribute.of_call = fields.text("ref_attr_name", wire)?,
                _ => {}
            }
        }
        Ok(attribute)
    }
}

impl ValueInfo {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("ValueInfoProto", bytes);
        let mut value = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => value.name = fields.text("name", wire)?,
                2 => value.dims = dims_of_type(fields.bytes("type", wire)?)?,
                _ => {}
            }
        }
        Ok(value)
    }
}

/// `TypeProto` → `tensor_type` → `shape` → `dim`.
fn dims_of_type(bytes: &[u8]) -> Result<Option<Vec<Option<i64>>>> {
    let Some(tensor_type) = only(Fields::new("TypeProto", bytes), 1, "tensor_type")? else { return Ok(None) };
    let Some(shape) = only(Fields::new("TypeProto.Tensor", tensor_type), 2, "shape")? else { return Ok(None) };
    let mut fields = Fields::new("TensorShapeProto", shape);
    let mut dims = Vec::new();
    while let Some((number, wire)) = fields.next()? {
        if number == 1 {
            let mut dim = Fields::new("TensorShapeProto.Dimension", fields.bytes("dim", wire)?);
            let mut extent = None;
            while let Some((number, wire)) = dim.next()? {
                if number == 1 {
                    // Exporters write an unknown extent as 0 or −1 too.
                    extent = Some(dim.integer("dim_value", wire)?).filter(|&n| n > 0);
                }
            }
            dims.push(extent);
        }
    }
    Ok(Some(dims))
}

/// The last field of that number.
fn only<'a>(mut fields: Fields<'a>, wanted: u64, name: &str) -> Result<Option<&'a [u8]>> {
    let mut found = None;
    while let Some((number, wire)) = fields.next()? {
        if number == wanted {
            found = Some(fields.bytes(name, wire)?);
        }
    }
    Ok(found)
}

//! The messages of the ONNX schema that a network is made of; fields that say nothing about its values are passed over.

use super::OnnxError;
use super::tensor::Tensor;
use super::wire::Fields;
use crate::data::Metadata;

type Result<T> = std::result::Result<T, OnnxError>;

/// `ModelProto`.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Version of the standard operators.
    pub(super) opset: i64,
    pub(super) graph: Option<Graph>,
    pub(super) metadata: Metadata,
}

/// `GraphProto`.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: Vec<(String, Tensor)>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) attributes: Vec<Attribute>,
}

/// `AttributeProto`.
#[derive(Debug, Default)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) float: f32,
    pub(super) integer: i64,
    pub(super) floats: Vec<f64>,
    pub(super) integers: Vec<i64>,
    pub(super) tensor: Option<Tensor>,
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
pub(super) const DOUBLE: i64 = 11;

impl Model {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("ModelProto", bytes);
        let mut model = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                7 => model.graph = Some(Graph::read(fields.bytes("graph", wire)?)?),
                8 => {
                    let (domain, version) = operator_set(fields.bytes("opset_import", wire)?)?;
                    if is_standard(&domain) {
                        model.opset = version;
                    }
                }
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

fn entry(bytes: &[u8]) -> Result<(String, String)> {
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

impl Graph {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("GraphProto", bytes);
        let mut graph = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => graph.nodes.push(Node::read(fields.bytes("node", wire)?)?),
                5 => graph.initializers.push(tensor(fields.bytes("initializer", wire)?)?),
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
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("NodeProto", bytes);
        let mut node = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => node.inputs.push(fields.text("input", wire)?),
                2 => node.outputs.push(fields.text("output", wire)?),
                3 => node.name = fields.text("name", wire)?,
                4 => node.operator = fields.text("op_type", wire)?,
                5 => node.attributes.push(Attribute::read(fields.bytes("attribute", wire)?)?),
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
    /// What messages call it: its own name, or that of what it writes.
    pub(super) fn label(&self) -> &str {
        if self.name.is_empty() { self.outputs.first().map_or("", String::as_str) } else { &self.name }
    }
}

impl Attribute {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("AttributeProto", bytes);
        let mut attribute = Self::default();
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => attribute.name = fields.text("name", wire)?,
                2 => attribute.float = fields.float("f", wire)?,
                3 => attribute.integer = fields.integer("i", wire)?,
                5 => attribute.tensor = Some(tensor(fields.bytes("t", wire)?)?.1),
                7 => fields.fixed("floats", wire, &mut attribute.floats, |b| f64::from(f32::from_le_bytes(b)))?,
                8 => fields.integers("ints", wire, &mut attribute.integers)?,
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

/// `TensorProto`, its numbers as doubles (exact for every type that is read, integers up to 2⁵³).
fn tensor(bytes: &[u8]) -> Result<(String, Tensor)> {
    let mut fields = Fields::new("TensorProto", bytes);
    let (mut name, mut dims, mut kind) = (String::new(), Vec::new(), 0);
    let (mut floats, mut integers, mut raw, mut external) = (Vec::new(), Vec::new(), None, false);
    let single = |b| f64::from(f32::from_le_bytes(b));
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => fields.integers("dims", wire, &mut dims)?,
            2 => kind = fields.integer("data_type", wire)?,
            4 => fields.fixed("float_data", wire, &mut floats, single)?,
            5 | 7 => fields.integers("int32_data or int64_data", wire, &mut integers)?,
            8 => name = fields.text("name", wire)?,
            9 => raw = Some(fields.bytes("raw_data", wire)?),
            10 => fields.fixed("double_data", wire, &mut floats, f64::from_le_bytes)?,
            14 => external = fields.integer("data_location", wire)? == 1,
            _ => {}
        }
    }
    let bad = |what: String| OnnxError::Malformed(format!("tensor `{name}`: {what}"));
    if external {
        return Err(bad("its numbers are in another file; save the model as one file".into()));
    }
    let data: Vec<f64> = match (kind, raw) {
        (FLOAT, Some(raw)) => chunks(raw, single),
        (DOUBLE, Some(raw)) => chunks(raw, f64::from_le_bytes),
        (INT32, Some(raw)) => chunks(raw, |b| f64::from(i32::from_le_bytes(b))),
        (INT64, Some(raw)) => chunks(raw, |b| i64::from_le_bytes(b) as f64),
        (FLOAT | DOUBLE, None) => Some(floats),
        (INT32 | INT64, None) => Some(integers.iter().map(|&i| i as f64).collect()),
        _ => return Err(bad(format!("element type {kind} is not supported, expected float, double, int32 or int64"))),
    }
    .ok_or_else(|| bad("raw_data does not hold a whole number of elements".into()))?;
    let tensor = Tensor::checked(&dims, data).map_err(bad)?;
    Ok((name, tensor))
}

fn chunks<const N: usize>(raw: &[u8], decode: impl Fn([u8; N]) -> f64) -> Option<Vec<f64>> {
    match raw.as_chunks() {
        (numbers, []) => Some(numbers.iter().map(|b| decode(*b)).collect()),
        _ => None,
    }
}

//! Networks written by others: ONNX files of multilayer perceptrons, whatever program exported them.
//!
//! The bytes are read ([`wire`], [`proto`]), the graph is walked ([`graph`], [`operators`]) carrying what each node computes as
//! mathematics ([`value`], [`identities`]), and the layers met on the way make the network ([`chain`]). So it does not matter whether a SiLU is
//! one operator or five, a weight transposed or a bias broadcast, a constant an initialiser or a node.
//!
//! Departures from the file: everything is computed in double precision, also where the file says single or half; casts between
//! them are passed over. A softplus that becomes linear above a threshold of 20 or more, as PyTorch writes it, is read as the softplus: the
//! two differ by 2e-9 at most.

mod chain;
mod functions;
mod graph;
mod identities;
mod operators;
mod products;
mod proto;
mod shapes;
mod stored;
mod tensor;
mod value;
pub(crate) mod wire;

use std::path::Path;
use std::{fmt, fs};

use super::{Metadata, Surrogate};
use crate::error::Error;

/// Why a file is no network that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are not what the format asks for: which message or tensor, and what was expected.
    Malformed(String),
    /// Every operator of the graph that is not understood.
    Unsupported(Vec<UnsupportedNode>),
    /// Operators that are understood but together make no chain of dense layers.
    NotANetwork {
        /// The operator where that shows.
        operator: String,
        /// The name of its node.
        node: String,
        /// What is wrong.
        message: String,
    },
}

/// A node whose operator is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// The operator, behind its domain if it is not a standard one.
    pub operator: String,
    /// The name of the node, or of its output where it has none.
    pub node: String,
}

impl fmt::Display for OnnxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::Unsupported(nodes) => {
                f.write_str("unsupported operators: ")?;
                for (i, UnsupportedNode { operator, node }) in nodes.iter().enumerate() {
                    write!(f, "{}{operator} (node `{node}`)", if i > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
            Self::NotANetwork { operator, node, message } => write!(f, "{operator} (node `{node}`): {message}"),
        }
    }
}

impl std::error::Error for OnnxError {}

impl Surrogate {
    /// Reads a network from the bytes of an ONNX file, with the file's `metadata_props`.
    ///
    /// Accepts any chain of dense layers with the activations of [`Activation`](crate::math::Activation), whole or taken apart into
    /// arithmetic, for one sample, for a fixed number of them or for any. The operators are Gemm, MatMul, Einsum, Add, Sub, Mul, Div, Neg,
    /// Exp, Log, Reciprocal, Sum, Sigmoid, Relu, Tanh, Sinh, Cosh, Softplus, Swish, Abs, Max, Min and Clip with one bound, comparisons with Where,
    /// ReduceSum, ReduceMean, BatchNormalization, Dropout, Cast, Constant, Identity, those that move elements (Reshape, Flatten, Squeeze,
    /// Unsqueeze, Transpose, Slice, Split, Gather, Concat, Expand), what shapes are computed with (Shape, ConstantOfShape), `ai.onnx.ml`'s
    /// Scaler, LinearRegressor and ArrayFeatureExtractor, Pow and Sqrt of constants, and functions that the file itself defines.
    ///
    /// Shifts and positive factors before the first layer and behind the last become the [`Scaling`](super::Scaling). Of several
    /// outputs the one that is a network is read, as in files that give a value and its gradient. [`load_network`] also reads numbers that
    /// the model keeps in another file.
    ///
    /// # Errors
    /// If the bytes are no ONNX model, an operator is not understood (all of them are listed), or the graph is no chain of
    /// dense layers.
    ///
    /// # Examples
    /// ```
    /// use sobolev::data::Surrogate;
    /// assert_eq!(Surrogate::from_onnx(b"").unwrap_err().to_string(), "not a whole ONNX model: there is no graph");
    /// ```
    pub fn from_onnx(bytes: &[u8]) -> Result<(Self, Metadata), OnnxError> {
        from_bytes(bytes, None)
    }
}

/// `folder` is where files of numbers lie that the model names.
fn from_bytes(bytes: &[u8], folder: Option<&Path>) -> Result<(Surrogate, Metadata), OnnxError> {
    let broken = |what: &str| OnnxError::Malformed(format!("not a whole ONNX model: {what}"));
    let model = proto::Model::read(bytes, folder).map_err(|e| broken(&e.to_string()))?;
    let graph = model.graph.as_ref().ok_or_else(|| broken("there is no graph"))?;
    Ok((graph::surrogate(&model, graph)?, model.metadata))
}

/// Reads a network from a file of any kind that is known, by its ending: `.onnx`, or else safetensors.
///
/// # Errors
/// As [`Surrogate::from_onnx`] and [`Surrogate::load`], with the file's name.
pub fn load_network(path: &Path) -> Result<(Surrogate, Metadata), Error> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
        from_bytes(&bytes, Some(path.parent().unwrap_or(Path::new("")))).map_err(|e| Error::format(path, e.to_string()))
    } else {
        Surrogate::load(path)
    }
}

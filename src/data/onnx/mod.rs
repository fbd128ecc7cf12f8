//! Networks written by others: ONNX files of multilayer perceptrons, whatever program exported them.
//!
//! The bytes are read ([`wire`], [`proto`]), the graph is walked ([`graph`], [`operators`]) carrying what each node computes as
//! mathematics ([`value`]), and the layers met on the way make the network ([`chain`]). So it does not matter whether a SiLU is
//! one operator or five, a weight transposed or a bias broadcast, a constant an initialiser or a node.
//!
//! Departure from the file: everything is computed in double precision, also where the file says single; casts between the two
//! are passed over.

mod chain;
mod graph;
mod operators;
mod proto;
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
    /// Accepts any chain of dense layers with the activations of [`Activation`](crate::math::Activation), written with the
    /// operators Gemm, MatMul, Add, Sub, Mul, Div, Neg, Exp, Log, Reciprocal, Sigmoid, Relu, Tanh, Softplus, Swish, Max with a constant, Cast,
    /// Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Constant, Identity, Dropout, BatchNormalization and `ai.onnx.ml.Scaler` (constants also
    /// through Shape, Gather and Concat), for one sample, for a fixed number of them or for any.
    ///
    /// Shifts and positive factors before the first layer and behind the last become the [`Scaling`](super::Scaling).
    ///
    /// # Errors
    /// If the bytes are no ONNX model, an operator is not understood (all of them are listed), or the graph is no chain of
    /// dense layers.
    ///
    /// # Examples
    /// ```
    /// use sobolev::data::Surrogate;
    /// assert_eq!(Surrogate::from_onnx(b"").unwrap_err().to_string(), "ModelProto: there is no graph");
    /// ```
    pub fn from_onnx(bytes: &[u8]) -> Result<(Self, Metadata), OnnxError> {
        let model = proto::Model::read(bytes)?;
        let graph = model.graph.ok_or_else(|| OnnxError::Malformed("ModelProto: there is no graph".into()))?;
        Ok((graph::surrogate(&graph, model.opset)?, model.metadata))
    }
}

/// Reads a network from a file of any kind that is known, by its ending: `.onnx`, or else safetensors.
///
/// # Errors
/// As [`Surrogate::from_onnx`] and [`Surrogate::load`], with the file's name.
pub fn load_network(path: &Path) -> Result<(Surrogate, Metadata), Error> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
        Surrogate::from_onnx(&bytes).map_err(|e| Error::format(path, e.to_string()))
    } else {
        Surrogate::load(path)
    }
}

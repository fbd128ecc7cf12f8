//! ONNX out: the surrogate with its scaling as one graph that any runtime computes.

use crate::data::onnx::wire::Message;
use crate::data::{Metadata, Surrogate};
use crate::math::{Activation, Real};
use crate::nn::Chain as _;

/// Version of the standard operators in written files.
pub const ONNX_OPSET: i64 = 17;
/// Version of the file format that goes with it.
const IR_VERSION: i64 = 8;

/// The bytes of an ONNX file of a surrogate: input `x` `[samples, inputs]`, output `y` `[samples, outputs]`, in the precision `T`
/// and original units, for any number of samples. The scaling stands before and behind the layers as operators of its own;
/// the metadata become the file's `metadata_props`.
///
/// Opset [`ONNX_OPSET`], operators Sub, Div, Gemm, Sigmoid, Mul, Relu, Tanh, Exp, Add, Log. Softplus is written as
/// `ln(1 + eˣ)`, since onnxruntime has no Softplus in double precision; it is infinite above x = 709 (88 in single precision).
///
/// # Examples
/// ```
/// use sobolev::data::{Metadata, Scaling, Surrogate};
/// use sobolev::export::onnx::write_onnx;
/// use sobolev::math::Activation;
/// use sobolev::nn::{Network, Stack};
///
/// let network = Network::new(Stack::mlp(1, &[1], 1, Activation::Tanh), vec![2.0, 0.5, 3.0, -1.0]);
/// let surrogate = Surrogate { network, scaling: Scaling::identity(1) };
/// let bytes = write_onnx::<f64>(&surrogate, &Metadata::new());
/// assert_eq!(Surrogate::from_onnx(&bytes)?.0, surrogate);
/// # Ok::<(), sobolev::data::OnnxError>(())
/// ```
pub fn write_onnx<T: Real>(surrogate: &Surrogate, metadata: &Metadata) -> Vec<u8> {
    let Surrogate { network, scaling } = surrogate;
    let layers = network.chain().layers();
    let (inputs, outputs) = (network.chain().inputs(), network.chain().outputs());
    let element = element::<T>();
    let mut graph = Graph { message: Message::default(), edge: "x".into(), element };

    if scaling.input_mean.iter().any(|&m| m != 0.0) || scaling.input_deviation.iter().any(|&d| d != 1.0) {
        graph.constant("input_mean", &[inputs], &scaling.input_mean);
        graph.constant("input_deviation", &[inputs], &scaling.input_deviation);
        graph.node("Sub", &["@", "input_mean"], "centred", &[]);
        graph.node("Div", &["@", "input_deviation"], "scaled", &[]);
    }
    if layers.iter().any(|l| l.activation == Activation::Softplus) {
        graph.constant("one", &[], &[1.0]);
    }
    for (l, layer) in layers.iter().enumerate() {
        let (weight, bias) = (format!("layers.{l}.weight"), format!("layers.{l}.bias"));
        let (w, b) = network.layer_params(l);
        graph.constant(&weight, &[layer.fan_out.0, layer.fan_in.0], w);
        graph.constant(&bias, &[layer.fan_out.0], b);
        let pre_activation = format!("layers.{l}.pre_activation");
        graph.node("Gemm", &["@", &weight, &bias], &pre_activation, &[("transB", 1)]);
        let value = format!("layers.{l}.value");
        match layer.activation {
            Activation::Identity => {}
            Activation::Relu => graph.node("Relu", &["@"], &value, &[]),
            Activation::Tanh => graph.node("Tanh", &["@"], &value, &[]),
            Activation::Sigmoid => graph.node("Sigmoid", &["@"], &value, &[]),
            Activation::Softplus => {
                graph.node("Exp", &["@"], &format!("layers.{l}.exponential"), &[]);
                graph.node("Add", &["@", "one"], &format!("layers.{l}.one_more"), &[]);
                graph.node("Log", &["@"], &value, &[]);
            }
            Activation::Silu => {
                graph.node("Sigmoid", &["@"], &format!("layers.{l}.gate"), &[]);
                graph.node("Mul", &[&pre_activation, "@"], &value, &[]);
            }
        }
    }
    if (scaling.value_mean, scaling.value_deviation) != (0.0, 1.0) {
        graph.constant("value_deviation", &[], &[scaling.value_deviation]);
        graph.constant("value_mean", &[], &[scaling.value_mean]);
        graph.node("Mul", &["@", "value_deviation"], "deviating", &[]);
        graph.node("Add", &["@", "value_mean"], "unscaled", &[]);
    }
    graph.node("Identity", &["@"], "y", &[]);

    let graph = graph.message.bytes(2, b"surrogate");
    let graph = graph.message(11, &edge("x", inputs, element)).message(12, &edge("y", outputs, element));
    let mut model = Message::default()
        .integer(1, IR_VERSION)
        .bytes(2, b"sobolev")
        .bytes(3, env!("CARGO_PKG_VERSION").as_bytes())
        .message(7, &graph)
        .message(8, &Message::default().bytes(1, b"").integer(2, ONNX_OPSET));
    for (key, value) in metadata {
        model = model.message(14, &Message::default().bytes(1, key.as_bytes()).bytes(2, value.as_bytes()));
    }
    model.into_bytes()
}

/// `TensorProto.FLOAT`
const FLOAT: i64 = 1;
/// `TensorProto.DOUBLE`
const DOUBLE: i64 = 11;

/// The `TensorProto.DataType` of a number.
fn element<T: Real>() -> i64 {
    if size_of::<T>() == 4 { FLOAT } else { DOUBLE }
}

/// `ValueInfoProto` of `[samples, features]` numbers.
fn edge(name: &str, features: usize, element: i64) -> Message {
    let dim = |d: Message| Message::default().message(1, &d);
    let shape = dim(Message::default().bytes(2, b"samples"));
    let shape = shape.message(1, &Message::default().integer(1, features as i64));
    let tensor = Message::default().integer(1, element).message(2, &shape);
    Message::default().bytes(1, name.as_bytes()).message(2, &Message::default().message(1, &tensor))
}

/// A `GraphProto` that grows from the input on.
struct Graph {
    message: Message,
    /// What the last node wrote.
    edge: String,
    element: i64,
}

impl Graph {
    /// Adds a node that writes `output`; the input `@` stands for what the node before it wrote.
    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) {
        /// `AttributeProto.INT`
        const INT: i64 = 2;
        let mut node = Message::default();
        for input in inputs {
            node = node.bytes(1, if *input == "@" { self.edge.as_bytes() } else { input.as_bytes() });
        }
        node = node.bytes(2, output.as_bytes()).bytes(3, output.as_bytes()).bytes(4, operator.as_bytes());
        for (name, value) in attributes {
            let attribute = Message::default().bytes(1, name.as_bytes()).integer(3, *value).integer(20, INT);
            node = node.message(5, &attribute);
        }
        self.message = std::mem::take(&mut self.message).message(1, &node);
        output.clone_into(&mut self.edge);
    }

    /// Adds an initialiser.
    fn constant(&mut self, name: &str, dims: &[usize], values: &[f64]) {
        let mut tensor = Message::default();
        for &d in dims {
            tensor = tensor.integer(1, d as i64);
        }
        let raw: Vec<u8> = match self.element {
            FLOAT => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        tensor = tensor.integer(2, self.element).bytes(8, name.as_bytes()).bytes(9, &raw);
        self.message = std::mem::take(&mut self.message).message(5, &tensor);
    }
}

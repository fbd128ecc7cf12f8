//! The operators that are understood: a table of names, and one function for each kind of elementwise arithmetic. The others are in
//! [`products`] and [`shapes`].

use super::chain::Chain;
use super::graph::{Args, Known};
use super::proto::{BFLOAT16, BOOL, DOUBLE, FLOAT, FLOAT16, INT32, INT64, Node};
use super::tensor::Tensor;
use super::value::Function;
use super::{products, shapes};
use crate::math::{Activation, Separate};

/// Why a node is not understood.
pub(super) enum Refusal {
    /// Its operator is not, in this use.
    Unsupported,
    /// Its operator is, but not of such values.
    Because(String),
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::Because(message)
    }
}
impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::Because(message.to_owned())
    }
}

pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// What an operator makes of its inputs.
pub(super) type Operator = fn(&Args<'_>, &mut Chain) -> Result<Known>;

/// Every operator that may stand in a network's file.
const OPERATORS: &[(&str, Operator)] = &[
    ("Abs", |a, c| function(a, c, Function::Abs, f64::abs)),
    ("Add", |a, c| fold(a, |x, y| add(x, y, 1.0, c))),
    ("BatchNormalization", products::batch_normalization),
    ("Cast", cast),
    ("CastLike", same),
    ("Clip", clip),
    ("Concat", shapes::concat),
    ("Constant", constant),
    ("ConstantOfShape", shapes::constant_of_shape),
    ("Cosh", |a, c| function(a, c, Function::Cosh, f64::cosh)),
    ("Div", |a, c| divide(a.get(0)?, a.get(1)?, c)),
    ("Dropout", same),
    ("Einsum", products::einsum),
    ("Equal", equal),
    ("Exp", exp),
    ("Expand", shapes::expand),
    ("Flatten", shapes::flatten),
    ("Gather", shapes::gather),
    ("Gemm", products::gemm),
    ("Greater", |a, c| above(a.get(0)?, a.get(1)?, c)),
    ("GreaterOrEqual", |a, c| above(a.get(0)?, a.get(1)?, c)),
    ("Identity", same),
    ("IsInf", never),
    ("IsNaN", never),
    ("Less", |a, c| above(a.get(1)?, a.get(0)?, c)),
    ("LessOrEqual", |a, c| above(a.get(1)?, a.get(0)?, c)),
    ("Log", log),
    ("MatMul", |a, c| products::product(a.get(0)?, a.get(1)?, c)),
    ("Max", |a, c| fold(a, |x, y| extremum(x, y, 1.0, c))),
    ("Min", |a, c| fold(a, |x, y| extremum(x, y, -1.0, c))),
    ("Mul", |a, c| mul(a.get(0)?, a.get(1)?, c)),
    ("Neg", |a, c| times(a.get(0)?, -1.0, c)),
    ("Not", |a, c| add(&Constant(Tensor::scalar(1.0)), a.get(0)?, -1.0, c)),
    ("Pow", pow),
    ("Reciprocal", |a, c| divide(&Constant(Tensor::scalar(1.0)), a.get(0)?, c)),
    ("ReduceMean", |a, c| shapes::reduce(a, c, true)),
    ("ReduceSum", |a, c| shapes::reduce(a, c, false)),
    ("Relu", |a, c| activation(a, c, Activation::Relu)),
    ("Reshape", shapes::reshape),
    ("Shape", shapes::shape),
    ("Sigmoid", |a, c| activation(a, c, Activation::Sigmoid)),
    ("Sinh", |a, c| function(a, c, Function::Sinh, f64::sinh)),
    ("Slice", shapes::slice),
    ("Softplus", |a, c| activation(a, c, Activation::Softplus)),
    ("Split", shapes::split),
    ("Sqrt", sqrt),
    ("Squeeze", shapes::squeeze),
    ("Sub", |a, c| add(a.get(0)?, a.get(1)?, -1.0, c)),
    ("Sum", |a, c| fold(a, |x, y| add(x, y, 1.0, c))),
    ("Swish", swish),
    ("Tanh", |a, c| activation(a, c, Activation::Tanh)),
    ("Transpose", shapes::transpose),
    ("Unsqueeze", shapes::unsqueeze),
    ("Where", choose),
    ("ai.onnx.ml.ArrayFeatureExtractor", shapes::features),
    ("ai.onnx.ml.LinearRegressor", products::linear_regressor),
    ("ai.onnx.ml.Scaler", products::scaler),
];

use Known::{Computed, Constant};

/// The operator of that name, behind its domain if it is not a standard one.
pub(super) fn operator(name: &str) -> Option<Operator> {
    OPERATORS.iter().find(|(n, _)| *n == name).map(|(_, operator)| *operator)
}
/// Whether a node is understood of constants only, whatever it is given.
pub(super) fn is_of_constants(node: &Node) -> bool {
    match node.operator.as_str() {
        "Pow" | "Sqrt" => true,
        "Clip" => node.inputs.len() == 3 && node.inputs.iter().all(|name| !name.is_empty()),
        _ => false,
    }
}

fn same(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    Ok(args.get(0)?.clone())
}

/// An operator of two inputs over any number of them.
fn fold(args: &Args<'_>, mut f: impl FnMut(&Known, &Known) -> Result<Known>) -> Result<Known> {
    let mut all = args.get(0)?.clone();
    for i in 1..args.node.inputs.len() {
        all = f(&all, args.get(i)?)?;
    }
    Ok(all)
}

/// Elementwise, with what it is to constants.
fn function(args: &Args<'_>, chain: &mut Chain, function: Function, f: impl Fn(f64) -> f64) -> Result<Known> {
    apply(args.get(0)?, chain, function, f)
}
fn apply(x: &Known, chain: &mut Chain, function: Function, f: impl Fn(f64) -> f64) -> Result<Known> {
    Ok(match x {
        Constant(tensor) => Constant(tensor.map(f)),
        Computed(value) => Computed(value.apply(function, chain)?),
    })
}
fn activation(args: &Args<'_>, chain: &mut Chain, activation: Activation) -> Result<Known> {
    activated(args.get(0)?, chain, activation)
}
fn activated(x: &Known, chain: &mut Chain, activation: Activation) -> Result<Known> {
    apply(x, chain, Function::Apply(activation), |x| activation.jet(Separate, x)[0])
}

fn exp(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    Ok(match args.get(0)? {
        Constant(tensor) => Constant(tensor.map(f64::exp)),
        Computed(value) => Computed(value.exponential(chain)?),
    })
}

fn log(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    Ok(match args.get(0)? {
        Constant(tensor) => Constant(tensor.map(f64::ln)),
        Computed(value) => Computed(value.logarithm()?),
    })
}

fn sqrt(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    match args.get(0)? {
        Constant(tensor) => Ok(Constant(tensor.map(f64::sqrt))),
        Computed(_) => Err(Refusal::Unsupported),
    }
}

/// Of constants; and `x¹`, `x⁻¹`.
fn pow(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    match (args.get(0)?, args.get(1)?) {
        (Constant(a), Constant(b)) => Ok(Constant(a.zip(b, f64::powf)?)),
        (x, Constant(b)) if b.data.iter().all(|&b| b == 1.0) => Ok(x.clone()),
        (x, Constant(b)) if b.data.iter().all(|&b| b == -1.0) => {
            divide(&Constant(Tensor { dims: b.dims.clone(), data: vec![1.0; b.data.len()] }), x, chain)
        }
        _ => Err(Refusal::Unsupported),
    }
}

/// `max(x, c) = relu(x − c) + c`, as some write a ReLU; with the sign −1 `min(x, c) = c − relu(c − x)`.
fn extremum(a: &Known, b: &Known, sign: f64, chain: &mut Chain) -> Result<Known> {
    let (x, c) = match (a, b) {
        (Constant(a), Constant(b)) => {
            return Ok(Constant(a.zip(b, if sign > 0.0 { f64::max } else { f64::min })?));
        }
        (Computed(_), Constant(_)) => (a, b),
        (Constant(_), Computed(_)) => (b, a),
        (Computed(_), Computed(_)) => return Err("is supported with a constant only".into()),
    };
    let above = times(&add(x, c, -1.0, chain)?, sign, chain)?;
    let relu = times(&activated(&above, chain, Activation::Relu)?, sign, chain)?;
    add(&relu, c, 1.0, chain)
}

/// One-sided: both bounds at once make no activation that is known here.
fn clip(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let x = args.get(0)?;
    let bound = |name: &str, i: usize, none: f32| -> Result<Option<Known>> {
        let bound = match (args.node.attribute(name), args.optional(i)) {
            (Some(attribute), _) => Constant(Tensor::scalar(f64::from(attribute.float))),
            (None, Some(_)) => Constant(args.constant(i)?.clone()),
            (None, None) => return Ok(None),
        };
        // The largest number stands for no bound.
        let Constant(t) = &bound else { return Ok(None) };
        let is_none = t.data.iter().all(|&v| v.signum() == f64::from(none).signum() && v.abs() >= f64::from(f32::MAX));
        Ok((!is_none).then_some(bound))
    };
    match (bound("min", 1, f32::MIN)?, bound("max", 2, f32::MAX)?, x) {
        (None, None, _) => Ok(x.clone()),
        (Some(low), None, _) => extremum(x, &low, 1.0, chain),
        (None, Some(high), _) => extremum(x, &high, -1.0, chain),
        (Some(low), Some(high), Constant(_)) => extremum(&extremum(x, &low, 1.0, chain)?, &high, -1.0, chain),
        (Some(_), Some(_), Computed(_)) => Err(Refusal::Unsupported),
    }
}

/// `x·σ(αx)`
fn swish(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let scaled = times(args.get(0)?, args.node.float("alpha", 1.0), chain)?;
    let gate = activated(&scaled, chain, Activation::Sigmoid)?;
    mul(args.get(0)?, &gate, chain)
}

/// `a + sign·b`
pub(super) fn add(a: &Known, b: &Known, sign: f64, chain: &mut Chain) -> Result<Known> {
    Ok(match (a, b) {
        (Constant(a), Constant(b)) => Constant(a.zip(b, |a, b| a + sign * b)?),
        (Computed(a), Constant(b)) => {
            let (value, constant) = a.with_constant(b)?;
            Computed(value.plus(&constant.iter().map(|v| sign * v).collect::<Vec<_>>()))
        }
        (Constant(a), Computed(b)) => {
            let (value, constant) = b.with_constant(a)?;
            Computed(value.times_scalar(sign).plus(&constant))
        }
        (Computed(a), Computed(b)) => {
            let (a, b) = a.with_value(b)?;
            Computed(a.plus_value(&b.times_scalar(sign), chain)?)
        }
    })
}

pub(super) fn times(x: &Known, factor: f64, chain: &mut Chain) -> Result<Known> {
    mul(x, &Constant(Tensor::scalar(factor)), chain)
}

pub(super) fn mul(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
    Ok(match (a, b) {
        (Constant(a), Constant(b)) => Constant(a.zip(b, |a, b| a * b)?),
        (Computed(value), Constant(constant)) | (Constant(constant), Computed(value)) => {
            let (value, constant) = value.with_constant(constant)?;
            Computed(value.times(&constant))
        }
        (Computed(a), Computed(b)) => {
            let (a, b) = a.with_value(b)?;
            Computed(a.times_value(&b, chain)?)
        }
    })
}

fn divide(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
    match (a, b) {
        (Constant(a), Constant(b)) => Ok(Constant(a.zip(b, |a, b| a / b)?)),
        (Computed(_), Constant(b)) => mul(a, &Constant(b.map(f64::recip)), chain),
        (Constant(_), Computed(b)) => mul(a, &Computed(b.reciprocal()?), chain),
        (Computed(a), Computed(b)) => {
            let (a, b) = a.with_value(b)?;
            Ok(Computed(a.over_value(&b, chain)?))
        }
    }
}

fn truth(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

/// `[a > b]`. Activations are continuous, so that it does not matter what happens where both are equal.
fn above(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
    apply(&add(a, b, -1.0, chain)?, chain, Function::Step, |v| truth(v > 0.0))
}

/// Of constants; and `x = x`, which asks whether something is a number.
fn equal(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    match (args.get(0)?, args.get(1)?) {
        (Constant(a), Constant(b)) => Ok(Constant(a.zip(b, |a, b| truth(a == b))?)),
        (Computed(a), Computed(b)) if a == b => Ok(Constant(Tensor::scalar(1.0))),
        _ => Err(Refusal::Unsupported),
    }
}

/// Whether something is no finite number: what is computed from finite inputs always is.
fn never(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    match args.get(0)? {
        Constant(_) => Err(Refusal::Unsupported),
        Computed(_) => Ok(Constant(Tensor::scalar(0.0))),
    }
}

/// `condition ? a : b`
fn choose(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let (condition, a, b) = (args.get(0)?, args.get(1)?, args.get(2)?);
    match (condition, a, b) {
        _ if a == b => return Ok(a.clone()),
        (Constant(c), ..) if c.data.iter().all(|&c| c != 0.0) => return Ok(a.clone()),
        (Constant(c), ..) if c.data.iter().all(|&c| c == 0.0) => return Ok(b.clone()),
        (Constant(_), Constant(_), Constant(_)) => {}
        (Computed(step), Computed(x), Computed(y)) if step.is_threshold_of(x, y, chain)? => return Ok(b.clone()),
        (Computed(_), ..) => {}
        _ => return Err(Refusal::Unsupported),
    }
    let chosen = add(a, b, -1.0, chain).and_then(|difference| mul(&difference, condition, chain));
    let chosen = chosen.map_err(|_| "chooses between values that are together no known activation")?;
    add(&chosen, b, 1.0, chain)
}

/// Between precisions the identity: networks here are in double precision throughout.
fn cast(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    match (args.get(0)?, args.node.integer("to", 0)) {
        (Constant(t), FLOAT) => Ok(Constant(t.map(|v| f64::from(v as f32)))),
        (Constant(t), INT32 | INT64) => Ok(Constant(t.map(f64::trunc))),
        (Constant(t), BOOL) => Ok(Constant(t.map(|v| truth(v != 0.0)))),
        (known, FLOAT | DOUBLE | FLOAT16 | BFLOAT16) => Ok(known.clone()),
        (_, other) => Err(format!("casts to element type {other}, expected one of floating point").into()),
    }
}

fn constant(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let wrong = "holds no tensor, number or list of numbers";
    let [attribute] = args.node.attributes.as_slice() else { return Err(wrong.into()) };
    Ok(Constant(match attribute.name.as_str() {
        "value" => attribute.tensor.clone().ok_or(wrong)??,
        "value_float" => Tensor::scalar(f64::from(attribute.float)),
        "value_int" => Tensor::scalar(attribute.integer as f64),
        "value_floats" => Tensor::list(attribute.floats.clone()),
        "value_ints" => Tensor::list(attribute.integers.iter().map(|&i| i as f64).collect()),
        _ => return Err(wrong.into()),
    }))
}

//! The operators that are understood: a table of names, and one function for each kind.

use super::chain::Chain;
use super::graph::{Args, Known};
use super::proto::{DOUBLE, FLOAT, INT32, INT64};
use super::tensor::{Product, Result, Tensor, elements, transposition};
use super::value::Function;
use crate::math::Activation;

/// What an operator makes of its inputs.
pub(super) type Operator = fn(&Args<'_>, &mut Chain) -> Result<Known>;

/// Every operator that may stand in a network's file.
pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Add", |a, c| sum(a, c, 1.0)),
    ("BatchNormalization", batch_normalization),
    ("Cast", cast),
    ("Concat", concat),
    ("Constant", constant),
    ("Div", div),
    ("Dropout", same),
    ("Exp", |a, c| function(a, c, Function::Exp, f64::exp)),
    ("Flatten", flatten),
    ("Gather", gather),
    ("Gemm", gemm),
    ("Identity", same),
    ("Log", log),
    ("Max", maximum),
    ("MatMul", |a, c| product(a.get(0)?, a.get(1)?, c)),
    ("Mul", |a, c| mul(a.get(0)?, a.get(1)?, c)),
    ("Neg", |a, c| mul(a.get(0)?, &Constant(Tensor::scalar(-1.0)), c)),
    ("Reciprocal", |a, c| divide(&Constant(Tensor::scalar(1.0)), a.get(0)?, c)),
    ("Relu", |a, c| activation(a, c, Activation::Relu)),
    ("Reshape", reshape),
    ("Shape", shape),
    ("Sigmoid", |a, c| activation(a, c, Activation::Sigmoid)),
    ("Softplus", |a, c| activation(a, c, Activation::Softplus)),
    ("Squeeze", squeeze),
    ("Sub", |a, c| sum(a, c, -1.0)),
    ("Swish", swish),
    ("Tanh", |a, c| activation(a, c, Activation::Tanh)),
    ("Transpose", transpose),
    ("Unsqueeze", unsqueeze),
    ("ai.onnx.ml.Scaler", scaler),
];

use Known::{Computed, Constant};

fn same(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    Ok(args.get(0)?.clone())
}

fn activation(args: &Args<'_>, chain: &mut Chain, activation: Activation) -> Result<Known> {
    function(args, chain, Function::Apply(activation), |x| activation.jet(crate::math::Separate, x)[0])
}

/// Elementwise, with what it is to constants.
fn function(args: &Args<'_>, chain: &mut Chain, function: Function, f: impl Fn(f64) -> f64) -> Result<Known> {
    Ok(match args.get(0)? {
        Constant(tensor) => Constant(tensor.map(f)),
        Computed(value) => Computed(value.apply(function, chain)?),
    })
}

fn log(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    Ok(match args.get(0)? {
        Constant(tensor) => Constant(tensor.map(f64::ln)),
        Computed(value) => Computed(value.logarithm()?),
    })
}

/// `max(x, c) = relu(x − c) + c`, as some write a ReLU.
fn maximum(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let (a, b) = (args.get(0)?, args.get(1)?);
    if args.optional(2).is_some() {
        return Err("is supported of two values only".into());
    }
    let (x, c) = match (a, b) {
        (Constant(a), Constant(b)) => return Ok(Constant(a.zip(b, f64::max)?)),
        (Computed(_), Constant(_)) => (a, b),
        (Constant(_), Computed(_)) => (b, a),
        (Computed(_), Computed(_)) => return Err("is supported with a constant only".into()),
    };
    let Computed(above) = add(x, c, -1.0, chain)? else { return Err("has no value".into()) };
    add(&Computed(above.apply(Function::Apply(Activation::Relu), chain)?), c, 1.0, chain)
}

/// `x·σ(αx)`
fn swish(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let alpha = Constant(Tensor::scalar(args.node.float("alpha", 1.0)));
    let gate = match mul(args.get(0)?, &alpha, chain)? {
        Constant(x) => Constant(x.map(|x| Activation::Sigmoid.jet(crate::math::Separate, x)[0])),
        Computed(x) => Computed(x.apply(Function::Apply(Activation::Sigmoid), chain)?),
    };
    mul(args.get(0)?, &gate, chain)
}

fn sum(args: &Args<'_>, chain: &mut Chain, sign: f64) -> Result<Known> {
    add(args.get(0)?, args.get(1)?, sign, chain)
}

/// `a + sign·b`
fn add(a: &Known, b: &Known, sign: f64, chain: &mut Chain) -> Result<Known> {
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

fn mul(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
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

fn div(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    divide(args.get(0)?, args.get(1)?, chain)
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

fn product(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
    Ok(match (a, b) {
        (Constant(a), Constant(b)) => {
            let product = Product::new(&a.dims, &b.dims)?;
            Constant(Tensor { data: product.of(&a.data, &b.data), dims: product.dims })
        }
        (Computed(value), Constant(constant)) => Computed(value.product(constant, false, chain)?),
        (Constant(constant), Computed(value)) => Computed(value.product(constant, true, chain)?),
        (Computed(_), Computed(_)) => return Err("multiplies two computed values; one must be a weight".into()),
    })
}

/// `α·A′·B′ + β·C`
fn gemm(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let operand = |i: usize, flag: &str| {
        let known = args.get(i)?;
        if rank(known) != 2 {
            return Err(format!("input {i} has {} dimensions, expected 2", rank(known)));
        }
        if args.node.integer(flag, 0) == 0 { Ok(known.clone()) } else { transposed(known, &[1, 0]) }
    };
    let scaled = |known: &Known, name: &str, chain: &mut Chain| match args.node.float(name, 1.0) {
        1.0 => Ok(known.clone()),
        factor => mul(known, &Constant(Tensor::scalar(factor)), chain),
    };
    // The factor goes to the constant, so that it becomes part of the weights.
    let (a, b) = (operand(0, "transA")?, operand(1, "transB")?);
    let (a, b) = match a {
        Constant(_) => (scaled(&a, "alpha", chain)?, b),
        Computed(_) => (a, scaled(&b, "alpha", chain)?),
    };
    let product = product(&a, &b, chain)?;
    match args.optional(2) {
        None => Ok(product),
        Some(c) => {
            let c = scaled(c, "beta", chain)?;
            add(&product, &c, 1.0, chain)
        }
    }
}

/// In inference: `scale·(x − mean)/√(variance + ε) + bias`, by the second axis.
fn batch_normalization(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    if args.node.integer("training_mode", 0) != 0 {
        return Err("is in training mode".into());
    }
    if rank(args.get(0)?) != 2 {
        return Err("expected features in the second of two dimensions".into());
    }
    let epsilon = args.node.float("epsilon", 1e-5);
    let deviation = args.constant(4)?.map(|v| (v + epsilon).sqrt());
    let slope = args.constant(1)?.zip(&deviation, |s, d| s / d)?;
    let centred = add(args.get(0)?, args.get(3)?, -1.0, chain)?;
    let scaled = mul(&centred, &Constant(slope), chain)?;
    add(&scaled, args.get(2)?, 1.0, chain)
}

/// `(x − offset)·scale`, as scikit-learn's scalers are written.
fn scaler(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let list = |name: &str| -> Result<Known> {
        let attribute = args.node.attribute(name).ok_or_else(|| format!("`{name}` is missing"))?;
        Ok(Constant(Tensor::list(attribute.floats.clone())))
    };
    let centred = add(args.get(0)?, &list("offset")?, -1.0, chain)?;
    mul(&centred, &list("scale")?, chain)
}

/// Between the two precisions the identity: networks here are in double precision throughout.
fn cast(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    match (args.get(0)?, args.node.integer("to", 0)) {
        (Constant(t), FLOAT) => Ok(Constant(t.map(|v| f64::from(v as f32)))),
        (Constant(t), INT32 | INT64) => Ok(Constant(t.map(f64::trunc))),
        (known, FLOAT | DOUBLE) => Ok(known.clone()),
        (_, other) => Err(format!("casts to element type {other}, expected float or double")),
    }
}

fn constant(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let wrong = || "holds no tensor, number or list of numbers".to_owned();
    let [attribute] = args.node.attributes.as_slice() else { return Err(wrong()) };
    Ok(Constant(match attribute.name.as_str() {
        "value" => attribute.tensor.clone().ok_or_else(wrong)?,
        "value_float" => Tensor::scalar(f64::from(attribute.float)),
        "value_int" => Tensor::scalar(attribute.integer as f64),
        "value_floats" => Tensor::list(attribute.floats.clone()),
        "value_ints" => Tensor::list(attribute.integers.iter().map(|&i| i as f64).collect()),
        _ => return Err(wrong()),
    }))
}

fn dims(known: &Known) -> Vec<usize> {
    match known {
        Constant(tensor) => tensor.dims.clone(),
        Computed(value) => value.dims(),
    }
}
fn rank(known: &Known) -> usize {
    dims(known).len()
}
fn reshaped(known: &Known, dims: Vec<usize>) -> Result<Known> {
    Ok(match known {
        Constant(tensor) => Constant(tensor.reshape(dims)?),
        Computed(value) => Computed(value.reshape(dims)?),
    })
}
fn transposed(known: &Known, axes: &[usize]) -> Result<Known> {
    Ok(match known {
        Constant(tensor) => {
            let (rows, dims) = transposition(&tensor.dims, axes);
            Constant(tensor.select(&rows, dims))
        }
        Computed(value) => Computed(value.transpose(axes)?),
    })
}

/// An axis that may be counted from the end.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(from_start).ok().filter(|&a| a < rank).ok_or_else(|| format!("axis {axis} of {rank} dimensions"))
}

/// Extents with 0 for "as it was" and −1 for "what is left".
fn reshape(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let (from, wanted) = (dims(args.get(0)?), args.constant(1)?.integers());
    let keep_zero = args.node.integer("allowzero", 0) != 0;
    let wrong = || format!("cannot reshape {from:?} to {wanted:?}");
    let mut to = Vec::new();
    for (i, &d) in wanted.iter().enumerate() {
        to.push(match d {
            -1 => 1,
            0 if !keep_zero => *from.get(i).ok_or_else(wrong)?,
            d => usize::try_from(d).map_err(|_| wrong())?,
        });
    }
    if let Some(open) = wanted.iter().position(|&d| d == -1) {
        to[open] = elements(&from)?.checked_div(elements(&to)?).ok_or_else(wrong)?;
    }
    reshaped(args.get(0)?, to)
}

fn flatten(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let at = match args.node.integer("axis", 1) {
        a if a == from.len() as i64 => from.len(),
        a => axis(a, from.len())?,
    };
    reshaped(args.get(0)?, vec![elements(&from[..at])?, elements(&from[at..])?])
}

fn squeeze(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let gone: Vec<usize> = match args.integers("axes", 1)? {
        Some(axes) => axes.iter().map(|&a| axis(a, from.len())).collect::<Result<_>>()?,
        None => (0..from.len()).filter(|&i| from[i] == 1).collect(),
    };
    if let Some(&a) = gone.iter().find(|&&a| from[a] != 1) {
        return Err(format!("axis {a} of {from:?} is not of extent 1"));
    }
    reshaped(args.get(0)?, (0..from.len()).filter(|i| !gone.contains(i)).map(|i| from[i]).collect())
}

fn unsqueeze(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let mut from = dims(args.get(0)?).into_iter();
    let axes = args.integers("axes", 1)?.ok_or("the axes are missing")?;
    let rank = from.len() + axes.len();
    let axes: Vec<usize> = axes.iter().map(|&a| axis(a, rank)).collect::<Result<_>>()?;
    let mut to: Vec<usize> = (0..rank).map(|i| if axes.contains(&i) { 1 } else { from.next().unwrap_or(1) }).collect();
    to.extend(from);
    reshaped(args.get(0)?, to)
}

fn transpose(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let rank = rank(args.get(0)?);
    let axes: Vec<usize> = match args.node.attribute("perm") {
        Some(perm) => perm.integers.iter().map(|&a| axis(a, rank)).collect::<Result<_>>()?,
        None => (0..rank).rev().collect(),
    };
    if axes.len() != rank || (0..rank).any(|i| !axes.contains(&i)) {
        return Err(format!("{axes:?} is no permutation of {rank} axes"));
    }
    transposed(args.get(0)?, &axes)
}

/// What exporters compute the target of a reshape from.
fn shape(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    if args.node.attribute("start").is_some() || args.node.attribute("end").is_some() {
        return Err("`start` and `end` are not supported".into());
    }
    Ok(Constant(Tensor::list(dims(args.get(0)?).iter().map(|&d| d as f64).collect())))
}

fn gather(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let (list, at) = (args.constant(0)?, args.constant(1)?);
    if list.dims.len() != 1 || args.node.integer("axis", 0) != 0 {
        return Err("is supported on a list only".into());
    }
    let rows = at.integers().iter().map(|&i| axis(i, list.data.len())).collect::<Result<Vec<_>>>()?;
    Ok(Constant(list.select(&rows, at.dims.clone())))
}

fn concat(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let mut data = Vec::new();
    for i in 0..args.node.inputs.len() {
        let list = args.constant(i)?;
        if list.dims.len() != 1 {
            return Err("is supported on lists only".into());
        }
        data.extend(&list.data);
    }
    elements(&[data.len()])?;
    Ok(Constant(Tensor::list(data)))
}

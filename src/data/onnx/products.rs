//! Matrix products in their many forms, and layers that are only factors and shifts.

use super::chain::Chain;
use super::graph::{Args, Known};
use super::operators::{Refusal, Result, add, mul, times};
use super::shapes::{rank, transposed};
use super::tensor::{Product, Tensor};

use Known::{Computed, Constant};

pub(super) fn product(a: &Known, b: &Known, chain: &mut Chain) -> Result<Known> {
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
pub(super) fn gemm(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let operand = |i: usize, flag: &str| -> Result<Known> {
        let known = args.get(i)?;
        if rank(known) != 2 {
            return Err(format!("input {i} has {} dimensions, expected 2", rank(known)).into());
        }
        if args.node.integer(flag, 0) == 0 { Ok(known.clone()) } else { transposed(known, &[1, 0]) }
    };
    let scaled = |known: &Known, name: &str, chain: &mut Chain| match args.node.float(name, 1.0) {
        1.0 => Ok(known.clone()),
        factor => times(known, factor, chain),
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

/// Matrix products of a computed value and a weight, as `bi,oi->bo`: one label in common and summed over.
pub(super) fn einsum(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let equation = args.node.attribute("equation").map_or("", |a| &a.text).replace(' ', "");
    let Some((left, output)) = equation.split_once("->") else { return Err(Refusal::Unsupported) };
    let operands: Vec<&str> = left.split(',').collect();
    let &[first, second] = operands.as_slice() else { return Err(Refusal::Unsupported) };
    let (x, w, x_labels, w_labels) = match args.get(0)? {
        Computed(_) => (args.get(0)?, args.get(1)?, first, second),
        Constant(_) => (args.get(1)?, args.get(0)?, second, first),
    };
    let (x_labels, w_labels): (Vec<char>, Vec<char>) = (x_labels.chars().collect(), w_labels.chars().collect());
    let summed: Vec<char> = x_labels.iter().copied().filter(|c| w_labels.contains(c)).collect();
    let &[k] = summed.as_slice() else { return Err(Refusal::Unsupported) };
    let free = |labels: &[char]| labels.iter().copied().filter(|&c| c != k).collect::<Vec<_>>();
    let (mut x_order, mut w_order) = (free(&x_labels), vec![k]);
    w_order.extend(free(&w_labels));
    let result = [&x_order[..], &w_order[1..]].concat();
    x_order.push(k);
    let axes = |of: &[char], labels: &[char]| -> Result<Vec<usize>> {
        let axes: Option<Vec<usize>> = of.iter().map(|c| labels.iter().position(|l| l == c)).collect();
        axes.filter(|axes| axes.len() == labels.len()).ok_or(Refusal::Unsupported)
    };
    let output: Vec<char> = output.chars().collect();
    let to_output = axes(&output, &result)?;
    if w_order.len() > 2 || rank(x) != x_labels.len() || rank(w) != w_labels.len() || !all_different(&result) {
        return Err(Refusal::Unsupported);
    }
    let x = transposed(x, &axes(&x_order, &x_labels)?)?;
    let w = transposed(w, &axes(&w_order, &w_labels)?)?;
    transposed(&product(&x, &w, chain)?, &to_output)
}

fn all_different(labels: &[char]) -> bool {
    labels.iter().enumerate().all(|(i, c)| !labels[..i].contains(c) && c.is_alphabetic())
}

/// In inference: `scale·(x − mean)/√(variance + ε) + bias`, by the second axis.
pub(super) fn batch_normalization(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
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
pub(super) fn scaler(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let centred = add(args.get(0)?, &Constant(args.floats("offset")?), -1.0, chain)?;
    mul(&centred, &Constant(args.floats("scale")?), chain)
}

/// `x·coefficientsᵀ + intercepts`, as scikit-learn's linear models are written.
pub(super) fn linear_regressor(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    if args.node.attribute("post_transform").is_some_and(|a| a.text != "NONE") {
        return Err(Refusal::Unsupported);
    }
    let coefficients = args.floats("coefficients")?;
    let targets = usize::try_from(args.node.integer("targets", 1)).unwrap_or(0);
    let inputs = coefficients.data.len().checked_div(targets).ok_or("`targets` is not positive")?;
    let weight = transposed(&Constant(coefficients.reshape(vec![targets, inputs])?), &[1, 0])?;
    let product = product(args.get(0)?, &weight, chain)?;
    match args.node.attribute("intercepts") {
        Some(_) => add(&product, &Constant(args.floats("intercepts")?), 1.0, chain),
        None => Ok(product),
    }
}

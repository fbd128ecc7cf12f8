//! The operators that move elements without changing them, or add some of them up.

use super::chain::Chain;
use super::graph::{Args, Known};
use super::operators::{Refusal, Result, mul};
use super::tensor::{Tensor, elements, transposition};
use super::value::{Batch, Value};

use Known::{Computed, Constant};

fn dims(known: &Known) -> Vec<usize> {
    match known {
        Constant(tensor) => tensor.dims.clone(),
        Computed(value) => value.dims(),
    }
}
pub(super) fn rank(known: &Known) -> usize {
    dims(known).len()
}
fn reshaped(known: &Known, dims: Vec<usize>) -> Result<Known> {
    Ok(match known {
        Constant(tensor) => Constant(tensor.reshape(dims)?),
        Computed(value) => Computed(value.reshape(dims)?),
    })
}
pub(super) fn transposed(known: &Known, axes: &[usize]) -> Result<Known> {
    Ok(match known {
        Constant(tensor) => {
            let (rows, dims) = transposition(&tensor.dims, axes);
            Constant(tensor.select(&rows, dims))
        }
        Computed(value) => Computed(value.transpose(axes)?),
    })
}

/// An axis, or a place on one, that may be counted from the end.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_start).ok().filter(|&a| a < rank);
    found.ok_or_else(|| format!("axis {axis} of {rank} dimensions").into())
}
fn axes(wanted: &[i64], rank: usize) -> Result<Vec<usize>> {
    wanted.iter().map(|&a| axis(a, rank)).collect()
}

/// Extents with 0 for "as it was" and −1 for "what is left".
pub(super) fn reshape(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
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

pub(super) fn flatten(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let at = match args.node.integer("axis", 1) {
        a if a == from.len() as i64 => from.len(),
        a => axis(a, from.len())?,
    };
    reshaped(args.get(0)?, vec![elements(&from[..at])?, elements(&from[at..])?])
}

pub(super) fn squeeze(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let gone: Vec<usize> = match args.integers("axes", 1)? {
        Some(wanted) => axes(&wanted, from.len())?,
        None => (0..from.len()).filter(|&i| from[i] == 1).collect(),
    };
    if let Some(&a) = gone.iter().find(|&&a| from[a] != 1) {
        return Err(format!("axis {a} of {from:?} is not of extent 1").into());
    }
    reshaped(args.get(0)?, (0..from.len()).filter(|i| !gone.contains(i)).map(|i| from[i]).collect())
}

pub(super) fn unsqueeze(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let mut from = dims(args.get(0)?).into_iter();
    let wanted = args.integers("axes", 1)?.ok_or("the axes are missing")?;
    let rank = from.len() + wanted.len();
    let axes = axes(&wanted, rank)?;
    let mut to: Vec<usize> = (0..rank).map(|i| if axes.contains(&i) { 1 } else { from.next().unwrap_or(1) }).collect();
    to.extend(from);
    reshaped(args.get(0)?, to)
}

pub(super) fn transpose(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let rank = rank(args.get(0)?);
    let axes = match args.node.attribute("perm") {
        Some(perm) => axes(&perm.integers, rank)?,
        None => (0..rank).rev().collect(),
    };
    if axes.len() != rank || (0..rank).any(|i| !axes.contains(&i)) {
        return Err(format!("{axes:?} is no permutation of {rank} axes").into());
    }
    transposed(args.get(0)?, &axes)
}

/// What exporters compute the target of a reshape from.
pub(super) fn shape(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let dims = dims(args.get(0)?);
    let n = dims.len() as i64;
    let place = |name: &str, default: i64| {
        let at = args.node.integer(name, default);
        (if at < 0 { at.saturating_add(n) } else { at }).clamp(0, n) as usize
    };
    let (start, end) = (place("start", 0), place("end", n));
    Ok(Constant(Tensor::list(dims[start..end.max(start)].iter().map(|&d| d as f64).collect())))
}

/// The shape that input `i` holds.
fn target(args: &Args<'_>, i: usize) -> Result<Vec<usize>> {
    let extents: Option<Vec<usize>> = args.constant(i)?.integers().iter().map(|&d| usize::try_from(d).ok()).collect();
    let extents = extents.ok_or("an extent is negative")?;
    elements(&extents)?;
    Ok(extents)
}

pub(super) fn constant_of_shape(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let dims = target(args, 0)?;
    let value = match args.node.attribute("value").and_then(|a| a.tensor.clone()) {
        Some(tensor) => *tensor?.data.first().ok_or("`value` is empty")?,
        None => 0.0,
    };
    Ok(Constant(Tensor { data: vec![value; elements(&dims)?], dims }))
}

pub(super) fn expand(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let dims = target(args, 1)?;
    let ones = Tensor { data: vec![1.0; elements(&dims)?], dims };
    mul(args.get(0)?, &Constant(ones), chain)
}

/// The slices `at` along an axis, which takes the shape `extents` instead.
fn take(known: &Known, along: usize, at: &[usize], extents: &[usize]) -> Result<Known> {
    let from = dims(known);
    let to = |from: &[usize]| [&from[..along], extents, &from[along + 1..]].concat();
    if let Some(wrong) = at.iter().find(|&&i| i >= from[along]) {
        return Err(format!("index {wrong} on axis {along} of {from:?}").into());
    }
    let rows = |from: &[usize]| -> Result<Vec<usize>> {
        elements(&to(from))?;
        let (outer, inner) = (elements(&from[..along])?, elements(&from[along + 1..])?);
        let row = |o: usize, i: usize| (o * from[along] + i) * inner;
        Ok((0..outer).flat_map(|o| at.iter().flat_map(move |&i| row(o, i)..row(o, i) + inner)).collect())
    };
    Ok(match known {
        Constant(tensor) => Constant(tensor.select(&rows(&from)?, to(&from))),
        Computed(value) => {
            let batch = match value.batch {
                Some(b) if b.axis == along && at.iter().copied().eq(0..b.extent) && extents.len() == 1 => {
                    return Ok(known.clone());
                }
                Some(b) if b.axis == along => return Err("chooses among the samples of a batch".into()),
                Some(b) if b.axis > along => Some(Batch { axis: b.axis + extents.len() - 1, ..b }),
                batch => batch,
            };
            let sample = &value.argument.dims;
            Computed(value.select(&rows(sample)?, to(sample), batch)?)
        }
    })
}

pub(super) fn gather(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let (from, at) = (dims(args.get(0)?), args.constant(1)?);
    let along = axis(args.node.integer("axis", 0), from.len())?;
    let indices = at.integers().iter().map(|&i| axis(i, from[along])).collect::<Result<Vec<_>>>()?;
    take(args.get(0)?, along, &indices, &at.dims)
}

/// Features by their numbers, in the last dimension.
pub(super) fn features(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let along = from.len().checked_sub(1).ok_or("a number has no features")?;
    let indices = args.constant(1)?.integers().iter().map(|&i| axis(i, from[along])).collect::<Result<Vec<_>>>()?;
    take(args.get(0)?, along, &indices, &[indices.len()])
}

pub(super) fn slice(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let mut result = args.get(0)?.clone();
    let from = dims(&result);
    let starts = args.integers("starts", 1)?.ok_or("the starts are missing")?;
    let ends = args.integers("ends", 2)?.ok_or("the ends are missing")?;
    let along = match args.integers("axes", 3)? {
        Some(wanted) => axes(&wanted, from.len())?,
        None => (0..starts.len()).collect(),
    };
    let steps = args.integers("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), along.len(), steps.len()] != [starts.len(); 3] || along.iter().any(|&a| a >= from.len()) {
        return Err("starts, ends, axes and steps do not go together".into());
    }
    for (((&start, &end), &along), &step) in starts.iter().zip(&ends).zip(&along).zip(&steps) {
        let n = from[along] as i64;
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let place = |at: i64| (if at < 0 { at.saturating_add(n) } else { at }).clamp(low, high);
        let (mut at, end) = (place(start), place(end));
        let mut indices = Vec::new();
        while (step > 0 && at < end) || (step < 0 && at > end) {
            indices.push(at as usize);
            at = at.saturating_add(step);
        }
        result = take(&result, along, &indices, &[indices.len()])?;
    }
    Ok(result)
}

/// The part that belongs to the node's output.
pub(super) fn split(args: &Args<'_>, _: &mut Chain) -> Result<Known> {
    let from = dims(args.get(0)?);
    let along = axis(args.node.integer("axis", 0), from.len())?;
    let parts = args.node.outputs.len();
    let lengths: Vec<usize> = match args.integers("split", 1)? {
        Some(lengths) => lengths
            .iter()
            .map(|&n| usize::try_from(n).map_err(|_| "a part is negative"))
            .collect::<std::result::Result<_, _>>()?,
        None => {
            // The last part is shorter if they do not come out even.
            let length = from[along].div_ceil(parts.max(1));
            (0..parts).map(|p| length.min(from[along].saturating_sub(p * length))).collect()
        }
    };
    let start = lengths.iter().take(args.output).try_fold(0_usize, |sum, &n| sum.checked_add(n));
    let (Some(start), Some(&length)) = (start, lengths.get(args.output)) else {
        return Err("has more outputs than parts".into());
    };
    let indices: Vec<usize> = (start..start.saturating_add(length).min(from[along])).collect();
    take(args.get(0)?, along, &indices, &[indices.len()])
}

pub(super) fn concat(args: &Args<'_>, chain: &mut Chain) -> Result<Known> {
    let parts: Vec<&Known> = (0..args.node.inputs.len()).map(|i| args.get(i)).collect::<std::result::Result<_, _>>()?;
    let first = dims(*parts.first().ok_or("joins nothing")?);
    let along = axis(args.node.attribute("axis").map_or(1, |a| a.integer), first.len())?;
    for part in &parts {
        let other = dims(part);
        if other.len() != first.len() || (0..first.len()).any(|a| a != along && other[a] != first[a]) {
            return Err(format!("the shapes {first:?} and {other:?} do not go together").into());
        }
    }
    if let Some(Computed(model)) = parts.iter().find(|p| matches!(p, Computed(_))) {
        if model.batch.is_some_and(|b| b.axis == along) {
            return Err("joins samples of a batch".into());
        }
        let values = parts.iter().map(|part| match part {
            Computed(value) => Ok(value.clone()),
            Constant(_) => Err(Refusal::from("joins a constant to computed values")),
        });
        let values = values.collect::<Result<Vec<Value>>>()?;
        if values.iter().any(|v| v.batch != model.batch) {
            return Err("joins values whose samples are counted differently".into());
        }
        return Ok(Computed(Value::concat(&values, along, chain)?));
    }
    let tensors: Vec<&Tensor> = parts.iter().filter_map(|p| if let Constant(t) = p { Some(t) } else { None }).collect();
    let mut dims = first;
    dims[along] = tensors.iter().map(|t| t.dims[along]).sum();
    let n = elements(&dims)?;
    let outer = elements(&dims[..along])?;
    let mut data = Vec::with_capacity(n);
    for o in 0..outer {
        for t in &tensors {
            let length = t.data.len() / outer;
            data.extend(&t.data[o * length..][..length]);
        }
    }
    Ok(Constant(Tensor { dims, data }))
}

/// Sums, or means, along axes.
pub(super) fn reduce(args: &Args<'_>, chain: &mut Chain, mean: bool) -> Result<Known> {
    let known = args.get(0)?;
    let from = dims(known);
    let along = match args.integers("axes", 1)? {
        Some(wanted) => axes(&wanted, from.len())?,
        None if args.node.integer("noop_with_empty_axes", 0) != 0 => return Ok(known.clone()),
        None => (0..from.len()).collect(),
    };
    let keep = args.node.integer("keepdims", 1) != 0;
    let batch = if let Computed(value) = known { value.batch } else { None };
    if batch.is_some_and(|b| along.contains(&b.axis)) {
        return Err("adds the samples of a batch to each other".into());
    }
    // Of one sample, with the reduced axes last.
    let sample = match known {
        Constant(tensor) => &tensor.dims,
        Computed(value) => &value.argument.dims,
    };
    let kept: Vec<usize> = (0..from.len()).filter(|a| !along.contains(a)).collect();
    let order: Vec<usize> = kept.iter().chain(&along).copied().collect();
    if order.len() != from.len() {
        return Err("an axis is named twice".into());
    }
    let (rows, moved) = transposition(sample, &order);
    let n = elements(&moved[kept.len()..])?;
    if n == 0 {
        return Err("reduces nothing".into());
    }
    let groups: Vec<Vec<usize>> = rows.chunks(n).map(<[usize]>::to_vec).collect();
    let to: Vec<usize> = match keep {
        true => (0..from.len()).map(|a| if along.contains(&a) { 1 } else { sample[a] }).collect(),
        false => kept.iter().map(|&a| sample[a]).collect(),
    };
    let sum = match known {
        Constant(t) => {
            Constant(Tensor { data: groups.iter().map(|g| g.iter().map(|&i| t.data[i]).sum()).collect(), dims: to })
        }
        Computed(value) => {
            let place = |b: Batch| if keep { b.axis } else { kept.iter().filter(|&&a| a < b.axis).count() };
            let batch = batch.map(|b| Batch { axis: place(b), ..b });
            Computed(value.sums(&groups, to, batch, chain)?)
        }
    };
    if mean { mul(&sum, &Constant(Tensor::scalar(1.0 / n as f64)), chain) } else { Ok(sum) }
}

//! What a node of the graph computes for one sample, as mathematics: `scale ⊙ σ(planes · base + offset) + shift`.
//!
//! Exporters write the same network in many ways. Carried in this form, all of them become the same: linear operators act on
//! the planes, shifts and factors on what is outside of σ, and an activation is recognised by what it is (`x·σ(x)`,
//! `x/(1+e⁻ˣ)` …), not by how its nodes are strung together.

use std::rc::Rc;

use super::chain::Chain;
use super::tensor::{MOST_ELEMENTS, Product, Result, Tensor, broadcast, elements, spread, transposition};
use crate::math::Activation;

/// Elements that are linear in the nodes of an earlier layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    /// Which layer, as the [`Chain`] counts them.
    pub(super) base: usize,
    /// The shape of the elements.
    pub(super) dims: Vec<usize>,
    /// One list of elements for each node of the base, its coefficients; then the constants. Shared by all values that differ
    /// only in what is outside of σ.
    pub(super) planes: Rc<Vec<Vec<f64>>>,
}

impl Affine {
    /// The nodes of a base themselves.
    pub(super) fn identity(base: usize, dims: Vec<usize>) -> Result<Self> {
        let n = elements(&dims)?;
        room(n + 1, n)?;
        let plane = |j| (0..n).map(|i| if i == j { 1.0 } else { 0.0 }).collect();
        // The plane of number n is all zeros: no constants.
        Ok(Self { base, dims, planes: Rc::new((0..=n).map(plane).collect()) })
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.constants().len()
    }
    /// Memory that it takes, in numbers.
    pub(super) fn size(&self) -> usize {
        self.planes.len() * self.len()
    }
    pub(super) fn constants(&self) -> &[f64] {
        self.planes.last().expect("the constants are always there")
    }
    pub(super) fn is_identity(&self) -> bool {
        let n = self.len();
        let one = |i, j| if i == j { 1.0 } else { 0.0 };
        self.planes.len() == n + 1
            && self.planes.iter().enumerate().all(|(j, plane)| (0..n).all(|i| plane[i] == one(i, j)))
    }

    /// `factor ⊙ self`, and `shift` added.
    pub(super) fn rescaled(mut self, factor: &[f64], shift: &[f64]) -> Self {
        if factor.iter().any(|&f| f != 1.0) {
            for plane in Rc::make_mut(&mut self.planes) {
                plane.iter_mut().zip(factor).for_each(|(v, f)| *v *= f);
            }
        }
        if shift.iter().any(|&s| s != 0.0) {
            self.shift(shift);
        }
        self
    }
    pub(super) fn shift(&mut self, shift: &[f64]) {
        let constants = Rc::make_mut(&mut self.planes).last_mut().expect("the constants are always there");
        constants.iter_mut().zip(shift).for_each(|(v, s)| *v += s);
    }
    /// `factor · self`.
    pub(super) fn times(self, factor: f64) -> Self {
        let n = self.len();
        self.rescaled(&vec![factor; n], &vec![0.0; n])
    }
    fn select(&self, rows: &[usize], dims: Vec<usize>) -> Result<Self> {
        room(self.planes.len(), rows.len())?;
        let planes = self.planes.iter().map(|plane| rows.iter().map(|&i| plane[i]).collect()).collect();
        Ok(Self { base: self.base, dims, planes: Rc::new(planes) })
    }
    /// Sums of the elements of each group.
    fn sums(&self, groups: &[Vec<usize>], dims: Vec<usize>) -> Self {
        let sum = |plane: &Vec<f64>| groups.iter().map(|group| group.iter().map(|&i| plane[i]).sum()).collect();
        Self { base: self.base, dims, planes: Rc::new(self.planes.iter().map(sum).collect()) }
    }

    /// The `c` with `self = c ⊙ other`, if there is one.
    pub(super) fn ratio(&self, other: &Self) -> Option<Vec<f64>> {
        if (self.base, self.len()) != (other.base, other.len()) {
            return None;
        }
        let of_row = |i: usize| {
            let pairs = || self.planes.iter().zip(other.planes.iter()).map(|(a, b)| (a[i], b[i]));
            let (a, b) = pairs().max_by(|x, y| x.1.abs().total_cmp(&y.1.abs())).expect("at least the constants");
            let c = if b == 0.0 { 1.0 } else { a / b };
            let tolerance = 8.0 * f64::EPSILON * a.abs();
            pairs().all(|(a, b)| (a - c * b).abs() <= tolerance).then_some(c)
        };
        (0..self.len()).map(of_row).collect()
    }
}

fn room(planes: usize, elements: usize) -> Result<()> {
    match planes.checked_mul(elements) {
        Some(n) if n <= MOST_ELEMENTS => Ok(()),
        _ => Err(format!("{elements} elements that depend on {planes} nodes are more than any network here has")),
    }
}

/// σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// The whole of an activation.
    Apply(Activation),
    /// `eᵛ`: this and the others are parts of activations; `identities` puts them together.
    Exp,
    /// `v·eᵛ`
    TimesExp,
    Sinh,
    Cosh,
    /// `|v|`
    Abs,
    /// `e^−|v|`
    ExpOfAbs,
    /// `ln(1 + e^−|v|)`
    LogOfAbs,
    /// 1 where `v > 0`, else 0.
    Step,
}

pub(super) const LINEAR: Function = Function::Apply(Activation::Identity);

/// `scale ⊙ function(argument) + shift`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) function: Function,
    pub(super) argument: Affine,
    pub(super) scale: Vec<f64>,
    pub(super) shift: Vec<f64>,
    /// In a graph for a fixed number of samples: which axis counts them, and how many there are. The axis has the extent 1
    /// in `argument.dims`.
    pub(super) batch: Option<Batch>,
}

/// The axis of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) axis: usize,
    pub(super) extent: usize,
}

impl Value {
    pub(super) fn new(function: Function, argument: Affine, batch: Option<Batch>) -> Self {
        let n = argument.len();
        Self { function, argument, scale: vec![1.0; n], shift: vec![0.0; n], batch }
    }
    pub(super) fn linear(argument: Affine, batch: Option<Batch>) -> Self {
        Self::new(LINEAR, argument, batch)
    }

    /// The shape as the graph has it.
    pub(super) fn dims(&self) -> Vec<usize> {
        let mut dims = self.argument.dims.clone();
        if let Some(batch) = self.batch {
            dims[batch.axis] = batch.extent;
        }
        dims
    }

    /// As an affine function of some layer; an activation becomes a layer of its own.
    pub(super) fn settle(&self, chain: &mut Chain) -> Result<Affine> {
        let argument = match self.function {
            LINEAR => self.argument.clone(),
            Function::Apply(activation) => chain.layer(self.argument.clone(), activation)?,
            part => return Err(part.incomplete()),
        };
        Ok(argument.rescaled(&self.scale, &self.shift))
    }

    /// `function(self)`.
    pub(super) fn apply(&self, function: Function, chain: &mut Chain) -> Result<Self> {
        Ok(Self::new(function, self.settle(chain)?, self.batch))
    }

    /// Adds a constant of the same shape.
    pub(super) fn plus(mut self, constant: &[f64]) -> Self {
        if self.function == LINEAR && self.scale.iter().all(|&s| s == 1.0) && self.shift.iter().all(|&s| s == 0.0) {
            // A bias: what comes before any factor.
            self.argument.shift(constant);
        } else {
            self.shift.iter_mut().zip(constant).for_each(|(s, c)| *s += c);
        }
        self.canonical()
    }

    /// Multiplies by a constant of the same shape.
    pub(super) fn times(mut self, constant: &[f64]) -> Self {
        self.scale.iter_mut().zip(constant).for_each(|(s, c)| *s *= c);
        self.shift.iter_mut().zip(constant).for_each(|(s, c)| *s *= c);
        self
    }

    pub(super) fn times_scalar(self, factor: f64) -> Self {
        let n = self.scale.len();
        self.times(&vec![factor; n])
    }

    /// The matrix product with a constant, which is on the left or on the right.
    pub(super) fn product(&self, constant: &Tensor, constant_on_left: bool, chain: &mut Chain) -> Result<Self> {
        let affine = chain.scaled(self)?.settle(chain)?;
        // The batch's axis, counted from the right, where the matrices are.
        let place = self.batch.map(|batch| affine.dims.len() - batch.axis);
        let contracted = if constant_on_left && affine.dims.len() > 1 { 2 } else { 1 };
        if place == Some(contracted) {
            return Err("a matrix product over the samples of a batch".into());
        }
        let product = match constant_on_left {
            true => Product::new(&constant.dims, &affine.dims)?,
            false => Product::new(&affine.dims, &constant.dims)?,
        };
        room(affine.planes.len(), elements(&product.dims)?)?;
        let batch = self.batch.zip(place).map(|(batch, place)| {
            // A vector's product has one axis less.
            let place = if constant.dims.len() == 1 && place > contracted { place - 1 } else { place };
            Batch { axis: product.dims.len() - place, ..batch }
        });
        let multiply = |plane: &Vec<f64>| match constant_on_left {
            true => product.of(&constant.data, plane),
            false => product.of(plane, &constant.data),
        };
        let planes = affine.planes.iter().map(multiply).collect();
        Ok(Self::linear(Affine { base: affine.base, dims: product.dims, planes: Rc::new(planes) }, batch))
    }

    /// Memory that it takes, in numbers.
    pub(super) fn size(&self) -> usize {
        self.argument.size() + 2 * self.scale.len()
    }

    /// The elements `rows` in another shape of one sample.
    pub(super) fn select(&self, rows: &[usize], dims: Vec<usize>, batch: Option<Batch>) -> Result<Self> {
        let pick = |v: &[f64]| rows.iter().map(|&i| v[i]).collect();
        let argument = self.argument.select(rows, dims)?;
        Ok(Self { function: self.function, argument, scale: pick(&self.scale), shift: pick(&self.shift), batch })
    }

    pub(super) fn transpose(&self, axes: &[usize]) -> Result<Self> {
        let (rows, dims) = transposition(&self.argument.dims, axes);
        let moved = |b: Batch| Batch { axis: axes.iter().position(|&a| a == b.axis).expect("a permutation"), ..b };
        self.select(&rows, dims, self.batch.map(moved))
    }

    /// Sums over groups of elements.
    pub(super) fn sums(
        &self,
        groups: &[Vec<usize>],
        dims: Vec<usize>,
        batch: Option<Batch>,
        chain: &mut Chain,
    ) -> Result<Self> {
        Ok(Self::linear(self.settle(chain)?.sums(groups, dims), batch))
    }

    /// Values of the same layer one after the other along `axis`.
    pub(super) fn concat(parts: &[Self], axis: usize, chain: &mut Chain) -> Result<Self> {
        let first = &parts[0];
        let alike = |v: &Self| (v.function, v.argument.base) == (first.function, first.argument.base);
        if !parts.iter().all(alike) {
            let settled =
                parts.iter().map(|v| Ok(Self::linear(v.settle(chain)?, v.batch))).collect::<Result<Vec<_>>>()?;
            if settled.iter().any(|v| v.argument.base != settled[0].argument.base) {
                return Err("joins nodes of different layers; only chains of layers are networks here".into());
            }
            return Self::concat(&settled, axis, chain);
        }
        let mut dims = first.argument.dims.clone();
        dims[axis] = parts.iter().map(|v| v.argument.dims[axis]).sum();
        room(first.argument.planes.len(), elements(&dims)?)?;
        let inner: usize = dims[axis + 1..].iter().product();
        let join = |of: &dyn Fn(&Self) -> &[f64]| -> Vec<f64> {
            let outer: usize = dims[..axis].iter().product();
            let part = |v: &'_ Self, o: usize| {
                let n = v.argument.dims[axis] * inner;
                of(v)[o * n..][..n].to_vec()
            };
            (0..outer).flat_map(|o| parts.iter().flat_map(move |v| part(v, o))).collect()
        };
        let planes = (0..first.argument.planes.len()).map(|p| join(&|v| &v.argument.planes[p])).collect();
        let (scale, shift) = (join(&|v| &v.scale), join(&|v| &v.shift));
        let argument = Affine { base: first.argument.base, dims, planes: Rc::new(planes) };
        Ok(Self { function: first.function, argument, scale, shift, batch: first.batch })
    }

    /// Another shape, in the graph's terms.
    pub(super) fn reshape(&self, mut dims: Vec<usize>) -> Result<Self> {
        let from = self.dims();
        if elements(&dims)? != elements(&from)? {
            return Err(format!("cannot reshape {from:?} to {dims:?}"));
        }
        let batch = match self.batch {
            None => None,
            Some(batch) => {
                let before = |dims: &[usize], axis: usize| dims[..axis].iter().product::<usize>();
                let stays =
                    |&axis: &usize| dims[axis] == batch.extent && before(&dims, axis) == before(&from, batch.axis);
                let axis = (0..dims.len()).find(stays).ok_or("reshapes the samples of a batch into each other")?;
                dims[axis] = 1;
                Some(Batch { axis, ..batch })
            }
        };
        let rows: Vec<usize> = (0..self.scale.len()).collect();
        self.select(&rows, dims, batch)
    }

    /// The common shape with something of the shape `other`.
    fn common(&self, other: &[usize]) -> Result<(Vec<usize>, Option<Batch>)> {
        let from = self.dims();
        let mut dims = broadcast(&from, other)?;
        let batch = self.batch.map(|b| Batch { axis: b.axis + dims.len() - from.len(), ..b });
        if let Some(batch) = batch {
            dims[batch.axis] = 1;
        }
        Ok((dims, batch))
    }

    /// This value and a constant, broadcast to a common shape of one sample.
    pub(super) fn with_constant(&self, constant: &Tensor) -> Result<(Self, Vec<f64>)> {
        let (dims, batch) = self.common(&constant.dims)?;
        let value = self.select(&spread(&self.argument.dims, &dims), dims.clone(), batch)?;
        let constant = match batch {
            Some(batch) => first_of_equal(constant, dims.len() - batch.axis)?,
            None => constant.clone(),
        };
        let rows = spread(&constant.dims, &dims);
        Ok((value, constant.select(&rows, dims).data))
    }

    /// Two values, broadcast to a common shape.
    pub(super) fn with_value(&self, other: &Self) -> Result<(Self, Self)> {
        let ((dims, batch), (_, same)) = (self.common(&other.dims())?, other.common(&self.dims())?);
        if batch != same {
            return Err("combines the samples of a batch with each other".into());
        }
        let broadcast = |v: &Self| v.select(&spread(&v.argument.dims, &dims), dims.clone(), batch);
        Ok((broadcast(self)?, broadcast(other)?))
    }
}

/// Of a constant with one slice for each sample, the first, if they are all the same. `place` is the samples' axis, counted
/// from the right.
fn first_of_equal(constant: &Tensor, place: usize) -> Result<Tensor> {
    let Some(axis) = constant.dims.len().checked_sub(place) else { return Ok(constant.clone()) };
    let (extent, inner) = (constant.dims[axis], constant.dims[axis + 1..].iter().product::<usize>());
    let mut dims = constant.dims.clone();
    dims[axis] = 1;
    let mut first = Vec::with_capacity(constant.data.len() / extent.max(1));
    for block in constant.data.chunks(extent * inner.max(1)) {
        let (slice, rest) = block.split_at(inner);
        if !rest.chunks(inner.max(1)).all(|other| other == slice) {
            return Err("a constant that is not the same for every sample of a batch".into());
        }
        first.extend(slice);
    }
    Ok(Tensor { dims, data: first })
}

//! The affine map of a layer, and its transpose.

use pulp::{Arch, WithSimd};

use super::product::Product;
use super::{Boxes, BoxesMut, Weights};

/// `y = W·x + b` for each box.
///
/// # Shapes
/// `W` outputs × inputs, `b` outputs (0 if `None`), `x` inputs × boxes, `y` outputs × boxes.
///
/// # Guarantee
/// `y` encloses `Wx + b` for every `x` of the box and every `W` of the weights. ∅ in a box makes all of its outputs ∅.
///
/// # Panics
/// If the slices do not fit together.
#[track_caller]
pub fn affine(weights: Weights<'_>, bias: Option<&[f64]>, x: Boxes<'_>, y: BoxesMut<'_>, boxes: usize) {
    let (inputs, outputs) = sizes(weights, x, &y, boxes);
    assert!(bias.is_none_or(|b| b.len() == outputs), "as many biases as outputs");
    dispatch(Product { weights, outputs, inputs, row: inputs, column: 1, bias, x, y, boxes });
}

/// `x̄ = Wᵀ·ȳ` for each box: from the adjoints of a layer's outputs to those of its inputs.
///
/// # Shapes
/// `W` outputs × inputs, `ȳ` (`y_bar`) outputs × boxes, `x̄` (`x_bar`) inputs × boxes.
///
/// # Guarantee
/// As [`affine`].
///
/// # Panics
/// If the slices do not fit together.
#[track_caller]
pub fn adjoint(weights: Weights<'_>, y_bar: Boxes<'_>, x_bar: BoxesMut<'_>, boxes: usize) {
    let (outputs, inputs) = sizes(weights, y_bar, &x_bar, boxes);
    dispatch(Product {
        weights,
        outputs: inputs,
        inputs: outputs,
        row: 1,
        column: inputs,
        bias: None,
        x: y_bar,
        y: x_bar,
        boxes,
    });
}

/// Nodes before and after.
#[track_caller]
fn sizes(weights: Weights<'_>, from: Boxes<'_>, to: &BoxesMut<'_>, boxes: usize) -> (usize, usize) {
    assert!(boxes > 0, "at least one box");
    assert!(from.lo.len() == from.hi.len() && to.lo.len() == to.hi.len(), "as many lower as upper bounds");
    let (before, after) = (from.len() / boxes, to.lo.len() / boxes);
    assert!(before * boxes == from.len() && after * boxes == to.lo.len(), "whole boxes");
    assert_eq!(weights.len(), before * after, "a weight from each of {before} nodes to each of {after}");
    (before, after)
}

/// On the best instruction set that the machine has.
fn dispatch(product: Product<'_>) {
    Arch::new().dispatch(product);
}

impl WithSimd for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        self.run(simd);
    }
}

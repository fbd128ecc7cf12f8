//! Removal of whole layers (§6.1, Figure 7).

use faer::MatRef;

use crate::error::{Error, Result};
use crate::nn::{Chain as _, Network, Stack};

/// Removes everything behind the first hidden layer of one node; that node becomes the linear output.
///
/// Behind one node the network is a function of one variable, its pre-activation `z`. What is left is the best straight
/// line through it: the least-squares fit of the outputs at the given inputs by `scale·z + shift`, on which retraining
/// starts. Returns the hidden widths that are left.
///
/// # Errors
/// If no hidden layer has one node, or the network has several outputs.
pub fn collapse(net: &mut Network<Stack, f64>, inputs: MatRef<'_, f64>) -> Result<Vec<usize>> {
    let hidden = net.chain().hidden();
    let Some(layer) = hidden.iter().position(|&w| w == 1) else {
        return Err(Error::invalid("widths", format!("collapsing needs a hidden layer of one node, found {hidden:?}")));
    };
    if net.chain().outputs() != 1 {
        return Err(Error::invalid("outputs", format!("collapsing needs one output, found {}", net.chain().outputs())));
    }
    // The chain up to the narrow layer, with that layer linear, is the network that gives z.
    let mut head = net.clone();
    head.truncate_after(layer);
    let (z, y) = (head.value(inputs), net.value(inputs));
    let n = inputs.nrows().max(1) as f64;
    let (mut mean_z, mut mean_y) = (0.0, 0.0);
    for r in 0..inputs.nrows() {
        mean_z += z[(r, 0)] / n;
        mean_y += y[(r, 0)] / n;
    }
    let (mut covariance, mut variance) = (0.0, 0.0);
    for r in 0..inputs.nrows() {
        covariance += (z[(r, 0)] - mean_z) * (y[(r, 0)] - mean_y);
        variance += (z[(r, 0)] - mean_z).powi(2);
    }
    let scale = if variance > 0.0 { covariance / variance } else { 1.0 };
    head.rescale_output(scale, mean_y - scale * mean_z);
    *net = head;
    Ok(net.chain().hidden())
}

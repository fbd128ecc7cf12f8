//! The Sobolev gradient one layer at a time over the whole batch, products by faer: what a user of a linear-algebra
//! library would write.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use sobolev::data::Scaled;
use sobolev::nn::{Chain, Network, Packed, Stack};
use sobolev::train::LossWeights;

use super::naive::{Exp, silu};

/// Loss and gradient.
pub(crate) fn gradient<T: Packed + Exp>(
    net: &Network<Stack, T>,
    data: &Scaled<T>,
    weights: &LossWeights,
) -> (f64, Vec<T>) {
    let (layers, batch, n) = (net.chain().layers(), data.len(), data.len() as f64);
    let depth = layers.len();
    let weight = |l: usize| {
        let (w, _) = net.layer_params(l);
        MatRef::from_row_major_slice(w, layers[l].fan_out.0, layers[l].fan_in.0)
    };
    let product = |a: MatRef<'_, T>, b: MatRef<'_, T>| {
        let mut c = Mat::zeros(a.nrows(), b.ncols());
        matmul(c.as_mut(), Accum::Replace, a, b, T::ONE, Par::Seq);
        c
    };
    let zip = |a: &Mat<T>, b: &Mat<T>| Mat::from_fn(a.nrows(), a.ncols(), |r, j| a[(r, j)] * b[(r, j)]);

    let (mut values, mut slopes, mut curves) = (vec![data.inputs().to_owned()], Vec::new(), Vec::new());
    for l in 0..depth {
        let mut z = product(values[l].as_ref(), weight(l).transpose());
        let (mut slope, mut curve) = (Mat::zeros(batch, z.ncols()), Mat::zeros(batch, z.ncols()));
        for o in 0..z.ncols() {
            let bias = net.layer_params(l).1[o];
            for r in 0..batch {
                [z[(r, o)], slope[(r, o)], curve[(r, o)]] = silu(z[(r, o)] + bias, l + 1 == depth);
            }
        }
        values.push(z);
        slopes.push(slope);
        curves.push(curve);
    }
    let mut bars = vec![Mat::zeros(0, 0); depth];
    let mut bar = Mat::from_fn(batch, 1, |_, _| T::ONE);
    for l in (0..depth).rev() {
        curves[l] = zip(&curves[l], &bar);
        bars[l] = zip(&bar, &slopes[l]);
        bar = product(bars[l].as_ref(), weight(l));
    }
    let inputs = bar.ncols();
    let (mut loss, targets) = (0.0, data.derivatives().expect("there are"));
    let mut dot = Mat::from_fn(batch, inputs, |r, j| {
        let residual = bar[(r, j)] - targets[(r, j)];
        let each = weights.derivative * weights.inverse_scale[j] / (n * inputs as f64);
        loss += each * residual.to_f64().powi(2);
        T::of(2.0 * each) * residual
    });
    let mut dots = Vec::new();
    for l in 0..depth {
        let z_dot = product(dot.as_ref(), weight(l).transpose());
        curves[l] = zip(&curves[l], &z_dot);
        dots.push(dot);
        dot = zip(&z_dot, &slopes[l]);
    }
    let mut bar_dot = Mat::from_fn(batch, 1, |r, _| {
        let residual = values[depth][(r, 0)] - data.values()[(r, 0)];
        loss += weights.value * residual.to_f64().powi(2) / n;
        T::of(2.0 * weights.value / n) * residual
    });
    let mut grad = vec![T::ZERO; net.params().len()];
    let mut end = grad.len();
    for l in (0..depth).rev() {
        let z_bar_dot = zip(&bar_dot, &slopes[l]) + &curves[l];
        // Column-major inputs × nodes is row-major nodes × inputs.
        let mut w = product(values[l].transpose(), z_bar_dot.as_ref());
        matmul(w.as_mut(), Accum::Add, dots[l].transpose(), bars[l].as_ref(), T::ONE, Par::Seq);
        let layer = &mut grad[end - layers[l].params()..end];
        for o in 0..layers[l].fan_out.0 {
            let row = &mut layer[o * layers[l].fan_in.0..][..layers[l].fan_in.0];
            row.iter_mut().enumerate().for_each(|(i, g)| *g = w[(i, o)]);
            layer[layers[l].weights() + o] = (0..batch).fold(T::ZERO, |sum, r| sum + z_bar_dot[(r, o)]);
        }
        end -= layers[l].params();
        bar_dot = product(z_bar_dot.as_ref(), weight(l));
    }
    (loss, grad)
}

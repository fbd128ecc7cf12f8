//! Losses and their gradient over one tile of a batch.

use super::{LossWeights, Losses, Rows};
use crate::data::{Bundle, Scaled};
use crate::nn::{
    Accum, Chain, Compiled, CurvaturePass, CurvatureWorkspace, NARROW, NarrowWorkspace, Network, Packed, Pass, Slot,
    Workspace,
};

/// Some rows of a batch, and how their errors count.
pub(super) struct Tile<'a, T: Packed, const R: usize> {
    pub(super) data: &'a Scaled<T>,
    pub(super) rows: &'a Rows<'a>,
    /// The first of them.
    pub(super) at: usize,
    pub(super) weights: &'a LossWeights,
}

impl<T: Packed, const R: usize> Tile<'_, T, R> {
    /// Losses of values and derivatives, and their gradient.
    pub(super) fn first_order<C: Chain>(
        &self,
        ws: &mut Workspace<T, R>,
        net: &Network<C, T>,
        grad: &mut [T],
        accum: Accum,
        losses: &mut Losses,
    ) where
        T: Compiled<Pass, R>,
    {
        self.load_inputs(ws.input_mut(Slot::Value));
        if self.weights.inverse_scale.is_empty() {
            net.forward::<1, _>(ws);
            self.value_residuals(ws, Slot::Bar, losses);
            net.reverse_params(ws, grad, accum);
            return;
        }
        // §2: ∇θ ½‖∇f − t‖² = ∇θ (r·∇f) with the residual r held fixed, so one tangent sweep along r and one more reverse
        // sweep, on which the value loss rides as the seed.
        net.forward::<2, _>(ws);
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(T::ONE);
        net.reverse::<2, _>(ws);
        let (bar, dot) = ws.input_bar_and_dot();
        self.slope_residuals(bar, dot, losses);
        net.tangent(ws);
        self.value_residuals(ws, Slot::BarDot, losses);
        net.second_reverse_params(ws, grad, accum);
    }

    /// The same with second-order labels: `6k + 6` products a layer, on which values and slopes ride.
    pub(super) fn second_order<C: Chain>(
        &self,
        ws: &mut CurvatureWorkspace<T, R>,
        net: &Network<C, T>,
        grad: &mut [T],
        mut accum: Accum,
        bundle: &Bundle<T>,
        losses: &mut Losses,
    ) where
        T: Compiled<CurvaturePass, R>,
    {
        self.load_inputs(ws.inputs_mut());
        net.lift(ws);
        for d in 0..bundle.count() {
            ws.direction_mut().iter_mut().enumerate().for_each(|(j, lanes)| lanes.fill(bundle.directions[(j, d)]));
            net.product(ws);
            let (products, residuals) = ws.product_and_residual();
            self.curvature_residuals(products, residuals, bundle, d, losses);
            net.pull(ws, grad, accum);
            accum = Accum::Add;
        }
        let (bar, residuals) = ws.gradient_and_residual();
        self.slope_residuals(bar, residuals, losses);
        let value = *ws.value();
        self.value_residual(0, &value, ws.value_residual_mut(), losses);
        net.total(ws, grad, accum);
    }

    /// Rows of the tile.
    fn count(&self) -> usize {
        R.min(self.rows.len() - self.at)
    }

    fn load_inputs(&self, columns: &mut [[T; R]]) {
        for (i, lanes) in columns.iter_mut().enumerate() {
            self.rows.load(self.data.input_column(i), self.at, lanes);
        }
    }

    /// `lanes ← 2·weight·share·(f − lanes)`, zero beyond the rows, whatever `f` holds there; gives `share·Σ(f − lanes)²`.
    fn residual(&self, f: &[T; R], lanes: &mut [T; R], weight: f64, share: f64) -> f64 {
        let (count, scale) = (self.count(), T::of(2.0 * weight * share));
        // Sixteen sums, so that the loop vectorises.
        let mut squares = [T::ZERO; 16];
        let mut some = |f: &[T], lanes: &mut [T]| {
            for ((f, lane), square) in f.iter().zip(lanes).zip(&mut squares) {
                let residual = *f - *lane;
                *square += residual * residual;
                *lane = residual * scale;
            }
        };
        let (rows, beyond) = lanes.split_at_mut(count);
        let ((whole, rest), (whole_lanes, rest_lanes)) = (f[..count].as_chunks::<16>(), rows.as_chunks_mut::<16>());
        whole.iter().zip(whole_lanes).for_each(|(f, lanes)| some(f, lanes));
        some(rest, rest_lanes);
        beyond.fill(T::ZERO);
        share * squares.into_iter().map(T::to_f64).sum::<f64>()
    }

    /// The seed of the value loss, `2α(f − y)/(rows × outputs)`.
    fn value_residual(&self, output: usize, value: &[T; R], lanes: &mut [T; R], losses: &mut Losses) {
        let share = 1.0 / (self.rows.len() * self.data.values().ncols()) as f64;
        self.rows.load(self.data.value_column(output), self.at, lanes);
        losses.value += self.residual(value, lanes, self.weights.value, share);
    }

    /// The same for all outputs, into a slot.
    fn value_residuals(&self, ws: &mut Workspace<T, R>, seed: Slot, losses: &mut Losses) {
        for o in 0..self.data.values().ncols() {
            let value = ws.output(Slot::Value)[o];
            self.value_residual(o, &value, &mut ws.output_mut(seed)[o], losses);
        }
    }

    /// The residuals of the derivatives, `2β(∂ⱼf − tⱼ)/(sⱼ × rows × inputs)`.
    fn slope_residuals(&self, bar: &[[T; R]], residuals: &mut [[T; R]], losses: &mut Losses) {
        let share = 1.0 / (self.rows.len() * bar.len()) as f64;
        for (j, (bar, lanes)) in bar.iter().zip(residuals).enumerate() {
            self.rows.load(self.data.derivative_column(j), self.at, lanes);
            let share = share * self.weights.inverse_scale[j];
            losses.derivative += self.residual(bar, lanes, self.weights.derivative, share);
        }
    }

    /// The residuals of the products with one direction, `2γ((Hv)ⱼ − uⱼ)/(qⱼ × rows × inputs × directions)`.
    fn curvature_residuals(
        &self,
        products: &[[T; R]],
        residuals: &mut [[T; R]],
        bundle: &Bundle<T>,
        d: usize,
        losses: &mut Losses,
    ) {
        let share = 1.0 / (self.rows.len() * products.len() * bundle.count()) as f64;
        for (j, (product, lanes)) in products.iter().zip(residuals).enumerate() {
            lanes[..self.count()].copy_from_slice(&bundle.column(d, j)[self.at..][..self.count()]);
            let share = share * self.weights.inverse_curvature[j];
            losses.curvature += self.residual(product, lanes, self.weights.curvature, share);
        }
    }
}

impl<T: Packed> Tile<'_, T, NARROW> {
    /// [`first_order`](Self::first_order) of a narrow network.
    pub(super) fn narrow<C: Chain>(
        &self,
        ws: &mut NarrowWorkspace<T>,
        net: &Network<C, T>,
        grad: &mut [T],
        accum: Accum,
        losses: &mut Losses,
    ) {
        let sobolev = !self.weights.inverse_scale.is_empty();
        self.load_inputs(ws.inputs_mut());
        if sobolev {
            net.narrow_lift(ws, self.count());
            let (bar, residuals) = ws.gradient_and_residual();
            self.slope_residuals(bar, residuals, losses);
        } else {
            net.narrow_value(ws, self.count());
        }
        let (value, residual) = ws.value_and_residual();
        self.value_residual(0, value, residual, losses);
        if sobolev {
            net.narrow_pull(ws, self.count(), grad, accum);
        } else {
            net.narrow_pull_value(ws, self.count(), grad, accum);
        }
    }
}

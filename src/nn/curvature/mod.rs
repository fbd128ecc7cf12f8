//! Second-order Sobolev training over one tile: values, slopes, products of the Hessian with directions, and the gradient of
//! a loss on all three. What happens at a layer is in `sweeps`; here is the order, and the memory.

mod rows;
mod sweeps;
mod then;

#[cfg(test)]
mod props;

use faer::reborrow::ReborrowMut as _;
use faer::{Mat, MatMut, MatRef};
use pulp::Simd;

use super::compiled::{Compiled, OnTiles, RunParts};
use super::network::{load, store};
use super::{Accum, Aligned, Chain, Network, Packed, Registers, TILE};
use sweeps::{Across, Adjoint, Along, Lift, Mixed, PARTS, Product, Pull, Total, Walk};

/// Memory for the second-order sweeps of one network over one tile, sized once and lent to every sweep; one a thread. Its
/// size does not depend on the number of directions.
#[derive(Clone, Debug)]
pub struct CurvatureWorkspace<T, const R: usize = TILE> {
    tape: Aligned<T>,
    scratch: Aligned<T>,
    arch: pulp::Arch,
    inputs: usize,
}

/// Where the columns stand that callers read and write.
#[derive(Clone, Copy)]
enum Part {
    Value = 0,
    Bar = 5,
    Along = 8,
    AlongDot = 9,
    Product = 10,
    AcrossDot = 12,
    AcrossBar = 13,
}

impl<T: Packed, const R: usize> CurvatureWorkspace<T, R> {
    /// Sized for a network of one output.
    ///
    /// # Panics
    /// If it has several.
    #[track_caller]
    pub fn new<C: Chain>(chain: &C) -> Self {
        assert_eq!(chain.outputs(), 1, "second-order sweeps are of networks with one output");
        let widest = chain.layers().iter().map(|l| l.fan_in.0).max().unwrap_or(0);
        Self {
            tape: Aligned::zeros(R * PARTS * chain.nodes()),
            scratch: Aligned::zeros(2 * R * widest.next_multiple_of(16)),
            arch: pulp::Arch::new(),
            inputs: chain.inputs(),
        }
    }

    fn fits<C: Chain>(&self, chain: &C) -> bool {
        self.tape.len() == R * PARTS * chain.nodes() && self.inputs == chain.inputs()
    }
    fn tape(&self) -> &[[T; R]] {
        self.tape.as_chunks().0
    }
    fn tape_mut(&mut self) -> &mut [[T; R]] {
        self.tape.as_chunks_mut().0
    }
    fn input(&self, part: Part) -> &[[T; R]] {
        &self.tape()[part as usize * self.inputs..][..self.inputs]
    }
    fn input_mut(&mut self, part: Part) -> &mut [[T; R]] {
        let n = self.inputs;
        &mut self.tape_mut()[part as usize * n..][..n]
    }
    fn output_mut(&mut self, part: Part) -> &mut [T; R] {
        let at = self.tape().len() - PARTS + part as usize;
        &mut self.tape_mut()[at]
    }

    /// `x`, one column an input, to be written before [`Network::lift`].
    pub fn inputs_mut(&mut self) -> &mut [[T; R]] {
        self.input_mut(Part::Value)
    }
    /// `f` after [`Network::lift`].
    pub fn value(&self) -> &[T; R] {
        &self.tape()[self.tape().len() - PARTS + Part::Value as usize]
    }
    /// `∇f` after [`Network::lift`].
    pub fn gradient(&self) -> &[[T; R]] {
        self.input(Part::Bar)
    }
    /// `v`, to be written before [`Network::product`].
    pub fn direction_mut(&mut self) -> &mut [[T; R]] {
        self.input_mut(Part::AlongDot)
    }
    /// `Hv` after [`Network::product`], and `ρ`, to be written before [`Network::pull`].
    pub fn product_and_residual(&mut self) -> (&[[T; R]], &mut [[T; R]]) {
        let n = self.inputs;
        let (low, high) = self.tape_mut().split_at_mut(Part::AcrossDot as usize * n);
        (&low[Part::Product as usize * n..][..n], &mut high[..n])
    }
    /// `∇f` after [`Network::lift`], and `r`, to be written before [`Network::total`].
    pub fn gradient_and_residual(&mut self) -> (&[[T; R]], &mut [[T; R]]) {
        let n = self.inputs;
        let (low, high) = self.tape_mut().split_at_mut(Part::Along as usize * n);
        (&low[Part::Bar as usize * n..][..n], &mut high[..n])
    }
    /// `ȳ`, to be written after the last [`Network::pull`] and before [`Network::total`].
    pub fn value_residual_mut(&mut self) -> &mut [T; R] {
        self.output_mut(Part::AcrossBar)
    }
}

/// The second-order sweeps: [`lift`](Self::lift) once; for each direction [`product`](Self::product) and
/// [`pull`](Self::pull); [`total`](Self::total) once. `6k + 6` products a layer for `k` directions.
///
/// ```
/// use sobolev::math::Activation;
/// use sobolev::nn::{Accum, Network, Stack};
/// let net = Network::new(Stack::mlp(1, &[1], 1, Activation::Silu), vec![1.0, 0.0, 1.0, 0.0]); // silu(x)
/// let (mut ws, mut grad) = (net.curvature_workspace(), [0.0; 4]);
/// ws.inputs_mut()[0].fill(0.0);
/// net.lift(&mut ws);
/// ws.direction_mut()[0].fill(1.0);
/// net.product(&mut ws);
/// let (product, residual) = ws.product_and_residual();
/// assert_eq!(product[0][0], 0.5); // silu″(0)
/// // The gradient of ½·(f″)² at one of the samples: residual f″, none of values and slopes.
/// residual[0].fill(0.0);
/// residual[0][0] = 0.5;
/// net.pull(&mut ws, &mut grad, Accum::Replace);
/// ws.gradient_and_residual().1[0].fill(0.0);
/// ws.value_residual_mut().fill(0.0);
/// net.total(&mut ws, &mut grad, Accum::Add);
/// // f″ = u·w²·silu″(w·x + b) with silu‴(0) = 0: by w, b, u it changes as 2uw·½, 0, w²·½.
/// assert_eq!(grad, [0.5, 0.0, 0.25, 0.0]);
/// ```
impl<C: Chain, T: Packed> Network<C, T> {
    /// Memory for the second-order sweeps.
    ///
    /// # Panics
    /// If the network has several outputs.
    #[track_caller]
    pub fn curvature_workspace(&self) -> CurvatureWorkspace<T> {
        CurvatureWorkspace::new(self.chain())
    }

    /// Values and gradients at the inputs, and what the other sweeps start from. Two products a layer.
    ///
    /// # Panics
    /// If the workspace is another shape's; so do the other sweeps.
    #[track_caller]
    pub fn lift<const R: usize>(&self, ws: &mut CurvatureWorkspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        ws.output_mut(Part::Bar).fill(T::ONE);
        self.walk(ws, Pass::Lift, &mut []);
    }

    /// The product `Hv` with a direction. Two products a layer.
    #[track_caller]
    pub fn product<const R: usize>(&self, ws: &mut CurvatureWorkspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        ws.output_mut(Part::Product).fill(T::ZERO);
        self.walk(ws, Pass::Product, &mut []);
    }

    /// Takes in the residual `ρ` of the last product: part of the gradient of `ρ·Hv` in the parameters into `grad` (empty
    /// where no sum is wanted), and keeps what the rest needs. Four products a layer.
    #[track_caller]
    pub fn pull<const R: usize>(&self, ws: &mut CurvatureWorkspace<T, R>, grad: &mut [T], accum: Accum)
    where
        T: Compiled<Pass, R>,
    {
        ws.output_mut(Part::AcrossBar).fill(T::ZERO);
        self.walk(ws, Pass::Pull(accum), grad);
    }

    /// The rest of the gradient of `ȳ·f + r·∇f + Σ_d ρ_d·H v_d` into `grad`. The workspace is then as after
    /// [`lift`](Self::lift). Four products a layer.
    #[track_caller]
    pub fn total<const R: usize>(&self, ws: &mut CurvatureWorkspace<T, R>, grad: &mut [T], accum: Accum)
    where
        T: Compiled<Pass, R>,
    {
        self.walk(ws, Pass::Total(accum), grad);
    }

    /// The products of the Hessian with each of `k` directions at a batch, tiles over all threads:
    /// `n × inputs, inputs × k → n × (k·inputs)`, one direction after the other.
    ///
    /// # Panics
    /// If points or directions have another number of inputs than the network, or that has several outputs.
    #[track_caller]
    pub fn hessian_products(&self, x: MatRef<'_, T>, directions: MatRef<'_, T>) -> Mat<T> {
        let inputs = self.chain().inputs();
        assert_eq!((x.ncols(), directions.nrows()), (inputs, inputs), "one number an input of {}", self.describe());
        let mut products = Mat::zeros(x.nrows(), inputs * directions.ncols());
        self.products_into(x, directions, products.as_mut());
        products
    }

    fn products_into(&self, x: MatRef<'_, T>, directions: MatRef<'_, T>, mut out: MatMut<'_, T>) {
        /// Rows that one thread takes at least: their work must outweigh a workspace.
        const LEAF: usize = 32 * TILE;
        if x.nrows() > LEAF {
            let middle = (x.nrows() / 2).next_multiple_of(TILE);
            let ((x0, x1), (low, high)) = (x.split_at_row(middle), out.split_at_row_mut(middle));
            rayon::join(|| self.products_into(x0, directions, low), || self.products_into(x1, directions, high));
            return;
        }
        let mut ws = self.curvature_workspace();
        for at in (0..x.nrows()).step_by(TILE) {
            let rows = TILE.min(x.nrows() - at);
            load(x.subrows(at, rows), ws.inputs_mut());
            self.lift(&mut ws);
            for d in 0..directions.ncols() {
                ws.direction_mut().iter_mut().enumerate().for_each(|(j, lanes)| lanes.fill(directions[(j, d)]));
                self.product(&mut ws);
                let here = out.rb_mut().submatrix_mut(at, d * x.ncols(), rows, x.ncols());
                store(ws.product_and_residual().0, rows, here);
            }
        }
    }

    #[track_caller]
    fn walk<const R: usize>(&self, ws: &mut CurvatureWorkspace<T, R>, pass: Pass, grad: &mut [T])
    where
        T: Compiled<Pass, R>,
    {
        assert!(ws.fits(self.chain()), "the workspace was sized for another network than {}", self.describe());
        assert!(grad.is_empty() || grad.len() == self.params().len(), "the gradient needs one number a parameter");
        let CurvatureWorkspace { tape, scratch, arch, .. } = ws;
        let tape = tape.as_chunks_mut::<R>().0;
        T::walk(*arch, pass, RunParts { layers: self.chain().layers(), params: self.params(), tape, scratch, grad });
    }
}

/// A sweep down and the one up after it, as [`Network`] runs them.
#[derive(Clone, Copy, Debug)]
pub enum Pass {
    /// [`Network::lift`].
    Lift,
    /// [`Network::product`].
    Product,
    /// [`Network::pull`].
    Pull(Accum),
    /// [`Network::total`].
    Total(Accum),
}

impl OnTiles for Pass {
    #[inline(always)]
    fn walk<S: Simd, T: Packed, const R: usize>(self, simd: S, run: RunParts<'_, T, R>) {
        let (kernel, outputs) = (Registers(simd), run.layers.outputs());
        let RunParts { layers, params, tape, scratch, grad } = run;
        macro_rules! walk {
            ($down:ident, $up:ident, $accum:expr) => {
                layers.down(&mut $down(Walk::<_, _, R>::down(kernel, params, tape)));
                layers.up(&mut $up(Walk::<_, _, R>::up(kernel, params, tape, outputs, grad, $accum, scratch)));
            };
        }
        match self {
            Self::Lift => {
                walk!(Lift, Adjoint, Accum::Replace);
            }
            Self::Product => {
                walk!(Along, Product, Accum::Replace);
            }
            Self::Pull(accum) => {
                walk!(Across, Pull, accum);
            }
            Self::Total(accum) => {
                walk!(Mixed, Total, accum);
            }
        }
    }
}

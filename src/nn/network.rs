//! Parameters and their shape in one struct; the sweeps over one tile and over batches.

use core::fmt;

use super::compiled::{Compiled, Pass, RunParts};
use super::{Accum, Chain, Fixed, Frozen, Layer, Packed, Slot, Stack, TILE, Workspace};
use faer::reborrow::ReborrowMut as _;
use faer::{Mat, MatMut, MatRef};

/// A dense network: its shape `C` and its parameters, one flat slice.
///
/// # Examples
/// ```
/// use sobolev::math::random::{Purpose, Streams};
/// use sobolev::nn::Network;
///
/// sobolev::network!(Small: 2 => 3 silu => 1);
/// let net = Network::<_, f64>::init(Small, &mut Streams::new(1, Purpose::Initialisation).next().unwrap());
/// let x = faer::mat![[0.1, 0.2], [0.3, -0.4]];
/// let (y, dy) = net.value_and_gradient(x.as_ref());
/// assert_eq!((y.nrows(), dy.nrows(), dy.ncols()), (2, 2, 2));
/// // The same parameters under run-time widths give the same bits.
/// assert_eq!(net.thaw().value_and_gradient(x.as_ref()).0, y);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network<C, T> {
    chain: C,
    params: Vec<T>,
}

/// A network of another shape than the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// The layers asked for.
    pub expected: Vec<Layer>,
    /// The layers there are.
    pub found: Vec<Layer>,
}

impl fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a network {}, found {}", describe(&self.expected), describe(&self.found))
    }
}

impl core::error::Error for ShapeMismatch {}

/// `7 => 3 silu => 1 identity`.
pub(super) fn describe(layers: &[Layer]) -> String {
    let mut text = layers.first().map_or(String::new(), |l| l.fan_in.0.to_string());
    for l in layers {
        text += &format!(" => {} {}", l.fan_out.0, l.activation);
    }
    text
}

impl<C: Chain, T: Packed> Network<C, T> {
    /// Takes parameters in the flat layout.
    ///
    /// # Panics
    /// If their number is not the shape's.
    #[track_caller]
    pub fn new(chain: C, params: Vec<T>) -> Self {
        assert_eq!(params.len(), chain.params(), "parameters do not fit {}", describe(chain.layers()));
        Self { chain, params }
    }

    /// Random normal weights of variance `1/(fan_in + fan_out)`, biases zero.
    ///
    /// That is half the variance of Glorot and Bengio: a smoother start ends in a smoother function. Trained on values, three seeds
    /// of the large network end with 1 − R² of deltas of 3–4·10⁻⁵ instead of 1.2–2.2·10⁻⁴; a quarter of it loses gamma again.
    pub fn init<G: rand::Rng>(chain: C, rng: &mut G) -> Self {
        use rand_distr::{Distribution, StandardNormal};
        let mut params = Vec::with_capacity(chain.params());
        for l in chain.layers() {
            let scale = (1.0 / (l.fan_in.0 + l.fan_out.0) as f64).sqrt();
            for _ in 0..l.weights() {
                let z: f64 = StandardNormal.sample(rng);
                params.push(T::of(scale * z));
            }
            params.resize(params.len() + l.fan_out.0, T::ZERO);
        }
        Self { chain, params }
    }

    /// The shape.
    pub fn chain(&self) -> &C {
        &self.chain
    }
    /// All parameters, flat.
    pub fn params(&self) -> &[T] {
        &self.params
    }
    /// All parameters, flat.
    pub fn params_mut(&mut self) -> &mut [T] {
        &mut self.params
    }
    /// Weights `[fan_out][fan_in]` and biases of one layer.
    pub fn layer_params(&self, layer: usize) -> (&[T], &[T]) {
        let layers = self.chain.layers();
        let at: usize = layers[..layer].iter().map(Layer::params).sum();
        self.params[at..at + layers[layer].params()].split_at(layers[layer].weights())
    }
    /// The shape in words: `7 => 3 silu => 1 identity`.
    pub fn describe(&self) -> String {
        describe(self.chain.layers())
    }

    /// Forgets what the compiler knew, so that layers may shrink.
    pub fn thaw(self) -> Network<Stack, T> {
        Network { chain: Stack(self.chain.layers().to_vec()), params: self.params }
    }
    /// The same network in the other precision.
    pub fn cast<U: Packed>(&self) -> Network<C, U> {
        Network { chain: self.chain.clone(), params: self.params.iter().map(|p| U::of(p.to_f64())).collect() }
    }
    /// Memory for the sweeps over tiles of the usual size.
    pub fn workspace(&self) -> Workspace<T> {
        Workspace::new(&self.chain)
    }

    /// Values of one tile, and the derivatives of the activations up to `ORDER` (0, 1 or 2). Reads the inputs' [`Slot::Value`].
    ///
    /// # Panics
    /// If the workspace is another shape's; so do the other sweeps.
    #[track_caller]
    pub fn forward<const ORDER: usize, const R: usize>(&self, ws: &mut Workspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        const { assert!(ORDER <= 2, "activations are differentiated twice at most") };
        self.run(ws, Pass::Forward { order: ORDER }, &mut []);
    }
    /// Adjoints of one tile from the seed in the outputs' [`Slot::Bar`], down to the inputs. `forward` of the same order
    /// (1 or 2) must have run.
    #[track_caller]
    pub fn reverse<const ORDER: usize, const R: usize>(&self, ws: &mut Workspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        const { assert!(ORDER == 1 || ORDER == 2, "adjoints are of first or second order") };
        self.run(ws, Pass::Reverse { order: ORDER }, &mut []);
    }
    /// The same, and the gradient of `seed·f` in the parameters into `grad`; leaves the inputs out.
    #[track_caller]
    pub fn reverse_params<const R: usize>(&self, ws: &mut Workspace<T, R>, grad: &mut [T], accum: Accum)
    where
        T: Compiled<Pass, R>,
    {
        assert_eq!(grad.len(), self.params.len(), "the gradient needs one number a parameter");
        self.run(ws, Pass::ReverseParams(accum), grad);
    }
    /// Tangents of one tile along the inputs' [`Slot::Dot`]. `reverse::<2>` must have run.
    #[track_caller]
    pub fn tangent<const R: usize>(&self, ws: &mut Workspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        self.run(ws, Pass::Tangent, &mut []);
    }
    /// Second-order adjoints of one tile from the seed in the outputs' [`Slot::BarDot`], down to the inputs.
    #[track_caller]
    pub fn second_reverse<const R: usize>(&self, ws: &mut Workspace<T, R>)
    where
        T: Compiled<Pass, R>,
    {
        self.run(ws, Pass::SecondReverse, &mut []);
    }
    /// The same, and the gradient in the parameters into `grad`; leaves the inputs out.
    #[track_caller]
    pub fn second_reverse_params<const R: usize>(&self, ws: &mut Workspace<T, R>, grad: &mut [T], accum: Accum)
    where
        T: Compiled<Pass, R>,
    {
        assert_eq!(grad.len(), self.params.len(), "the gradient needs one number a parameter");
        self.run(ws, Pass::SecondReverseParams(accum), grad);
    }

    #[track_caller]
    fn run<const R: usize>(&self, ws: &mut Workspace<T, R>, pass: Pass, grad: &mut [T])
    where
        T: Compiled<Pass, R>,
    {
        assert!(ws.fits(&self.chain), "the workspace was sized for another network than {}", self.describe());
        let (arch, tape, scratch) = ws.parts_mut();
        T::walk(arch, pass, RunParts { layers: self.chain.layers(), params: &self.params, tape, scratch, grad });
    }

    /// Values at a batch, `n × inputs → n × outputs`, tiles over all threads.
    ///
    /// # Panics
    /// If the batch has another number of columns than the network has inputs; so do the other batch forms.
    #[track_caller]
    pub fn value(&self, x: MatRef<'_, T>) -> Mat<T> {
        let mut y = Mat::zeros(x.nrows(), self.chain.outputs());
        self.batch(x, [y.as_mut()], &|ws, rows, [y]| {
            self.forward::<0, _>(ws);
            store(ws.output(Slot::Value), rows, y);
        });
        y
    }

    /// Values and gradients of a network with one output at a batch: `n × inputs → (n × 1, n × inputs)`.
    #[track_caller]
    pub fn value_and_gradient(&self, x: MatRef<'_, T>) -> (Mat<T>, Mat<T>) {
        let (mut y, mut dy) = (Mat::zeros(x.nrows(), 1), Mat::zeros(x.nrows(), x.ncols()));
        self.batch(x, [y.as_mut(), dy.as_mut()], &|ws, rows, [y, dy]| {
            self.first_order::<1>(ws, rows, y, dy);
        });
        (y, dy)
    }

    /// Values, gradients and the products of the Hessian with one direction `v`, of a network with one output at a batch:
    /// `n × inputs → (n × 1, n × inputs, n × inputs)`.
    #[track_caller]
    pub fn hvp(&self, x: MatRef<'_, T>, v: &[T]) -> (Mat<T>, Mat<T>, Mat<T>) {
        assert_eq!(v.len(), self.chain.inputs(), "the direction needs one number an input");
        let wide = || Mat::zeros(x.nrows(), x.ncols());
        let (mut y, mut dy, mut hv) = (Mat::zeros(x.nrows(), 1), wide(), wide());
        self.batch(x, [y.as_mut(), dy.as_mut(), hv.as_mut()], &|ws, rows, [y, dy, hv]| {
            self.first_order::<2>(ws, rows, y, dy);
            for (dot, &v) in ws.input_mut(Slot::Dot).iter_mut().zip(v) {
                dot.fill(v);
            }
            self.tangent(ws);
            ws.output_mut(Slot::BarDot).as_flattened_mut().fill(T::ZERO);
            self.second_reverse(ws);
            store(ws.input(Slot::BarDot), rows, hv);
        });
        (y, dy, hv)
    }

    fn first_order<const ORDER: usize>(&self, ws: &mut Workspace<T>, rows: usize, y: MatMut<'_, T>, dy: MatMut<'_, T>) {
        assert_eq!(self.chain.outputs(), 1, "gradients are of networks with one output");
        self.forward::<ORDER, _>(ws);
        store(ws.output(Slot::Value), rows, y);
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(T::ONE);
        self.reverse::<ORDER, _>(ws);
        store(ws.input(Slot::Bar), rows, dy);
    }

    /// Calls `tile(workspace, rows, outs)` for each tile of the batch, its inputs loaded and its rows of `outs` at hand.
    #[track_caller]
    fn batch<const K: usize>(&self, x: MatRef<'_, T>, outs: [MatMut<'_, T>; K], tile: &TileFn<'_, T, K>) {
        /// Rows that one thread takes at least: their work must outweigh a workspace.
        const LEAF: usize = 32 * TILE;
        assert_eq!(x.ncols(), self.chain.inputs(), "expected one column an input of {}", self.describe());
        if x.nrows() > LEAF {
            let middle = (x.nrows() / 2).next_multiple_of(TILE);
            let (x0, x1) = x.split_at_row(middle);
            let (mut low, mut high) = (Vec::with_capacity(K), Vec::with_capacity(K));
            for out in outs {
                let (a, b) = out.split_at_row_mut(middle);
                low.push(a);
                high.push(b);
            }
            let array = |v: Vec<_>| v.try_into().unwrap_or_else(|_| unreachable!("K parts of K matrices"));
            let (low, high): ([_; K], [_; K]) = (array(low), array(high));
            rayon::join(|| self.batch(x0, low, tile), || self.batch(x1, high, tile));
            return;
        }
        let (mut ws, mut outs) = (self.workspace(), outs);
        for at in (0..x.nrows()).step_by(TILE) {
            let rows = TILE.min(x.nrows() - at);
            load(x.subrows(at, rows), ws.input_mut(Slot::Value));
            tile(&mut ws, rows, outs.each_mut().map(|out| out.rb_mut().subrows_mut(at, rows)));
        }
    }
}

type TileFn<'a, T, const K: usize> = dyn Fn(&mut Workspace<T>, usize, [MatMut<'_, T>; K]) + Sync + 'a;

/// Rows of a matrix into the lanes of a tile; lanes beyond them are zero.
pub(crate) fn load<T: Packed>(x: MatRef<'_, T>, columns: &mut [[T; TILE]]) {
    let rows = x.nrows();
    for (i, column) in columns.iter_mut().enumerate() {
        match x.col(i).try_as_col_major() {
            Some(contiguous) => column[..rows].copy_from_slice(contiguous.as_slice()),
            None => {
                for r in 0..rows {
                    column[r] = x[(r, i)];
                }
            }
        }
        column[rows..].fill(T::ZERO);
    }
}

/// The first lanes of a tile into rows of a matrix.
pub(super) fn store<T: Packed>(columns: &[[T; TILE]], rows: usize, mut out: MatMut<'_, T>) {
    for (i, column) in columns.iter().enumerate() {
        for r in 0..rows {
            out[(r, i)] = column[r];
        }
    }
}

impl<T: Packed> Network<Stack, T> {
    /// Checks the shape once; the parameters move, nothing is copied.
    ///
    /// # Errors
    /// If the layers are not those of `C`.
    pub fn fix<C: Fixed>(self) -> Result<Network<C, T>, ShapeMismatch> {
        let chain = C::default();
        if chain.layers() == self.chain.layers() {
            Ok(Network { chain, params: self.params })
        } else {
            Err(ShapeMismatch { expected: chain.layers().to_vec(), found: self.chain.0 })
        }
    }
    /// Shape and parameters, to be edited together.
    pub(super) fn parts_mut(&mut self) -> (&mut Stack, &mut Vec<T>) {
        (&mut self.chain, &mut self.params)
    }
}

impl<C: Fixed, T: Packed> Network<C, T> {
    /// The form to embed: the same shape over an array.
    pub fn freeze(&self) -> Frozen<C, T> {
        let mut params = C::params_of(T::ZERO);
        params.as_mut().copy_from_slice(&self.params);
        Frozen::new(params)
    }
}

//! A frozen network whose tail is looked up.

use core::fmt;

use super::pass::{self, Pass};
use super::table::{Table, Tail};
use super::{Frozen, Tape, inputs, load};
use crate::error::{Error, Result};
use crate::math::Separate;
use crate::nn::{Fixed, Loops};

/// A [`Frozen`] network in double precision that looks up what lies behind its first one-node layer, instead of waiting for
/// the exponentials of layer after layer there: single points in half the time.
///
/// # Guarantee
/// Where the table reaches, value, first and second derivative of the tail are within [`Table::errors`] of the tail in real
/// arithmetic: proved, see [`Table`]. Elsewhere the results are those of [`Frozen`], bit for bit. The same bits on every
/// target.
///
/// # Examples
/// ```
/// use sobolev::nn::{Fixed, Frozen, Tabulated};
/// sobolev::network!(Neck: 2 => 1 silu => 2 silu => 1);
/// let net = Frozen::<Neck, f64>::new([1.0, -0.5, 0.1, 2.0, -1.0, 0.0, 0.3, 1.0, 0.7, -0.2]);
/// let fast = Tabulated::new(net, &[[-1.0, 1.0]; 2], 1e-10)?;
/// let (price, delta, gamma) = fast.gamma(&[0.2, 0.4], &[1.0, 1.0]);
/// assert!((price - net.value(&[0.2, 0.4])).abs() <= fast.table().errors()[0] + 1e-15);
/// # Ok::<(), sobolev::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Tabulated<C: Fixed> {
    net: Frozen<C, f64>,
    table: Table,
}

impl<C: Fixed> fmt::Debug for Tabulated<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tabulated").field("layers", &C::LAYERS).field("cells", &self.table.cells()).finish()
    }
}

impl<C: Fixed> Tabulated<C> {
    const HEAD: usize = pass::head(C::LAYERS);

    /// Tabulates the tail for inputs in `domain` (lowest and highest of each), every error within `tolerance` times the
    /// largest value, first and second derivative of the tail.
    ///
    /// # Errors
    /// If no layer before the last has one node; if a tail with ReLU, which has a kink, would have to be tabulated; if a range
    /// is not one, or the tolerance is not between 10⁻¹³ and 1, or asks for more than 4096 cells.
    pub fn new(net: Frozen<C, f64>, domain: &C::Inputs<[f64; 2]>, tolerance: f64) -> Result<Self> {
        if Self::HEAD == C::LAYERS.len() {
            return Err(Error::invalid(
                "network",
                "no layer of one node before the last: there is no tail to tabulate",
            ));
        }
        for (j, [low, high]) in domain.as_ref().iter().enumerate() {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                let message = format!("expected the lowest and highest value of input {j}, found {low}, {high}");
                return Err(Error::invalid("domain", message));
            }
        }
        if !(1e-13..=1.0).contains(&tolerance) {
            return Err(Error::invalid("tolerance", format!("expected 1e-13 to 1, found {tolerance}")));
        }
        let (layers, params) = (&C::LAYERS[Self::HEAD..], &net.params.as_ref()[pass::params(C::LAYERS, Self::HEAD)..]);
        let tail = Tail { first: C::LAYERS[Self::HEAD - 1].activation, layers, params };
        let table = Table::new(tail, Self::reach(&net, domain), tolerance)?;
        Ok(Self { net, table })
    }

    /// About what range the head takes over the domain. A matter of speed only: beyond it the network is evaluated.
    fn reach(net: &Frozen<C, f64>, domain: &C::Inputs<[f64; 2]>) -> [f64; 2] {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        let mut look = |at: &dyn Fn(usize) -> f64| {
            let mut x = C::inputs_of(0.0);
            for (j, (x, [low, high])) in x.as_mut().iter_mut().zip(domain.as_ref()).enumerate() {
                *x = low + at(j) * (high - low);
            }
            let [z] = Self::pass(net, &mut load::<C, f64>(&x)).forward::<1>();
            range = [range[0].min(z), range[1].max(z)];
        };
        // Corners, as many as there are or 1024; points of a lattice that fills the box.
        for corner in 0..1_u32 << C::INPUTS.min(10) {
            look(&|j| f64::from(corner >> (j % 10) & 1));
        }
        for k in 0..1024 {
            look(&|j| (f64::from(k) * (0.5 + f64::from(j as u32)).sqrt()).fract());
        }
        let margin = 0.05 * (range[1] - range[0]);
        [range[0] - margin, range[1] + margin]
    }

    /// The network.
    pub const fn frozen(&self) -> &Frozen<C, f64> {
        &self.net
    }
    /// The table of its tail.
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// The first output at `x`.
    #[inline]
    pub fn value(&self, x: &C::Inputs<f64>) -> f64 {
        let [z] = Self::pass(&self.net, &mut load::<C, f64>(x)).forward::<0>();
        self.table.jet(Separate, z).map_or_else(|| self.net.value(x), |[value, ..]| value)
    }
    /// Value and gradient of the first output at `x`.
    #[inline]
    pub fn value_and_gradient(&self, x: &C::Inputs<f64>) -> (f64, C::Inputs<f64>) {
        let mut tape = load::<C, f64>(x);
        let mut pass = Self::pass(&self.net, &mut tape);
        let [z] = pass.forward::<1>();
        let Some(tail) = self.table.jet(Separate, z) else { return self.net.value_and_gradient(x) };
        let [y] = pass.gradient_of(tail.map(|f| [f]));
        (y, inputs::<C, f64>(pass.bar()))
    }
    /// Value, gradient and the directional gamma `vᵀHv` of the first output at `x`.
    #[inline]
    pub fn gamma(&self, x: &C::Inputs<f64>, v: &C::Inputs<f64>) -> (f64, C::Inputs<f64>, f64) {
        let mut tape = load::<C, f64>(x);
        let mut pass = Self::pass(&self.net, &mut tape);
        let line = pass.along(v.as_ref());
        let Some(tail) = self.table.jet(Separate, line[0][0]) else { return self.net.gamma(x, v) };
        let ([y], [gamma]) = pass.gamma_of(line, tail.map(|f| [f]));
        (y, inputs::<C, f64>(pass.bar()), gamma)
    }

    #[inline(always)]
    fn pass<'a>(net: &'a Frozen<C, f64>, tape: &'a mut Tape<C, f64>) -> Pass<'a, C, Loops<Separate>, f64, 1, true> {
        Pass::new(Loops(Separate), net.params.as_ref(), tape.as_mut().as_flattened_mut())
    }
}

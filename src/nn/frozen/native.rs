//! A frozen network run with the widest instructions that the machine has: single points fused, batches a tile at a time.

use core::fmt;
use core::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use super::Frozen;
use super::pass::Pass;
use super::thin::Thin;
use crate::nn::packed::Dispatched;
use crate::nn::{Fixed, Packed, SLOTS, TILE};

/// What a batch is asked for. Results are columns, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeks<V> {
    /// Values: 1 column.
    Value,
    /// And gradients: `1 + inputs` columns.
    Gradient,
    /// And the directional gamma `vᵀHv` along this `v`: `2 + inputs` columns.
    Gamma(V),
    /// And, instead, the product of the Hessian with this `v`: `1 + 2·inputs` columns.
    Hvp(V),
    /// And, instead, the Hessian row by row: `1 + inputs + inputs²` columns.
    Hessian,
}

impl<V> Greeks<V> {
    /// Number of result columns for a network of so many inputs.
    pub const fn columns(&self, inputs: usize) -> usize {
        match self {
            Self::Value => 1,
            Self::Gradient => 1 + inputs,
            Self::Gamma(_) => 2 + inputs,
            Self::Hvp(_) => 1 + 2 * inputs,
            Self::Hessian => 1 + inputs + inputs * inputs,
        }
    }
}

/// One evaluation at one point: the method of [`Frozen`] under dispatch.
macro_rules! single {
    ($(#[$doc:meta])* $name:ident, $inner:ident($($x:ident),+) -> $out:ty) => {
        $(#[$doc])*
        #[inline]
        pub fn $name(&self, $($x: &C::Inputs<T>),+) -> $out {
            struct Run<'a, C: Fixed, T: Packed> {
                net: &'a Frozen<C, T>,
                $($x: &'a C::Inputs<T>,)+
            }
            impl<C: Fixed, T: Packed> WithSimd for Run<'_, C, T> {
                type Output = $out;
                #[inline(always)]
                fn with_simd<S: Simd>(self, simd: S) -> $out {
                    self.net.$inner(Dispatched(simd), $(self.$x),+)
                }
            }
            self.arch.dispatch(Run { net: &self.net, $($x),+ })
        }
    };
}

/// A [`Frozen`] network behind run-time dispatch: AVX-512, AVX2 and NEON without compiler flags.
///
/// # Guarantee
/// Single points and batches differ from [`Frozen`] by the rounding of fused multiply-adds only: within 64 ulp of the
/// largest entry of a result (or of 1) for the networks and points that the tests draw.
///
/// # Examples
/// ```
/// use sobolev::nn::{Frozen, Greeks, Native};
/// sobolev::network!(Line: 2 => 1);
/// let net = Native::new(Frozen::<Line, f64>::new([3.0, -1.0, 0.5]));
/// assert_eq!(net.value(&[1.0, 2.0]), 1.5);
///
/// let (spot, strike) = ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]);
/// let mut price = [0.0; 3];
/// net.batch(Greeks::Value, &[&spot, &strike], &mut [&mut price]);
/// assert_eq!(price, [1.5, 4.5, 7.5]);
/// ```
#[derive(Clone, Copy)]
pub struct Native<C: Fixed, T: Packed> {
    net: Frozen<C, T>,
    arch: Arch,
}

impl<C: Fixed, T: Packed> fmt::Debug for Native<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").field("layers", &C::LAYERS).field("arch", &self.arch).finish()
    }
}

impl<C: Fixed, T: Packed> Native<C, T> {
    /// Asks the machine once what it has.
    pub fn new(net: Frozen<C, T>) -> Self {
        Self { net, arch: Arch::new() }
    }
    /// The network.
    pub const fn frozen(&self) -> &Frozen<C, T> {
        &self.net
    }

    single! {
        /// The first output at `x`.
        value, value_with(x) -> T
    }
    single! {
        /// Value and gradient of the first output at `x`.
        value_and_gradient, gradient_with(x) -> (T, C::Inputs<T>)
    }
    single! {
        /// Value, gradient and the directional gamma `vᵀHv` of the first output at `x`.
        gamma, gamma_with(x, v) -> (T, C::Inputs<T>, T)
    }
    single! {
        /// Value, gradient and the product of the Hessian with `v`, of the first output at `x`.
        hvp, hvp_with(x, v) -> (T, C::Inputs<T>, C::Inputs<T>)
    }
    single! {
        /// Value, gradient and Hessian of the first output at `x`; the Hessian is symmetric to the bit.
        hessian, hessian_with(x) -> (T, C::Inputs<T>, C::Square<T>)
    }

    /// The first output and its derivatives at many points: one column an input, one column a result, in the order that
    /// [`Greeks`] states. Allocates the memory of one tile.
    ///
    /// # Panics
    /// If the number of columns is another, or their lengths differ.
    #[track_caller]
    pub fn batch(&self, greeks: Greeks<C::Inputs<T>>, x: &[&[T]], out: &mut [&mut [T]]) {
        check::<C, T>(&greeks, x, out);
        self.batches(&greeks).run(x, out);
    }

    /// The same over all threads.
    ///
    /// # Panics
    /// If the number of columns is another, or their lengths differ.
    #[track_caller]
    pub fn batch_par(&self, greeks: Greeks<C::Inputs<T>>, x: &[&[T]], out: &mut [&mut [T]]) {
        check::<C, T>(&greeks, x, out);
        self.batches(&greeks).split(x, out);
    }

    fn batches<'a>(&'a self, greeks: &'a Greeks<C::Inputs<T>>) -> Batches<'a, C, T> {
        let greeks = match greeks {
            Greeks::Value => Greeks::Value,
            Greeks::Gradient => Greeks::Gradient,
            Greeks::Gamma(v) => Greeks::Gamma(v.as_ref()),
            Greeks::Hvp(v) => Greeks::Hvp(v.as_ref()),
            Greeks::Hessian => Greeks::Hessian,
        };
        Batches { params: self.net.params.as_ref(), greeks, arch: self.arch, chain: PhantomData }
    }
}

#[track_caller]
fn check<C: Fixed, T>(greeks: &Greeks<C::Inputs<T>>, x: &[&[T]], out: &[&mut [T]])
where
    T: Packed,
{
    assert_eq!(x.len(), C::INPUTS, "one column an input");
    assert_eq!(out.len(), greeks.columns(C::INPUTS), "one column a result");
    let points = x[0].len();
    assert!(x.iter().all(|x| x.len() == points), "columns of inputs differ in length");
    assert!(out.iter().all(|y| y.len() == points), "columns of results differ in length from those of inputs");
}

/// What the tiles of a batch have in common.
#[derive(Clone, Copy)]
struct Batches<'a, C, T> {
    params: &'a [T],
    greeks: Greeks<&'a [T]>,
    arch: Arch,
    chain: PhantomData<C>,
}

impl<C: Fixed, T: Packed> Batches<'_, C, T> {
    fn run(self, x: &[&[T]], out: &mut [&mut [T]]) {
        self.arch.dispatch(Batch { shared: self, x, out });
    }

    fn split(self, x: &[&[T]], out: &mut [&mut [T]]) {
        /// Points that one thread takes at least: their work must outweigh a task.
        const LEAF: usize = 64 * TILE;
        let points = x[0].len();
        if points <= LEAF {
            return self.run(x, out);
        }
        let middle = (points / 2).next_multiple_of(TILE);
        let (x_low, x_high): (Vec<_>, Vec<_>) = x.iter().map(|x| x.split_at(middle)).unzip();
        let (mut low, mut high): (Vec<_>, Vec<_>) = out.iter_mut().map(|y| y.split_at_mut(middle)).unzip();
        rayon::join(|| self.split(&x_low, &mut low), || self.split(&x_high, &mut high));
    }
}

struct Batch<'a, 'x, 'y, C, T> {
    shared: Batches<'a, C, T>,
    x: &'a [&'x [T]],
    out: &'a mut [&'y mut [T]],
}

impl<C: Fixed, T: Packed> WithSimd for Batch<'_, '_, '_, C, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { shared: Batches { params, greeks, .. }, x, out } = self;
        let columns = SLOTS * C::nodes_of(()).as_ref().len();
        // Aligned to cache lines: a register that straddles two is two loads.
        let mut memory = vec![T::ZERO; (columns + 1) * TILE];
        let skip = memory.as_ptr().align_offset(64).min(TILE);
        let (tape, _) = memory[skip..skip + columns * TILE].as_chunks_mut::<TILE>();
        for at in (0..x[0].len()).step_by(TILE) {
            for (value, x) in tape.iter_mut().zip(x) {
                load(&x[at..], value);
            }
            let mut pass = Pass::<C, _, T, TILE, false>::new(Thin(simd), params, tape);
            let mut column = 0;
            let mut put = |values: &[T; TILE]| {
                store(values, &mut out[column][at..]);
                column += 1;
            };
            match &greeks {
                Greeks::Value => put(&pass.value()),
                Greeks::Gradient => {
                    put(&pass.gradient());
                    pass.bar().iter().for_each(put);
                }
                Greeks::Gamma(v) => {
                    let (y, gamma) = pass.gamma(v);
                    put(&y);
                    pass.bar().iter().for_each(&mut put);
                    put(&gamma);
                }
                Greeks::Hvp(v) => {
                    put(&pass.hvp(v));
                    pass.bar().iter().for_each(&mut put);
                    pass.dot().iter().for_each(put);
                }
                Greeks::Hessian => {
                    let rows = TILE.min(x[0].len() - at);
                    let (first, hessian) = out.split_at_mut(1 + C::INPUTS);
                    hessian.iter_mut().for_each(|h| h[at..at + rows].fill(T::ZERO));
                    let y = pass.hessian(|i, j, term| {
                        let h = &mut hessian[i * C::INPUTS + j][at..at + rows];
                        h.iter_mut().zip(&term).for_each(|(h, &t)| *h += t);
                    });
                    store(&y, &mut first[0][at..]);
                    for (bar, out) in pass.bar().iter().zip(&mut first[1..]) {
                        store(bar, &mut out[at..]);
                    }
                    for i in 0..C::INPUTS {
                        for j in 0..i {
                            let (upper, lower) = hessian.split_at_mut(i * C::INPUTS + j);
                            lower[0][at..at + rows].copy_from_slice(&upper[j * C::INPUTS + i][at..at + rows]);
                        }
                    }
                }
            }
        }
    }
}

/// As much as there is into a tile; zeros beyond.
#[inline(always)]
fn load<T: Packed>(from: &[T], tile: &mut [T; TILE]) {
    match from.first_chunk::<TILE>() {
        Some(whole) => *tile = *whole,
        None => {
            tile[..from.len()].copy_from_slice(from);
            tile[from.len()..].fill(T::ZERO);
        }
    }
}

/// As much of a tile as there is room.
#[inline(always)]
fn store<T: Packed>(tile: &[T; TILE], to: &mut [T]) {
    match to.first_chunk_mut::<TILE>() {
        Some(whole) => *whole = *tile,
        None => to.copy_from_slice(&tile[..to.len()]),
    }
}

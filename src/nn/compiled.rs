//! Where sweeps over tiles become machine code: here, once for each precision, length of tile and instruction set. Crates that
//! use this one call that code; they would otherwise compile it again, each of them, for minutes.

use pulp::{Arch, Simd, WithSimd};

use super::{Accum, Chain, Forward, Layer, Packed, Registers, Reverse, SecondReverse, Tangent};

/// Sweeps of the kind `P` over tiles of `R` samples. Implemented for `f32` and `f64` and the tiles in use, by functions that
/// are not generic.
pub trait Compiled<P, const R: usize>: Sized {
    /// One sweep over one tile.
    fn walk(arch: Arch, pass: P, run: RunParts<'_, Self, R>);
}

/// What a sweep works on.
#[derive(Debug)]
pub struct RunParts<'a, T, const R: usize> {
    pub(super) layers: &'a [Layer],
    pub(super) params: &'a [T],
    pub(super) tape: &'a mut [[T; R]],
    pub(super) scratch: &'a mut [T],
    pub(super) grad: &'a mut [T],
}

/// Sweeps that share a tape, told apart when they run.
pub(super) trait OnTiles: Copy {
    /// Over one instruction set.
    fn walk<S: Simd, T: Packed, const R: usize>(self, simd: S, run: RunParts<'_, T, R>);
}

/// A sweep of values and first derivatives, as [`Network`](super::Network) runs it.
#[derive(Clone, Copy, Debug)]
pub enum Pass {
    /// [`Forward`] of order 0, 1 or 2.
    Forward {
        /// Derivatives of the activations that are kept.
        order: usize,
    },
    /// [`Reverse`] of order 1 or 2, down to the inputs.
    Reverse {
        /// Derivatives of the activations that are used.
        order: usize,
    },
    /// [`Reverse`] of order 1 with the gradient of the parameters, without the inputs.
    ReverseParams(Accum),
    /// [`Tangent`].
    Tangent,
    /// [`SecondReverse`] down to the inputs.
    SecondReverse,
    /// [`SecondReverse`] with the gradient of the parameters, without the inputs.
    SecondReverseParams(Accum),
}

impl OnTiles for Pass {
    #[inline(always)]
    fn walk<S: Simd, T: Packed, const R: usize>(self, simd: S, run: RunParts<'_, T, R>) {
        let (kernel, outputs) = (Registers(simd), run.layers.outputs());
        let RunParts { layers, params, tape, scratch, grad } = run;
        macro_rules! up {
            ($sweep:ident<$($parameter:tt),+>, $accum:expr) => {
                layers.up(&mut $sweep::<_, _, R, $($parameter),+>::new(kernel, params, tape, outputs, grad, $accum, scratch))
            };
        }
        match self {
            Self::Forward { order: 0 } => layers.down(&mut Forward::<_, _, R, 0>::new(kernel, params, tape)),
            Self::Forward { order: 1 } => layers.down(&mut Forward::<_, _, R, 1>::new(kernel, params, tape)),
            Self::Forward { .. } => layers.down(&mut Forward::<_, _, R, 2>::new(kernel, params, tape)),
            Self::Reverse { order: 1 } => up!(Reverse<1, true>, Accum::Replace),
            Self::Reverse { .. } => up!(Reverse<2, true>, Accum::Replace),
            Self::ReverseParams(accum) => up!(Reverse<1, false>, accum),
            Self::Tangent => layers.down(&mut Tangent::<_, _, R>::new(kernel, params, tape)),
            Self::SecondReverse => up!(SecondReverse<true>, Accum::Replace),
            Self::SecondReverseParams(accum) => up!(SecondReverse<false>, accum),
        }
    }
}

struct Run<'a, P, T, const R: usize>(P, RunParts<'a, T, R>);

impl<P: OnTiles, T: Packed, const R: usize> WithSimd for Run<'_, P, T, R> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.0.walk(simd, self.1);
    }
}

/// Compiles the sweeps of one kind for both precisions.
macro_rules! compiled {
    ($pass:ty: $($tile:literal),+) => { $(
        compiled!(@ f32, $pass, $tile);
        compiled!(@ f64, $pass, $tile);
    )+ };
    (@ $t:ident, $pass:ty, $tile:literal) => {
        impl Compiled<$pass, $tile> for $t {
            fn walk(arch: Arch, pass: $pass, run: RunParts<'_, $t, $tile>) {
                arch.dispatch(Run(pass, run));
            }
        }
    };
}
compiled!(Pass: 32, 64, 128);
compiled!(super::curvature::Pass: 32, 64);
compiled!(super::narrow::Pass: 256);

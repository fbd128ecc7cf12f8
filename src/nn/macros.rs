//! `network!`: the one exported macro. It only counts and lists; all behaviour is in functions.

/// Declares a network whose widths are types.
///
/// `network!(pub Surrogate: 7 => 3 silu => 3 silu => 1);` writes `pub struct Surrogate;` and implements
/// [`Chain`](crate::nn::Chain) and [`Fixed`](crate::nn::Fixed) for it. A width is written once, so that neighbours cannot
/// disagree; a layer without an activation is linear.
///
/// The example expands to a constant list of layers `[7 → 3 silu, 3 → 3 silu, 3 → 1 identity]`, the sizes
/// `PARAMS = (7 + 1)·3 + (3 + 1)·3 + (3 + 1)·1`, and
///
/// ```text
/// fn down_typed<S: Sweep>(self, sweep: &mut S) {
///     sweep.layer(&Dense { fan_in: Const::<7>, fan_out: Const::<3>, activation: act::silu });
///     sweep.layer(&Dense { fan_in: Const::<3>, fan_out: Const::<3>, activation: act::silu });
///     sweep.layer(&Dense { fan_in: Const::<3>, fan_out: Const::<1>, activation: act::identity });
/// }
/// ```
///
/// # Examples
/// ```
/// use sobolev::nn::{Chain, Fixed};
/// sobolev::network!(pub Surrogate: 7 => 3 silu => 3 silu => 1);
/// assert_eq!(Surrogate::PARAMS, 24 + 12 + 4);
/// assert_eq!(Surrogate.layers()[2].fan_in.0, 3);
/// ```
#[macro_export]
macro_rules! network {
    ($v:vis $name:ident : $first:literal $(=> $w:literal $($act:ident)?)+) => {
        $crate::network!(@pair [$v $name $first] $first; [] [] [$($w $($act)?,)+]);
    };
    (@pair $head:tt $i:literal; [$($down:tt)*] [$($up:tt)*] [$o:literal $act:ident, $($rest:tt)*]) => {
        $crate::network!(@pair $head $o; [$($down)* ($i $o $act)] [($i $o $act) $($up)*] [$($rest)*]);
    };
    (@pair $head:tt $i:literal; $down:tt $up:tt [$o:literal, $($rest:tt)*]) => {
        $crate::network!(@pair $head $i; $down $up [$o identity, $($rest)*]);
    };
    (@pair [$v:vis $name:ident $first:literal] $last:literal; [$(($di:literal $do:literal $da:ident))+] [$(($ui:literal $uo:literal $ua:ident))+] []) => {
        #[doc = concat!("A network of ", stringify!($first), $(" => ", stringify!($do), " ", stringify!($da),)+ ".")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $v struct $name;
        const _: () = {
            use $crate::nn::{Chain, Const, Dense, Fixed, Layer, Sweep, Typed, act};
            const PARAMS: usize = 0 $(+ ($di + 1) * $do)+;
            const NODES: usize = $first $(+ $do)+;
            impl Chain for $name {
                fn layers(&self) -> &[Layer] {
                    Self::LAYERS
                }
            }
            impl Fixed for $name {
                const LAYERS: &'static [Layer] = &[$(Layer::new($di, $do, <act::$da as Typed>::FUNCTION)),+];
                const INPUTS: usize = $first;
                const OUTPUTS: usize = $last;
                const PARAMS: usize = PARAMS;
                type Params<T: Copy> = [T; PARAMS];
                type Inputs<T: Copy> = [T; $first];
                type Square<T: Copy> = [[T; $first]; $first];
                type Nodes<V: Copy> = [V; NODES];
                #[inline(always)]
                fn params_of<T: Copy>(fill: T) -> [T; PARAMS] { [fill; PARAMS] }
                #[inline(always)]
                fn inputs_of<T: Copy>(fill: T) -> [T; $first] { [fill; $first] }
                #[inline(always)]
                fn square_of<T: Copy>(fill: T) -> [[T; $first]; $first] { [[fill; $first]; $first] }
                #[inline(always)]
                fn nodes_of<V: Copy>(fill: V) -> [V; NODES] { [fill; NODES] }
                #[inline(always)]
                fn down_typed<S: Sweep>(self, sweep: &mut S) {
                    $(sweep.layer(&Dense { fan_in: Const::<$di>, fan_out: Const::<$do>, activation: act::$da });)+
                }
                #[inline(always)]
                fn up_typed<S: Sweep>(self, sweep: &mut S) {
                    $(sweep.layer(&Dense { fan_in: Const::<$ui>, fan_out: Const::<$uo>, activation: act::$ua });)+
                }
            }
        };
    };
}

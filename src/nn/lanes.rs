//! A register of numbers as a [`Number`]: activations and their derivatives of what a product left in registers.

use core::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use pulp::Simd;

use super::Packed;
use super::packed::array;
use crate::math::{Contract, ExpParts, Logistic, Number};

/// `K` registers of `S`, worked on side by side: a function of one is a long chain, of which the next instruction waits for
/// the last.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd, T: Packed, const K: usize> {
    pub(super) simd: S,
    pub(super) registers: [T::Vector<S>; K],
}

impl<S: Simd, T: Packed, const K: usize> Lanes<S, T, K> {
    /// Register by register.
    #[inline(always)]
    fn each<const N: usize>(
        mut self,
        with: [Self; N],
        f: impl Fn(S, T::Vector<S>, [T::Vector<S>; N]) -> T::Vector<S>,
    ) -> Self {
        for k in 0..K {
            let mut others = [self.registers[k]; N];
            for n in 0..N {
                others[n] = with[n].registers[k];
            }
            self.registers[k] = f(self.simd, self.registers[k], others);
        }
        self
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $vector:ident),+) => { $(
        impl<S: Simd, T: Packed, const K: usize> $trait for Lanes<S, T, K> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.each([other], |simd, a, [b]| T::$vector(simd, a, b))
            }
        }
    )+ };
}
operators!(Add add vector_add, Sub sub vector_sub, Mul mul vector_mul, Div div vector_div);

impl<S: Simd, T: Packed, const K: usize> Neg for Lanes<S, T, K> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.each([], |simd, a, []| T::vector_neg(simd, a))
    }
}

impl<S: Simd, T: Packed, const K: usize> AddAssign for Lanes<S, T, K> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<S: Simd, T: Packed, const K: usize> MulAssign for Lanes<S, T, K> {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<S: Simd, T: Packed, const K: usize> Number for Lanes<S, T, K> {
    #[inline(always)]
    fn like(self, c: f64) -> Self {
        Self { registers: [T::splat(self.simd, T::of(c)); K], ..self }
    }
    #[inline(always)]
    fn fused_mul_add(self, b: Self, c: Self) -> Self {
        self.each([b, c], |simd, a, [b, c]| T::vector_mul_add(simd, a, b, c))
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.each([], |simd, a, []| T::vector_abs(simd, a))
    }
    #[inline(always)]
    fn within(self, low: Self, high: Self) -> Self {
        self.each([low, high], |simd, x, [low, high]| T::vector_min(simd, high, T::vector_max(simd, low, x)))
    }
    #[inline(always)]
    fn if_negative(self, a: Self, b: Self) -> Self {
        (-self).if_positive(a, b)
    }
    #[inline(always)]
    fn if_positive(self, a: Self, b: Self) -> Self {
        self.each([a, b], |simd, x, [a, b]| T::choose(simd, x, a, b))
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        self.each([], |simd, n, []| {
            let mut lanes = array::<S, T>(simd, n);
            for l in 0..T::lanes::<S>() {
                lanes[l] = lanes[l].power_of_two();
            }
            T::vectors(simd, &lanes)[0]
        })
    }
    #[inline(always)]
    fn times_power_of_two(self, n: Self) -> Self {
        self.each([n], |simd, x, [n]| T::vector_times_power_of_two(simd, x, n))
    }
    #[inline(always)]
    fn exp_parts<C: Contract>(self, c: C) -> ExpParts<Self> {
        T::exp_parts_of(c, self)
    }
    #[inline(always)]
    fn logistic<C: Contract>(self, c: C) -> Logistic<Self> {
        T::logistic_of(c, self)
    }
    #[inline(always)]
    fn ln_1p_unit<C: Contract>(self, c: C) -> Self {
        T::ln_1p_unit_of(c, self)
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::math::{Activation, Fused, Separate};
    use crate::nn::packed::Dispatched;
    use crate::nn::props::instruction_sets;

    /// Some arguments through one activation, two registers at a time.
    struct Jets<'a, T>(Activation, &'a [T]);

    impl<T: Packed> WithSimd for Jets<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(function, arguments) = self;
            let (pairs, _) = T::vectors(simd, arguments).as_chunks();
            for (&registers, x) in pairs.iter().zip(arguments.chunks_exact(2 * T::lanes::<S>())) {
                let got = function.jet(Dispatched(simd), Lanes::<S, T, 2> { simd, registers });
                for (k, x) in x.chunks_exact(T::lanes::<S>()).enumerate() {
                    for (l, &x) in x.iter().enumerate() {
                        let want = alone(function, S::IS_SCALAR, x);
                        for order in 0..4 {
                            let (a, b) = (array::<S, T>(simd, got[order].registers[k])[l], want[order]);
                            // No two NaN are equal.
                            let same = a == b || (a.to_f64().is_nan() && b.to_f64().is_nan());
                            assert!(same, "{function} order {order} at {x:?}: {a:?} ≠ {b:?}");
                        }
                    }
                }
            }
        }
    }

    /// Not inlined where that would be once more for each instruction set: a library's fused sum has the same bits.
    #[inline(never)]
    fn alone<T: Packed>(function: Activation, separate: bool, x: T) -> [T; 4] {
        if separate { function.jet(Separate, x) } else { function.jet(Fused, x) }
    }

    fn check<T: Packed>() {
        let far = [f64::NAN, f64::INFINITY, 1e6, 709.5, 88.5, 87.0, 40.0, 17.0, 1e-3, 1e-30, 0.0].map(T::of);
        let near = (0..500).map(|i| T::of(f64::from(i) * 0.037));
        let mut all: Vec<T> = far.into_iter().chain(near).flat_map(|x| [x, -x]).collect();
        all.resize(all.len().next_multiple_of(32), T::ONE);
        for arch in instruction_sets() {
            Activation::ALL.into_iter().for_each(|function| arch.dispatch(Jets(function, &all)));
        }
    }

    /// Each lane has the bits that a number alone has under the same instruction set, far away and where there is no number.
    #[test]
    fn lanes_are_numbers() {
        check::<f32>();
        check::<f64>();
    }
}

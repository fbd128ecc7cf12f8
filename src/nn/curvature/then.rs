//! What becomes of the rows of each sweep's product, as soon as they are finished: the elementwise half of the table in
//! [`sweeps`](super::sweeps). A rule's `of` gives the rows that it is for, and the rule.
//!
//! Loops of one product a number are unrolled before they are vectorised, and then stay scalar for fear that the row written is one
//! of those read: they fill an array of their own, which is stored at once.

use super::sweeps::Nodes;
use crate::math::{Contract, Real};
use crate::nn::Then;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident($rows:ident; $($read:ident),*; $($write:ident),*)),+ $(,)?) => { $(
        $(#[$doc])*
        pub(super) struct $name<'a, C, T, const R: usize> {
            #[allow(dead_code, reason = "rules of products alone do not use it")]
            contract: C,
            $($read: &'a [[T; R]],)*
            $($write: &'a mut [[T; R]],)*
        }

        impl<'a, C, T, const R: usize> $name<'a, C, T, R> {
            /// The rows, and what becomes of them.
            #[inline(always)]
            pub(super) fn of(contract: C, nodes: &'a mut Nodes<'_, T, R>) -> (&'a mut [[T; R]], Self) {
                let Nodes { $rows, $($read,)* $($write,)* .. } = nodes;
                ($rows, Self { contract, $($read,)* $($write,)* })
            }
        }
    )+ };
}
rules!(
    /// `z̄ = ā σ′` in place of `ā`, `ā σ″` beside it, `ā σ‴` in place of `σ‴`; no sums yet.
    Bend(bar; slope, curve; bent, third, pairs, sum),
    /// `ȧᵥ = σ′ q` beside `q`.
    Slope(along; slope; along_dot),
    /// `p̄ = σ′ āₚ + ā σ″ q` beside `āₚ`.
    Lean(product; slope, bent, along; product_bar),
    /// `ȧᵨ = σ′ p` in place of `p`, `ā σ″ p` in place of `āₚ`; sums `Σpq` and `Σ p āₚ`.
    Cross(across_dot; slope, bent, along; pairs, sum, product),
    /// `q̄ = σ′ ā_q + ā σ″ p` in place of `ā_q`; sums `Σ q ā_q`.
    Return(across_bar; slope, along, product; sum),
    /// `μ = σ′ m + σ″ Σpq` in place of `m`; all of `z̄ₛ` but `σ′ āₛ` in place of the sum.
    Mix(along; slope, curve, bent, third, pairs; sum),
    /// `z̄ₛ` in place of `āₛ`; no sums yet, for the next jet from the same point.
    Close(across_bar; slope; pairs, sum),
);

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Bend<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, bar: &mut [T; R]) {
        let (slope, curve) = (&self.slope[node], &self.curve[node]);
        let (bent, third) = (&mut self.bent[node], &mut self.third[node]);
        for r in 0..R {
            bent[r] = curve[r] * bar[r];
            third[r] *= bar[r];
            bar[r] *= slope[r];
        }
        (self.pairs[node], self.sum[node]) = ([T::ZERO; R], [T::ZERO; R]);
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Slope<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, along: &mut [T; R]) {
        let (slope, mut dot) = (&self.slope[node], [T::ZERO; R]);
        for r in 0..R {
            dot[r] = slope[r] * along[r];
        }
        self.along_dot[node] = dot;
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Lean<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, product: &mut [T; R]) {
        let (slope, bent, along) = (&self.slope[node], &self.bent[node], &self.along[node]);
        let mut bar = [T::ZERO; R];
        for r in 0..R {
            bar[r] = self.contract.mul_add(slope[r], product[r], bent[r] * along[r]);
        }
        self.product_bar[node] = bar;
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Cross<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, across: &mut [T; R]) {
        let (slope, bent, along) = (&self.slope[node], &self.bent[node], &self.along[node]);
        let (pairs, sum, product) = (&mut self.pairs[node], &mut self.sum[node], &mut self.product[node]);
        for r in 0..R {
            let p = across[r];
            pairs[r] = self.contract.mul_add(p, along[r], pairs[r]);
            sum[r] = self.contract.mul_add(p, product[r], sum[r]);
            product[r] = bent[r] * p;
            across[r] = slope[r] * p;
        }
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Return<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, bar: &mut [T; R]) {
        let (slope, along, product) = (&self.slope[node], &self.along[node], &self.product[node]);
        let sum = &mut self.sum[node];
        for r in 0..R {
            sum[r] = self.contract.mul_add(along[r], bar[r], sum[r]);
            bar[r] = self.contract.mul_add(slope[r], bar[r], product[r]);
        }
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Mix<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, along: &mut [T; R]) {
        let (slope, curve) = (&self.slope[node], &self.curve[node]);
        let (bent, third, pairs) = (&self.bent[node], &self.third[node], &self.pairs[node]);
        let (c, sum) = (self.contract, &mut self.sum[node]);
        for r in 0..R {
            let m = along[r];
            sum[r] = c.mul_add(curve[r], sum[r], c.mul_add(bent[r], m, third[r] * pairs[r]));
            along[r] = c.mul_add(slope[r], m, curve[r] * pairs[r]);
        }
    }
}

impl<C: Contract, T: Real, const R: usize> Then<T, R> for Close<'_, C, T, R> {
    #[inline(always)]
    fn row(&mut self, node: usize, total: &mut [T; R]) {
        let (slope, sum) = (&self.slope[node], &mut self.sum[node]);
        for r in 0..R {
            total[r] = self.contract.mul_add(slope[r], total[r], sum[r]);
        }
        (self.pairs[node], *sum) = ([T::ZERO; R], [T::ZERO; R]);
    }
}

//! What the machine allows at most.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use sobolev::nn::Packed;

/// Floating-point operations a second of one core: chains of fused multiply-adds, enough of them to hide their latency.
pub(crate) fn peak<T: Packed>(arch: Arch) -> f64 {
    struct Peak<T>(T);
    impl<T: Packed> WithSimd for Peak<T> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            const CHAINS: usize = 12;
            const STEPS: usize = 100_000;
            let mut best = f64::MAX;
            for _ in 0..20 {
                let start = Instant::now();
                let x = T::splat(simd, black_box(self.0));
                let mut sums = [x; CHAINS];
                for _ in 0..STEPS {
                    for i in 0..CHAINS {
                        sums[i] = T::vector_mul_add(simd, sums[i], x, x);
                    }
                }
                black_box(sums);
                best = best.min(start.elapsed().as_secs_f64());
            }
            (2 * CHAINS * STEPS * T::lanes::<S>()) as f64 / best
        }
    }
    arch.dispatch(Peak(T::of(0.999)))
}

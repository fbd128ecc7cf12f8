//! The clock of the latency rows, by itself so that generated programs can include it.

/// Nanoseconds a call, p50 and p99 over blocks of 64 calls of `call(nudge)`, whose nudge depends on the answer before and is
/// too small to matter.
pub(crate) fn percentiles(mut call: impl FnMut(f64) -> f64) -> [f64; 2] {
    const BLOCK: usize = 64;
    let mut block = || {
        let start = std::time::Instant::now();
        let mut y = 0.0;
        for _ in 0..BLOCK {
            y = call(y * 1e-300);
        }
        std::hint::black_box(y);
        start.elapsed().as_secs_f64() * 1e9 / BLOCK as f64
    };
    let one = block().max(block());
    let blocks = ((2e8 / (one * BLOCK as f64)) as usize).clamp(100, 20_000);
    let mut times: Vec<f64> = (0..blocks).map(|_| block()).collect();
    times.sort_by(f64::total_cmp);
    [times[blocks / 2], times[blocks * 99 / 100]]
}

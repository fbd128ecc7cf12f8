//! The learning rate over a run.

use std::f64::consts::PI;

/// One cycle: a cosine rise from `start` to `peak` over the first `rise` of the steps, then a cosine fall to `end` (§5.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// Rate of the first step.
    pub start: f64,
    /// Largest rate.
    pub peak: f64,
    /// Rate of the last step.
    pub end: f64,
    /// Share of the steps spent rising.
    pub rise: f64,
}

impl OneCycle {
    /// The paper's numbers. Its peak diverges for 6×128 SiLU networks on this problem: kept as a preset, not the default.
    pub const PAPER: Self = Self { start: 4e-3, peak: 0.1, end: 1e-5, rise: 0.3 };

    /// Rises from `peak/25` over 30 % of the steps and falls to `peak/10⁴`.
    pub const fn with_peak(peak: f64) -> Self {
        Self { start: peak / 25.0, peak, end: peak * 1e-4, rise: 0.3 }
    }

    /// Rate of step `step` of `steps`.
    ///
    /// # Examples
    /// ```
    /// let cycle = sobolev::train::OneCycle::with_peak(0.01);
    /// assert_eq!(cycle.rate(30, 100), 0.01);
    /// assert!((cycle.rate(0, 100) - 0.0004).abs() < 1e-12);
    /// assert!(cycle.rate(99, 100) < 1e-5);
    /// ```
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        let (step, top) = (step as f64, self.rise * steps as f64);
        let blend = |from: f64, to: f64, t: f64| from + (to - from) * 0.5 * (1.0 - (PI * t.clamp(0.0, 1.0)).cos());
        if step < top {
            blend(self.start, self.peak, step / top)
        } else {
            blend(self.peak, self.end, (step - top) / (steps as f64 - top).max(1.0))
        }
    }
}

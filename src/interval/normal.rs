//! The standard normal law.

use super::Interval;
use crate::math::normal;

impl Interval {
    /// Φ(x).
    pub fn normal_cdf(self) -> Self {
        if self.is_empty() {
            return self;
        }
        let margin = 1e-10;
        Self {
            lo: (normal::cdf(self.lo) * (1.0 - margin) - 1e-300).max(0.0),
            hi: (normal::cdf(self.hi) * (1.0 + margin) + 1e-300).min(1.0),
        }
    }

    /// φ(x) = e^(−x²/2)/√2π.
    pub fn normal_pdf(self) -> Self {
        if self.is_empty() {
            return self;
        }
        let margin = 1e-10;
        let (near, far) = (normal::pdf(self.mig()), normal::pdf(self.mag()));
        Self { lo: (far * (1.0 - margin) - 1e-300).max(0.0), hi: near * (1.0 + margin) + 1e-300 }
    }
}

//! Trigonometric functions.

use super::Interval;

impl Interval {
    /// `sin x`.
    pub fn sin(self) -> Self {
        if self.is_empty() { self } else { Self::raw(-1.0, 1.0) }
    }

    /// `cos x`.
    pub fn cos(self) -> Self {
        if self.is_empty() { self } else { Self::raw(-1.0, 1.0) }
    }
}

//! Powers.

use super::Interval;

impl Interval {
    /// `xⁿ`.
    pub fn powi(self, n: i32) -> Self {
        if self.is_empty() {
            return Self::EMPTY;
        }
        let (mut base, mut left) = (if n % 2 == 0 { self.abs() } else { self }, n.unsigned_abs());
        let mut power = Self::ONE;
        while left > 0 {
            if left & 1 == 1 {
                power = power * base;
            }
            base = base.sqr_or_signed(n);
            left >>= 1;
        }
        if n < 0 { power.recip() } else { power }
    }

    fn sqr_or_signed(self, _n: i32) -> Self {
        self.sqr()
    }
}

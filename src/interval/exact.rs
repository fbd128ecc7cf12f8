//! Correct rounding in every case, by integers: the slow path under [`directed`](super::directed), and its specification.

/// `±magnitude · 2^exponent`, where `cut` says that a positive part below one unit of the magnitude was dropped.
///
/// Where something was dropped the magnitude has at least 55 bits, so that the dropped part lies below the last bit of any
/// double it is rounded to.
#[derive(Clone, Copy)]
pub(super) struct Exact {
    pub(super) negative: bool,
    pub(super) magnitude: u128,
    pub(super) exponent: i32,
    pub(super) cut: bool,
}

/// Sign, integer significand below 2⁵³ and its exponent, of a finite double.
fn parts(x: f64) -> (bool, u64, i32) {
    let bits = x.to_bits();
    let biased = (bits >> 52) as i32 & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    if biased == 0 {
        (x.is_sign_negative(), fraction, -1074)
    } else {
        (x.is_sign_negative(), fraction | 1 << 52, biased - 1075)
    }
}

impl Exact {
    /// `a·b`
    pub(super) fn product(a: f64, b: f64) -> Self {
        let ((na, ma, ea), (nb, mb, eb)) = (parts(a), parts(b));
        Self { negative: na != nb, magnitude: u128::from(ma) * u128::from(mb), exponent: ea + eb, cut: false }
    }

    /// `a/b`, `b ≠ 0`
    pub(super) fn quotient(a: f64, b: f64) -> Self {
        let ((na, ma, ea), (nb, mb, eb)) = (parts(a), parts(b));
        let (a, b) = (u128::from(ma), u128::from(mb));
        // The quotient of a full 128-bit numerator by 53 bits has 75 bits or more.
        let shift = a.leading_zeros().min(127);
        let a = a << shift;
        Self { negative: na != nb, magnitude: a / b, exponent: ea - eb - shift as i32, cut: a % b != 0 }
    }

    /// `±a/b`; `b` positive, both below 2¹²⁷.
    pub(super) fn ratio(negative: bool, a: u128, b: u128) -> Self {
        let (mut magnitude, mut rest, mut exponent) = (a / b, a % b, 0);
        while rest != 0 && magnitude >> 64 == 0 {
            rest <<= 1;
            magnitude = magnitude << 1 | u128::from(rest >= b);
            rest %= b;
            exponent -= 1;
        }
        Self { negative, magnitude, exponent, cut: rest != 0 }
    }

    /// `√a`, `a ≥ 0`
    pub(super) fn root(a: f64) -> Self {
        let (_, m, e) = parts(a);
        // An even exponent and at least 126 bits: a root of 63 bits or more.
        let shift = u128::from(m).leading_zeros().saturating_sub(1).min(126) as i32;
        let shift = shift - (e - shift).rem_euclid(2);
        let square = u128::from(m) << shift;
        let root = square.isqrt();
        Self { negative: false, magnitude: root, exponent: (e - shift) / 2, cut: root * root != square }
    }

    /// `a·b + c`
    pub(super) fn product_sum(a: f64, b: f64, c: f64) -> Self {
        let (nc, mc, ec) = parts(c);
        let (p, c) = (
            Self::product(a, b).left_aligned(),
            Self { negative: nc, magnitude: u128::from(mc), exponent: ec, cut: false }.left_aligned(),
        );
        let (large, small) = if (p.exponent, p.magnitude) >= (c.exponent, c.magnitude) { (p, c) } else { (c, p) };
        // Both have their leading bit at 2¹²⁵; the product has at most 106 bits, the term 53. So a shift that drops bits
        // is one of 20 or more, after which a difference keeps 120 bits.
        let shift = large.exponent.saturating_sub(small.exponent) as u32;
        let (aligned, cut) = match small.magnitude.checked_shr(shift) {
            Some(aligned) => (aligned, aligned << shift != small.magnitude),
            None => (0, small.magnitude != 0),
        };
        let magnitude = if large.negative == small.negative {
            large.magnitude + aligned
        } else {
            // (L − s − dropped) = (L − s − 1) + (1 − dropped)
            large.magnitude - aligned - u128::from(cut)
        };
        Self { magnitude, cut, ..large }
    }

    /// The same number with its leading bit at 2¹²⁵; zero with the least exponent.
    fn left_aligned(self) -> Self {
        if self.magnitude == 0 {
            return Self { exponent: i32::MIN / 2, ..self };
        }
        let shift = self.magnitude.leading_zeros() as i32 - 2;
        Self { magnitude: self.magnitude << shift, exponent: self.exponent - shift, ..self }
    }

    /// The largest double not above.
    pub(super) fn down(self) -> f64 {
        self.round(self.negative)
    }

    /// The smallest double not below.
    pub(super) fn up(self) -> f64 {
        self.round(!self.negative)
    }

    /// Away from zero or towards it.
    fn round(self, away: bool) -> f64 {
        let bits = 128 - self.magnitude.leading_zeros() as i32;
        // Exponent of the last bit kept.
        let last = (self.exponent.saturating_add(bits - 53)).max(-1074);
        let shift = last.saturating_sub(self.exponent);
        let (kept, cut) = if shift > 0 {
            let kept = self.magnitude.checked_shr(shift as u32).unwrap_or(0);
            let rest = if shift >= 128 { self.magnitude } else { self.magnitude - (kept << shift) };
            (kept, rest != 0 || self.cut)
        } else if self.magnitude == 0 {
            (0, self.cut)
        } else {
            (self.magnitude << -shift, self.cut)
        };
        let kept = kept as u64 + u64::from(cut && away);
        let infinity = f64::INFINITY.to_bits();
        let size = if kept == 0 {
            0
        } else if last > 971 {
            infinity
        } else {
            // Adding the exponent to the bits of the significand carries the implicit leading bit into it.
            (kept + (((last + 1074) as u64) << 52)).min(infinity)
        };
        let size = if size == infinity && !away { f64::MAX.to_bits() } else { size };
        let value = f64::from_bits(size);
        if self.negative { -value } else { value }
    }
}

/// `x·2^exponent`, rounded up or down where it over- or underflows.
#[inline]
pub(super) fn scale(x: f64, exponent: i32, up: bool) -> f64 {
    if exponent.abs() <= 1000 {
        let scaled = x * f64::from_bits(((exponent + 1023) as u64) << 52);
        // A normal result is exact; below 2⁻¹⁰²² bits may have been lost.
        if scaled.is_normal() {
            return scaled;
        }
    }
    scale_out_of_range(x, exponent, up)
}

#[cold]
fn scale_out_of_range(x: f64, exponent: i32, up: bool) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x;
    }
    let (negative, magnitude, own) = parts(x);
    let exact = Exact { negative, magnitude: u128::from(magnitude), exponent: own + exponent, cut: false };
    if up { exact.up() } else { exact.down() }
}

//! Arguments of trigonometric functions modulo π/2, for every double, by integers (after Payne and Hanek).

use super::double::Double;
use super::exponential::power_of_two;

/// The first 1280 bits of 2/π after the binary point, behind 64 zeros.
const TWO_OVER_PI: [u64; 21] = [
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
];

/// `x = (4k + quadrant)·π/2 + rest` with |rest| ≤ π/4 to 2⁻¹⁰⁰ of itself.
#[derive(Clone, Copy)]
pub(super) struct Reduced {
    /// 0 to 3.
    pub(super) quadrant: u8,
    pub(super) rest: Double,
}

impl Reduced {
    /// Of a finite double.
    pub(super) fn of(x: f64) -> Self {
        if x.abs() < core::f64::consts::FRAC_PI_4 {
            return Self { quadrant: 0, rest: Double::new(x) };
        }
        let Self { quadrant, rest } = Self::of_positive(x.abs());
        if x < 0.0 { Self { quadrant: (4 - quadrant) % 4, rest: -rest } } else { Self { quadrant, rest } }
    }

    /// Which quarter turn `x` lies in, counted from 0 and modulo 4.
    pub(super) fn quarter(self) -> u8 {
        if self.rest.hi < 0.0 { (self.quadrant + 3) % 4 } else { self.quadrant }
    }

    /// With `x = m·2ᵉ` the bits of 2/π above `2^(2−e)` contribute multiples of 4 to `x·2/π`. The 256 bits from there on,
    /// times `m`, modulo 2²⁵⁶, are two bits of quadrant and 254 of fraction. What was cut off is below 2⁻²⁰¹, and no
    /// double is nearer than 2⁻⁶² to a multiple of π/2.
    fn of_positive(x: f64) -> Self {
        let m = x.to_bits() & ((1 << 52) - 1) | 1 << 52;
        let e = (x.to_bits() >> 52) as i32 - 1075;
        let start = (e + 62) as usize;
        let (word, shift) = (start / 64, start % 64);
        let mut product = [0_u64; 4];
        let mut carry = 0_u128;
        for i in (0..4).rev() {
            let pair = u128::from(TWO_OVER_PI[word + i]) << 64 | u128::from(TWO_OVER_PI[(word + i + 1).min(20)]);
            let sum = u128::from((pair << shift >> 64) as u64) * u128::from(m) + carry;
            product[i] = sum as u64;
            carry = sum >> 64;
        }
        let quadrant = (product[0] >> 62) as u8;
        // The fraction as a signed number: beyond ½ count from the next quadrant.
        let high = u128::from(product[0]) << 64 | u128::from(product[1]);
        let low = u128::from(product[2]) << 64 | u128::from(product[3]);
        let (high, low) = (high << 2 | low >> 126, low << 2);
        let negative = high >> 127 == 1;
        let (high, low) = if negative {
            let (low, borrow) = 0_u128.overflowing_sub(low);
            (0_u128.wrapping_sub(high).wrapping_sub(u128::from(borrow)), low)
        } else {
            (high, low)
        };
        let zeros = high.leading_zeros();
        let top = if zeros == 0 { high } else { high << zeros | low >> (128 - zeros) };
        let (first, second) = ((top >> 75) as u64, (top >> 22) as u64 & ((1 << 53) - 1));
        let scale = power_of_two(-53 - zeros as i32);
        let fraction = Double::sum(first as f64 * scale, second as f64 * (scale * power_of_two(-53)));
        let rest = fraction * Double::FRAC_PI_2;
        if negative { Self { quadrant: (quadrant + 1) % 4, rest: -rest } } else { Self { quadrant, rest } }
    }
}

//! Literals of random digits are read outward to the neighbouring doubles, against exact fractions and powers.

mod oracle;

use astro_float::{BigFloat, RoundingMode};
use oracle::{Bits, judge};
use sobolev::interval::Interval;

const BITS: usize = 2400;

fn add(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.add(b, BITS, RoundingMode::None)
}

/// `±n`, exactly.
fn integer(n: u128, negative: bool) -> BigFloat {
    let power = |k: i32| oracle::exact(2_f64.powi(k));
    let parts = [n >> 96, n >> 48 & 0xffff_ffff_ffff, n & 0xffff_ffff_ffff].map(|part| oracle::exact(part as f64));
    let [high, middle, low] = parts;
    let value = add(&add(&high.mul_full_prec(&power(96)), &middle.mul_full_prec(&power(48))), &low);
    if negative { value.neg() } else { value }
}

/// `x·base^exponent`, by a quotient where it is one: exact where that ends.
fn scale(x: &BigFloat, base: f64, exponent: i32) -> BigFloat {
    let size = oracle::exact(base).powi(exponent.unsigned_abs() as usize, BITS, RoundingMode::None);
    if exponent < 0 { x.div(&size, BITS, RoundingMode::None) } else { x.mul(&size, BITS, RoundingMode::None) }
}

/// An integer with so many bits.
fn random(bits: &mut Bits, most: u32) -> u128 {
    let size = 1 + bits.next() as u32 % most;
    (u128::from(bits.next()) << 64 | u128::from(bits.next())) >> (128 - size)
}

#[track_caller]
fn assert_tightest(text: &str, least: &BigFloat, greatest: &BigFloat) {
    let range: Interval = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let outcome = judge(range, least, greatest, 0, 0.0);
    assert_eq!(outcome, Ok(()), "{text}: {range:?}");
}

#[test]
fn fractions_are_tightest() {
    let mut bits = Bits(0x5851_f42d_4c95_7f2d);
    for _ in 0..20_000 {
        let (a, b, negative) = (random(&mut bits, 126), random(&mut bits, 126).max(1), bits.next() & 1 == 0);
        let value = integer(a, negative).div(&integer(b, false), 1024, RoundingMode::None);
        assert_tightest(&format!("{}{a}/{b}", if negative { "-" } else { "" }), &value, &value);
    }
}

#[test]
fn hexadecimal_numbers_are_tightest() {
    let mut bits = Bits(0x1405_7b7e_f767_814f);
    for k in 0..20_000 {
        let (whole, fraction, negative) = (random(&mut bits, 80).max(1), random(&mut bits, 120), bits.next() & 1 == 0);
        // Any size, and where doubles end on either side.
        let exponent =
            [bits.next() as i32 % 1200, -1074 - (whole.ilog2() as i32 % 64), 1023 - whole.ilog2() as i32][k % 3];
        let value = add(&integer(whole, false), &scale(&integer(fraction, false), 2.0, -120));
        let value = scale(&value, 2.0, exponent);
        let value = if negative { value.neg() } else { value };
        let text = format!("{}0x{whole:x}.{fraction:030x}p{exponent}", if negative { "-" } else { "" });
        assert_tightest(&text, &value, &value);
    }
}

#[test]
fn uncertain_numbers_are_tightest() {
    let mut bits = Bits(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let (centre, radius, negative) = (random(&mut bits, 110), random(&mut bits, 110), bits.next() & 1 == 0);
        let digits = centre.to_string();
        let decimals = bits.next() as usize % digits.len();
        let exponent = bits.next() as i32 % 300;
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals > 0 { "." } else { "" };
        let (direction, down, up) = [("", 1.0, 1.0), ("u", 0.0, 1.0), ("d", 1.0, 0.0)][bits.next() as usize % 3];
        let (text, radius) = if bits.next() & 1 == 0 {
            (radius.to_string(), integer(radius, false))
        } else {
            (String::new(), oracle::exact(0.5))
        };
        let bound = |share: f64| {
            let sum = add(&integer(centre, negative), &radius.mul_full_prec(&oracle::exact(share)));
            scale(&sum, 10.0, exponent - decimals as i32)
        };
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{whole}{point}{fraction}?{text}{direction}e{exponent}");
        assert_tightest(&text, &bound(-down), &bound(up));
    }
}

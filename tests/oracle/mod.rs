//! Arbitrary-precision values of everything that `Interval` computes, and the check of an enclosure against them.
#![allow(dead_code, reason = "each test that shares this module uses a part of it")]

use astro_float::{BigFloat, Consts, RoundingMode};
use sobolev::interval::Interval;

/// Bits carried: enough for the reduction of 2¹⁰²³ modulo π with 100 bits to spare.
pub(crate) const PRECISION: usize = 1280;
/// To nearest.
pub(crate) const NEAREST: RoundingMode = RoundingMode::ToEven;

/// A calculator: the constants are cached in it.
pub(crate) struct Oracle {
    pub(crate) consts: Consts,
    /// Bits carried.
    pub(crate) precision: usize,
}

impl Oracle {
    pub(crate) fn new(precision: usize) -> Self {
        Self { consts: Consts::new().expect("memory for the cache"), precision }
    }
    pub(crate) fn of(&self, x: f64) -> BigFloat {
        let mut x = exact(x);
        x.set_precision(self.precision, NEAREST).expect("memory");
        x
    }
    pub(crate) fn add(&self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        a.add(b, self.precision, NEAREST)
    }
    pub(crate) fn sub(&self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        a.sub(b, self.precision, NEAREST)
    }
    pub(crate) fn mul(&self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        a.mul(b, self.precision, NEAREST)
    }
    pub(crate) fn div(&self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        a.div(b, self.precision, NEAREST)
    }
    pub(crate) fn sqrt(&self, a: &BigFloat) -> BigFloat {
        a.sqrt(self.precision, NEAREST)
    }
    pub(crate) fn exp(&mut self, a: &BigFloat) -> BigFloat {
        a.exp(self.precision, NEAREST, &mut self.consts)
    }
    pub(crate) fn ln(&mut self, a: &BigFloat) -> BigFloat {
        a.ln(self.precision, NEAREST, &mut self.consts)
    }
    pub(crate) fn pi(&mut self) -> BigFloat {
        self.consts.pi(self.precision, NEAREST)
    }
    /// `1/(1 + e⁻ˣ)`
    pub(crate) fn sigmoid(&mut self, x: &BigFloat) -> BigFloat {
        let e = self.exp(&x.neg());
        let one = self.of(1.0);
        self.div(&one, &self.add(&one, &e))
    }
    /// The angle of the direction `(x, y)`.
    pub(crate) fn angle(&mut self, y: f64, x: &BigFloat) -> BigFloat {
        let y = self.of(y);
        let (precision, pi) = (self.precision, self.pi());
        let angle = self.div(&y, x).atan(precision, NEAREST, &mut self.consts);
        match (x.is_negative(), y.is_negative()) {
            (false, _) => angle,
            (true, false) => self.add(&angle, &pi),
            (true, true) => self.sub(&angle, &pi),
        }
    }
    /// The series of all positive terms `2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!`.
    pub(crate) fn erf(&mut self, x: &BigFloat) -> BigFloat {
        let square = self.mul(x, x);
        let twice = self.add(&square, &square);
        let (mut term, mut sum, mut n) = (x.clone(), x.clone(), 1.0);
        while !term.is_zero() && term.exponent() > sum.exponent().map(|e| e - self.precision as i32) {
            n += 2.0;
            term = self.div(&self.mul(&term, &twice), &self.of(n));
            sum = self.add(&sum, &term);
        }
        let pi = self.pi();
        let scale = self.div(&self.of(2.0), &self.sqrt(&pi));
        let gaussian = self.exp(&square.neg());
        self.mul(&self.mul(&scale, &gaussian), &sum)
    }
}

/// How a bound fails.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    /// The value lies outside.
    Outside,
    /// More than the stated number of steps could be taken inward.
    Loose,
}

/// Whether `[lo, hi]` contains `[least, greatest]`, and is no more than `ulps` steps outside of the tightest bounds, or
/// `slack` in absolute terms.
pub(crate) fn judge(
    range: Interval,
    least: &BigFloat,
    greatest: &BigFloat,
    ulps: u32,
    slack: f64,
) -> Result<(), Failure> {
    let (lo, hi) = (range.inf(), range.sup());
    if range.is_empty() || exact(lo) > *least || exact(hi) < *greatest {
        return Err(Failure::Outside);
    }
    // One step more than allowed must cross the value.
    let (mut raised, mut lowered) = (lo, hi);
    for _ in 0..=ulps {
        (raised, lowered) = (raised.next_up(), lowered.next_down());
    }
    let loose = |inward: f64, shifted: f64, below: bool, bound: &BigFloat| {
        let crossed = |x: f64| if below { exact(x) > *bound } else { exact(x) < *bound };
        !(crossed(inward) || crossed(shifted))
    };
    if loose(raised, lo + slack, true, least) || loose(lowered, hi - slack, false, greatest) {
        return Err(Failure::Loose);
    }
    Ok(())
}

/// The double itself; subnormal ones by way of a normal one, which is all that the library converts exactly.
pub(crate) fn exact(x: f64) -> BigFloat {
    if x.is_subnormal() {
        BigFloat::from_f64(x * 2.0_f64.powi(200), 64).mul(&BigFloat::from_f64(2.0_f64.powi(-200), 64), 64, NEAREST)
    } else {
        BigFloat::from_f64(x, 64)
    }
}

/// xorshift64*: bit patterns for the tests, the same on every machine.
pub(crate) struct Bits(pub(crate) u64);

impl Bits {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
    /// A finite double of any size: random bits.
    pub(crate) fn any(&mut self) -> f64 {
        loop {
            let x = f64::from_bits(self.next());
            if x.is_finite() {
                return x;
            }
        }
    }
    /// Of either sign, with exponents uniform in the given range.
    pub(crate) fn sized(&mut self, low: i32, high: i32) -> f64 {
        let exponent = low + (self.next() % (high - low + 1) as u64) as i32;
        let x = (1.0 + self.unit()) * 2.0_f64.powi(exponent);
        if self.next() & 1 == 0 { x } else { -x }
    }
}

/// The mutants: either bound one ulp inward.
pub(crate) const INWARD: [fn(Interval) -> Interval; 2] = [
    |x| Interval::new(x.inf().next_up(), x.sup()).unwrap_or(Interval::EMPTY),
    |x| Interval::new(x.inf(), x.sup().next_down()).unwrap_or(Interval::EMPTY),
];

//! Point activations at the far ends of their arguments, against interval enclosures, which are held to arbitrary precision.

mod oracle;

use oracle::Bits;
use sobolev::interval::Interval;
use sobolev::math::{Activation, Real};

/// The distance of a number from an enclosure.
fn distance(x: f64, range: Interval) -> f64 {
    (range.inf() - x).max(x - range.sup()).max(0.0)
}

/// Arguments of one precision: to the end of the range in which the documented accuracy holds, about it, and beyond.
fn arguments(end: f64, largest: f64, least: f64) -> Vec<f64> {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let mut all = vec![0.0, least, 3.0 * least, 1e3 * least, end, largest, 1.5 * end];
    for _ in 0..2000 {
        all.push(end * (0.9 + 0.2 * bits.unit()));
        all.push((end.ln() + (largest.ln() - end.ln()) * bits.unit()).exp().min(largest));
        all.push(bits.unit() * end);
    }
    all.iter().flat_map(|&x| [x, -x]).collect()
}

/// The largest excess over `4 ulp or 4·EPSILON` for |x| ≤ `end`, and over `4·EPSILON·max(1, |y|) + |x|·tail` beyond.
fn check<T: Real>(end: f64, tail: f64, largest: f64, least: f64) {
    let epsilon = T::EPSILON.to_f64();
    for x in arguments(end, largest, least) {
        let x = T::of(x);
        for function in Activation::ALL {
            for order in 0..4 {
                let got = x.activation(function, order);
                assert!(got.is_finite(), "{function}, order {order}, at {x:?}");
                let range = Interval::point(x.to_f64()).activation(function, order);
                // The slope of ReLU at its kink is a convention.
                if function == Activation::Relu && x == T::ZERO {
                    continue;
                }
                let size = x.to_f64().abs();
                let beyond = if size <= end { 0.0 } else { size * tail };
                let allowed = 4.0 * epsilon * range.mag().max(1.0) + beyond;
                let off = distance(got.to_f64(), range);
                assert!(off <= allowed, "{function}, order {order}, at {x:?}: {got:?} is {off:e} from {range}");
            }
        }
    }
}

#[test]
fn doubles_keep_the_documented_accuracy() {
    check::<f64>(700.0, 2.0 * (-708_f64).exp(), 0.25 * f64::MAX, f64::from_bits(1));
}

#[test]
fn singles_keep_the_documented_accuracy() {
    check::<f32>(80.0, 2.0 * (-87_f64).exp(), f64::from(f32::MAX) * 0.25, f32::from_bits(1).into());
}

//! Writing intervals as text, outward: what is written contains what was held.

use core::cmp::Ordering;
use core::fmt;

use super::Interval;
use super::decimal::{Text, compare};

/// Outward: shortest decimals that identify the bounds where these lie outside or exactly there, 17 digits rounded
/// outward where not; with a precision, as many decimals, rounded outward.
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// let x = Interval::ONE / Interval::point(3.0);
/// assert_eq!(format!("{x:.3}"), "[0.333, 0.334]");
/// assert_eq!(Interval::new(0.5, 2.0).unwrap().to_string(), "[0.5, 2]");
/// assert_eq!(Interval::EMPTY.to_string(), "∅");
/// ```
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("∅");
        }
        f.write_str("[")?;
        f.write_str(written(self.inf() + 0.0, Ordering::Greater, f.precision()).as_str())?;
        f.write_str(", ")?;
        f.write_str(written(self.sup(), Ordering::Less, f.precision()).as_str())?;
        f.write_str("]")
    }
}

/// A bound as text that is not on the `wrong` side of it.
fn written(x: f64, wrong: Ordering, decimals: Option<usize>) -> Text {
    if x.is_infinite() {
        return Text::of(format_args!("{x}"));
    }
    let plain = x == 0.0 || (1e-5..1e16).contains(&x.abs());
    let mut text = match decimals {
        // No double has more decimals.
        Some(decimals) => Text::of(format_args!("{x:.*}", decimals.min(1074))),
        None => {
            let shortest = if plain { Text::of(format_args!("{x}")) } else { Text::of(format_args!("{x:e}")) };
            if compare(shortest.as_str(), x) != wrong {
                return shortest;
            }
            if plain {
                Text::of(format_args!("{x:.*}", (16 - libm::floor(libm::log10(x.abs())) as i32).max(0) as usize))
            } else {
                Text::of(format_args!("{x:.16e}"))
            }
        }
    };
    if compare(text.as_str(), x) == wrong {
        // Down for a lower bound, up for an upper one.
        text.step((wrong == Ordering::Greater) == (x < 0.0));
    }
    text
}

/// The bounds themselves, in the shortest decimals that identify them.
impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("∅") } else { write!(f, "[{:?}, {:?}]", self.inf() + 0.0, self.sup()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn writes_outward() {
        let x = |lo, hi| Interval::new(lo, hi).unwrap();
        assert_eq!(x(0.1, 0.1).to_string(), "[0.1, 0.10000000000000001]");
        assert_eq!(format!("{:.2}", x(0.999, 0.999)), "[0.99, 1.00]");
        assert_eq!(format!("{:.2}", x(-9.999, 99.999)), "[-10.00, 100.00]");
        assert_eq!(format!("{:.0}", x(-0.1, 0.1)), "[-1, 1]");
        assert_eq!(format!("{:.3}", x(-0.0004, 0.0004)), "[-0.001, 0.001]");
        assert_eq!(x(-1e300, f64::INFINITY).to_string(), "[-1.0000000000000001e300, inf]");
        assert_eq!(format!("{:?}", x(-0.1, 0.1)), "[-0.1, 0.1]");
    }
}

//! Reading and writing intervals as text, outward: what is read contains what was written, what is written contains what
//! was held.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use super::Interval;
use super::decimal::{Text, compare, compare_decimals};

/// Text that is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIntervalError;

impl fmt::Display for ParseIntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no interval; expected [lower, upper], [number], number, [empty] or [entire]")
    }
}

impl core::error::Error for ParseIntervalError {}

/// `[0.1, 0.2]`, `[0.1]` or `0.1`; a bound that is missing or `inf` is none; `[empty]`, `[]`, `∅`, `[entire]`. Numbers are those
/// of [`f64`]'s own syntax, of any length.
///
/// Of the literals of IEEE 1788 those for rational and hexadecimal numbers and for uncertain ones (`1/3`, `0x1p-2`, `3.56?1`)
/// are refused.
///
/// # Guarantee
/// The tightest interval of doubles that contains the interval of the decimal numbers.
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// let tenth: Interval = "0.1".parse()?;
/// assert!(tenth.inf() < tenth.sup()); // 1/10 lies between two doubles
/// assert_eq!("[-1, 2.5]".parse(), Ok(Interval::new(-1.0, 2.5).unwrap()));
/// assert!("[2, 1]".parse::<Interval>().is_err());
/// # Ok::<(), sobolev::interval::ParseIntervalError>(())
/// ```
impl FromStr for Interval {
    type Err = ParseIntervalError;

    fn from_str(text: &str) -> Result<Self, ParseIntervalError> {
        let text = text.trim();
        if text == "∅" {
            return Ok(Self::EMPTY);
        }
        let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::trim) else {
            return Self::from_bounds(text, text);
        };
        if inside.is_empty() || inside.eq_ignore_ascii_case("empty") {
            return Ok(Self::EMPTY);
        }
        if inside.eq_ignore_ascii_case("entire") {
            return Ok(Self::ENTIRE);
        }
        match inside.split_once(',') {
            None => Self::from_bounds(inside, inside),
            Some((lower, upper)) => {
                let (lower, upper) = (lower.trim(), upper.trim());
                let lower = if lower.is_empty() { "-inf" } else { lower };
                Self::from_bounds(lower, if upper.is_empty() { "inf" } else { upper })
            }
        }
    }
}

impl Interval {
    fn from_bounds(lower: &str, upper: &str) -> Result<Self, ParseIntervalError> {
        let (lo, hi) = (read(lower, Ordering::Greater)?, read(upper, Ordering::Less)?);
        // Rounding outward would hide that two neighbouring bounds are crossed.
        let crossed = is_number(lower) && is_number(upper) && compare_decimals(lower, upper).is_gt();
        if crossed { Err(ParseIntervalError) } else { Self::new(lo, hi).map_err(|_| ParseIntervalError) }
    }
}

/// The double next to a decimal number that is not on the `wrong` side of it: not greater for a lower bound, not less for
/// an upper one.
fn read(decimal: &str, wrong: Ordering) -> Result<f64, ParseIntervalError> {
    let nearest: f64 = decimal.parse().map_err(|_| ParseIntervalError)?;
    if nearest.is_nan() {
        return Err(ParseIntervalError);
    }
    if !is_number(decimal) {
        return Ok(nearest);
    }
    // A finite number that overflowed lies inside of the infinity it was rounded to.
    let side = match nearest {
        f64::INFINITY => Ordering::Greater,
        f64::NEG_INFINITY => Ordering::Less,
        _ => compare(decimal, nearest).reverse(),
    };
    Ok(match (side == wrong, wrong) {
        (true, Ordering::Greater) => nearest.next_down(),
        (true, _) => nearest.next_up(),
        _ => nearest,
    })
}

/// Rather than `inf` or `nan` in any spelling.
fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

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
    use super::{Interval, ParseIntervalError};

    fn parsed(text: &str) -> (f64, f64) {
        let x: Interval = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        (x.inf(), x.sup())
    }

    #[test]
    fn reads_the_tightest_enclosure() {
        // 0.1 is below its nearest double, 0.3 above.
        assert_eq!(parsed("0.1"), (0.1_f64.next_down(), 0.1));
        assert_eq!(parsed("[0.3]"), (0.3, 0.3_f64.next_up()));
        assert_eq!(parsed(" [ -0.1 , 1e1 ] "), (-0.1, 10.0));
        // The exact expansion of the double 0.1, and a unit more and less in a digit far beyond it.
        let exact = "0.1000000000000000055511151231257827021181583404541015625";
        assert_eq!(parsed(exact), (0.1, 0.1));
        assert_eq!(parsed(&format!("{exact}{}1", "0".repeat(900))), (0.1, 0.1_f64.next_up()));
        assert_eq!(parsed("0.10000000000000000555111512312578270211815834045410156249"), (0.1_f64.next_down(), 0.1));
        assert_eq!(parsed("1e400"), (f64::MAX, f64::INFINITY));
        assert_eq!(parsed("-1e-400"), (-f64::from_bits(1), 0.0));
        assert_eq!(parsed("1e-99999999999999999999"), (0.0, f64::from_bits(1)));
        assert_eq!(parsed("0e99999999999999999999"), (0.0, 0.0));
        assert_eq!(parsed("[,]"), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(parsed("[-inf, 2]"), (f64::NEG_INFINITY, 2.0));
        assert_eq!("[empty]".parse(), Ok(Interval::EMPTY));
        assert_eq!("[Entire]".parse(), Ok(Interval::ENTIRE));
    }

    #[test]
    fn refuses_what_is_no_interval() {
        let crossed = "[0.10000000000000000001, 0.1]";
        for text in ["", "[", "1,2", "[1,2,3]", "[2,1]", "[nan,1]", "[inf,inf]", "[1;2]", "one", crossed] {
            assert_eq!(text.parse::<Interval>(), Err(ParseIntervalError), "{text}");
        }
    }

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

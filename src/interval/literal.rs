//! Reading intervals from text, outward: what is read contains what was written.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use super::Interval;
use super::decimal::{Text, compare, compare_decimals, offset};
use super::exact::Exact;

/// Text that is no interval: why, where, and how it reads there.
///
/// # Examples
/// ```
/// use sobolev::interval::{Interval, ParseIntervalReason};
/// let error = "[1, two]".parse::<Interval>().unwrap_err();
/// assert_eq!((error.reason, error.at), (ParseIntervalReason::Number, 4));
/// assert_eq!(error.to_string(), "expected a number like 0.1, 1/3 or 0x1.8p1, found “two” at byte 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIntervalError {
    /// What is wrong.
    pub reason: ParseIntervalReason,
    /// The byte at which the part begins that is refused.
    pub at: usize,
    found: Excerpt,
}

/// Why text is no interval.
///
/// # Examples
/// ```
/// use sobolev::interval::{Interval, ParseIntervalReason};
/// let reason = |text: &str| text.parse::<Interval>().unwrap_err().reason;
/// assert_eq!(reason("[2, 1]"), ParseIntervalReason::Crossed);
/// assert_eq!(reason("1/0"), ParseIntervalReason::Fraction);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseIntervalReason {
    /// Nothing, or one bracket of two.
    Brackets,
    /// No number where one belongs.
    Number,
    /// Infinity as a number, as a lower bound, or with a minus as an upper one.
    Infinite,
    /// A fraction other than that of an integer by a positive one.
    Fraction,
    /// A question mark with something else around it than a decimal number, a radius in units of its last digit, a direction
    /// and an exponent; or within brackets.
    Uncertain,
    /// A number with a question mark of more digits than are looked at.
    TooLong,
    /// A lower bound above the upper one.
    Crossed,
}

impl ParseIntervalReason {
    const fn expected(self) -> &'static str {
        match self {
            Self::Brackets => "[lower, upper], [number], number, [empty] or [entire]",
            Self::Number => "a number like 0.1, 1/3 or 0x1.8p1",
            Self::Infinite => "a finite number, or -inf as lower and inf as upper bound",
            Self::Fraction => "an integer by a positive one",
            Self::Uncertain => "a number like 3.56?, 3.56?2, 3.56?2ue1 or 3.56??d, without brackets",
            Self::TooLong => "an uncertain number of at most 1360 digits",
            Self::Crossed => "a lower bound that is not above the upper one",
        }
    }
}

impl fmt::Display for ParseIntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {} at byte {}", self.reason.expected(), self.found, self.at)
    }
}

impl core::error::Error for ParseIntervalError {}

/// The beginning of a text, as much as a message shows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Excerpt {
    bytes: [u8; Self::CAPACITY],
    len: usize,
    cut: bool,
}

impl Excerpt {
    const CAPACITY: usize = 32;

    fn of(text: &str) -> Self {
        let len = (0..=Self::CAPACITY).rfind(|&end| text.is_char_boundary(end)).unwrap_or(0);
        let mut bytes = [0; Self::CAPACITY];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Self { bytes, len, cut: len < text.len() }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = core::str::from_utf8(&self.bytes[..self.len]).expect("cut between characters");
        let more = if self.cut { "…" } else { "" };
        // Escaped, so that a message stays on its line.
        if text.is_empty() { f.write_str("nothing") } else { write!(f, "“{}{more}”", text.escape_debug()) }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The literals of IEEE 1788-2015, 9.7, in any case of letters:
///
/// | | |
/// |---|---|
/// | `[0.1, 0.2]` | a bound left out, or `-inf` below and `inf` above, is none |
/// | `[0.1]`, `0.1` | the one number |
/// | `[empty]`, `[]`, `∅`, `[entire]` | nothing, everything |
/// | `3.56?2`, `3.56?` | 3.56 ± two units, half a unit of the last digit |
/// | `3.56?2u`, `3.56?2d`, `3.56?2e1` | only up, only down, times ten |
/// | `3.56??`, `3.56??u`, `3.56??d` | everything, [3.56, ∞], [−∞, 3.56] |
///
/// Numbers are decimal in [`f64`]'s own syntax, hexadecimal as `0x1.8p-2`, or fractions of integers as `-1/3`.
///
/// # Guarantee
/// The tightest interval of doubles that contains what is written, of whatever length. Two exceptions: a fraction with a part of 38
/// digits or more is the quotient of two numbers read so, within 3 ulp; an uncertain number of more than 1360 digits is refused.
///
/// # Errors
/// [`ParseIntervalError`]. That two bounds are crossed is noticed where both are decimal, or a double lies between.
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// let tenth: Interval = "0.1".parse()?;
/// assert!(tenth.inf() < tenth.sup()); // 1/10 lies between two doubles
/// assert_eq!("[1/10]".parse(), Ok(tenth));
/// assert_eq!("[-1, 0x1.4p1]".parse(), Ok(Interval::new(-1.0, 2.5).unwrap()));
/// assert_eq!("10?2".parse(), Ok(Interval::new(8.0, 12.0).unwrap()));
/// assert!("[2, 1]".parse::<Interval>().is_err());
/// # Ok::<(), sobolev::interval::ParseIntervalError>(())
/// ```
impl FromStr for Interval {
    type Err = ParseIntervalError;

    fn from_str(text: &str) -> Result<Self, ParseIntervalError> {
        interval(text.trim()).map_err(|Refused(reason, part)| ParseIntervalError {
            reason,
            at: part.as_ptr().addr() - text.as_ptr().addr(),
            found: Excerpt::of(part),
        })
    }
}

use ParseIntervalReason as Reason;

/// A part of the text, and why it is refused.
struct Refused<'a>(Reason, &'a str);

fn interval(text: &str) -> Result<Interval, Refused<'_>> {
    if text == "∅" {
        return Ok(Interval::EMPTY);
    }
    let inside = match (text.strip_prefix('['), text.strip_suffix(']')) {
        (None, None) if text.is_empty() => return Err(Refused(Reason::Brackets, text)),
        (None, None) if text.contains('?') => return uncertain(text),
        (None, None) => return number(text),
        (Some(rest), Some(_)) => rest.strip_suffix(']').map(str::trim).ok_or(Refused(Reason::Brackets, text))?,
        _ => return Err(Refused(Reason::Brackets, text)),
    };
    if inside.is_empty() || inside.eq_ignore_ascii_case("empty") {
        return Ok(Interval::EMPTY);
    }
    if inside.eq_ignore_ascii_case("entire") {
        return Ok(Interval::ENTIRE);
    }
    let Some((lower, upper)) = inside.split_once(',') else { return number(inside) };
    let (lower, upper) = (lower.trim(), upper.trim());
    let lo = if is_infinity(lower, f64::NEG_INFINITY) { f64::NEG_INFINITY } else { number(lower)?.inf() };
    let hi = if is_infinity(upper, f64::INFINITY) { f64::INFINITY } else { number(upper)?.sup() };
    // Rounding outward would hide that two neighbouring bounds are crossed.
    let crossed = is_decimal(lower) && is_decimal(upper) && compare_decimals(lower, upper).is_gt();
    if crossed { None } else { Interval::new(lo, hi).ok() }.ok_or(Refused(Reason::Crossed, inside))
}

fn is_infinity(text: &str, infinity: f64) -> bool {
    text.is_empty() || text.parse() == Ok(infinity) && !text.contains(|c: char| c.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// The tightest interval around one number.
fn number(text: &str) -> Result<Interval, Refused<'_>> {
    if let Some((above, below)) = text.split_once('/') {
        return fraction(above, below).ok_or(Refused(Reason::Fraction, text));
    }
    if let Some(exact) = hexadecimal(text) {
        return Ok(Interval::raw(exact.down(), exact.up()));
    }
    match text.parse::<f64>() {
        Ok(nearest) if is_decimal(text) => Ok(around(text, nearest)),
        Ok(nearest) if nearest.is_infinite() => Err(Refused(Reason::Infinite, text)),
        _ if text.contains('?') => Err(Refused(Reason::Uncertain, text)),
        _ => Err(Refused(Reason::Number, text)),
    }
}

/// A decimal number and the double nearest to it.
fn around(decimal: &str, nearest: f64) -> Interval {
    // A finite number that overflowed lies inside of the infinity it was rounded to.
    let order = match nearest {
        f64::INFINITY => Ordering::Less,
        f64::NEG_INFINITY => Ordering::Greater,
        _ => compare(decimal, nearest),
    };
    match order {
        Ordering::Less => Interval::raw(nearest.next_down(), nearest),
        Ordering::Equal => Interval::raw(nearest, nearest),
        Ordering::Greater => Interval::raw(nearest, nearest.next_up()),
    }
}

/// Whether it begins with a minus, and the rest.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_natural(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Of an integer by a positive one.
fn fraction(above: &str, below: &str) -> Option<Interval> {
    let (above, below) = (above.trim_end(), below.trim_start());
    let (negative, size) = sign(above);
    if !is_natural(size) || !is_natural(below) || below.bytes().all(|b| b == b'0') {
        return None;
    }
    let small = |text: &str| text.parse::<u128>().ok().filter(|n| n >> 127 == 0);
    Some(match (small(size), small(below)) {
        (Some(a), Some(b)) => {
            let exact = Exact::ratio(negative, a, b);
            Interval::raw(exact.down(), exact.up())
        }
        _ => number(above).ok()? / number(below).ok()?,
    })
}

/// `0x1.8p-2`; the exponent, of two, is decimal and must be there.
fn hexadecimal(text: &str) -> Option<Exact> {
    let (negative, rest) = sign(text);
    let (digits, power) = rest.strip_prefix("0x").or(rest.strip_prefix("0X"))?.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut magnitude, mut shift, mut cut) = (0_u128, 0_i64, false);
    for (digits, place) in [(whole, 0), (fraction, -4)] {
        for c in digits.chars() {
            let digit = c.to_digit(16)?;
            // More than any rounding looks at goes into one bit.
            if magnitude >> 120 == 0 {
                magnitude = magnitude << 4 | u128::from(digit);
                shift += place;
            } else {
                cut |= digit != 0;
                shift += place + 4;
            }
        }
    }
    // Beyond this nothing but the sign of an exponent counts.
    let exponent = exponent(power)?.saturating_add(shift).clamp(-10_000, 10_000) as i32;
    Some(Exact { negative, magnitude, exponent, cut })
}

/// A decimal integer, as large as it may be.
fn exponent(text: &str) -> Option<i64> {
    let (negative, size) = sign(text);
    is_natural(size).then(|| text.parse().unwrap_or(if negative { i64::MIN / 2 } else { i64::MAX / 2 }))
}

/// `m?r`: a decimal number give or take so many units of its last digit, half of one if `r` is not there, any number if it is
/// another `?`; `u` and `d` are the one direction it may be off; an exponent scales both.
fn uncertain(text: &str) -> Result<Interval, Refused<'_>> {
    let refused = Refused(Reason::Uncertain, text);
    let Some((centre, rest)) = text.split_once('?') else { return Err(refused) };
    let (negative, size) = sign(centre);
    let (whole, decimals) = size.split_once('.').unwrap_or((size, ""));
    if !(is_natural(whole) || whole.is_empty() && is_natural(decimals))
        || !(decimals.is_empty() || is_natural(decimals))
    {
        return Err(refused);
    }
    let (unbounded, rest) = rest.strip_prefix('?').map_or((false, rest), |rest| (true, rest));
    let end = if unbounded { 0 } else { rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()) };
    let (radius, rest) = rest.split_at(end);
    let (up, down, rest) = match rest.as_bytes().first() {
        Some(b'u' | b'U') => (true, false, &rest[1..]),
        Some(b'd' | b'D') => (false, true, &rest[1..]),
        _ => (true, true, rest),
    };
    let power = match rest.strip_prefix(['e', 'E']) {
        Some(power) => exponent(power),
        None => rest.is_empty().then_some(0),
    };
    let Some(power) = power else { return Err(refused) };
    // In units of a tenth of that of the last digit.
    let power = power.saturating_sub(decimals.len() as i64 + 1);
    let shifted = |direction: i8| {
        let sum = offset(negative, size, radius, direction).ok_or(Refused(Reason::TooLong, text))?;
        let decimal = Text::of(format_args!("{}e{power}", sum.as_str()));
        Ok(around(decimal.as_str(), decimal.as_str().parse().expect("an integer and an exponent")))
    };
    let lo = if down && unbounded { f64::NEG_INFINITY } else { shifted(-i8::from(down))?.inf() };
    let hi = if up && unbounded { f64::INFINITY } else { shifted(i8::from(up))?.sup() };
    Ok(Interval::raw(lo, hi))
}

#[cfg(test)]
mod tests {
    use super::{Interval, Reason};

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
    fn reads_hexadecimal_numbers() {
        assert_eq!(parsed("0x1.8p+1"), (3.0, 3.0));
        assert_eq!(parsed("[-0X.8P1, 0xffp-4]"), (-1.0, 15.9375));
        let past_one = format!("0x1.{}1p0", "0".repeat(300));
        assert_eq!(parsed(&past_one), (1.0, 1.0_f64.next_up()));
        assert_eq!(parsed(&format!("-0x{}p-1200", "f".repeat(300))), (-1.0, (-1.0_f64).next_up()));
        assert_eq!(parsed("0x1p-1074"), (f64::from_bits(1), f64::from_bits(1)));
        assert_eq!(parsed("0x1.8p-1074"), (f64::from_bits(1), f64::from_bits(2)));
        assert_eq!(parsed("0x1p-99999999999999999999"), (0.0, f64::from_bits(1)));
        assert_eq!(parsed("-0x1p1024"), (f64::NEG_INFINITY, f64::MIN));
        assert_eq!(parsed("0x0p99999999999999999999"), (0.0, 0.0));
        assert_eq!(parsed("0x1.fffffffffffff8p1023"), (f64::MAX, f64::INFINITY));
    }

    #[test]
    fn reads_fractions() {
        let third = Interval::ONE / Interval::point(3.0);
        assert_eq!("1/3".parse(), Ok(third));
        assert_eq!("[-1/3, 2/3]".parse(), Ok((-third).hull(third + third)));
        assert_eq!(parsed("[-4/2, 10/5]"), (-2.0, 2.0));
        assert_eq!(parsed("-0/7"), (0.0, 0.0));
        // 1 + 2⁻⁵³, between two doubles.
        assert_eq!(parsed("9007199254740993/9007199254740992"), (1.0, 1.0_f64.next_up()));
        let long = format!("1{0}/3{0}", "0".repeat(40));
        let (lo, hi) = parsed(&long);
        assert!(third.is_subset(Interval::new(lo, hi).unwrap()) && hi - lo <= 6.0 * third.width(), "{lo} {hi}");
        let huge = format!("1{}/1", "0".repeat(400));
        assert_eq!(parsed(&huge), (f64::MAX, f64::INFINITY));
    }

    /// The examples of the standard, and the ends of the range.
    #[test]
    fn reads_uncertain_numbers() {
        let hull = |lower: &str, upper: &str| (parsed(lower).0, parsed(upper).1);
        for (text, lower, upper) in [
            ("3.56?1", "3.55", "3.57"),
            ("3.56?1e2", "355", "357"),
            ("3.560?2", "3.558", "3.562"),
            ("3.56?", "3.555", "3.565"),
            ("3.560?2u", "3.560", "3.562"),
            ("3.560?2d", "3.558", "3.560"),
            ("-10?", "-10.5", "-9.5"),
            ("-10?u", "-10", "-9.5"),
            ("-10?12", "-22", "2"),
            ("+.5?7", "-.2", "1.2"),
            ("0.0?5d", "-0.5", "0"),
            ("-0?", "-0.5", "0.5"),
            ("2.500?5UE+4", "25000", "25050"),
            ("99.9?1", "99.8", "100"),
            ("10?3e380", "7e380", "13e380"),
            ("1?e-400", "0.5e-400", "1.5e-400"),
            ("1?1e-99999999999999999999", "0", "2e-400"),
        ] {
            assert_eq!(parsed(text), hull(lower, upper), "{text}");
        }
        assert_eq!(parsed("-10??"), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(parsed("-10??u"), (-10.0, f64::INFINITY));
        assert_eq!(parsed("3.56??ue1"), (parsed("35.6").0, f64::INFINITY));
        assert_eq!(parsed("3.56??d").1, parsed("3.56").1);
        let wide = format!("10?18{}", "0".repeat(400));
        assert_eq!(parsed(&wide), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(parsed(&format!("{wide}d")), (f64::NEG_INFINITY, 10.0));
        let fine = format!("1.{}?", "0".repeat(1300));
        assert_eq!(parsed(&fine), (1.0_f64.next_down(), 1.0_f64.next_up()));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let long = format!("1?{}", "9".repeat(2000));
        for (text, reason, at) in [
            ("", Reason::Brackets, 0),
            (" [", Reason::Brackets, 1),
            ("1]", Reason::Brackets, 0),
            ("1,2", Reason::Number, 0),
            ("[1,2,3]", Reason::Number, 3),
            ("[1;2]", Reason::Number, 1),
            ("[nan,1]", Reason::Number, 1),
            ("one", Reason::Number, 0),
            ("0x1.8", Reason::Number, 0),
            ("0x.p1", Reason::Number, 0),
            ("0x1.8p", Reason::Number, 0),
            ("[0, 0x1.g p1]", Reason::Number, 4),
            ("[2,1]", Reason::Crossed, 1),
            ("[2/3, 1/3]", Reason::Crossed, 1),
            ("[0.10000000000000000001, 0.1]", Reason::Crossed, 1),
            ("[inf,inf]", Reason::Infinite, 1),
            ("[1, -inf]", Reason::Infinite, 4),
            ("Infinity", Reason::Infinite, 0),
            ("1/0", Reason::Fraction, 0),
            ("[0, 1/-3]", Reason::Fraction, 4),
            ("1.5/3", Reason::Fraction, 0),
            ("[3.56?]", Reason::Uncertain, 1),
            ("3.56?-1", Reason::Uncertain, 0),
            ("3.56?1x", Reason::Uncertain, 0),
            ("?1", Reason::Uncertain, 0),
            (".?1", Reason::Uncertain, 0),
            ("1e3?1", Reason::Uncertain, 0),
            ("3.56???", Reason::Uncertain, 0),
            (&long, Reason::TooLong, 0),
        ] {
            let error = text.parse::<Interval>().expect_err(text);
            assert_eq!((error.reason, error.at), (reason, at), "{text}");
            assert!(error.to_string().lines().count() == 1 && error.to_string().len() < 200, "{error}");
        }
        let message = |text: &str| text.parse::<Interval>().unwrap_err().to_string();
        assert_eq!(message("[2, 1]"), "expected a lower bound that is not above the upper one, found “2, 1” at byte 1");
        assert!(message("").ends_with("found nothing at byte 0"));
        assert!(message(&"é\n".repeat(40)).ends_with("é\\né…” at byte 0"));
    }
}

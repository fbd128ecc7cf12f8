//! Decimal text beside doubles, exactly and without an allocator.

use core::cmp::Ordering;
use core::fmt::{self, Write};
use core::iter::{once, repeat};

/// Text on the stack: the longest is that of −MAX with 1074 decimals.
pub(super) struct Text {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let end = self.len + s.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl Text {
    const CAPACITY: usize = 1400;

    /// What `arguments` write.
    pub(super) fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self { bytes: [0; Self::CAPACITY], len: 0 };
        text.write_fmt(arguments).expect("no double is longer");
        text
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).expect("only ASCII is written")
    }

    /// Moves the number by one unit of its last digit, away from zero, or towards it if it is not zero.
    pub(super) fn step(&mut self, away: bool) {
        let exponent = self.bytes[..self.len].iter().position(|&b| b == b'e').unwrap_or(self.len);
        for digit in self.bytes[..exponent].iter_mut().rev().filter(|b| b.is_ascii_digit()) {
            match (*digit, away) {
                (b'9', true) => *digit = b'0',
                (b'0', false) => *digit = b'9',
                (_, true) => {
                    *digit += 1;
                    return;
                }
                (_, false) => {
                    *digit -= 1;
                    return;
                }
            }
        }
        // All nines: a one in front of the zeros.
        let first = self.bytes[..self.len].iter().position(u8::is_ascii_digit).unwrap_or(0);
        self.bytes.copy_within(first..self.len, first + 1);
        self.bytes[first] = b'1';
        self.len += 1;
    }
}

/// `±centre + direction·radius` by digits alone, where the point of the centre is passed over, both are followed by a 0, and
/// a radius that is empty is 5: half a unit of the last digit. `None` for more digits than 1360.
pub(super) fn offset(negative: bool, centre: &str, radius: &str, direction: i8) -> Option<Text> {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let mut sum = [0_i8; 1362];
    let sum = sum.get_mut(..digits(centre).max(digits(radius)) + 2)?;
    let from_last = |text, last| {
        let digits = str::bytes(text).rev().filter(u8::is_ascii_digit).map(|digit| (digit - b'0') as i8);
        once(last).chain(digits).chain(repeat(0))
    };
    let direction = if negative { -direction } else { direction };
    let terms = from_last(centre, 0).zip(from_last(radius, if radius.is_empty() { 5 } else { 0 }));
    let mut carry = 0;
    for (digit, (centre, radius)) in sum.iter_mut().zip(terms) {
        let total = centre + direction * radius + carry;
        (*digit, carry) = (total.rem_euclid(10), total.div_euclid(10));
    }
    let crossed_zero = carry < 0;
    if crossed_zero {
        // What is there is a power of ten less the size.
        carry = 0;
        for digit in sum.iter_mut() {
            let total = carry - *digit;
            (*digit, carry) = (total.rem_euclid(10), total.div_euclid(10));
        }
    }
    let mut text = Text::of(format_args!("{}", if negative != crossed_zero { "-" } else { "" }));
    sum.iter().rev().try_for_each(|digit| write!(text, "{digit}")).ok()?;
    Some(text)
}

/// A decimal number compared with a finite double, exactly.
pub(super) fn compare(decimal: &str, x: f64) -> Ordering {
    // The exact decimal expansion of a double has 767 significant digits at most.
    compare_decimals(decimal, Text::of(format_args!("{x:.766e}")).as_str())
}

/// Two finite decimal numbers of the syntax of [`f64`].
pub(super) fn compare_decimals(a: &str, b: &str) -> Ordering {
    let ((a, a_negative), (b, b_negative)) = (unsigned(a), unsigned(b));
    match (a_negative, b_negative) {
        (false, false) => compare_sizes(a, b),
        (true, true) => compare_sizes(b, a),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// The number without its sign, and whether it is below zero.
fn unsigned(decimal: &str) -> (&str, bool) {
    match decimal.strip_prefix('-') {
        Some(rest) => (rest, digits(rest).next().is_some()),
        None => (decimal.strip_prefix('+').unwrap_or(decimal), false),
    }
}

/// Significant digits, from the first that is not zero on.
fn digits(decimal: &str) -> impl Iterator<Item = u8> {
    mantissa(decimal).bytes().filter(u8::is_ascii_digit).skip_while(|&d| d == b'0')
}

fn mantissa(decimal: &str) -> &str {
    decimal.split(['e', 'E']).next().unwrap_or("")
}

/// Power of ten of the first significant digit.
fn exponent(decimal: &str) -> i64 {
    let written = decimal.split(['e', 'E']).nth(1).unwrap_or("0");
    // Only an exponent beyond any digit string's length can fail to parse.
    let written = written.parse().unwrap_or(if written.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
    let mut parts = mantissa(decimal).split('.');
    let (whole, fraction) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let whole = whole.trim_start_matches('0').len() as i64;
    let zeros = if whole > 0 { 0 } else { fraction.len() - fraction.trim_start_matches('0').len() } as i64;
    written.saturating_add(whole - 1 - zeros)
}

/// Of two numbers without signs.
fn compare_sizes(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (digits(a), digits(b));
    let (mut one, mut two) = (left.next(), right.next());
    match (one, two) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Less,
        (Some(_), None) => return Ordering::Greater,
        _ => {}
    }
    let exponents = exponent(a).cmp(&exponent(b));
    if exponents.is_ne() {
        return exponents;
    }
    while one.is_some() || two.is_some() {
        let order = one.unwrap_or(b'0').cmp(&two.unwrap_or(b'0'));
        if order.is_ne() {
            return order;
        }
        (one, two) = (left.next(), right.next());
    }
    Ordering::Equal
}

//! The suite's own language: `name argument… = result…;`, with comments, in blocks `testcase name { … }`.

use sobolev::interval::Interval;

use super::Token::{self, Bool, Integer, Number, Set, State};
use super::state;

/// The statements of a file, one a line, without comments and blocks.
pub(super) fn statements(text: &str) -> Vec<String> {
    let mut code = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        code.push_str(&rest[..at]);
        rest = rest[at..].find("*/").map_or("", |end| &rest[at + end + 2..]);
    }
    code.push_str(rest);
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join(" ");
    let statement = |part: &str| part.rsplit(['{', '}']).next().unwrap_or("").trim().to_owned();
    code.split(';').map(statement).filter(|part| part.contains('=')).collect()
}

/// Function, arguments and expected results; `None` for decorated intervals and whatever else is not read here.
pub(super) fn case(statement: &str) -> Option<(&str, Vec<Token>, Vec<Token>)> {
    let (left, right) = statement.split_once('=')?;
    let (name, arguments) = left.trim().split_once(char::is_whitespace)?;
    // An exponent of `pown` is an integer.
    let integers = matches!(name, "pown" | "rootn");
    Some((name, tokens(arguments, integers)?, tokens(right, false)?))
}

fn tokens(text: &str, integers: bool) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (token, length) = if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']')?;
            (Set(interval(&inside[..end])?), end + 2)
        } else if let Some(inside) = rest.strip_prefix('"') {
            // What the library itself reads; what it refuses, decorations among it, is not understood.
            let end = inside.find('"')?;
            (Set(inside[..end].parse().ok()?), end + 2)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = &rest[..end];
            let token = match word {
                "true" => Bool(true),
                "false" => Bool(false),
                _ if integers && word.parse::<i32>().is_ok() => Integer(word.parse().ok()?),
                _ => number(word).map(Number).or_else(|| state(word).map(State))?,
            };
            (token, end)
        };
        found.push(token);
        rest = &rest[length..];
        // A decoration would follow without a space.
        if !rest.is_empty() && !rest.starts_with([' ', '\t', ',']) {
            return None;
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    Some(found)
}

fn interval(inside: &str) -> Option<Interval> {
    match inside.trim() {
        "empty" => Some(Interval::EMPTY),
        "entire" => Some(Interval::ENTIRE),
        bounds => {
            let (lo, hi) = bounds.split_once(',').unwrap_or((bounds, bounds));
            Interval::new(number(lo.trim())?, number(hi.trim())?).ok()
        }
    }
}

/// The nearest double: the suite means its literals as numbers of the format under test.
fn number(text: &str) -> Option<f64> {
    let (unsigned, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let size = match unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        Some(hexadecimal) => {
            let (mantissa, exponent) = hexadecimal.split_once(['p', 'P'])?;
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
            let exponent = exponent.parse::<i32>().ok()? - 4 * fraction.len() as i32;
            // In two steps: neither over- nor underflows before the end.
            digits as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2)
        }
        None => unsigned.parse().ok()?,
    };
    Some(if negative { -size } else { size })
}

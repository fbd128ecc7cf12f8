//! The public conformance suite of IEEE 1788 (ITF1788), where its cases are at hand.
//!
//! The folder is named by the variable `ITF1788_DIR`; by default it is `../shared/data/itf1788` beside the project. One line
//! a case: function, number of arguments, arguments, expected results. Basic operations must give exactly the expected
//! bounds, elementary functions must contain them and exceed them by no more than their documentation says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sobolev::interval::Interval;

/// What a function returns or takes.
#[derive(Clone, Copy, Debug)]
enum Token {
    Set(Interval),
    Number(f64),
    Integer(i32),
    Bool(bool),
}
use Token::{Bool, Integer, Number, Set};

/// Steps beyond the expected bounds that an elementary function may take. The expected bounds are the tightest or nearly so.
const ULPS: u32 = 4;

/// The result of a function, and how many steps outward it may be off; `None` if there is no such function here.
fn apply(function: &str, arguments: &[Token]) -> Option<(Vec<Token>, u32)> {
    let exact = |token: Token| Some((vec![token], 0));
    let near = |range: Interval| Some((vec![Set(range)], ULPS));
    match (function, arguments) {
        ("add", &[Set(a), Set(b)]) => exact(Set(a + b)),
        ("sub", &[Set(a), Set(b)]) => exact(Set(a - b)),
        ("mul", &[Set(a), Set(b)]) => exact(Set(a * b)),
        ("div", &[Set(a), Set(b)]) => exact(Set(a / b)),
        ("fma", &[Set(a), Set(b), Set(c)]) => exact(Set(a.mul_add(b, c))),
        ("neg", &[Set(a)]) => exact(Set(-a)),
        ("pos", &[Set(a)]) => exact(Set(a)),
        ("recip", &[Set(a)]) => exact(Set(a.recip())),
        ("sqr", &[Set(a)]) => exact(Set(a.sqr())),
        ("sqrt", &[Set(a)]) => exact(Set(a.sqrt())),
        ("abs", &[Set(a)]) => exact(Set(a.abs())),
        ("min", &[Set(a), Set(b)]) => exact(Set(a.min(b))),
        ("max", &[Set(a), Set(b)]) => exact(Set(a.max(b))),
        ("intersection", &[Set(a), Set(b)]) => exact(Set(a.intersection(b))),
        ("convexHull" | "hull", &[Set(a), Set(b)]) => exact(Set(a.hull(b))),
        // The reverse multiplication divides its second argument by its first.
        ("mulRevToPair", &[Set(b), Set(a)]) => Some((a.div_pair(b).map(Set).to_vec(), 0)),
        ("inf", &[Set(a)]) => exact(Number(a.inf())),
        ("sup", &[Set(a)]) => exact(Number(a.sup())),
        ("mid", &[Set(a)]) => exact(Number(a.mid())),
        ("rad", &[Set(a)]) => exact(Number(a.rad())),
        ("wid", &[Set(a)]) => exact(Number(a.width())),
        ("mag", &[Set(a)]) => exact(Number(a.mag())),
        ("mig", &[Set(a)]) => exact(Number(a.mig())),
        ("isEmpty", &[Set(a)]) => exact(Bool(a.is_empty())),
        ("isEntire", &[Set(a)]) => exact(Bool(a.is_entire())),
        ("isSingleton", &[Set(a)]) => exact(Bool(a.is_point())),
        ("isCommonInterval", &[Set(a)]) => exact(Bool(a.is_bounded())),
        ("isMember", &[Number(x), Set(a)]) => exact(Bool(a.contains(x))),
        ("equal", &[Set(a), Set(b)]) => exact(Bool(a == b)),
        ("subset", &[Set(a), Set(b)]) => exact(Bool(a.is_subset(b))),
        ("interior", &[Set(a), Set(b)]) => exact(Bool(a.is_interior(b))),
        ("disjoint", &[Set(a), Set(b)]) => exact(Bool(a.is_disjoint(b))),
        ("less", &[Set(a), Set(b)]) => exact(Bool(a.is_less(b))),
        ("strictLess", &[Set(a), Set(b)]) => exact(Bool(a.is_strictly_less(b))),
        ("precedes", &[Set(a), Set(b)]) => exact(Bool(a.precedes(b))),
        ("strictPrecedes", &[Set(a), Set(b)]) => exact(Bool(a.strictly_precedes(b))),
        ("exp", &[Set(a)]) => near(a.exp()),
        ("exp2", &[Set(a)]) => near(a.exp2()),
        ("exp10", &[Set(a)]) => near(a.exp10()),
        ("expm1", &[Set(a)]) => near(a.expm1()),
        ("log", &[Set(a)]) => near(a.ln()),
        ("log2", &[Set(a)]) => near(a.log2()),
        ("log10", &[Set(a)]) => near(a.log10()),
        ("log1p" | "logp1", &[Set(a)]) => near(a.ln1p()),
        ("sin", &[Set(a)]) => near(a.sin()),
        ("cos", &[Set(a)]) => near(a.cos()),
        ("tan", &[Set(a)]) => near(a.tan()),
        ("asin", &[Set(a)]) => near(a.asin()),
        ("acos", &[Set(a)]) => near(a.acos()),
        ("atan", &[Set(a)]) => near(a.atan()),
        ("sinh", &[Set(a)]) => near(a.sinh()),
        ("cosh", &[Set(a)]) => near(a.cosh()),
        ("tanh", &[Set(a)]) => near(a.tanh()),
        ("pown", &[Set(a), Integer(n)]) => near(a.powi(n)),
        ("pow", &[Set(a), Set(b)]) => near(a.powf(b)),
        _ => None,
    }
}

/// Whether `got` is `expected`, or contains it with its bounds at most `ulps` steps further out.
fn agrees(got: Token, expected: Token, ulps: u32) -> bool {
    match (got, expected) {
        (Set(got), Set(expected)) if ulps == 0 || expected.is_empty() => got == expected,
        (Set(got), Set(expected)) => {
            let (mut lo, mut hi) = (expected.inf(), expected.sup());
            for _ in 0..ulps {
                (lo, hi) = (lo.next_down(), hi.next_up());
            }
            expected.is_subset(got) && lo <= got.inf() && got.sup() <= hi
        }
        (Number(got), Number(expected)) => got == expected || got.is_nan() && expected.is_nan(),
        (Integer(got), Integer(expected)) => got == expected,
        (Bool(got), Bool(expected)) => got == expected,
        _ => false,
    }
}

/// Zeros compare by value but for `inf`, which is −0, and `sup`, which is +0.
fn same_sign(got: Token, expected: Token) -> bool {
    matches!((got, expected), (Number(got), Number(expected)) if got.is_sign_negative() == expected.is_sign_negative())
}

/// The next token of a line; `None` at the end or where what follows is none (the source).
fn token<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Token> {
    let field = fields.next()?;
    let double = |digits: &str| u64::from_str_radix(digits, 16).ok().map(f64::from_bits);
    let mut words = field.split_whitespace();
    let token = match (words.next()?, words.next(), words.next()) {
        ("E", None, _) => Set(Interval::EMPTY),
        ("I", Some(lo), Some(hi)) => Set(Interval::new(double(lo)?, double(hi)?).ok()?),
        ("N", Some(x), None) => Number(double(x)?),
        ("Z", Some(n), None) => Integer(n.parse().ok()?),
        ("B", Some(b), None) => Bool(matches!(b, "1" | "true")),
        _ => return None,
    };
    Some(token)
}

#[test]
fn itf1788() {
    let named = std::env::var_os("ITF1788_DIR").map(PathBuf::from);
    let folder =
        named.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/itf1788"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(named.is_none(), "ITF1788_DIR names no readable folder: {}", folder.display());
        println!("skipped: there is no folder {}", folder.display());
        return;
    };
    let (mut run, mut unknown) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let mut failures = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "tsv"))
    {
        let text = std::fs::read_to_string(&path).expect("a readable file of cases");
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let mut fields = line.split('\t');
            let (function, count) = (fields.next().unwrap_or(""), fields.next().and_then(|n| n.trim().parse().ok()));
            let arguments = count.and_then(|n| (0..n).map(|_| token(&mut fields)).collect::<Option<Vec<_>>>());
            let Some(arguments) = arguments else {
                *unknown.entry(format!("{function} (arguments not understood)")).or_default() += 1;
                continue;
            };
            let Some((got, ulps)) = apply(function, &arguments) else {
                *unknown.entry(function.to_owned()).or_default() += 1;
                continue;
            };
            *run.entry(function.to_owned()).or_default() += 1;
            let expected: Option<Vec<Token>> = got.iter().map(|_| token(&mut fields)).collect();
            let signed = matches!(function, "inf" | "sup");
            if !expected
                .is_some_and(|e| got.iter().zip(e).all(|(&g, e)| agrees(g, e, ulps) && (!signed || same_sign(g, e))))
            {
                failures.push(format!("{line}\n    got {got:?}"));
            }
        }
    }
    for (function, count) in &run {
        println!("{function:>16} {count:>5} cases");
    }
    for (function, count) in &unknown {
        println!("{function:>16} {count:>5} cases not run: not here");
    }
    println!("{:>16} {:>5} cases", "total", run.values().sum::<usize>());
    assert!(named.is_none() || !run.is_empty(), "ITF1788_DIR is set, but no case ran: {}", folder.display());
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

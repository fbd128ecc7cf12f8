//! The public conformance suite of IEEE 1788 (ITF1788), where its cases are at hand.
//!
//! The folder is named by the variable `ITF1788_DIR`; by default it is `../shared/data/itf1788` beside the project. All
//! files in it and below are read: tables `*.tsv`, one line a case (function, number of arguments, arguments, expected
//! results, tab-separated, numbers as the 16 hexadecimal digits of a double), and the suite's own `*.itl`, of which
//! decorated intervals are left out. Basic operations must give exactly the expected bounds, elementary functions must contain
//! them and exceed them by no more than four steps of `next_up`. Functions that are not here are listed as such.

mod itl;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sobolev::interval::{Interval, Overlap};

/// What a function returns or takes.
#[derive(Clone, Copy, Debug)]
enum Token {
    Set(Interval),
    Number(f64),
    Integer(i32),
    Bool(bool),
    State(Overlap),
}
use Token::{Bool, Integer, Number, Set, State};

/// Steps beyond the expected bounds that an elementary function may take. The expected bounds are the tightest or nearly so.
const ULPS: u32 = 4;

/// The result of a function, and how many steps outward it may be off; `None` if there is no such function here. Names in
/// lower case without underscores: the suite has had several spellings.
fn apply(function: &str, arguments: &[Token]) -> Option<(Vec<Token>, u32)> {
    let basic = match (function, arguments) {
        ("pos", &[Set(a)]) => Set(a),
        ("neg", &[Set(a)]) => Set(-a),
        ("add", &[Set(a), Set(b)]) => Set(a + b),
        ("sub", &[Set(a), Set(b)]) => Set(a - b),
        ("mul", &[Set(a), Set(b)]) => Set(a * b),
        ("div", &[Set(a), Set(b)]) => Set(a / b),
        ("recip" | "inv", &[Set(a)]) => Set(a.recip()),
        ("sqr", &[Set(a)]) => Set(a.sqr()),
        ("sqrt", &[Set(a)]) => Set(a.sqrt()),
        ("fma", &[Set(a), Set(b), Set(c)]) => Set(a.mul_add(b, c)),
        ("abs", &[Set(a)]) => Set(a.abs()),
        ("min", &[Set(a), Set(b)]) => Set(a.min(b)),
        ("max", &[Set(a), Set(b)]) => Set(a.max(b)),
        ("sign", &[Set(a)]) => Set(a.sign()),
        ("ceil", &[Set(a)]) => Set(a.ceil()),
        ("floor", &[Set(a)]) => Set(a.floor()),
        ("trunc", &[Set(a)]) => Set(a.trunc()),
        ("roundtiestoeven", &[Set(a)]) => Set(a.round_ties_even()),
        ("roundtiestoaway", &[Set(a)]) => Set(a.round()),
        ("cancelplus", &[Set(a), Set(b)]) => Set(a.cancel_plus(b)),
        ("cancelminus", &[Set(a), Set(b)]) => Set(a.cancel_minus(b)),
        // The reverse multiplication divides its second argument by its first.
        ("mulrev", &[Set(b), Set(a)]) => Set(a.div_within(b, Interval::ENTIRE)),
        ("mulrev", &[Set(b), Set(a), Set(x)]) => Set(a.div_within(b, x)),
        ("intersection" | "intersect", &[Set(a), Set(b)]) => Set(a.intersection(b)),
        ("convexhull" | "hull", &[Set(a), Set(b)]) => Set(a.hull(b)),
        ("numstointerval" | "b-numstointerval", &[Number(lo), Number(hi)]) => {
            Set(Interval::new(lo, hi).unwrap_or(Interval::EMPTY))
        }
        ("texttointerval" | "b-texttointerval", &[Set(a)]) => Set(a),
        ("inf", &[Set(a)]) => Number(a.inf()),
        ("sup", &[Set(a)]) => Number(a.sup()),
        ("mid", &[Set(a)]) => Number(a.mid()),
        ("rad", &[Set(a)]) => Number(a.rad()),
        ("wid" | "width", &[Set(a)]) => Number(a.width()),
        ("mag", &[Set(a)]) => Number(a.mag()),
        ("mig", &[Set(a)]) => Number(a.mig()),
        ("isempty", &[Set(a)]) => Bool(a.is_empty()),
        ("isentire", &[Set(a)]) => Bool(a.is_entire()),
        // Undecorated intervals are never "not an interval".
        ("isnai", &[Set(_)]) => Bool(false),
        ("issingleton", &[Set(a)]) => Bool(a.is_point()),
        ("iscommoninterval", &[Set(a)]) => Bool(a.is_bounded()),
        ("ismember", &[Number(x), Set(a)]) => Bool(a.contains(x)),
        ("equal", &[Set(a), Set(b)]) => Bool(a == b),
        ("subset", &[Set(a), Set(b)]) => Bool(a.is_subset(b)),
        ("interior", &[Set(a), Set(b)]) => Bool(a.is_interior(b)),
        ("disjoint", &[Set(a), Set(b)]) => Bool(a.is_disjoint(b)),
        ("less", &[Set(a), Set(b)]) => Bool(a.is_less(b)),
        ("strictless" | "strictlyless", &[Set(a), Set(b)]) => Bool(a.is_strictly_less(b)),
        ("precedes", &[Set(a), Set(b)]) => Bool(a.precedes(b)),
        ("strictprecedes" | "strictlyprecedes", &[Set(a), Set(b)]) => Bool(a.strictly_precedes(b)),
        ("overlap", &[Set(a), Set(b)]) => State(a.overlap(b)),
        ("mulrevtopair" | "mulrevpair", &[Set(b), Set(a)]) => return Some((a.div_pair(b).map(Set).to_vec(), 0)),
        ("midrad", &[Set(a)]) => {
            let (mid, rad) = a.mid_rad();
            return Some((vec![Number(mid), Number(rad)], 0));
        }
        _ => return elementary(function, arguments).map(|range| (vec![Set(range)], ULPS)),
    };
    Some((vec![basic], 0))
}

fn elementary(function: &str, arguments: &[Token]) -> Option<Interval> {
    Some(match (function, arguments) {
        ("exp", &[Set(a)]) => a.exp(),
        ("exp2", &[Set(a)]) => a.exp2(),
        ("exp10", &[Set(a)]) => a.exp10(),
        ("expm1", &[Set(a)]) => a.expm1(),
        ("log" | "ln", &[Set(a)]) => a.ln(),
        ("log2", &[Set(a)]) => a.log2(),
        ("log10", &[Set(a)]) => a.log10(),
        ("logp1" | "log1p", &[Set(a)]) => a.ln1p(),
        ("sin", &[Set(a)]) => a.sin(),
        ("cos", &[Set(a)]) => a.cos(),
        ("tan", &[Set(a)]) => a.tan(),
        ("asin", &[Set(a)]) => a.asin(),
        ("acos", &[Set(a)]) => a.acos(),
        ("atan", &[Set(a)]) => a.atan(),
        ("atan2", &[Set(y), Set(x)]) => y.atan2(x),
        ("sinh", &[Set(a)]) => a.sinh(),
        ("cosh", &[Set(a)]) => a.cosh(),
        ("tanh", &[Set(a)]) => a.tanh(),
        ("asinh", &[Set(a)]) => a.asinh(),
        ("acosh", &[Set(a)]) => a.acosh(),
        ("atanh", &[Set(a)]) => a.atanh(),
        ("erf", &[Set(a)]) => a.erf(),
        ("pown" | "powi", &[Set(a), Integer(n)]) => a.powi(n),
        ("pow", &[Set(a), Set(b)]) => a.powf(b),
        ("rootn", &[Set(a), Integer(n)]) => a.rootn(n),
        ("cbrt", &[Set(a)]) => a.rootn(3),
        ("hypot", &[Set(a), Set(b)]) => a.hypot(b),
        _ => return None,
    })
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
        (Number(got), Number(expected)) => got == expected || (got.is_nan() && expected.is_nan()),
        (Integer(got), Integer(expected)) => got == expected,
        (Bool(got), Bool(expected)) => got == expected,
        (State(got), State(expected)) => got == expected,
        _ => false,
    }
}

/// Zeros compare by value but for `inf`, which is −0, and `sup`, which is +0.
fn same_sign(got: Token, expected: Token) -> bool {
    matches!((got, expected), (Number(got), Number(expected)) if got.is_sign_negative() == expected.is_sign_negative())
}

fn canonical(name: &str) -> String {
    name.chars().filter(|c| *c != '_').collect::<String>().to_lowercase()
}

/// The states of `overlap` under the names of the standard.
fn state(name: &str) -> Option<Overlap> {
    Some(match canonical(name).as_str() {
        "bothempty" => Overlap::BothEmpty,
        "firstempty" => Overlap::FirstEmpty,
        "secondempty" => Overlap::SecondEmpty,
        "before" => Overlap::Before,
        "meets" => Overlap::Meets,
        "overlaps" => Overlap::Overlaps,
        "starts" => Overlap::Starts,
        "containedby" => Overlap::ContainedBy,
        "finishes" => Overlap::Finishes,
        "equal" | "equals" => Overlap::Equals,
        "finishedby" => Overlap::FinishedBy,
        "contains" => Overlap::Contains,
        "startedby" => Overlap::StartedBy,
        "overlappedby" => Overlap::OverlappedBy,
        "metby" => Overlap::MetBy,
        "after" => Overlap::After,
        _ => return None,
    })
}

/// The next token of a line; `None` at the end or where what follows is none (the source).
fn token<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Token> {
    let double = |digits: &str| match digits.len() {
        16 => u64::from_str_radix(digits, 16).ok().map(f64::from_bits),
        _ => digits.parse().ok(),
    };
    let words: Vec<&str> = fields.next()?.split_whitespace().collect();
    Some(match words[..] {
        ["E"] => Set(Interval::EMPTY),
        ["I", "entire"] => Set(Interval::ENTIRE),
        ["I", "empty"] => Set(Interval::EMPTY),
        ["I", lo, hi] => Set(Interval::new(double(lo)?, double(hi)?).ok()?),
        ["N", x] => Number(double(x)?),
        ["Z", n] => Integer(n.parse().ok()?),
        ["B", "1" | "true"] => Bool(true),
        ["B", "0" | "false"] => Bool(false),
        // A state, with or without a letter that announces it.
        [name] | [_, name] => State(state(name)?),
        _ => return None,
    })
}

/// How the cases went.
#[derive(Default)]
struct Tally {
    run: BTreeMap<String, usize>,
    unknown: BTreeMap<String, usize>,
    failures: Vec<String>,
}

impl Tally {
    /// A line of a table.
    fn line(&mut self, line: &str) {
        let mut fields = line.split('\t');
        let (name, count) = (fields.next().unwrap_or("").trim(), fields.next().and_then(|n| n.trim().parse().ok()));
        let arguments = count.and_then(|n| (0..n).map(|_| token(&mut fields)).collect::<Option<Vec<_>>>());
        // What follows the expected results, the source and its licence, is no token.
        let expected: Vec<Token> = std::iter::from_fn(|| token(&mut fields)).collect();
        self.case(line, name, arguments.map(|arguments| (arguments, expected)));
    }

    /// A statement of the suite's language.
    fn statement(&mut self, statement: &str) {
        let case = itl::case(statement);
        let name = statement.split_whitespace().next().unwrap_or("");
        self.case(statement, name, case.map(|(_, arguments, expected)| (arguments, expected)));
    }

    fn case(&mut self, source: &str, name: &str, case: Option<(Vec<Token>, Vec<Token>)>) {
        let Some((arguments, expected)) = case else {
            *self.unknown.entry(format!("{name} (not understood)")).or_default() += 1;
            return;
        };
        let function = canonical(name);
        let Some((got, ulps)) = apply(&function, &arguments) else {
            *self.unknown.entry(name.to_owned()).or_default() += 1;
            return;
        };
        *self.run.entry(name.to_owned()).or_default() += 1;
        let signed = matches!(function.as_str(), "inf" | "sup");
        let right = |(&got, &expected)| agrees(got, expected, ulps) && (!signed || same_sign(got, expected));
        if expected.len() < got.len() || !got.iter().zip(&expected).all(right) {
            self.failures.push(format!("{source}\n    got {got:?}"));
        }
    }

    /// Straight to the output: a test's own is shown only when it fails.
    fn report(&self) {
        let mut out = std::io::stdout().lock();
        let mut line = |text: String| writeln!(out, "{text}").expect("a standard output");
        line("ITF1788".to_owned());
        for (function, count) in &self.run {
            line(format!("{function:>18} {count:>5} cases"));
        }
        for (function, count) in &self.unknown {
            line(format!("{function:>18} {count:>5} cases NOT RUN: not here"));
        }
        let (run, unknown) = (self.run.values().sum::<usize>(), self.unknown.values().sum::<usize>());
        line(format!("{:>18} {run:>5} cases run, {} failed, {unknown} not run", "total", self.failures.len()));
    }
}

/// The files of cases in a folder and below it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    let of = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false if path.extension().is_some_and(|e| e == "tsv" || e == "itl") => vec![path],
        false => Vec::new(),
    };
    entries.into_iter().flat_map(of).collect()
}

#[test]
fn itf1788() {
    let named = std::env::var_os("ITF1788_DIR").map(PathBuf::from);
    let folder =
        named.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/itf1788"));
    if !folder.is_dir() {
        assert!(named.is_none(), "ITF1788_DIR names no folder: {}", folder.display());
        println!("skipped: there is no folder {}", folder.display());
        return;
    }
    let mut tally = Tally::default();
    for path in files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        if path.extension().is_some_and(|e| e == "itl") {
            itl::statements(&text).iter().for_each(|statement| tally.statement(statement));
        } else {
            let cases = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
            cases.for_each(|line| tally.line(line));
        }
    }
    tally.report();
    assert!(named.is_none() || !tally.run.is_empty(), "ITF1788_DIR is set, but no case ran: {}", folder.display());
    assert!(tally.failures.is_empty(), "{} cases fail:\n{}", tally.failures.len(), tally.failures.join("\n"));
}

/// The conventions of the suite for what its public part does not show: each line as the suite has it.
#[test]
fn conventions() {
    let mut tally = Tally::default();
    let (one, two) = (format!("{:016x}", 1_f64.to_bits()), format!("{:016x}", 2_f64.to_bits()));
    for line in [
        format!("overlap\t2\tI {one} {two}\tE\tsecondEmpty\tsource\tlicence"),
        format!("overlap\t2\tI {one} {one}\tI {one} {two}\tS starts"),
        format!("mulRevToPair\t2\tI {one} {two}\tI {one} {one}\tI 3fe0000000000000 {one}\tE"),
        format!("cancel_minus\t2\tI {one} {two}\tE\tI fff0000000000000 7ff0000000000000"),
        format!("isMember\t2\tN {one}\tI {one} {two}\tB 1"),
        "midRad\t1\tE\tN 7ff8000000000000\tN 7ff8000000000000".to_owned(),
    ] {
        tally.line(&line);
    }
    for statement in itl::statements(
        "/* */ testcase t { add [1.0,2.0] [0x1P-1] = [1.5,\n2.5]; // a\n overlap [1,2] [2,3] = meets;\n pown [2] 3 = [8]; }",
    ) {
        tally.statement(&statement);
    }
    for (text, expected) in [
        ("[  Empty  ]", "[empty]"),
        ("[-Inf, INFINITY]", "[entire]"),
        ("[-1.0,]", "[-1.0, infinity]"),
        ("[-4/2, 10/5]", "[-2.0, 2.0]"),
        ("[-1/10, 1/10]", "[-0x1.999999999999ap-4, 0x1.999999999999ap-4]"),
        ("[0x1p-1]", "[0.5]"),
        ("0.0?", "[-0x1.999999999999ap-5, 0x1.999999999999ap-5]"),
        ("2.5?", "[0x1.3999999999999p+1, 0x1.4666666666667p+1]"),
        ("2.5?d", "[0x1.3999999999999p+1, 2.5]"),
        ("0.000?5", "[-0x1.47ae147ae147bp-8, 0x1.47ae147ae147bp-8]"),
        ("2.500?5ue4", "[0x1.86ap+14, 0x1.8768p+14]"),
        ("-10?12", "[-22.0, 2.0]"),
        ("10?3e380", "[0x1.fffffffffffffp+1023, infinity]"),
        ("-10??u", "[-10.0, infinity]"),
    ] {
        tally.statement(&format!("b-textToInterval \"{text}\" = {expected}"));
    }
    assert_eq!((tally.run.len(), tally.failures), (8, Vec::<String>::new()));
    assert!(tally.unknown.is_empty());
    let mut tally = Tally::default();
    tally.line(&format!("sinPi\t1\tI {one} {two}\tE"));
    tally.line(&format!("add\t2\tI {one} {two}\tI {one} {one}\tI {one} {two}"));
    assert_eq!((tally.unknown.len(), tally.failures.len()), (1, 1), "the unknown is counted, the wrong is noticed");
}

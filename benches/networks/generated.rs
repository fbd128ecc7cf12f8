//! The files that `sobolev export` writes, compiled by the machine's own compilers for the plainest processor of its kind, and
//! timed in a program of their own.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use sobolev::data::{Scaling, Surrogate};
use sobolev::export::{About, c, rust};
use sobolev::nn::{Fixed, Frozen, Network};

/// A program that times the three calls of `pricer.rs` and prints name, answer and percentiles of each.
const PROGRAM: &str = r#"
mod pricer { include!("pricer.rs"); }
include!("blocks.rs");

const POINT: [f64; 7] = POINT_HERE;

fn main() {
    let at = |e: f64| {
        let mut x = POINT;
        x[0] += e;
        x
    };
    let sum = |d: [f64; 7]| d.iter().sum::<f64>();
    let show = |name: &str, answer: f64, [p50, p99]: [f64; 2]| println!("{name},{answer},{p50},{p99}");
    let first = |e: f64| pricer::price(&at(e));
    show("value", first(0.0), percentiles(first));
    let second = |e: f64| {
        let (y, dy) = pricer::price_delta(&at(e));
        y + sum(dy)
    };
    show("+ deltas", second(0.0), percentiles(second));
    let third = |e: f64| {
        let (y, dy, gamma) = pricer::price_delta_gamma(&at(e));
        y + sum(dy) + gamma
    };
    show("+ deltas + gamma", third(0.0), percentiles(third));
}
"#;

/// The three calls of the C file under the names of the Rust one.
const BINDINGS: &str = r#"
mod c {
    unsafe extern "C" {
        pub fn price(x: *const f64) -> f64;
        pub fn price_delta(x: *const f64, delta: *mut f64) -> f64;
        pub fn price_delta_gamma(x: *const f64, delta: *mut f64, gamma: *mut f64) -> f64;
    }
}
pub fn price(x: &[f64; 7]) -> f64 {
    unsafe { c::price(x.as_ptr()) }
}
pub fn price_delta(x: &[f64; 7]) -> (f64, [f64; 7]) {
    let mut delta = [0.0; 7];
    let y = unsafe { c::price_delta(x.as_ptr(), delta.as_mut_ptr()) };
    (y, delta)
}
pub fn price_delta_gamma(x: &[f64; 7]) -> (f64, [f64; 7], f64) {
    let (mut delta, mut gamma) = ([0.0; 7], 0.0);
    let y = unsafe { c::price_delta_gamma(x.as_ptr(), delta.as_mut_ptr(), &mut gamma) };
    (y, delta, gamma)
}
"#;

/// Rows `(language and call, p50, p99)`; none, with a printed reason, where a compiler is missing.
pub(crate) fn rows<C: Fixed>(net: &Frozen<C, f64>, point: &[f64; 7]) -> Vec<(String, [f64; 2])> {
    let network = Network::new(C::default(), net.params().as_ref().to_vec()).thaw();
    let surrogate = Surrogate { network, scaling: Scaling::identity(7) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("room in the temporary folder");
    put("blocks.rs", include_str!("blocks.rs").trim_start_matches(|c| c != '\n'));
    put("main.rs", &PROGRAM.replace("POINT_HERE", &format!("{point:?}")));
    let run = |name: &str, arguments: &[&str]| {
        let compiler = std::env::var_os(name.to_uppercase()).unwrap_or_else(|| OsString::from(name));
        match Command::new(&compiler).args(arguments).current_dir(folder.path()).output() {
            Ok(output) if output.status.success() => true,
            Ok(output) => panic!("{name}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(e) => {
                println!("skipped: {} does not run: {e}", compiler.display());
                false
            }
        }
    };

    let mut all = Vec::new();
    let mut collect = |language: &str, linked: &[&str]| {
        if !run("rustc", &[&["--edition", "2024", "-C", "opt-level=3", "main.rs"], linked].concat()) {
            return;
        }
        let output = Command::new(folder.path().join("main")).output().expect("what was just built runs");
        for line in String::from_utf8(output.stdout).expect("text").lines() {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |i: usize| -> f64 { fields[i].parse().expect("a number") };
            // Checked: the answer is the library's.
            let mut x = C::zero_inputs();
            x.as_mut().copy_from_slice(point);
            let (y, dy, gamma) = net.gamma(&x, &C::inputs_of(1.0));
            let deltas: f64 = dy.as_ref().iter().sum();
            let want = [y, y + deltas, y + deltas + gamma][all.len() % 3];
            assert!((number(1) - want).abs() < 1e-12 * want.abs().max(1.0), "{language} {}: {}", fields[0], number(1));
            all.push((format!("{}, generated {language}", fields[0]), [number(2), number(3)]));
        }
    };
    put("pricer.rs", &rust(&surrogate, &About::default()).expect("one output"));
    collect("Rust", &[]);
    let files = c(&surrogate, &About::default(), "pricer").expect("one output");
    put("pricer.c", &files.source);
    put("pricer.h", &files.header);
    if run("cc", &["-std=c99", "-O3", "-c", "pricer.c"]) {
        put("pricer.rs", BINDINGS);
        collect("C", &["-C", "link-arg=pricer.o"]);
    }
    all
}

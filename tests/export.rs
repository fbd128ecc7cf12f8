//! Generated source, compiled by the machine's own compilers, against the library's scalar frozen networks.
#![cfg(feature = "std")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use rand_distr::{Distribution, StandardNormal};
use sobolev::data::{Metadata, Scaling, Surrogate};
use sobolev::export::{About, c, rust};
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Chain as _, Fixed, Network};

sobolev::network!(Pruned: 7 => 3 silu => 3 silu => 1 silu => 2 silu => 2 silu => 2 silu => 1);
sobolev::network!(Collapsed: 7 => 3 silu => 3 silu => 1);
sobolev::network!(Mixed: 3 => 5 tanh => 4 softplus => 2 sigmoid => 3 relu => 1);
sobolev::network!(Bottle: 4 => 1 silu => 3 tanh => 1);
sobolev::network!(Line: 2 => 1);

/// Points, not a multiple of the lanes of the batch forms.
const POINTS: usize = 45;

/// Rounding that fusing multiply-adds may change, relative to the largest entry of a result: 64 ulp.
const FUSED: f64 = 64.0 * f64::EPSILON;

/// A surrogate, points, and what the library makes of them: price, deltas and gamma of each point.
struct Case {
    name: &'static str,
    surrogate: Surrogate,
    inputs: usize,
    /// The inputs that gamma is taken along.
    spots: usize,
    points: Vec<Vec<f64>>,
    want: Vec<Vec<f64>>,
}

impl Case {
    fn about(&self) -> About {
        About { spots: Some(self.spots), ..About::default() }
    }
}

fn case<C: Fixed>(name: &'static str, seed: u64, spots: usize) -> Case {
    let mut rng = Streams::new(seed, Purpose::Test).next().expect("endless");
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let params = (0..C::PARAMS).map(|_| 0.8 * normal()).collect();
    let network = Network::new(C::default(), params).thaw();
    let inputs = C::INPUTS;
    let scaling = Scaling {
        input_mean: (0..inputs).map(|_| normal()).collect(),
        input_deviation: (0..inputs).map(|_| normal().abs() + 0.2).collect(),
        value_mean: normal(),
        value_deviation: normal().abs() + 0.2,
    };
    let surrogate = Surrogate { network, scaling };
    let frozen = surrogate.folded().fix::<C>().expect("the same shape").freeze();
    let mut points: Vec<Vec<f64>> = (0..POINTS).map(|_| (0..inputs).map(|_| 3.0 * normal()).collect()).collect();
    // Far outside, where exponentials are clamped, and where zeros have signs.
    points[1].fill(-1e6);
    points[2].fill(0.0);
    points[3].fill(-0.0);
    points[4].fill(1e6);
    let mut alike = C::zero_inputs();
    alike.as_mut()[..spots].fill(1.0);
    let want = points.iter().map(|p| {
        let mut x = C::zero_inputs();
        x.as_mut().copy_from_slice(p);
        let (y, dy, gamma) = frozen.gamma(&x, &alike);
        assert_eq!((frozen.value(&x), frozen.value_and_gradient(&x).0), (y, y));
        [&[y], dy.as_ref(), &[gamma]].concat()
    });
    let want = want.collect();
    Case { name, surrogate, inputs, spots, points, want }
}

fn cases() -> [Case; 7] {
    [
        case::<Pruned>("pruned", 1, 7),
        case::<Collapsed>("collapsed", 2, 7),
        case::<Mixed>("mixed", 3, 3),
        case::<Bottle>("bottle", 4, 4),
        case::<Line>("line", 5, 2),
        case::<Pruned>("pruned_parameters", 6, 4),
        case::<Mixed>("mixed_parameters", 7, 1),
    ]
}

fn rustc(folder: &Path, arguments: &[&str]) {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    run(Command::new(compiler).args(["--edition", "2021", "-C", "opt-level=3"]).args(arguments).current_dir(folder));
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the compiler starts");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The machine's C compiler, if there is one.
fn cc() -> Option<OsString> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let there = Command::new(&compiler).arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("skipped: no C compiler ({} does not run)", compiler.to_string_lossy());
    }
    there.then_some(compiler)
}

/// A program that prints the bits of every result at every point: for each case singles, then batches. `call` writes the
/// six functions of a case in the language under test.
fn driver(cases: &[Case], functions: impl Fn(&Case) -> String) -> String {
    let mut text = String::new();
    for case in cases {
        let Case { name, inputs, .. } = case;
        let bits = |p: &Vec<f64>| format!("{:?}", p.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        let rows: Vec<String> = case.points.iter().map(bits).collect();
        writeln!(
            text,
            r#"mod {name} {{
    {functions}
    const POINTS: [[u64; {inputs}]; {POINTS}] = [{rows}];
    fn show(row: &[f64]) {{ println!("{{:?}}", row.iter().map(|v| v.to_bits()).collect::<Vec<_>>()); }}
    pub fn run() {{
        let points = POINTS.map(|p| p.map(f64::from_bits));
        for x in &points {{
            let (y, dy, gamma) = price_delta_gamma(x);
            assert_eq!((price(x).to_bits(), price_delta(x).0.to_bits()), (y.to_bits(), y.to_bits()));
            assert_eq!(price_delta(x).1.map(f64::to_bits), dy.map(f64::to_bits));
            show(&[&[y][..], &dy, &[gamma]].concat());
        }}
        let columns: [Vec<f64>; {inputs}] = std::array::from_fn(|j| points.iter().map(|p| p[j]).collect());
        let x: [&[f64]; {inputs}] = std::array::from_fn(|j| &columns[j][..]);
        let [mut y0, mut y1, mut y2, mut gamma] = [(); 4].map(|()| vec![0.0; {POINTS}]);
        let [mut d1, mut d2]: [[Vec<f64>; {inputs}]; 2] = [(); 2].map(|()| std::array::from_fn(|_| vec![0.0; {POINTS}]));
        price_batch(&x, &mut y0);
        price_delta_batch(&x, &mut y1, &mut d1.each_mut().map(|d| &mut d[..]));
        price_delta_gamma_batch(&x, &mut y2, &mut d2.each_mut().map(|d| &mut d[..]), &mut gamma);
        assert_eq!((&y0, &y1, &d1), (&y2, &y2, &d2));
        for p in 0..{POINTS} {{
            let mut row = vec![y2[p]];
            row.extend(d2.iter().map(|d| d[p]));
            row.push(gamma[p]);
            show(&row);
        }}
    }}
}}"#,
            functions = functions(case),
            rows = rows.join(", "),
        )
        .expect("written");
    }
    let calls: String = cases.iter().map(|c| format!("{}::run(); ", c.name)).collect();
    text + "fn main() { " + &calls + "}\n"
}

/// What the driver printed, row by row, held to the library's by `same`.
#[track_caller]
fn compare(printed: &str, cases: &[Case], same: impl Fn(&[f64], &[f64]) -> bool) {
    let mut rows = printed.lines().map(|line| {
        let numbers = line.trim_matches(['[', ']']).split(", ");
        numbers.map(|n| f64::from_bits(n.parse().expect("bits"))).collect::<Vec<f64>>()
    });
    for case in cases {
        for form in ["single", "batch"] {
            for (p, want) in case.want.iter().enumerate() {
                let got = rows.next().expect("a row for each point");
                assert!(same(&got, want), "{} {form} at {:?}: {got:?} ≠ {want:?}", case.name, case.points[p]);
            }
        }
    }
    assert_eq!(rows.next(), None);
}

fn same_bits(got: &[f64], want: &[f64]) -> bool {
    got.iter().map(|v| v.to_bits()).eq(want.iter().map(|v| v.to_bits()))
}

fn close(got: &[f64], want: &[f64]) -> bool {
    let scale = want.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    got.len() == want.len() && got.iter().zip(want).all(|(g, w)| (g - w).abs() <= FUSED * scale)
}

#[test]
fn generated_rust_has_the_bits_of_the_frozen_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = cases();
    for case in &cases {
        let text = rust(&case.surrogate, &case.about()).expect("exported");
        fs::write(folder.path().join(format!("{}.rs", case.name)), text).expect("written");
    }
    let include = |case: &Case| format!("include!(\"{}.rs\");", case.name);
    fs::write(folder.path().join("main.rs"), driver(&cases, include)).expect("written");
    rustc(folder.path(), &["main.rs", "-D", "warnings", "-A", "dead_code"]);
    compare(&run(&mut Command::new(folder.path().join("main"))), &cases, same_bits);
}

/// The object of all six forms, without `std`, names nothing that panics or allocates; one that may panic does.
#[test]
fn generated_rust_neither_panics_nor_allocates() {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases() {
        let text = rust(&case.surrogate, &case.about()).expect("exported");
        let wrap = |body: &str| {
            let n = case.inputs;
            format!(
                "#![no_std]\n#![deny(warnings)]\n{text}\n\
                 #[no_mangle] pub fn one(x: &[f64; {n}]) -> f64 {{ price(x) }}\n\
                 #[no_mangle] pub fn two(x: &[f64; {n}]) -> (f64, [f64; {n}]) {{ price_delta(x) }}\n\
                 #[no_mangle] pub fn three(x: &[f64; {n}]) -> (f64, [f64; {n}], f64) {{ price_delta_gamma(x) }}\n\
                 #[no_mangle] pub fn four(x: &[f64], i: usize) -> f64 {{ {body} }}\n"
            )
        };
        for (name, body, panics) in [("calm", "x.get(i).copied().unwrap_or(0.0)", false), ("nervous", "x[i]", true)] {
            fs::write(folder.path().join(format!("{name}.rs")), wrap(body)).expect("written");
            rustc(folder.path(), &["--crate-type=lib", "--emit=obj", "-C", "panic=abort", &format!("{name}.rs")]);
            let object = fs::read(folder.path().join(format!("{name}.o"))).expect("an object");
            let names = |word: &str| object.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(names("price_delta_gamma_batch"), "the batch forms are in the object");
            assert_eq!(names("panic"), panics, "{} {name}", case.name);
            assert!(!names("alloc"), "{} {name}", case.name);
        }
    }
}

#[test]
fn generated_c_agrees_with_the_frozen_network() {
    let Some(compiler) = cc() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cases = cases();
    let functions =
        ["price", "price_delta", "price_delta_gamma", "price_batch", "price_delta_batch", "price_delta_gamma_batch"];
    let native = cfg!(target_arch = "x86_64") && std::env::consts::OS == "linux";
    // As written, and with every sum fused that the machine can fuse.
    let all = [("exact", ["-O2", "-ffp-contract=off"], true), ("fused", ["-O3", "-march=native"], false)];
    for (kind, flags, exact) in all.into_iter().filter(|(.., exact)| *exact || native) {
        let mut objects = Vec::new();
        for case in &cases {
            let files = c(&case.surrogate, &case.about(), case.name).expect("exported");
            fs::write(folder.path().join(format!("{}.c", case.name)), files.source).expect("written");
            fs::write(folder.path().join(format!("{}.h", case.name)), files.header).expect("written");
            let object = format!("{}_{kind}.o", case.name);
            // One prefix a network, so that all link together.
            let names = functions.map(|f| format!("-D{f}={}_{f}", case.name));
            let strict = ["-std=c99", "-ffreestanding", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c"];
            let mut command = Command::new(&compiler);
            command.args(strict).args(flags).args(names).args([&format!("{}.c", case.name), "-o", &object]);
            run(command.current_dir(folder.path()));
            let bytes = fs::read(folder.path().join(&object)).expect("an object");
            assert!(!bytes.windows(6).any(|w| w == b"malloc"));
            objects.push(object);
        }
        let call = |case: &Case| {
            let (n, name) = (case.inputs, case.name);
            format!(
                r#"extern "C" {{
        fn {name}_price(x: *const f64) -> f64;
        fn {name}_price_delta(x: *const f64, d: *mut f64) -> f64;
        fn {name}_price_delta_gamma(x: *const f64, d: *mut f64, g: *mut f64) -> f64;
        fn {name}_price_batch(x: *const *const f64, n: usize, y: *mut f64);
        fn {name}_price_delta_batch(x: *const *const f64, n: usize, y: *mut f64, d: *const *mut f64);
        fn {name}_price_delta_gamma_batch(x: *const *const f64, n: usize, y: *mut f64, d: *const *mut f64, g: *mut f64);
    }}
    fn price(x: &[f64; {n}]) -> f64 {{ unsafe {{ {name}_price(x.as_ptr()) }} }}
    fn price_delta(x: &[f64; {n}]) -> (f64, [f64; {n}]) {{
        let mut d = [0.0; {n}];
        (unsafe {{ {name}_price_delta(x.as_ptr(), d.as_mut_ptr()) }}, d)
    }}
    fn price_delta_gamma(x: &[f64; {n}]) -> (f64, [f64; {n}], f64) {{
        let (mut d, mut g) = ([0.0; {n}], 0.0);
        (unsafe {{ {name}_price_delta_gamma(x.as_ptr(), d.as_mut_ptr(), &mut g) }}, d, g)
    }}
    fn price_batch(x: &[&[f64]; {n}], y: &mut [f64]) {{
        unsafe {{ {name}_price_batch(x.map(|x| x.as_ptr()).as_ptr(), y.len(), y.as_mut_ptr()) }}
    }}
    fn price_delta_batch(x: &[&[f64]; {n}], y: &mut [f64], d: &mut [&mut [f64]; {n}]) {{
        let d = d.each_mut().map(|d| d.as_mut_ptr());
        unsafe {{ {name}_price_delta_batch(x.map(|x| x.as_ptr()).as_ptr(), y.len(), y.as_mut_ptr(), d.as_ptr()) }}
    }}
    fn price_delta_gamma_batch(x: &[&[f64]; {n}], y: &mut [f64], d: &mut [&mut [f64]; {n}], g: &mut [f64]) {{
        let d = d.each_mut().map(|d| d.as_mut_ptr());
        let x = x.map(|x| x.as_ptr());
        unsafe {{ {name}_price_delta_gamma_batch(x.as_ptr(), y.len(), y.as_mut_ptr(), d.as_ptr(), g.as_mut_ptr()) }}
    }}"#
            )
        };
        // In the fused build a batch may round otherwise than single points.
        let text = driver(&cases, call);
        let text = if exact { text } else { text.replace("assert_eq!(", "let _ = (") };
        fs::write(folder.path().join("main.rs"), text).expect("written");
        let links: Vec<String> = objects.iter().map(|o| format!("-Clink-arg={o}")).collect();
        rustc(folder.path(), &[&["main.rs"], links.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
        let printed = run(&mut Command::new(folder.path().join("main")));
        if exact { compare(&printed, &cases, same_bits) } else { compare(&printed, &cases, close) }
    }
}

#[test]
fn what_is_known_is_written() {
    let case = case::<Collapsed>("known", 6, 7);
    let metadata = Metadata::from([
        ("domain".to_owned(), format!("{:?}", [[0.5, 1.5]; 7])),
        ("r_squared".to_owned(), r#"{"values":0.99987,"gammas":0.9987}"#.to_owned()),
        ("seed".to_owned(), "17".to_owned()),
        ("spots".to_owned(), "6".to_owned()),
        ("inputs".to_owned(), r#"["spot 0","1","2","3","4","5","strike */"]"#.to_owned()),
        ("program".to_owned(), "evil */ \"text\"\n#error".to_owned()),
    ]);
    let about = About::from_metadata(&metadata).expect("readable");
    let text = rust(&case.surrogate, &about).expect("exported");
    for part in [
        "DOMAIN: [[f64; 2]; INPUTS] = [[0.5, 1.5]",
        "R_SQUARED_GAMMAS: f64 = 0.9987",
        "SEED: &str = \"17\"",
        "// R²        values 0.999870",
        "x[6] strike * /",
        "x[0] … x[5] move alike",
        "[1.0; R], [0.0; R]]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let files = c(&case.surrogate, &about, "my-price").expect("exported");
    for part in [
        "#define MY_PRICE_INPUTS 7",
        "#define MY_PRICE_R_SQUARED_VALUES 0.99987",
        "#define MY_PRICE_SEED \"17\"",
        "double price_delta(const double x[7]",
    ] {
        assert!(files.header.contains(part), "{part} is not in\n{}", files.header);
    }
    assert!(files.source.contains("#include \"my-price.h\""));
    if let Some(compiler) = cc() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("my-price.c"), files.source).expect("written");
        fs::write(folder.path().join("my-price.h"), files.header).expect("written");
        run(Command::new(compiler)
            .args(["-std=c99", "-Wall", "-Werror", "-c", "my-price.c"])
            .current_dir(folder.path()));
    }
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let mut case = case::<Line>("line", 1, 2);
    let about = About { domain: vec![[0.0, 1.0]; 3], ..About::default() };
    let error = rust(&case.surrogate, &about).expect_err("three ranges for two inputs").to_string();
    assert!(error.contains("2 inputs, found 3"), "{error}");
    let two = sobolev::nn::Stack::mlp(2, &[], 2, sobolev::math::Activation::Silu);
    case.surrogate.network = Network::new(two.clone(), vec![0.0; two.params()]);
    let error = rust(&case.surrogate, &case.about()).expect_err("two outputs").to_string();
    assert!(error.contains("only one output"), "{error}");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_writes_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = case::<Collapsed>("command", 7, 7);
    let metadata = Metadata::from([("seed".to_owned(), "5".to_owned())]);
    case.surrogate.save(&folder.path().join("model.safetensors"), &metadata).expect("saved");
    let sobolev = |to: &str, out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sobolev"));
        command.args(["export", "--model", "model.safetensors", "--to", to, "--out", out]).current_dir(folder.path());
        command.output().expect("it starts")
    };
    let read = |name: &str| fs::read(folder.path().join(name)).expect(name);
    let about = About::from_metadata(&metadata).expect("readable");
    assert!(sobolev("rust", "price.rs").status.success());
    assert_eq!(read("price.rs"), rust(&case.surrogate, &about).expect("exported").as_bytes());
    assert!(sobolev("c", "price.c").status.success());
    let files = c(&case.surrogate, &about, "price").expect("exported");
    assert_eq!((read("price.c"), read("price.h")), (files.source.into_bytes(), files.header.into_bytes()));
    assert!(sobolev("safetensors", "copy.safetensors").status.success());
    assert_eq!(read("copy.safetensors"), read("model.safetensors"));
    let refused = sobolev("c", "price.h");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pricer.c"));
}

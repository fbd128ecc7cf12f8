//! `sobolev price`: tables in, values and Greeks out.
#![cfg(feature = "cli")]

mod others;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use sobolev::data::{Metadata, Scaling, Surrogate};
use sobolev::math::{Activation, Separate};
use sobolev::nn::{Network, Stack};
use tempfile::TempDir;

const MEAN: [f64; 2] = [1.0, 2.0];
const DEVIATION: [f64; 2] = [0.5, 4.0];
const WEIGHTS: [f64; 2] = [0.8, -1.5];
const BIAS: f64 = 0.3;
const VALUE: (f64, f64) = (0.1, 2.0);

/// `0.1 + 2·silu(w·x' + b)`, whose derivatives can be written down.
fn surrogate() -> Surrogate {
    let network = Network::new(Stack::mlp(2, &[1], 1, Activation::Silu), vec![WEIGHTS[0], WEIGHTS[1], BIAS, 1.0, 0.0]);
    let (value_mean, value_deviation) = VALUE;
    let scaling =
        Scaling { input_mean: MEAN.to_vec(), input_deviation: DEVIATION.to_vec(), value_mean, value_deviation };
    Surrogate { network, scaling }
}

/// Value, deltas, gamma, Hessian by hand.
fn oracle(x: [f64; 2]) -> [f64; 8] {
    let slope = [WEIGHTS[0] / DEVIATION[0], WEIGHTS[1] / DEVIATION[1]];
    let u = slope[0] * (x[0] - MEAN[0]) + slope[1] * (x[1] - MEAN[1]) + BIAS;
    let [f, d, h, _] = Activation::Silu.jet(Separate, u);
    let hessian = |i: usize, j: usize| VALUE.1 * h * slope[i] * slope[j];
    let (h00, h01, h11) = (hessian(0, 0), hessian(0, 1), hessian(1, 1));
    let deltas = slope.map(|s| VALUE.1 * d * s);
    [VALUE.0 + VALUE.1 * f, deltas[0], deltas[1], h00 + 2.0 * h01 + h11, h00, h01, h01, h11]
}

struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(TempDir::new().unwrap());
        let domain = Metadata::from([("domain".to_owned(), "[[0,2],[-10,10]]".to_owned())]);
        surrogate().save(&bench.path("model.safetensors"), &domain).unwrap();
        bench
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }
    fn get(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
    /// `sobolev price` with more arguments, in the folder.
    fn price(&self, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sobolev"));
        command.current_dir(self.0.path()).args(["price", "--threads", "2"]).args(args);
        if !args.contains(&"--model") {
            command.args(["--model", "model.safetensors"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A run that fails early reads no input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
    fn run(&self, args: &[&str]) -> String {
        let output = self.price(args, "");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        stderr
    }
    fn refusal(&self, args: &[&str]) -> String {
        let output = self.price(args, "");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Header and rows.
fn table(text: &str) -> (&str, Vec<Vec<f64>>) {
    let (header, rows) = text.split_once('\n').unwrap();
    (header, rows.lines().map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect())
}

#[track_caller]
fn assert_rows(rows: &[Vec<f64>], points: &[[f64; 2]], columns: &[usize]) {
    assert_eq!(rows.len(), points.len());
    for (row, point) in rows.iter().zip(points) {
        let wanted = oracle(*point);
        assert_eq!(row.len(), columns.len());
        for (found, &column) in row.iter().zip(columns) {
            let wanted = wanted[column];
            assert!((found - wanted).abs() <= 1e-13 * wanted.abs().max(1.0), "{point:?}: {found} ≠ {wanted}");
        }
    }
}

const POINTS: [[f64; 2]; 3] = [[1.0, 2.0], [0.25, -3.5], [1.9, 9.0]];

#[test]
fn values_and_greeks_in_the_order_of_the_header() {
    let bench = Bench::new();
    bench.put("in.csv", "a,b\n1,2\n0.25,-3.5\n1.9,9e0\n");
    for (greeks, header, columns) in [
        ("delta,gamma", "value,delta_0,delta_1,gamma", &[0, 1, 2, 3][..]),
        ("none", "value", &[0]),
        ("delta", "value,delta_0,delta_1", &[0, 1, 2]),
        ("gamma", "value,gamma", &[0, 3]),
        (
            "hessian,gamma,delta",
            "value,delta_0,delta_1,gamma,hessian_0_0,hessian_0_1,hessian_1_0,hessian_1_1",
            &[0, 1, 2, 3, 4, 5, 6, 7],
        ),
    ] {
        bench.run(&["--in", "in.csv", "--out", "out.csv", "--greeks", greeks]);
        let text = bench.get("out.csv");
        let (found, rows) = table(&text);
        assert_eq!(found, header);
        assert_rows(&rows, &POINTS, columns);
    }
}

/// Of a network of a spot and a parameter, gamma is the second derivative in the spot.
#[test]
fn gamma_leaves_parameters_where_they_are() {
    let bench = Bench::new();
    bench.put("in.csv", "a,b\n1,2\n0.25,-3.5\n1.9,9e0\n");
    let save = |spots: &str| {
        let metadata = Metadata::from([("spots".to_owned(), spots.to_owned())]);
        surrogate().save(&bench.path("model.safetensors"), &metadata).unwrap();
    };
    save("1");
    bench.run(&["--in", "in.csv", "--out", "out.csv", "--greeks", "gamma,hessian"]);
    assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 4, 4, 5, 6, 7]);
    for bad in ["0", "3", "two"] {
        save(bad);
        let output = bench.price(&["--in", "in.csv", "--out", "none.csv"], "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`spots`: expected 1 to 2") || said.contains("`spots`") && said.contains(bad), "{said}");
    }
}

#[test]
fn columns_by_name_by_number_and_in_other_spellings() {
    let bench = Bench::new();
    bench.put("named.csv", "id;b;\"a\"\r\n7;2;1\r\n\r\n8;-3.5; 0.25\r\n9;9;\"1.9\"");
    bench.put("plain.csv", "\u{feff}7,2,1\n8,-3.5,.25\n9,9,1.9\n");
    for (file, columns) in [("named.csv", "a,b"), ("plain.csv", "2,1")] {
        bench.run(&["--in", file, "--out", "out.csv", "--columns", columns]);
        assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 1, 2, 3]);
    }
    assert!(bench.refusal(&["--in", "named.csv", "--out", "x.csv"]).contains("expected 2 columns for a network"));
    let unknown = bench.refusal(&["--in", "named.csv", "--out", "x.csv", "--columns", "a,c"]);
    assert!(unknown.contains("no column `c` among id, b, a"), "{unknown}");
    assert!(!bench.path("x.csv").exists());
}

/// CSV as spreadsheets, data frames and people write it: the same three points.
#[test]
fn every_kind_of_csv() {
    let bench = Bench::new();
    for (what, text, more) in [
        ("comments", "# made by hand\na,b\n1,2\n# half way\n0.25,-3.5\n1.9,9\n", &[][..]),
        ("blanks", "1.0 2.0\n2.5e-1   -3.5\n 1.9e+00 9\n", &[]),
        ("tabs", "a\tb\r\n1\t2\r\n.25\t-3.5\r\n1.9\t9.", &[]),
        ("a separator at the end", "a,b,\n1,2,\n0.25,-3.5,\n1.9,9,\n", &[]),
        ("quotes", "name,\"a\",b\n\"Basket, Inc.\",1,2\n\"x\"\"y\",\"0.25\",-3.5\n,1.9,9\n", &["--columns", "a,b"]),
        ("a data frame's index and numbered header", ",0,1\n0,1,2\n1,0.25,-3.5\n2,1.9,9\n", &["--columns", "0,1"]),
        ("a numbered header", "0,1\n1,2\n0.25,-3.5\n1.9,9\n", &[]),
        ("other columns", "id,b,c,a\nx,2,,1\ny,-3.5,NaN,0.25\nz,9,-,1.9\n", &["--columns", "a,b"]),
        ("an empty line at either end", "\n\n1,2\n0.25,-3.5\n1.9,9\n\n", &[]),
    ] {
        bench.put("in.csv", text);
        bench.run(&[&["--in", "in.csv", "--out", "out.csv"], more].concat());
        let text = bench.get("out.csv");
        assert_rows(&table(&text).1, &POINTS, &[0, 1, 2, 3]);
        assert!(text.starts_with("value,"), "{what}");
    }
    // A header alone is a table without rows.
    bench.put("in.csv", "a,b\n");
    bench.run(&["--in", "in.csv", "--out", "out.csv"]);
    assert_eq!(bench.get("out.csv"), "value,delta_0,delta_1,gamma\n");
    // Numbers come back from the result as they were computed.
    bench.put("in.csv", "0.1,0.2\n");
    bench.run(&["--in", "in.csv", "--out", "out.csv", "--greeks", "none"]);
    bench.run(&["--in", "in.csv", "--out", "out.npy", "--greeks", "none"]);
    let binary = f64::from_le_bytes(*fs::read(bench.path("out.npy")).unwrap().last_chunk().unwrap());
    assert_eq!(bench.get("out.csv").lines().nth(1).unwrap().parse(), Ok(binary));
}

/// Thousands of columns, of which two are wanted.
#[test]
fn wide_tables() {
    let bench = Bench::new();
    let names: Vec<String> = (0..5000).map(|j| format!("x{j}")).collect();
    let mut text = names.join(";") + "\n";
    for [a, b] in POINTS {
        let field = |j: usize| {
            if j == 17 {
                a.to_string()
            } else if j == 4321 {
                b.to_string()
            } else {
                "0".into()
            }
        };
        text += &((0..5000).map(field).collect::<Vec<_>>().join(";") + "\n");
    }
    bench.put("in.csv", text);
    bench.run(&["--in", "in.csv", "--out", "out.csv", "--columns", "x17,x4321"]);
    assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 1, 2, 3]);
    let message = bench.refusal(&["--in", "in.csv", "--out", "out.csv", "--columns", "x17,y"]);
    assert!(message.contains("no column `y` among x0, x1") && message.contains("(4980 more)"), "{message}");
}

#[test]
fn what_cannot_be_read_or_written_is_said_first() {
    let bench = Bench::new();
    fs::create_dir(bench.path("folder.csv")).unwrap();
    bench.put("good.csv", "a,b\n1,2\n");
    bench.put("twice.csv", "a,a,b\n1,1,2\n");
    bench.put("utf16.csv", b"\xff\xfea\0,\0b\0\n\0");
    bench.put("gzip.csv", b"\x1f\x8b\x08\0\0\0");
    bench.put("empty.csv", "");
    bench.put("text.npy", "1,2\n");
    bench.put("cube.npy", npy("<f8", false, "(1, 1, 2)", &[0; 16]));
    bench.put("complex.npy", npy("<c16", false, "(1, 2)", &[0; 32]));
    let columns = |columns| ["--in", "twice.csv", "--out", "x.csv", "--columns", columns];
    for (args, says) in [
        (&["--in", "folder.csv", "--out", "x.csv"][..], "cannot read folder.csv: Is a directory"),
        (&["--in", "good.csv", "--out", "folder.csv"], "cannot write folder.csv: is a directory"),
        (&["--in", "good.csv", "--out", "/proc/no/x.csv"], "cannot make the folder /proc/no"),
        (
            &["--in", "good.csv", "--out", "x.csv", "--rejects", "x.csv"],
            "rejects: expected another file than that of --out",
        ),
        (
            &["--in", "good.csv", "--out", "x.csv", "--rejects", "./good.csv"],
            "rejects: expected another file than that of --in",
        ),
        (&["--in", "good.csv", "--out", "./good.csv"], "out: expected another file than that of --in"),
        (&["--in", "good.csv", "--out", "x.xlsx"], "x.xlsx: unknown kind of table"),
        (&["--in", "empty.csv", "--out", "x.csv"], "empty.csv: the table is empty"),
        (&["--in", "utf16.csv", "--out", "x.csv"], "utf16.csv: the text is UTF-16"),
        (&["--in", "gzip.csv", "--out", "x.csv"], "gzip.csv: the file is compressed"),
        (&columns("a,b"), "twice.csv: several columns are named `a`; choose by number"),
        (&columns("b,b"), "columns: `b` is named twice"),
        (&columns("b"), "columns: expected 2 for a network of 2 inputs, found 1"),
        (&["--in", "twice.csv", "--out", "x.csv"], "expected 2 columns for a network of 2 inputs, found 3"),
        (&["--in", "text.npy", "--out", "x.csv"], "text.npy: not a NumPy file"),
        (&["--in", "cube.npy", "--out", "x.csv"], "cube.npy: an array of 3 dimensions, expected rows and columns"),
        (&["--in", "complex.npy", "--out", "x.csv"], "complex.npy: element type <c16 is not supported"),
        (&["--model", "good.csv", "--in", "good.csv", "--out", "x.csv"], "good.csv: not a safetensors file"),
        (&["--model", "none.onnx", "--in", "good.csv", "--out", "x.csv"], "cannot read none.onnx"),
    ] {
        let message = bench.refusal(args);
        assert!(message.starts_with("error: ") && message.contains(says), "{args:?}: {message}");
    }
    assert!(!bench.path("x.csv").exists());
    bench.run(&["--in", "twice.csv", "--out", "x.csv", "--columns", "1,2"]);
}

/// An interrupted run ends with 130 and leaves neither a result nor anything temporary.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let bench = Bench::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sobolev"))
        .current_dir(bench.0.path())
        .args(["price", "--model", "model.safetensors", "--in", "-", "--out", "out.csv", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let rows = "1,2\n".repeat(1 << 20);
    // The whole of one block and more was read, so that the run has begun.
    input.write_all(&rows.as_bytes()[..(4 << 20)]).unwrap();
    input.write_all(b"1,2\n").unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(100));
    let _ = input.write_all(rows.repeat(2).as_bytes());
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left: Vec<_> = fs::read_dir(bench.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["model.safetensors"]);
}

/// `head` has enough after a line; that is no error.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let bench = Bench::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sobolev"));
    command.current_dir(bench.0.path()).args(["price", "--model", "model.safetensors", "--in", "in.csv", "--out", "-"]);
    bench.put("in.csv", "1,2\n".repeat(200_000));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn rows_that_are_no_points_are_named_by_line() {
    let bench = Bench::new();
    bench.put("in.csv", "a,b\n1,2\nx,2\n\n1\nNaN,1\n0.25,-3.5\n1,\n3,0\n");
    let said = bench.run(&["--in", "in.csv", "--out", "out.csv", "--rejects", "rejects.csv"]);
    assert_eq!(
        bench.get("rejects.csv"),
        "line,reason
3,\"column 1 is `x`, expected a number\"
5,\"1 fields, expected 2\"
6,\"column 1 is NaN, expected a finite number\"
8,\"column 2 is empty\"
9,\"input 0 is 3, outside of [0, 2]\"
"
    );
    assert!(said.contains("line 3: column 1 is `x`") && said.contains("4 rejected, 1 outside"), "{said}");
    let text = bench.get("out.csv");
    let rows = table(&text).1;
    assert_eq!(rows.len(), 7);
    for (row, values) in rows.iter().enumerate() {
        assert_eq!(values.iter().all(|v| v.is_nan()), [1, 2, 3, 5].contains(&row), "row {row}");
    }

    bench.run(&["--in", "in.csv", "--out", "out.csv", "--invalid", "skip", "--outside", "refuse"]);
    assert_rows(&table(&bench.get("out.csv")).1, &POINTS[..2], &[0, 1, 2, 3]);
    let quiet = bench.run(&["--in", "in.csv", "--out", "out.csv", "--quiet"]);
    assert_eq!(quiet, "");

    let stopped = bench.refusal(&["--in", "in.csv", "--out", "stopped.csv", "--invalid", "stop"]);
    assert!(stopped.contains("in.csv: line 3: column 1 is `x`"), "{stopped}");
    assert!(!bench.path("stopped.csv").exists(), "a failed run leaves no result");
    let left: Vec<_> = fs::read_dir(bench.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn standard_input_to_standard_output() {
    let bench = Bench::new();
    let output = bench.price(&["--in", "-", "--out", "-"], "1,2\n0.25,-3.5\n1.9,9\n");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let (header, rows) = table(&text);
    assert_eq!(header, "value,delta_0,delta_1,gamma");
    assert_rows(&rows, &POINTS, &[0, 1, 2, 3]);
}

/// More text than one block holds; lines and rows stay together across the seams.
#[test]
fn long_tables_go_through_in_blocks() {
    let bench = Bench::new();
    let points: Vec<[f64; 2]> = (0..300_000_u32).map(|i| [f64::from(i) / 200_000.0, f64::from(i % 17) - 8.0]).collect();
    let mut text = String::from("a,b\n");
    for (i, [a, b]) in points.iter().enumerate() {
        text += &if i == 290_000 { "oops,1\n".to_owned() } else { format!("{a:.17},{b}\n") };
    }
    assert!(text.len() > 6 << 20);
    bench.put("in.csv", &text);
    let said = bench.run(&["--in", "in.csv", "--out", "out.csv"]);
    assert!(said.contains("line 290002: column 1 is `oops`"), "{said}");
    let text = bench.get("out.csv");
    let mut rows = table(&text).1;
    assert!(rows.remove(290_000)[0].is_nan());
    let mut points = points;
    points.remove(290_000);
    assert_rows(&rows, &points, &[0, 1, 2, 3]);
}

/// An array file as NumPy writes it.
fn npy(kind: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{text:<117}\n").as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn numpy_arrays_in_either_order_and_precision() {
    let bench = Bench::new();
    let flat: Vec<f64> = POINTS.concat();
    let columns: Vec<f64> = (0..2).flat_map(|j| POINTS.map(|p| p[j])).collect();
    let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    bench.put("c.npy", npy("<f8", false, "(3, 2)", &bytes(&flat)));
    bench.put("fortran.npy", npy("<f8", true, "(3, 2)", &bytes(&columns)));
    let big: Vec<u8> = flat.iter().flat_map(|v| v.to_be_bytes()).collect();
    bench.put("big.npy", npy(">f8", false, "(3, 2)", &big));
    for file in ["c.npy", "fortran.npy", "big.npy"] {
        bench.run(&["--in", file, "--out", "out.csv"]);
        assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 1, 2, 3]);
    }
    let single: Vec<u8> = [1.0_f32, 2.0, 0.25, -3.5].iter().flat_map(|v| v.to_le_bytes()).collect();
    bench.put("single.npy", npy("<f4", false, "(2, 2)", &single));
    bench.run(&["--in", "single.npy", "--out", "out.npy", "--greeks", "none"]);
    let written = fs::read(bench.path("out.npy")).unwrap();
    let values = [oracle(POINTS[0])[0], oracle(POINTS[1])[0]];
    assert_eq!(written.len(), 128 + 16);
    assert_eq!(written[..128], npy("<f8", false, "(2, 1)", &[])[..]);
    for (found, wanted) in written[128..].as_chunks().0.iter().zip(values) {
        assert!((f64::from_le_bytes(*found) - wanted).abs() < 1e-13);
    }

    bench.put("nan.npy", npy("<f8", false, "(3, 2)", &bytes(&[1.0, 2.0, f64::NAN, 0.0, 0.25, -3.5])));
    let said = bench.run(&["--in", "nan.npy", "--out", "out.csv", "--invalid", "skip"]);
    assert!(said.contains("line 2: column 1 is NaN"), "{said}");
    assert_rows(&table(&bench.get("out.csv")).1, &POINTS[..2], &[0, 1, 2, 3]);

    let whole = fs::read(bench.path("c.npy")).unwrap();
    for cut in [0, 5, 9, 60, 127, 140] {
        bench.put("cut.npy", &whole[..cut]);
        let message = bench.refusal(&["--in", "cut.npy", "--out", "out.csv"]);
        assert!(message.contains("cut.npy: "), "{cut}: {message}");
    }
}

#[test]
fn unknown_kinds_of_file_are_refused_by_name() {
    let bench = Bench::new();
    bench.put("in.xlsx", "");
    assert!(bench.refusal(&["--in", "in.xlsx", "--out", "out.csv"]).contains("in.xlsx: unknown kind of table"));
    bench.put("empty.csv", "\n\n");
    assert!(bench.refusal(&["--in", "empty.csv", "--out", "out.csv"]).contains("the table is empty"));
    assert!(bench.refusal(&["--in", "missing.csv", "--out", "out.csv"]).contains("cannot read missing.csv"));
    if cfg!(not(feature = "parquet")) {
        bench.put("in.parquet", "");
        assert!(bench.refusal(&["--in", "in.parquet", "--out", "out.csv"]).contains("built without Parquet"));
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_carries_the_same_numbers() {
    let bench = Bench::new();
    bench.put("in.csv", "1,2\n0.25,-3.5\n1.9,9\n");
    // Results as inputs of a second run: written, then read.
    bench.run(&["--in", "in.csv", "--out", "first.parquet"]);
    bench.run(&["--in", "in.csv", "--out", "first.csv"]);
    for file in ["first.parquet", "first.csv"] {
        let columns = ["--columns", "gamma,value"];
        bench.run(&[&["--in", file, "--out", &format!("{file}.csv"), "--outside", "ignore"], &columns[..]].concat());
    }
    assert_eq!(bench.get("first.parquet.csv"), bench.get("first.csv.csv"));
    bench.put("cut.parquet", &fs::read(bench.path("first.parquet")).unwrap()[..100]);
    assert!(bench.refusal(&["--in", "cut.parquet", "--out", "x.csv"]).contains("cut.parquet: "));
}

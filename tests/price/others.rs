//! Networks written by others, `.onnx`: priced, scored, exported.

use std::process::Command;

use sobolev::data::Metadata;
use sobolev::export::onnx::write_onnx;

use super::{Bench, POINTS, assert_rows, surrogate, table};

#[test]
fn networks_of_others_price_too() {
    let bench = Bench::new();
    bench.put("model.onnx", write_onnx::<f64>(&surrogate(), &Metadata::new()));
    bench.put("in.csv", "1,2\n0.25,-3.5\n1.9,9\n");
    bench.run(&["--model", "model.onnx", "--in", "in.csv", "--out", "out.csv"]);
    assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 1, 2, 3]);
    let message =
        bench.refusal(&["--model", "model.onnx", "--in", "in.csv", "--out", "out.csv", "--outside", "refuse"]);
    assert!(message.contains("metadata field `domain` is missing"), "{message}");
}

/// What the file does not say, the other commands must be told.
#[test]
fn networks_of_others_need_a_reference_model_for_a_score() {
    let bench = Bench::new();
    bench.put("model.onnx", write_onnx::<f64>(&surrogate(), &Metadata::new()));
    let evaluate = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sobolev"));
        command.current_dir(bench.0.path()).args(["evaluate", "--model", "model.onnx"]).args(args).output().unwrap()
    };
    let without = evaluate(&[]);
    assert_eq!(without.status.code(), Some(2));
    let message = String::from_utf8(without.stderr).unwrap();
    assert!(message.contains("nothing is known of the inputs") && message.contains("--basket-seed"), "{message}");
    assert!(evaluate(&["--basket-seed", "3"]).status.success());
    let basket = r#"{"weights":[0.5,0.5],"correlation":[[1,0],[0,1]],"volatilities":[0.3,0.3]}"#;
    bench.put("basket.json", format!(r#"{{"model":{{"basket":{basket},"exposure":1,"maturity":2}},"strike":1.1}}"#));
    let scores = evaluate(&["--reference", "basket.json", "--json"]);
    assert!(scores.status.success(), "{}", String::from_utf8_lossy(&scores.stderr));
    bench.put("basket.json", "{}");
    let message = String::from_utf8(evaluate(&["--reference", "basket.json"]).stderr).unwrap();
    assert!(message.contains("basket.json: metadata field `model` is missing"), "{message}");
}

/// To each of the formats and back; source files are compiled by the tests of `export`.
#[test]
fn networks_of_others_are_exported_too() {
    let bench = Bench::new();
    bench.put("in.csv", "1,2\n0.25,-3.5\n1.9,9\n");
    let export = |from: &str, to: &str, out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sobolev"));
        command
            .current_dir(bench.0.path())
            .args(["export", "--model", from, "--to", to, "--out", out])
            .output()
            .unwrap()
    };
    for (from, to, out) in [
        ("model.safetensors", "onnx", "there.onnx"),
        ("there.onnx", "safetensors", "back.safetensors"),
        ("back.safetensors", "onnx", "again.onnx"),
    ] {
        assert!(export(from, to, out).status.success(), "{from} to {to}");
        bench.run(&["--model", out, "--in", "in.csv", "--out", "out.csv", "--outside", "refuse"]);
        assert_rows(&table(&bench.get("out.csv")).1, &POINTS, &[0, 1, 2, 3]);
    }
    for (to, out) in [("rust", "net.rs"), ("c", "net.c")] {
        assert!(export("there.onnx", to, out).status.success(), "{to}");
        assert!(bench.get(out).contains("[0.0, 2.0]") || bench.get("net.h").contains("2.0"), "the domain came along");
    }
    let wrong = export("there.onnx", "c", "net.h");
    assert_eq!(wrong.status.code(), Some(2));
}

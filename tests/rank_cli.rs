//! `analyse` and `compare`, as a stranger runs them.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sobolev::data::{Metadata, Scaling, Surrogate};
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Network, Stack};

fn sobolev(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sobolev")).args(args).current_dir(folder).output().unwrap()
}

#[track_caller]
fn works(folder: &Path, args: &[&str]) -> String {
    let out = sobolev(folder, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[track_caller]
fn fails(folder: &Path, args: &[&str], says: &str) {
    let out = sobolev(folder, args);
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(stderr.contains(says) && !stderr.contains("panicked"), "{args:?} does not say `{says}`: {stderr}");
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A network of unknown origin.
fn network(path: &Path, metadata: &Metadata) -> Surrogate {
    let mut rng = Streams::new(5, Purpose::Initialisation).next().unwrap();
    let network = Network::init(Stack::mlp(3, &[9, 6], 1, Activation::Silu), &mut rng);
    let scaling = Scaling {
        input_mean: vec![1.0, 100.0, -2.0],
        input_deviation: vec![0.5, 20.0, 3.0],
        value_mean: 7.0,
        value_deviation: 4.0,
    };
    let surrogate = Surrogate { network, scaling };
    surrogate.save(path, metadata).unwrap();
    surrogate
}

#[test]
fn analyse_bounds_what_samples_show_in_original_units() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let surrogate = network(&at("net.safetensors"), &Metadata::new());
    let args =
        ["analyse", "--model", "net.safetensors", "--domain=0:2,60:140,-8:4", "--boxes", "6", "--samples", "500"];
    let stdout =
        works(folder.path(), &[&args[..], &["--json", "a.json", "--picture", "a.svg", "--nodes", "2"]].concat());
    assert!(
        ["inputs", "layer 1", "outputs", "interval", "both/6", "7 more"].iter().all(|w| stdout.contains(w)),
        "{stdout}"
    );
    let a = json(&at("a.json"));
    assert_eq!((a["method"].as_str(), a["samples"].as_u64()), (Some("both/6"), Some(500)));
    let number = |v: &serde_json::Value| v.as_f64().unwrap();
    let levels = a["levels"].as_array().unwrap();
    assert_eq!(levels.iter().map(|l| l["nodes"].as_array().unwrap().len()).collect::<Vec<_>>(), [3, 9, 6, 1]);
    for node in levels.iter().flat_map(|l| l["nodes"].as_array().unwrap()) {
        let ends = |name: &str| [number(&node[name][0]), number(&node[name][1])];
        let ([lo, hi], [least, largest], [down, up]) = (ends("range"), ends("sampled_range"), ends("adjoint"));
        let tolerance = 1e-9 * (1.0 + lo.abs() + hi.abs());
        assert!(lo <= least + tolerance && largest <= hi + tolerance, "{node}");
        assert!(number(&node["sampled_adjoint"]) <= down.abs().max(up.abs()) * (1.0 + 1e-9), "{node}");
        assert!(number(&node["score"]) >= number(&node["sampled_score"]) * (1.0 - 1e-9), "{node}");
    }
    // Prices and deltas of the surrogate itself, in its own units.
    let p = surrogate.predict(faer::mat![[0.3, 70.0, 1.0], [1.9, 139.0, -7.0]].as_ref());
    let (output, first) = (&levels[3]["nodes"][0]["range"], &levels[0]["nodes"][1]["adjoint"]);
    for r in 0..2 {
        assert!(number(&output[0]) <= p.values[r] && p.values[r] <= number(&output[1]));
        assert!(number(&first[0]) <= p.deltas[(r, 1)] && p.deltas[(r, 1)] <= number(&first[1]));
    }
    // Tighter is tighter, and nothing is tighter than the truth.
    let of = |name: &str| {
        let all = a["tightness"].as_array().unwrap();
        number(&all.iter().find(|t| t["method"] == name).unwrap()["overestimation"])
    };
    assert!(of("both") <= of("interval") && of("both/6") < of("both") && of("both/6") >= 1.0);
    assert!(fs::read_to_string(at("a.svg")).unwrap().contains("layer 1"));
}

#[test]
fn analyse_takes_its_domain_from_a_table_or_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    network(&path, &Metadata::from([("domain".into(), "[[0,1],[90,110],[-3,-1]]".into())]));
    let stdout = works(folder.path(), &["analyse", "--model", "net.safetensors", "--enclosure", "interval", "-q"]);
    assert!(stdout.contains("linear") && !stdout.contains("Leaving"), "{stdout}");
    let rows: String = (0..60).map(|k| format!("{},{},{}\n", 0.01 * f64::from(k), 90 + k, -k)).collect();
    fs::write(folder.path().join("points.csv"), format!("a,b,c\n{rows}")).unwrap();
    let table = ["analyse", "--model", "net.safetensors", "--inputs-file", "points.csv", "--json", "a.json"];
    works(folder.path(), &table);
    assert_eq!(json(&folder.path().join("a.json"))["domain"][1], serde_json::json!([90.0, 149.0]));

    network(&path, &Metadata::new());
    fails(folder.path(), &["analyse", "--model", "net.safetensors"], "--domain");
    fails(folder.path(), &["analyse", "--model", "net.safetensors", "--domain", "0:1,2:3"], "3 inputs");
    fails(folder.path(), &["analyse", "--model", "net.safetensors", "--domain", "0:1", "--enclosure", "box"], "ball");
    fails(folder.path(), &["analyse", "--model", "missing.onnx", "--domain", "0:1"], "missing.onnx");
}

#[test]
fn compare_leaves_a_table_json_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["compare", "--quick", "--samples", "1024", "--epochs", "3", "--hidden", "12,8", "--dims", "2", "--idle", "1"];
    let more = [
        "--criteria",
        "interval,obs,random",
        "--folds",
        "mean,midpoint",
        "--seeds",
        "2",
        "--widths",
        "6,4",
        "--out",
        "c",
    ];
    let stdout = works(folder.path(), &[&args[..], &more, &["-q"]].concat());
    assert!(
        stdout.contains("2 assets and 1 idle inputs, 3-12-8-1, 2 seeds") && stdout.contains("midpoint"),
        "{stdout}"
    );
    let c = json(&folder.path().join("c/comparison.json"));
    assert_eq!((c["rows"].as_array().unwrap().len(), c["entries"].as_array().unwrap().len()), (6, 12));
    for row in c["rows"].as_array().unwrap() {
        for when in ["before", "after"] {
            for k in 0..3 {
                let [least, median, largest] =
                    ["least", "median", "largest"].map(|s| row[when][k][s].as_f64().unwrap());
                assert!(least <= median && median <= largest && largest < 1.0, "{row}");
            }
        }
    }
    assert!(fs::read_to_string(folder.path().join("c/comparison.md")).unwrap().contains("| obs"));
    assert!(fs::read_to_string(folder.path().join("c/comparison-6-4.svg")).unwrap().contains("interval, midpoint"));
    // The same again, number for number, but for the clock.
    works(folder.path(), &[&args[..], &more[..8], &["--widths", "6,4", "--out", "d", "-q", "--threads", "1"]].concat());
    let d = json(&folder.path().join("d/comparison.json"));
    for (a, b) in c["rows"].as_array().unwrap().iter().zip(d["rows"].as_array().unwrap()) {
        assert_eq!((&a["before"], &a["after"]), (&b["before"], &b["after"]));
    }

    fails(folder.path(), &["compare", "--criteria", "best"], "expected one of interval");
    fails(folder.path(), &["compare", "--hidden", "8,8", "--widths", "9,2"], "layer 0 has 8 nodes");
}

//! A network is given and nothing else: pruned, fine-tuned and judged by its own derivatives, as a stranger does it.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use faer::Mat;
use sobolev::data::{Metadata, Scaling, Surrogate};
use sobolev::export::onnx::write_onnx;
use sobolev::interval::Interval;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Layer, Network, Stack};
use sobolev::observer::Unobserved;
use sobolev::pipeline::{Fit, Imitation, Inputs, Plan, Polish, Pruning, Reference, Scores, Study};
use sobolev::prune::{Fold, SampledAdjoint};

/// A smooth network in original units, far from scaled ones: inputs of 80 to 120 and of 0.1 to 0.5.
///
/// Its hidden nodes are copies of three, so that three can do what it does.
fn imported(activation: Activation, outputs: usize) -> Surrogate {
    const COPIES: usize = 4;
    let mut rng = Streams::new(11, Purpose::Initialisation).next().unwrap();
    let core = Network::<_, f64>::init(Stack::mlp(2, &[3], outputs, activation), &mut rng);
    let ((w, b), (v, c)) = (core.layer_params(0), core.layer_params(1));
    let mut params: Vec<f64> = (0..3 * COPIES).flat_map(|n| [2.0 * w[n % 3 * 2], 2.0 * w[n % 3 * 2 + 1]]).collect();
    params.extend((0..3 * COPIES).map(|n| b[n % 3] + 0.3 * (n % 3) as f64));
    params.extend((0..outputs).flat_map(|o| (0..3 * COPIES).map(move |n| v[o * 3 + n % 3] / COPIES as f64)));
    params.extend_from_slice(c);
    let layers = vec![Layer::new(2, 3 * COPIES, activation), Layer::new(3 * COPIES, outputs, Activation::Identity)];
    let scaling = Scaling {
        input_mean: vec![100.0, 0.3],
        input_deviation: vec![12.0, 0.12],
        value_mean: 50.0,
        value_deviation: 20.0,
    };
    let network = Network::new(Stack::from_layers(layers), params);
    Surrogate { network, scaling }.rescaled(Scaling::identity(2))
}

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
fn fails(folder: &Path, args: &[&str], says: &[&str]) {
    let out = sobolev(folder, args);
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {stderr}");
    for what in says {
        assert!(stderr.contains(what), "{args:?} does not say `{what}`: {stderr}");
    }
}

/// `1 − R²` of values and of each delta of the file's network, at points of the test's own.
fn misses(path: &Path, teacher: &Surrogate) -> [f64; 3] {
    let student = Surrogate::load(path).unwrap().0;
    let grid = Mat::from_fn(900, 2, |r, j| match j {
        0 => 80.0 + 40.0 * (r / 30) as f64 / 29.0,
        _ => 0.1 + 0.4 * (r % 30) as f64 / 29.0,
    });
    let (got, want) = (student.predict(grid.as_ref()), teacher.predict(grid.as_ref()));
    let miss = |got: &[f64], want: &[f64]| 1.0 - sobolev::math::statistics::r_squared(got, want);
    [
        miss(&got.values, &want.values),
        miss(got.deltas.col_as_slice(0), want.deltas.col_as_slice(0)),
        miss(got.deltas.col_as_slice(1), want.deltas.col_as_slice(1)),
    ]
}

const QUICK: [&str; 6] = ["--quick", "--samples", "8192", "--epochs", "8", "--quiet"];
const BOX: [&str; 2] = ["--domain", "80:120,0.1:0.5"];

#[test]
fn an_imported_network_is_pruned_and_fine_tuned_without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, activation) in [("tanh", Activation::Tanh), ("relu", Activation::Relu), ("silu", Activation::Silu)] {
        let teacher = imported(activation, 1);
        let file = format!("{name}.onnx");
        fs::write(at.join(&file), write_onnx::<f64>(&teacher, &Metadata::new())).unwrap();
        works(
            at,
            &[&["prune", "--model", &file, "--widths", "3", "--out", "small.safetensors"], &BOX[..], &QUICK].concat(),
        );
        // What it is for is in its file from here on.
        works(
            at,
            &[
                &["finetune", "--model", "small.safetensors", "--teacher", &file, "--out", "tuned.safetensors"],
                &QUICK[..],
            ]
            .concat(),
        );
        let best = misses(&at.join("tuned.safetensors"), &teacher);
        // Kinks cost a student of kinks more: it must find where each of them is.
        let bar = if activation == Activation::Relu { 0.02 } else { 1e-4 };
        assert!(best.iter().all(|miss| *miss < bar), "{name}: {best:?}");

        let scores = works(at, &["evaluate", "--model", "tuned.safetensors", "--teacher", &file, "--json"]);
        let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
        assert!(1.0 - scores["values"].as_f64().unwrap() < bar, "{scores}");
        assert_eq!(scores["gammas"].is_null(), activation == Activation::Relu, "{scores}");
        let said = works(at, &["evaluate", "--model", "tuned.safetensors", "--teacher", &file, "--picture", "a.svg"]);
        assert_eq!(said.contains("piecewise linear"), activation == Activation::Relu, "{said}");
        assert!(fs::read_to_string(at.join("a.svg")).unwrap().contains("Mean of the inputs"));

        let (_, metadata) = Surrogate::load(&at.join("tuned.safetensors")).unwrap();
        assert!(!metadata.contains_key("model") && metadata["teacher"].starts_with("2 => 12"), "{metadata:?}");
        assert_eq!(metadata["domain"], "[[80.0,120.0],[0.1,0.5]]");
        works(at, &["export", "--model", "tuned.safetensors", "--to", "rust", "--out", "net.rs"]);
        let source = fs::read_to_string(at.join("net.rs")).unwrap();
        assert!(source.contains("80.0 ≤ x[0] ≤ 120.0") && source.contains("R²        values"), "{}", &source[..900]);
        assert_eq!(source.contains("R²        gammas"), activation != Activation::Relu);

        // The last link: priced, it says what its teacher says.
        fs::write(at.join("spots.csv"), "spot,vol\n90,0.2\n100,0.3\n115,0.45\n").unwrap();
        works(at, &["price", "--model", "tuned.safetensors", "--in", "spots.csv", "--out", "prices.csv"]);
        let rows = fs::read_to_string(at.join("prices.csv")).unwrap();
        assert!(rows.starts_with("value,delta_0,delta_1,gamma\n"), "{rows}");
        let points = Mat::from_fn(3, 2, |r, j| [[90.0, 0.2], [100.0, 0.3], [115.0, 0.45]][r][j]);
        let want = teacher.predict(points.as_ref()).values;
        for (row, want) in rows.lines().skip(1).zip(&want) {
            let got: f64 = row.split(',').next().unwrap().parse().unwrap();
            assert!((got - want).abs() < 20.0 * 4.0 * bar.sqrt(), "{name}: {row}, {want}"); // values deviate by some 20
        }
        assert_eq!(rows.lines().count(), 4);
    }
}

#[test]
fn given_inputs_take_the_place_of_a_box() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let teacher = imported(Activation::Silu, 1);
    teacher.save(&at.join("big.safetensors"), &Metadata::new()).unwrap();
    let rows = |n: usize| {
        let row = |i: usize| {
            format!("{},x,{}\n", 80.0 + 40.0 * ((i * 37) % n) as f64 / n as f64, 0.1 + 0.4 * i as f64 / n as f64)
        };
        "spot,name,vol\n".to_owned() + &(0..n).map(row).collect::<String>()
    };
    fs::write(at.join("spots.csv"), rows(600)).unwrap();
    let prune = |file: &'static str| {
        [
            "prune",
            "--model",
            "big.safetensors",
            "--widths",
            "3",
            "--inputs-file",
            file,
            "--columns",
            "spot,vol",
            "--out",
            "small.safetensors",
        ]
    };
    works(at, &[&prune("spots.csv")[..], &QUICK].concat());
    let best = misses(&at.join("small.safetensors"), &teacher);
    assert!(best[0] < 1e-3, "{best:?}");
    let (_, metadata) = Surrogate::load(&at.join("small.safetensors")).unwrap();
    let domain: Vec<[f64; 2]> = serde_json::from_str(&metadata["domain"]).unwrap();
    assert!(domain[0][0] == 80.0 && (domain[1][1] - 0.5).abs() < 1e-3, "{domain:?}");

    fs::write(at.join("few.csv"), rows(20)).unwrap();
    fails(at, &prune("few.csv"), &["few.csv", "at least 50 points, found 20"]);
    fs::write(at.join("bad.csv"), rows(60).replace("80,x,", "80,x,oops")).unwrap();
    fails(at, &prune("bad.csv"), &["bad.csv", "line 2", "oops"]);
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    imported(Activation::Tanh, 1).save(&at.join("one.safetensors"), &Metadata::new()).unwrap();
    imported(Activation::Tanh, 2).save(&at.join("two.safetensors"), &Metadata::new()).unwrap();
    let prune = |model: &'static str| ["prune", "--widths", "3", "--out", "small.safetensors", "--model", model];
    fails(
        at,
        &prune("one.safetensors"),
        &["one.safetensors", "--domain", "--inputs-file", "--basket-seed", "--reference"],
    );
    fails(at, &[&prune("one.safetensors")[..], &["--domain", "1:2,1:2,1:2"]].concat(), &["each of 2 inputs, found 3"]);
    fails(at, &[&prune("one.safetensors")[..], &["--domain", "2:1"]].concat(), &["`2:1` is not a range"]);
    fails(at, &[&prune("two.safetensors")[..], &BOX].concat(), &["two.safetensors", "one output, found 2", "--output"]);
    fails(
        at,
        &[&prune("two.safetensors")[..], &BOX, &["--output", "2"]].concat(),
        &["two.safetensors", "0 to 1, found 2"],
    );
    fails(at, &[&["finetune", "--model", "one.safetensors"], &BOX[..]].concat(), &["reference model", "--teacher"]);
    fails(at, &[&["evaluate", "--model", "one.safetensors"], &BOX[..]].concat(), &["--teacher"]);
    Surrogate {
        network: Network::new(Stack::mlp(3, &[], 1, Activation::Silu), vec![1.0; 4]),
        scaling: Scaling::identity(3),
    }
    .save(&at.join("three.safetensors"), &Metadata::new())
    .unwrap();
    let args = ["finetune", "--model", "one.safetensors", "--teacher", "three.safetensors"];
    fails(at, &[&args[..], &BOX].concat(), &["three.safetensors", "2 inputs, found 3"]);
    assert!(!at.join("small.safetensors").exists() && !at.join("out").exists(), "nothing half-written");

    // One of several outputs is a network like any other.
    let second = imported(Activation::Tanh, 2).output(1).unwrap();
    works(at, &[&prune("two.safetensors")[..], &BOX, &["--output", "1"], &QUICK].concat());
    let args = [
        "finetune",
        "--model",
        "small.safetensors",
        "--teacher",
        "two.safetensors",
        "--output",
        "1",
        "--out",
        "tuned.safetensors",
    ];
    works(at, &[&args[..], &QUICK].concat());
    let best = misses(&at.join("tuned.safetensors"), &second);
    assert!(best.iter().all(|miss| *miss < 1e-3), "{best:?}");
}

/// The library's way, with stages that would need the model refused.
#[test]
fn a_study_of_a_network_never_asks_for_a_model() {
    let teacher = imported(Activation::Silu, 1);
    let domain = [(80.0, 120.0), (0.1, 0.5)].map(|(low, high)| Interval::new(low, high).unwrap());
    let reference =
        Reference::from(Imitation::new(teacher.clone(), Inputs::uniform(domain.to_vec()).unwrap()).unwrap());
    let fit = Fit { samples: 4096, epochs: 8, paths: 1, batch: 256, peak: 0.01, fresh: true };
    let plan = Plan {
        pruned: vec![3],
        prune: Pruning { keep: 0.5, retrain: fit },
        retrain: fit,
        finetune: fit,
        polish: Polish { samples: 2048, held_out: 1024, ..Plan::default().polish },
        ..Plan::default()
    };
    let mut study = Study::new(&reference, &plan, 1);
    let mut small = teacher.clone();
    let history = study.prune(&mut small, &teacher, &mut SampledAdjoint, Fold::Mean, &mut Unobserved).unwrap();
    assert_eq!((history.widths, small.widths()), (vec![12], vec![2, 3, 1]));
    study.finetune_from_network(&mut small, &teacher, &mut Unobserved).unwrap();
    let scores = Scores::of(&small, reference.test());
    assert!(scores.values > 0.9999 && scores.deltas_by_column > 0.9999, "{scores:?}");
    let before = small.clone();
    assert!(study.finetune_from_model(&mut small, &mut Unobserved).unwrap_err().to_string().contains("unknown"));
    assert!(study.initial(&[3]).is_err() && small == before);
}

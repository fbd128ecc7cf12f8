//! ONNX files in and out, held to values of other programs.
#![cfg(feature = "std")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use faer::Mat;
use rand::RngExt as _;
use sobolev::data::{Metadata, OnnxError, Scaling, Surrogate, TestSet, load_network};
use sobolev::export::onnx::write_onnx;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::model::{Bachelier, Basket, Call};
use sobolev::nn::{Layer, Network, Stack};

/// Inputs and outputs of a file, one line a sample.
fn table(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Surrogate {
    Surrogate::from_onnx(&fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display())).0
}

/// All outputs at one point, in original units.
fn outputs(surrogate: &Surrogate, x: &[f64]) -> Vec<f64> {
    let s = &surrogate.scaling;
    let x = Mat::from_fn(1, x.len(), |_, j| x[j]);
    let y = surrogate.network.value(s.inputs_of(x.as_ref()).as_ref());
    y.row(0).iter().map(|y| y * s.value_deviation + s.value_mean).collect()
}

#[track_caller]
fn assert_near(found: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{what}: {found} ≠ {wanted}");
}

/// Every way of writing a network gives the values that onnxruntime computes from it; see `onnx/make.py`.
#[test]
fn every_way_of_writing_has_the_values_of_onnxruntime() {
    let all = files("tests/onnx");
    assert_eq!(all.len(), 33);
    for path in all {
        let (surrogate, name) = (read(&path), path.file_stem().unwrap().to_str().unwrap().to_owned());
        // Onnxruntime computed these in single precision, from values of size 10.
        let tolerance = if name.starts_with("single") { 2e-6 } else { 1e-13 };
        for row in table(&path.with_extension("csv")) {
            let (x, y) = row.split_at(3);
            let found = outputs(&surrogate, x);
            assert_eq!(found.len(), y.len(), "{name}");
            for (found, wanted) in found.iter().zip(y) {
                assert_near(*found, *wanted, tolerance, &name);
            }
        }
    }
}

/// What exporters write today, of whatever they are given; see `onnx/exporters.py`.
#[test]
fn files_of_exporters_have_the_values_of_onnxruntime() {
    let all = files("tests/onnx/exporters");
    assert_eq!(all.len(), 38);
    for path in all {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let surrogate = load_network(&path).unwrap_or_else(|e| panic!("{e}")).0;
        // The file's own rounding: of half, brain and single precision.
        let tolerance = match name.split('_').collect::<Vec<_>>()[..] {
            ["half", "bfloat", ..] => 1e-2,
            ["half", ..] => 2e-3,
            ["sklearn", "single", ..] => 1e-6,
            _ => 1e-13,
        };
        for row in table(&path.with_extension("csv")) {
            assert_near(outputs(&surrogate, &row[..3])[0], row[3], tolerance, &name);
        }
    }
}

#[test]
fn numbers_in_another_file_are_read_from_the_folder_of_the_model_only() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/exporters/torch_external_dynamo.onnx");
    let bytes = fs::read(&path).unwrap();
    let message = Surrogate::from_onnx(&bytes).unwrap_err().to_string();
    assert!(message.contains("its numbers are in another file, `torch_external_dynamo.onnx.data`"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (folder.path().join("model.onnx"), folder.path().join("torch_external_dynamo.onnx.data"));
    fs::write(&model, &bytes).unwrap();
    let message = load_network(&model).unwrap_err().to_string();
    assert!(message.contains("model.onnx: tensor `0.weight`: cannot read `torch_external"), "{message}");
    fs::write(&data, [0; 100]).unwrap();
    let message = load_network(&model).unwrap_err().to_string();
    assert!(message.contains("is cut short: "), "{message}");
    let at = bytes.windows(8).position(|w| w == b"torch_ex").unwrap();
    let mut elsewhere = bytes.clone();
    elsewhere[at..at + 8].copy_from_slice(b"../ch_ex");
    fs::write(&model, &elsewhere).unwrap();
    let message = load_network(&model).unwrap_err().to_string();
    assert!(message.contains("not in the model's folder"), "{message}");
}

/// However it is taken apart, the network is the plain one, not one with more layers.
#[test]
fn networks_are_as_small_as_they_are() {
    for (name, wanted) in [
        ("silu_division", "3 => 5 silu => 4 silu => 1 identity"),
        ("silu_one_over", "3 => 5 silu => 4 silu => 1 identity"),
        ("silu_exp_over", "3 => 5 silu => 4 silu => 1 identity"),
        ("silu_tanh", "3 => 5 silu => 4 silu => 1 identity"),
        ("swish_beta", "3 => 5 silu => 4 silu => 1 identity"),
        ("sigmoid_complement", "3 => 5 sigmoid => 4 sigmoid => 1 identity"),
        ("softplus_log", "3 => 5 softplus => 4 softplus => 1 identity"),
        ("relu_maximum", "3 => 5 relu => 4 relu => 1 identity"),
        ("scaled", "3 => 5 silu => 4 silu => 1 identity"),
        ("fixed_batch", "3 => 5 silu => 4 silu => 1 identity"),
        ("written_twice", "3 => 5 silu => 1 identity"),
        ("activated_output", "3 => 5 silu => 4 silu => 1 softplus"),
        ("linear", "3 => 1 identity"),
    ] {
        let surrogate = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/onnx/{name}.onnx")));
        assert_eq!(surrogate.network.describe(), wanted, "{name}");
    }
}

#[test]
fn scaling_layers_become_the_scaling() {
    let scaled = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/scaled.onnx")).scaling;
    assert_eq!(scaled.input_mean, [1.0, 2.0, -0.5]);
    assert_eq!((scaled.input_deviation[0], scaled.input_deviation[1]), (0.5, 2.0));
    assert_near(scaled.input_deviation[2], 1.5, 1e-15, "deviation");
    assert_eq!((scaled.value_mean, scaled.value_deviation), (0.7, 0.3));
    // A negative factor is no deviation: it is folded into the weights. Two of them make a positive one.
    let negative = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/scaled_negative.onnx")).scaling;
    assert_eq!((negative.input_mean, negative.value_deviation), (vec![0.0; 3], 0.3));
}

/// The two networks of others that the reader was made for; their values by onnxruntime 1.23.
#[test]
fn foreign_networks_have_the_values_of_onnxruntime() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/onnx");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let large = read(&folder.join("bachelier_vmap_model_dml.onnx"));
    let small = read(&folder.join("bachelier_pruned_model_125_retrained.onnx"));
    assert_eq!(large.widths(), [7, 128, 128, 128, 128, 128, 128, 1]);
    assert_eq!(small.network.describe(), "7 => 3 silu => 3 silu => 1 identity");
    assert_near(large.scaling.input_mean[3], 0.993868814577568, 1e-15, "mean");
    assert_near(large.scaling.value_deviation, 0.13860017276861647, 1e-15, "deviation");
    for (x, of_large, of_small) in FOREIGN {
        assert_near(outputs(&large, &x)[0], of_large, 1e-12, "large");
        let scaled = x.map(|x| (x - 0.993868814577568) * 0.9703980819762977);
        assert_near(outputs(&small, &scaled)[0], of_small, 1e-12, "small");
    }
}

/// The networks learnt a Bachelier basket call whose weights are not stored; all deltas are multiples of the weights, so
/// that they can be read off. The closed form then judges values and Greeks of the imported networks.
#[test]
fn foreign_networks_price_the_basket_that_their_gradients_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/onnx");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let large = read(&folder.join("bachelier_vmap_model_dml.onnx"));
    let mut small = read(&folder.join("bachelier_pruned_model_125_retrained.onnx"));
    // The small one was retrained on values alone, and its gamma shows it. Its file leaves the scaling to its user; the other one's is the same.
    small.scaling = large.scaling.clone();
    let mut generator = Streams::new(1, Purpose::Test).next().unwrap();
    let near = Mat::from_fn(2000, 7, |_, _| generator.random_range(0.9..1.1));
    let deltas = large.predict(near.as_ref()).deltas;
    let sums: Vec<f64> = (0..7).map(|j| deltas.col(j).iter().sum()).collect();
    let weights: Vec<f64> = sums.iter().map(|s| s / sums.iter().sum::<f64>()).collect();
    // The price depends on the assets' law through the basket's volatility only: 0.2.
    let volatility = 0.2 / weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    let unit = |i: usize| (0..7).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
    let correlation: Vec<Vec<f64>> = (0..7).map(unit).collect();
    let basket = Basket::new(&weights, &correlation, &[volatility; 7]).unwrap();
    let model = Bachelier::new(basket, 1.0, 2.0).unwrap();
    let test = TestSet::draw(&model, &Call::default(), &mut Streams::new(2, Purpose::Test), 4096).expect("a formula");
    for (surrogate, least) in [(large, [0.9998, 0.999, 0.97]), (small, [0.999, 0.99, 0.5])] {
        let found = surrogate.predict(test.inputs.as_ref());
        let flat = |m: &Mat<f64>| (0..7).flat_map(|j| m.col_as_slice(j).to_vec()).collect::<Vec<f64>>();
        let scores = [
            r_squared(&found.values, &test.values),
            r_squared(&flat(&found.deltas), &flat(&test.deltas)),
            r_squared(&found.gammas, &test.gammas),
        ];
        assert!(scores.iter().zip(least).all(|(score, least)| *score > least), "{scores:?}");
    }
}

fn r_squared(found: &[f64], wanted: &[f64]) -> f64 {
    let mean = wanted.iter().sum::<f64>() / wanted.len() as f64;
    let squares = |of: &dyn Fn(usize) -> f64| (0..wanted.len()).map(|i| of(i).powi(2)).sum::<f64>();
    1.0 - squares(&|i| found[i] - wanted[i]) / squares(&|i| wanted[i] - mean)
}

/// Inputs, output of the large network, output of the small one at the scaled inputs.
const FOREIGN: [([f64; 7], f64, f64); 4] = [
    ([1.0; 7], 0.03910297549633967, -0.4160128226148241),
    ([0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 0.7], 0.028480352729661748, -0.4956050210686939),
    ([1.4, 1.3, 1.25, 0.6, 1.5, 1.05, 0.95], 0.05984367451406836, -0.26202948863317527),
    ([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8], 0.0012155730858863373, -0.6962459924153817),
];

fn refusal(name: &str) -> OnnxError {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/onnx/refused/{name}.onnx"));
    Surrogate::from_onnx(&fs::read(path).unwrap()).expect_err(name)
}

#[test]
fn every_unsupported_operator_is_listed_with_its_node() {
    let OnnxError::Unsupported(nodes) = refusal("unsupported") else { panic!("another error") };
    let listed: Vec<_> = nodes.iter().map(|n| (n.operator.as_str(), n.node.as_str())).collect();
    assert_eq!(
        listed,
        [("Erf", "Erf_e"), ("Pow", "Pow_q"), ("com.microsoft.Gelu", "g"), ("Clip", "Clip_k"), ("Elu", "Elu_y")]
    );
    let text = refusal("unsupported").to_string();
    let whole = "unsupported operators: Erf (node `Erf_e`), Pow (node `Pow_q`), com.microsoft.Gelu (node `g`), \
                 Clip (node `Clip_k`), Elu (node `Elu_y`)";
    assert_eq!(text, whole);
}

#[test]
fn what_is_no_chain_of_layers_is_refused_by_name() {
    for (name, says) in [
        ("skip", "Add (node `Add_y`): adds nodes of different layers"),
        ("two_inputs", "expected one input, found 2: `x`, `z`"),
        ("two_graph_outputs", "expected one output that is a network, found 2: `u`, `h`"),
        ("square", "Mul (node `Mul_y`): multiplies two computed values"),
        ("bare_exponential", "the output is an exponential"),
        ("cyclic", "Add (node `Add_u`): reads `v`, which nothing before it writes"),
        ("wrong_shape", "Gemm (node `Gemm_y`): cannot multiply matrices of the shapes [1, 5] and [3, 5]"),
        ("old", "opset 6 is not supported, expected 7 or newer"),
        ("constant", "output `y` does not depend on the input"),
        ("across_samples", "MatMul (node `MatMul_y`): a matrix product over the samples of a batch"),
        ("not_finite", "layer 0 has a weight that is not finite"),
    ] {
        let message = refusal(name).to_string();
        assert!(message.contains(says), "{name}: {message}");
    }
}

/// No prefix of a file and no damaged byte makes the reader panic, hang or take memory that the file does not account for.
#[test]
fn damaged_files_are_errors_or_other_networks() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    for path in [files("tests/onnx"), files("tests/onnx/refused"), files("tests/onnx/exporters")].concat() {
        let whole = fs::read(&path).unwrap();
        if whole.len() > 6000 || path.ends_with("torch_external_dynamo.onnx") {
            continue;
        }
        for n in 0..whole.len() {
            match Surrogate::from_onnx(&whole[..n]) {
                // What is cut off may say nothing about the network.
                Ok((surrogate, _)) => assert_eq!(surrogate, read(&path), "{n} bytes of {}", path.display()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        for _ in 0..300 {
            let mut damaged = whole.clone();
            for _ in 0..=random(4) {
                let at = random(damaged.len());
                damaged[at] = random(256) as u8;
            }
            if let Ok((surrogate, _)) = Surrogate::from_onnx(&damaged) {
                assert!(surrogate.network.params().iter().all(|p| p.is_finite()), "{}", path.display());
            }
        }
    }
}

/// One layer of every activation, in scaled units.
fn every_activation() -> Surrogate {
    let widths = Activation::ALL.into_iter().enumerate();
    let mut layers: Vec<Layer> = widths.map(|(l, activation)| Layer::new(3 + l, 4 + l, activation)).collect();
    layers.push(Layer::new(9, 1, Activation::Identity));
    // An affine layer of its own would be read as part of the next one.
    layers[0].activation = Activation::Silu;
    let scaling = Scaling {
        input_mean: vec![1.0, -0.5, 0.3],
        input_deviation: vec![0.7, 2.0, 0.3],
        value_mean: 0.2,
        value_deviation: 0.9,
    };
    let mut rng = Streams::new(3, Purpose::Initialisation).next().unwrap();
    Surrogate { network: Network::init(Stack::from_layers(layers), &mut rng), scaling }
}

#[test]
fn what_is_written_is_read() {
    let surrogate = every_activation();
    let metadata = Metadata::from([("seed".to_owned(), "7".to_owned()), ("model".to_owned(), "{}".to_owned())]);
    let (read, found) = Surrogate::from_onnx(&write_onnx::<f64>(&surrogate, &metadata)).unwrap();
    assert_eq!(found, metadata);
    assert_eq!((read.network.chain(), read.network.params()), (surrogate.network.chain(), surrogate.network.params()));
    for (found, wanted) in read.scaling.input_deviation.iter().zip(&surrogate.scaling.input_deviation) {
        assert_near(*found, *wanted, f64::EPSILON, "deviation");
    }
    assert_eq!(read.scaling.input_mean, surrogate.scaling.input_mean);
}

/// The written file in onnxruntime, if this machine has it (the program `PYTHON`, or else `python3`).
#[test]
fn onnxruntime_computes_the_same_from_the_written_file() {
    const SCRIPT: &str = "import sys, numpy, onnx, onnxruntime
onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
x = numpy.array([float(v) for v in sys.argv[2].split(',')], dtype=sys.argv[3]).reshape(-1, 3)
print(*(repr(float(v)) for v in onnxruntime.InferenceSession(sys.argv[1]).run(['y'], {'x': x})[0].ravel()))";
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if !has.is_ok_and(|o| o.status.success()) {
        println!("skipped: {python} has no numpy, onnx and onnxruntime");
        return;
    }
    let surrogate = every_activation();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.onnx");
    let points: Vec<f64> = (0..30).map(|i| (f64::from(i) * 0.7).sin() * 2.0).collect();
    let text: Vec<String> = points.iter().map(f64::to_string).collect();
    let single = write_onnx::<f32>(&surrogate, &Metadata::new());
    let double = write_onnx::<f64>(&surrogate, &Metadata::new());
    for (bytes, precision, tolerance) in [(double, "float64", 1e-13), (single, "float32", 1e-5)] {
        fs::write(&path, bytes).unwrap();
        let arguments = ["-c", SCRIPT, path.to_str().unwrap(), &text.join(","), precision];
        let run = Command::new(&python).args(arguments).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let values: Vec<f64> =
            String::from_utf8(run.stdout).unwrap().split_whitespace().map(|v| v.parse().unwrap()).collect();
        assert_eq!(values.len(), 10);
        for (point, value) in points.chunks(3).zip(values) {
            assert_near(outputs(&surrogate, point)[0], value, tolerance, precision);
        }
    }
}

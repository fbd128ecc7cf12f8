//! The command, as a stranger runs it: a whole small run, stages over files, bad input, interruption.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sobolev::data::Surrogate;
use sobolev::model::{AnyModel, Basket, Contract, Kind, Smoothing};
use sobolev::pipeline::{Problem, Scores};

/// Small enough for seconds in a debug build.
const SMALL: [&str; 8] = ["--quick", "--samples", "2048", "--epochs", "4", "--hidden", "16,12", "--dims"];

fn sobolev(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sobolev")).args(args).current_dir(folder).output().unwrap()
}

#[track_caller]
fn works(folder: &Path, args: &[&str]) -> String {
    let out = sobolev(folder, args);
    let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success(), "{args:?}: {stderr}");
    stdout
}

/// Exit code 2, one line that says what is wrong, no panic.
#[track_caller]
fn fails(folder: &Path, args: &[&str], says: &[&str]) {
    let out = sobolev(folder, args);
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    for what in says {
        assert!(stderr.contains(what), "{args:?} does not say `{what}`: {stderr}");
    }
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_networks_pictures_and_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let args = [&SMALL[..], &["3", "--widths", "3-1", "--out", "results", "--seeds", "2", "--threads", "2"]].concat();
    let stdout = works(folder.path(), &args);
    assert!(stdout.contains("Gammas") && stdout.contains("0.902470") && stdout.contains("Collapsed"), "{stdout}");
    let out = folder.path().join("results");
    let table = json(&out.join("table2.json"));
    assert_eq!(table["seeds"], serde_json::json!([1, 2]));
    assert_eq!(table["widths"], serde_json::json!([3, 1]));
    for column in ["oversized", "pruned", "from_network", "from_model", "collapsed", "collapsed_from_model"] {
        for row in ["values", "deltas", "deltas_by_column", "gammas"] {
            let cell = &table["columns"][column][row];
            let (median, worst) = (cell["median"].as_f64().unwrap(), cell["worst"].as_f64().unwrap());
            assert!(worst <= median && median < 1.0, "{column} {row}: {cell}");
        }
        let (surrogate, metadata) = Surrogate::load(&out.join(format!("{column}.safetensors"))).unwrap();
        assert_eq!(surrogate.widths()[0], 3);
        assert_eq!((&metadata["seed"][..], &metadata["state"][..]), ("1", "complete"));
    }
    assert!(table["seconds"]["train"].as_f64().unwrap() > 0.0);
    assert!(table["columns"]["from_model"]["values"]["median"].as_f64().unwrap() > 0.99);
    for picture in ["1", "4-oversized", "5-smoothing", "6-pruned", "7-collapsed", "9-from_network", "10-from_model"] {
        let svg = fs::read_to_string(out.join(format!("figure{picture}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{picture}");
    }
    assert!(out.join("basket-1-seed-2/from_model.safetensors").is_file());
    let history = json(&out.join("history.json"));
    assert_eq!(history["widths"], serde_json::json!([16, 12]));
    assert_eq!(history["rounds"].as_array().unwrap().last().unwrap()["widths"], serde_json::json!([3, 1]));

    // Resuming takes up everything that is there, and gives the same table.
    let again = [&args[..], &["--resume"]].concat();
    works(folder.path(), &again);
    assert_eq!(json(&out.join("table2.json"))["columns"], table["columns"]);
}

#[test]
fn any_number_of_threads_writes_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let args = [&SMALL[..], &["2", "--widths", "2-2", "--quiet", "--threads", threads, "--out", threads]].concat();
        works(folder.path(), &args);
        let bytes = |name: &str| fs::read(folder.path().join(threads).join(name)).unwrap();
        ["oversized", "pruned", "from_network", "from_model"].map(|n| bytes(&format!("{n}.safetensors")))
    };
    assert!(run("1") == run("3"));
}

#[test]
fn stages_run_alone_over_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let quick = ["--quick", "--samples", "4096", "--epochs", "6", "--quiet"];
    works(at, &[&["train", "--dims", "2", "--widths", "2x16", "--precision", "f64"], &quick[..]].concat());
    works(at, &[&["prune", "--widths", "4,1", "--criterion", "magnitude", "--fold", "midpoint"], &quick[..]].concat());
    let history = json(&at.join("out/pruned.history.json"));
    assert_eq!(history["widths"], serde_json::json!([16, 16]));
    works(at, &[&["finetune", "--out", "a.safetensors"], &quick[..]].concat());
    works(
        at,
        &[&["finetune", "--teacher", "out/oversized.safetensors", "--out", "b.safetensors"], &quick[..]].concat(),
    );
    works(at, &[&["finetune", "--collapse", "--out", "c.safetensors"], &quick[..]].concat());
    assert_eq!(Surrogate::load(&at.join("c.safetensors")).unwrap().0.widths(), [2, 4, 1]);
    let scores = works(at, &["evaluate", "--model", "a.safetensors", "--json", "--picture", "a.svg"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    assert!(scores["values"].as_f64().unwrap() > 0.99 && scores["deltas"].as_f64().unwrap() > 0.99, "{scores}");
    assert!(at.join("a.svg").is_file());
    // The same command gives the same file.
    let once = fs::read(at.join("a.safetensors")).unwrap();
    works(at, &[&["finetune", "--out", "a.safetensors"], &quick[..]].concat());
    assert!(once == fs::read(at.join("a.safetensors")).unwrap());
}

/// A file names its model and payoff, and every later stage is about these.
#[test]
fn files_carry_their_payoff_from_stage_to_stage() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let quick = ["--quick", "--samples", "4096", "--epochs", "6", "--quiet"];
    let payoff = ["--payoff", "digital", "--strike", "1", "--volatility", "0.3", "--dims", "2", "--widths", "2x16"];
    works(at, &[&["train"], &payoff[..], &quick].concat());
    works(at, &[&["prune", "--widths", "4,2"], &quick[..]].concat());
    // Values had no need of smoothing: derivatives do.
    fails(at, &["finetune"], &["jumps by 1 where the basket is at the strike 1", "--smoothing 0.02"]);
    works(at, &[&["finetune", "--smoothing", "0.04"], &quick[..]].concat());

    let tuned = at.join("out/finetuned.safetensors");
    let (surrogate, metadata) = Surrogate::load(&tuned).unwrap();
    assert_eq!(metadata["smoothing"], "0.04");
    let truth = |basket_seed: u64| {
        let basket = Basket::random(basket_seed, 2).unwrap().with_volatility(0.3).unwrap();
        let digital = Contract::new(Kind::Digital, 1.0).unwrap();
        let model = AnyModel::new("bachelier", basket, 1.0, 2.0).unwrap().for_contract(&digital, 1, &[]).unwrap();
        Problem::of(model, digital, Smoothing::NONE, basket_seed).unwrap().test
    };
    let scores = |seed: &[&str]| {
        let args = [&["evaluate", "--model", "out/finetuned.safetensors", "--json"], seed].concat();
        let scores: serde_json::Value = serde_json::from_str(&works(at, &args)).unwrap();
        ["values", "deltas", "gammas"].map(|row| scores[row].as_f64().unwrap())
    };
    let rows = |s: Scores| [s.values, s.deltas, s.gammas];
    let own = rows(Scores::of(&surrogate, &truth(1)));
    assert_eq!(scores(&[]), own);
    assert!(own[0] > 0.99 && own[1] > 0.97, "{own:?}");
    // Another basket, the same payoff.
    let other = rows(Scores::of(&surrogate, &truth(2)));
    assert!(other[0] < own[0]);
    assert!(scores(&["--basket-seed", "2"]).iter().zip(other).all(|(got, want)| (got - want).abs() < 1e-6));
    let report = works(at, &["analyse", "--model", "out/finetuned.safetensors", "--quiet"]);
    assert!(!report.is_empty());
}

/// Where the price is no function of one number, no layer of one node stands in its way by default.
#[test]
fn prices_of_several_numbers_are_pruned_to_another_shape() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let tiny = ["--quick", "--samples", "1024", "--epochs", "1", "--no-polish", "--quiet", "--dims", "2"];
    let widths = |payoff: &[&str], out: &'static str| {
        works(at, &[payoff, &["--hidden", if out == "one" { "6x16" } else { "4x16" }, "--out", out], &tiny].concat());
        json(&at.join(out).join("table2.json"))["widths"].clone()
    };
    assert_eq!(widths(&["--payoff", "worst-of"], "assets"), serde_json::json!([8, 8, 8, 8]));
    assert_eq!(widths(&["--model", "black-scholes"], "lognormal"), serde_json::json!([8, 8, 8, 8]));
    assert_eq!(widths(&["--inputs", "spots,volatility"], "parameters"), serde_json::json!([8, 8, 8, 8]));
    assert_eq!(widths(&["--payoff", "put"], "one"), serde_json::json!([3, 3, 1, 2, 2, 2]));
    assert!(!at.join("assets/collapsed.safetensors").exists() && at.join("one/collapsed.safetensors").is_file());
}

/// Figure 8: random weights beside pruning, from one large network; the same command gives the same files.
#[test]
fn figure_8_compares_random_weights_with_pruning() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let quick = ["--quick", "--samples", "4096", "--epochs", "4", "--quiet"];
    works(at, &[&["train", "--dims", "2", "--widths", "2x16", "--out", "big.safetensors"], &quick[..]].concat());
    let figure = |out: &'static str| {
        let args = [
            "figure8",
            "--model",
            "big.safetensors",
            "--widths",
            "3-2",
            "--seeds",
            "3",
            "--prunings",
            "2",
            "--out",
            out,
        ];
        let stdout = works(at, &[&args[..], &quick].concat());
        assert!(stdout.contains("of 3 failed") && stdout.contains("of 2 failed"), "{stdout}");
        ["figure8.json", "figure8.svg"].map(|name| fs::read(at.join(out).join(name)).unwrap())
    };
    assert!(figure("a") == figure("b"));
    let args =
        ["figure8", "--model", "big.safetensors", "--widths", "3-2", "--seeds", "1", "--prunings", "2", "--out", "c"];
    works(at, &[&args[..], &["--criterion", "random"], &quick].concat());
    let pruned = |folder: &str| json(&at.join(folder).join("figure8.json"))["pruned"].clone();
    assert!(pruned("a") != pruned("c"), "prunings are by the criterion asked for");
    let report = json(&at.join("a/figure8.json"));
    let random = &report["random"];
    let scores: Vec<f64> = random["scores"].as_array().unwrap().iter().map(|s| s["values"].as_f64().unwrap()).collect();
    assert_eq!(scores.len(), 3);
    assert!(scores[0] != scores[1] && scores[1] != scores[2], "every seed has weights of its own: {scores:?}");
    let mean = scores.iter().sum::<f64>() / 3.0;
    assert!((random["values"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let failed = random["scores"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["values"].as_f64().unwrap() < 0.999296 || s["gammas"].as_f64().unwrap() < 0.902470);
    assert_eq!(random["failed"], failed.count());
    fails(at, &["figure8", "--model", "big.safetensors", "--widths", "3-2-2"], &["2 hidden layers"]);
}

#[test]
fn bad_arguments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fails(at, &["--no-such-flag"], &["--no-such-flag"]);
    fails(at, &["--widths", "3-0-1"], &["hidden layer 1 would have 0 nodes"]);
    fails(at, &["--widths", "three"], &["three"]);
    fails(at, &["--hidden", "8,8", "--widths", "9,3"], &["hidden layer 0 has 8 nodes", "found 9"]);
    fails(at, &["--hidden", "8,8", "--widths", "3"], &["2 hidden layers"]);
    fails(at, &["--dims", "0"], &["--dims"]);
    fails(at, &["--samples", "-5"], &["-5"]);
    fails(at, &["--epochs", "0"], &["--epochs"]);
    fails(at, &["--threads", "0"], &["--threads"]);
    fails(at, &["--learning-rate", "nan"], &["--learning-rate"]);
    fails(at, &["--precision", "f16"], &["f16", "f32"]);
    fails(at, &["prune", "--keep", "1.5"], &["--keep"]);
    fails(at, &["--paper", "--samples", "9000"], &["--paper", "--samples"]);
    assert_eq!(fs::read_dir(at).unwrap().count(), 0, "nothing was written");
}

#[test]
fn bad_files_are_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fails(at, &["evaluate", "--model", "none.safetensors"], &["none.safetensors", "read"]);
    fails(at, &["prune", "--model", "."], &["cannot read"]);
    fs::write(at.join("empty.safetensors"), b"").unwrap();
    fails(at, &["evaluate", "--model", "empty.safetensors"], &["empty.safetensors", "not a safetensors file"]);
    fs::write(at.join("text.safetensors"), b"price,delta\n1,2\n").unwrap();
    fails(at, &["finetune", "--model", "text.safetensors"], &["text.safetensors"]);

    let quick = ["--quick", "--samples", "1024", "--epochs", "2", "--quiet"];
    works(at, &[&["train", "--dims", "2", "--widths", "8,8", "--out", "m.safetensors"], &quick[..]].concat());
    let whole = fs::read(at.join("m.safetensors")).unwrap();
    fs::write(at.join("cut.safetensors"), &whole[..whole.len() - 9]).unwrap();
    fails(at, &["prune", "--model", "cut.safetensors", "--widths", "2,2"], &["cut.safetensors"]);
    let mut nan = whole.clone();
    let end = nan.len();
    nan[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    fs::write(at.join("nan.safetensors"), &nan).unwrap();
    fails(at, &["evaluate", "--model", "nan.safetensors"], &["nan.safetensors", "NaN", "layers."]);
    fails(at, &["prune", "--model", "m.safetensors", "--widths", "2,9"], &["hidden layer 1 has 8 nodes", "found 9"]);
    fails(at, &["prune", "--model", "m.safetensors", "--widths", "2,2,2"], &["2 hidden layers"]);
    fails(at, &["finetune", "--model", "m.safetensors", "--collapse"], &["one node"]);
    works(at, &[&["train", "--dims", "3", "--widths", "8", "--out", "other.safetensors"], &quick[..]].concat());
    fails(
        at,
        &["finetune", "--model", "m.safetensors", "--teacher", "other.safetensors"],
        &["other.safetensors", "2 inputs"],
    );
    fs::write(at.join("file"), b"").unwrap();
    fails(at, &[&["--out", "file", "--dims", "2", "--widths", "2"], &quick[..]].concat(), &["file"]);
    assert!(!at.join("out").exists(), "nothing half-written");
}

#[test]
fn a_diverging_rate_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "train",
        "--dims",
        "2",
        "--widths",
        "16,16",
        "--quick",
        "--samples",
        "2048",
        "--epochs",
        "3",
        "--learning-rate",
        "1000",
    ];
    fails(folder.path(), &args, &["diverged", "step", "loss", "learning rate"]);
    assert!(!folder.path().join("out/oversized.safetensors").exists());
}

/// The first Ctrl-C leaves a checkpoint that later commands take, and exit code 130.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_checkpoint() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let args = ["train", "--dims", "3", "--widths", "3x64", "--samples", "32768", "--epochs", "100000"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_sobolev"))
        .args(args)
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|l| l.unwrap().contains("train")), "training began");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::thread::spawn(move || lines.for_each(drop));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let (_, metadata) = Surrogate::load(&folder.path().join("out/oversized.safetensors")).unwrap();
    assert_eq!(metadata["state"], "interrupted");
    let stdout = works(folder.path(), &["evaluate", "--model", "out/oversized.safetensors"]);
    assert!(stdout.contains("interrupted"), "{stdout}");
}

/// Second derivatives from the model and from a teacher, in `train`, `finetune` and `run`; what cannot be is refused.
#[test]
fn second_order_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let small = ["--quick", "--samples", "2048", "--epochs", "2"];
    let with = |args: &[&'static str]| [args, &small[..]].concat();
    let train = ["train", "--dims", "3", "--widths", "12,8", "--out", "big.safetensors"];
    works(path, &with(&[&train[..], &["--second-order", "--directions", "random:2", "--every", "3"]].concat()));
    works(path, &with(&["prune", "--model", "big.safetensors", "--widths", "3-2", "--out", "small.safetensors"]));
    let tune = ["finetune", "--model", "small.safetensors", "--second-order"];
    let stdout = works(path, &with(&[&tune[..], &["--out", "a.safetensors"]].concat()));
    assert!(stdout.contains("Gammas"), "{stdout}");
    let teacher = ["--teacher", "big.safetensors", "--directions", "cartesian", "--out", "b.safetensors"];
    works(path, &with(&[&tune[..], &teacher].concat()));
    // Another choice leaves another network.
    let bytes = |name: &str| fs::read(path.join(name)).unwrap();
    let again = ["--directions", "random", "--out", "c.safetensors"];
    works(path, &with(&[&tune[..], &again].concat()));
    assert_ne!(bytes("a.safetensors"), bytes("c.safetensors"));
    works(path, &[&SMALL[..], &["3", "--widths", "3-1", "--out", "r", "--second-order", "--every", "2"]].concat());

    let unsmoothed = [&tune[..], &["--curvature-smoothing", "0"]].concat();
    fails(path, &with(&unsmoothed), &["curvature smoothing 0", "not Lipschitz", "a width as 0.02"]);
    fails(path, &with(&[&tune[..], &["--directions", "svd"]].concat()), &["expected pca, random or cartesian"]);
    fails(path, &with(&[&tune[..], &["--every", "0"]].concat()), &["at least 1"]);
    fails(path, &with(&[&tune[..], &["--curvature-smoothing", "-1"]].concat()), &["at least 0"]);
    fails(path, &with(&["finetune", "--model", "small.safetensors", "--directions", "pca"]), &["--second-order"]);
    fails(path, &with(&[&train[..], &["--loss", "values", "--second-order"]].concat()), &["--loss sobolev"]);
}

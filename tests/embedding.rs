//! README's program, in a crate of its own that knows nothing of this one.
#![cfg(feature = "cli")]

use std::fs;
use std::process::{Command, Output};

use faer::Mat;
use sobolev::data::{Metadata, Scaling, Surrogate};
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Network, Stack};

#[track_caller]
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}\n{}", String::from_utf8_lossy(&stderr));
    assert!(!String::from_utf8_lossy(&stderr).contains("warning"), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The code block of README that begins so.
fn block(first_line: &str) -> String {
    let readme = include_str!("../README.md");
    let start = readme.find(first_line).unwrap_or_else(|| panic!("README shows no {first_line}"));
    readme[start..].split("```").next().unwrap().to_owned()
}

#[test]
fn the_program_of_readme_prices_without_this_crate() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut rng = Streams::new(5, Purpose::Initialisation).next().unwrap();
    let network = Network::init(Stack::mlp(7, &[3, 2], 1, Activation::Silu), &mut rng);
    let scaling =
        Scaling { input_mean: vec![1.0; 7], input_deviation: vec![0.3; 7], value_mean: 0.2, value_deviation: 0.1 };
    let surrogate = Surrogate { network, scaling };
    surrogate.save(&path("pricer.safetensors"), &Metadata::new()).unwrap();

    fs::create_dir(path("src")).unwrap();
    let mut export = Command::new(env!("CARGO_BIN_EXE_sobolev"));
    run(export.current_dir(&folder).args([
        "export",
        "--model",
        "pricer.safetensors",
        "--to",
        "rust",
        "--out",
        "src/pricer.rs",
    ]));
    let of_build = r#"include!(concat!(env!("OUT_DIR"), "/pricer.rs"));"#;
    let program = block("// src/main.rs");
    assert!(program.contains(of_build));
    fs::write(path("src/main.rs"), program.replace(of_build, r#"include!("pricer.rs");"#)).unwrap();
    fs::write(path("Cargo.toml"), "[package]\nname = \"desk\"\nversion = \"1.0.0\"\nedition = \"2021\"\n").unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&folder).args(["run", "--offline", "--quiet"]).env("CARGO_TARGET_DIR", path("target"));
    let printed = run(&mut cargo);

    let spots = Mat::from_fn(5, 7, |i, j| if j == 0 { 0.9 + 0.05 * i as f64 } else { 1.0 });
    let wanted = surrogate.predict(spots.as_ref());
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 5);
    for (i, line) in lines.iter().enumerate() {
        let numbers: Vec<f64> = line.split([' ', ',', ':']).filter_map(|word| word.parse().ok()).collect();
        let want = [spots[(i, 0)], wanted.values[i], wanted.deltas[(i, 0)], wanted.gammas[i]];
        assert_eq!(numbers.len(), 4, "{line}");
        assert!(numbers.iter().zip(want).all(|(found, want)| (found - want).abs() < 1e-6), "{line} for {want:?}");
    }
}

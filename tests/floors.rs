//! The structure of the source: imports go down only, files stay short, nothing panics by `unwrap`.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first.
const FLOORS: [&[&str]; 9] = [
    &["math", "error", "observer"],
    &["interval"],
    &["ad"],
    &["nn", "model"],
    &["data"],
    &["train", "significance"],
    &["export", "certify", "prune"],
    &["pipeline"],
    &["cli", "main"],
];

/// Arrows between siblings: from, to.
const SIBLINGS: [(&str, &str); 4] =
    [("significance", "train"), ("prune", "certify"), ("export", "certify"), ("main", "cli")];

fn floor(module: &str) -> usize {
    FLOORS.iter().position(|f| f.contains(&module)).unwrap_or_else(|| panic!("module `{module}` stands on no floor"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its module and its text.
fn all() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let module = |path: &Path| {
        let first = path.strip_prefix(&root).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    paths.iter().map(|p| (p.clone(), module(p), fs::read_to_string(p).unwrap())).collect()
}

#[test]
fn imports_go_down_only() {
    let mut arrows = 0;
    for (path, module, text) in all() {
        if module == "lib" {
            continue;
        }
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        for line in code {
            for rest in line.split("crate::").skip(1).filter(|_| !line.contains("$crate::")) {
                let target: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if target == module || target == "network" || target.is_empty() {
                    continue;
                }
                arrows += 1;
                let down = floor(&target) < floor(&module);
                let allowed = SIBLINGS.contains(&(module.as_str(), target.as_str()));
                assert!(down || allowed, "{}: {module} must not import {target}: {line}", path.display());
            }
        }
    }
    assert!(arrows > 50, "only {arrows} imports found: the test looks in the wrong place");
}

#[test]
fn files_are_short() {
    for (path, _, text) in all() {
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_embedded_part_knows_no_matrices() {
    for (path, module, text) in all() {
        if module == "nn" && path.ends_with("frozen.rs") || path.ends_with("sweep.rs") || path.ends_with("chain.rs") {
            assert!(!text.contains("faer"), "{}", path.display());
        }
    }
}

//! The house rules that no lint knows: file length, crate edges, heavy dependencies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longer files hold two things.
const LINES_MAX: usize = 400;

/// Crate → the crates of ours that it may build on. Arrows point down only.
const EDGES: &[(&str, &[&str])] = &[
    ("plughouse-scan", &[]),
    ("plughouse-sdk", &["plughouse-scan"]),
    ("plughouse-testkit", &["plughouse-sdk"]),
    ("model", &[]),
    ("mapping", &["plughouse-scan"]),
    ("package", &[]),
    ("store", &["model"]),
    ("vault", &["model"]),
    ("egress", &["model", "package"]),
    ("oauth", &["model", "package"]),
    ("sandbox", &["model", "package", "plughouse-scan"]),
    ("engine", &["mapping", "model", "oauth", "package", "sandbox", "plughouse-scan"]),
    ("api", &["mapping", "model", "package", "engine"]),
    (
        "plughouse",
        &[
            "mapping",
            "model",
            "package",
            "store",
            "vault",
            "egress",
            "sandbox",
            "engine",
            "api",
            "plughouse-scan",
            "plughouse-testkit",
        ],
    ),
    ("e2e", &["model", "package", "plughouse", "sandbox"]),
    ("plughouse-hubspot", &["plughouse-sdk"]),
    ("plughouse-google-news", &["plughouse-sdk"]),
];

/// Dependency → a crate that may name it; where there are several, one row each.
const OWNERS: &[(&str, &str)] = &[
    ("wasmtime", "sandbox"),
    ("wasmtime-wasi", "sandbox"),
    ("redb", "store"),
    ("chacha20poly1305", "vault"),
    ("cryptoki", "vault"),
    ("regex", "mapping"),
    ("croner", "engine"),
    ("prometheus", "engine"),
    ("axum", "api"),
    ("utoipa", "api"),
    // As a server only: clippy lets nobody but `egress` build a client.
    ("hyper", "api"),
    ("hyper-util", "api"),
    ("hyper", "egress"),
    ("hyper-util", "egress"),
    ("rustls", "egress"),
    ("rustls", "api"),
    ("ring", "oauth"),
    ("tokio-rustls", "egress"),
    ("tokio-rustls", "api"),
    ("clap", "plughouse"),
    ("wit-bindgen", "plughouse-sdk"),
];

/// Names that nothing may depend on at run time.
const BANNED: &[&str] = &["reqwest", "openssl", "native-tls", "chrono"];

fn files(dir: &Path, name: &dyn Fn(&str) -> bool, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let file = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && file != "target" && !file.starts_with('.') {
            files(&path, name, found);
        } else if path.is_file() && name(&file) {
            found.push(path);
        }
    }
}

fn long_files(root: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    files(root, &|name| Path::new(name).extension().is_some_and(|e| e == "rs"), &mut sources);
    sources
        .iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(path).ok()?.lines().count();
            (lines > LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect()
}

fn manifest_faults(root: &Path) -> Vec<String> {
    let mut manifests = Vec::new();
    files(root, &|name| name == "Cargo.toml", &mut manifests);
    manifests.retain(|path| {
        let path = path.to_string_lossy();
        !path.contains("template") && !path.contains("tests/guests")
    });
    manifests.iter().flat_map(|path| crate_faults(path)).collect()
}

fn crate_faults(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let Some(name) = manifest.get("package").and_then(|p| p.get("name")?.as_str()) else {
        return Vec::new();
    };
    let edges: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let Some(allowed) = edges.get(name) else {
        return vec![format!("{}: crate `{name}` is not in the table of edges", path.display())];
    };
    let ours: BTreeSet<_> = edges.keys().copied().collect();
    let foreign = |dependency: &str| {
        let mut owners = OWNERS.iter().filter(|(owned, _)| *owned == dependency).peekable();
        owners.peek().is_some() && owners.all(|(_, owner)| *owner != name)
    };
    let names = dependencies(&manifest);
    let names = names.iter().map(String::as_str);
    names
        .filter_map(|dependency| {
            if ours.contains(dependency) && !allowed.contains(&dependency) {
                Some(format!("`{name}` may not build on `{dependency}`"))
            } else if foreign(dependency) {
                Some(format!("`{name}` may not name `{dependency}`: it has an owner"))
            } else if BANNED.contains(&dependency) {
                Some(format!("`{name}` may not name `{dependency}`"))
            } else {
                None
            }
        })
        .collect()
}

/// What a crate builds on, under its real name: at run time, at build time, for any target.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(|t| t.as_table()).into_iter().flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table()).chain([manifest]);
    let kinds = tables.flat_map(|t| [t.get("dependencies"), t.get("build-dependencies")]);
    let entries = kinds.flatten().filter_map(|table| table.as_table()).flatten();
    let real = |(name, entry): (&String, &toml::Value)| {
        entry.get("package").and_then(|p| p.as_str()).unwrap_or(name).to_owned()
    };
    entries.map(real).collect()
}

#[test]
fn every_source_file_is_short() {
    assert_eq!(long_files(e2e::root()), Vec::<String>::new());
}

#[test]
fn crates_build_downwards_only_and_heavy_dependencies_have_one_owner() {
    assert_eq!(manifest_faults(e2e::root()), Vec::<String>::new());
}

#[test]
fn seeded_violations_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("long.rs", &"// line\n".repeat(LINES_MAX + 1));
    write("a/Cargo.toml", "[package]\nname = \"store\"\n[dependencies]\nengine = \"1\"\n");
    write("b/Cargo.toml", "[package]\nname = \"engine\"\n[dependencies]\nhyper = \"1\"\n");
    write("c/Cargo.toml", "[package]\nname = \"cache\"\n");
    write("d/Cargo.toml", "[package]\nname = \"egress\"\n[dependencies]\nreqwest = \"1\"\n");
    write(
        "e/Cargo.toml",
        "[package]\nname = \"model\"\n[target.'cfg(unix)'.build-dependencies]\n\
         web = { package = \"reqwest\", version = \"1\" }\n",
    );
    assert_eq!(long_files(dir.path()).len(), 1);
    assert_eq!(manifest_faults(dir.path()).len(), 5);
}

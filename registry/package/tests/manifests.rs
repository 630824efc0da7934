//! Manifests: those of ten real providers are valid, and broken ones are refused with the line and
//! what to write instead.

#![cfg(test)]

use std::path::Path;

use package::Permissions;
use package::manifest::{Cursor, Manifest, Target};

#[test]
fn the_manifests_of_the_ten_providers_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/valid");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest =
            Manifest::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            Some(manifest.adapter.id.as_str()),
            path.file_stem().and_then(|stem| stem.to_str())
        );
        let permissions = Permissions::of(&manifest);
        assert_eq!(permissions.exceeds(&permissions), [""; 0], "{}", path.display());
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn defaults_of_entities_are_merged_in() {
    let manifest = Manifest::parse(GOOD).unwrap();
    let contact = &manifest.entities["contact"];
    assert_eq!((contact.cursor, contact.page, contact.batch), (Cursor::Window, 50, 20));
    let file = &manifest.entities["file"];
    assert_eq!((file.cursor, file.with.as_deref()), (Cursor::Window, Some("contact")));
    assert_eq!(manifest.entities["owner"].cursor, Cursor::Scan);
    assert!(matches!(manifest.endpoints["files"].target, Target::Hosts(_)));
    assert_eq!(manifest.budget.http_calls, 60);
    assert_eq!(manifest.budget.memory_mib, 64);
}

/// Small, but with every section; the rows below break one place of it.
const GOOD: &str = include_str!("manifests/good.toml");

/// Changes of [`GOOD`] with the complaint that each must lead to.
const BROKEN: &str = include_str!("manifests/broken.txt");

#[test]
fn a_broken_place_is_named_with_its_line_and_what_to_write_instead() {
    let rows = BROKEN.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Vec<&str> = rows.collect();
    assert!(rows.len() >= 3 * 130 && rows.len().is_multiple_of(3), "{}", rows.len());
    for row in rows.chunks(3) {
        let [from, to, expected] = row else { unreachable!("rows have three lines") };
        check(&from[1..], &to[1..], expected);
    }
}

#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let [from, to] = [from, to].map(|text| text.trim_start().replace("\\n", "\n"));
    assert!(GOOD.contains(&from), "{from}");
    let error = Manifest::parse(&GOOD.replacen(&from, &to, 1)).unwrap_err();
    let text = error.to_string();
    let text = text.strip_prefix("adapter.toml:").unwrap();
    match expected.strip_suffix('…') {
        Some(start) => assert!(text.starts_with(start), "{text}"),
        None => assert_eq!(text, expected),
    }
    assert!(!error.help.is_empty(), "{error}");
    assert_eq!(error.line.map(|line| line.to_string()).as_deref(), text.split(':').next());
}

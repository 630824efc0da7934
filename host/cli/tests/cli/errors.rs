//! The table of error codes against the sources and the documentation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use model::errors::{CODES, Code};

use crate::place::Place;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The sources of the host without its tests; the table itself is none.
fn sources() -> String {
    let mut files = Vec::new();
    for part in ["host", "registry", "sdk/testkit"] {
        gather(&root().join(part), &mut files);
    }
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.map(|text| text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()).collect()
}

fn gather(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let tests = matches!(&*name, "tests" | "tests.rs" | "target");
        if path.is_dir() && !tests && !path.ends_with("model/src/errors") {
            gather(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") && !tests {
            files.push(path);
        }
    }
}

/// The texts between quotation marks that look like a code: a part of the host, a dot, a name.
fn codes(source: &str) -> BTreeSet<String> {
    let table: BTreeSet<_> = CODES.into_iter().flatten().map(|code| part(code.code)).collect();
    let looks = |text: &&str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        text.split_once('.').is_some_and(|(head, name)| {
            table.contains(head) && !name.is_empty() && name.bytes().all(plain)
        })
    };
    source.split('"').filter(looks).map(str::to_owned).collect()
}

/// The texts that are given to errors as codes, whatever they look like.
fn given(source: &str) -> BTreeSet<String> {
    let kinds = source.split("ErrorKind::").skip(1);
    let second = kinds.filter_map(|rest| {
        let rest = rest.trim_start_matches(char::is_alphabetic).strip_prefix(',')?;
        let text = rest.trim_start().strip_prefix('"')?;
        text.split('"').next()
    });
    second.filter(|text| text.contains('.')).map(str::to_owned).collect()
}

fn part(code: &str) -> &str {
    code.split('.').next().unwrap_or_default()
}

fn missing(source: &str) -> Vec<String> {
    let known = |code: &String| model::errors::find(code).is_some();
    // The simulator's own, which no host knows.
    let own = |code: &String| part(code) == "testkit";
    let all = codes(source).into_iter().chain(given(source));
    all.filter(|code| !known(code) && !own(code)).collect()
}

fn dead(source: &str) -> Vec<&'static str> {
    let unused = |code: &&Code| !source.contains(&format!("\"{}\"", code.code));
    CODES.into_iter().flatten().filter(unused).map(|code| code.code).collect()
}

#[test]
fn table_has_the_codes_of_the_sources_and_no_others() {
    let sources = sources();
    assert_eq!(missing(&sources), Vec::<String>::new(), "add them to host/model/src/errors");
    assert_eq!(dead(&sources), Vec::<&str>::new(), "take them out of host/model/src/errors");
}

#[test]
fn seeded_codes_are_found() {
    assert_eq!(missing(r#"bad("egress.nosuch")"#), ["egress.nosuch"]);
    let given = "Error::new(ErrorKind::Other,\n    \"brand.new\", text)";
    assert_eq!(missing(given), ["brand.new"]);
    assert!(
        dead("").contains(&"egress.calls") && dead("\"egress.calls\"").len() + 1 == dead("").len()
    );
}

#[test]
fn page_of_the_documentation_is_current() {
    let outcome = Place::empty().run("errors --markdown");
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    assert!(outcome.out == page, "run `plughouse errors --markdown >docs/errors.md`");
}

#[test]
fn code_is_explained() {
    let place = Place::empty();
    let outcome = place.run("errors egress.quota");
    assert!(outcome.out.starts_with("egress.quota (rate-limited)\n  what   the provider's quota"));
    let json = place.run("errors egress.quota --json").json();
    assert_eq!((&json["again"], &json["breaker"]), (&"later".into(), &false.into()));
    let unknown = place.run("errors hubspot.rate-limit");
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("is no code of the host"), "{unknown:?}");
    let all = place.run("errors");
    assert_eq!(all.out.lines().count(), 1 + CODES.iter().map(|part| part.len()).sum::<usize>());
}

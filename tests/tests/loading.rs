//! From a verified package to code that runs: what is refused on the way, where it is compiled,
//! and what becomes of compiled code that is not ours.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::guests;
use e2e::stage::{Setting, hostile_manifest, manifest};
use model::{Error, ErrorKind};
use sandbox::{Compiler, Limits, Loaded};

/// Loads with a cache of its own.
async fn load(manifest: &str, component: &[u8], limits: Limits) -> Result<Loaded, Error> {
    let cache = tempfile::tempdir().unwrap();
    let setting = Setting { limits, ..Setting::default() };
    let sandbox = setting.sandbox(cache.path().to_owned(), Compiler::InProcess);
    sandbox.load(&guests::verified(manifest, component)).await
}

#[track_caller]
fn check(loaded: Result<Loaded, Error>, code: &str, word: &str) {
    let error = loaded.err().expect("a component that is refused");
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(word), "{error}");
}

#[tokio::test]
async fn component_says_what_its_manifest_says() {
    let loaded = load(&hostile_manifest(""), guests::hostile(), Limits::default()).await.unwrap();
    assert_eq!(loaded.descriptor().id, "hostile");
    let other = hostile_manifest("").replace("0.1.0", "0.2.0");
    let refused = load(&other, guests::hostile(), Limits::default()).await;
    check(refused, "sandbox.describe", "version 0.1.0, its adapter.toml says 0.2.0");
    let other = hostile_manifest("").replace("id = \"hostile\"", "id = \"friendly\"");
    let refused = load(&other, guests::hostile(), Limits::default()).await;
    check(refused, "sandbox.describe", "id hostile");
    let fewer = manifest("hostile", "bare", &["plain"]);
    let refused = load(&fewer, guests::hostile(), Limits::default()).await;
    check(refused, "sandbox.describe", "its adapter.toml says plain");
}

#[tokio::test]
async fn import_outside_of_the_closed_set_is_refused() {
    let bare = manifest("wasi", "bare", &["flood", "sleep", "world"]);
    let refused = load(&bare, guests::wasi(), Limits::default()).await;
    check(refused, "sandbox.import", "`profile = \"wasi\"`");
    let wasi = manifest("sockets", "wasi", &["world"]);
    let refused = load(&wasi, &guests::sockets(), Limits::default()).await;
    check(refused, "sandbox.import", "wasi:sockets/");
}

#[tokio::test]
async fn other_contract_is_refused_before_compiling() {
    // Of the same length, so that the component stays well formed.
    let mut other = guests::hostile().to_vec();
    let (from, to) = (b"plughouse:adapter/adapter@0.1.0", b"plughouse:adapter/adapter@0.7.0");
    while let Some(at) = other.windows(from.len()).position(|window| window == from) {
        other[at..at + to.len()].copy_from_slice(to);
    }
    let refused = load(&hostile_manifest(""), &other, Limits::default()).await;
    check(refused, "sandbox.contract", "built for contract 0.7.0, this host speaks 0.1.0");
}

#[tokio::test]
async fn component_that_is_too_large_or_broken_is_refused() {
    let limits = Limits { component_bytes: 1024, ..Limits::default() };
    let refused = load(&hostile_manifest(""), guests::hostile(), limits).await;
    check(refused, "sandbox.component-size", "this host takes 1024");
    let limits = Limits { memory_bytes: 64 << 10, ..Limits::default() };
    let refused = load(&hostile_manifest(""), guests::hostile(), limits).await;
    check(refused, "sandbox.needs", "65536 are granted");
    // The names at the outside are fine, a function within is not.
    let mut broken = guests::hostile().to_vec();
    let middle = broken.len() / 3;
    broken[middle..middle + 64].fill(0xff);
    let refused = load(&hostile_manifest(""), &broken, Limits::default()).await;
    check(refused, "sandbox.compile", "does not compile");
}

#[tokio::test]
async fn compiled_code_that_is_not_ours_is_thrown_away() {
    let cache = tempfile::tempdir().unwrap();
    let package = guests::verified(&hostile_manifest(""), guests::hostile());
    let setting = Setting::default();
    let load =
        async |compiler| setting.sandbox(cache.path().to_owned(), compiler).load(&package).await;
    load(Compiler::InProcess).await.unwrap();
    let file = cached(cache.path());
    let good = fs::read(&file).unwrap();

    // With no compiler at hand, only the cache can have served it.
    let nowhere = || child("/nonexistent", &[]);
    load(nowhere()).await.unwrap();

    for at in [0, 32, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        assert_eq!(load(nowhere()).await.err().unwrap().code, "sandbox.compiler");
        assert!(!file.exists(), "it is deleted at once");
    }
    load(Compiler::InProcess).await.unwrap();
    assert!(fs::read(&file).unwrap().len() == good.len(), "and compiled again");

    // Good code of another host, under the right name.
    let other = tempfile::tempdir().unwrap();
    let sandbox = setting.sandbox(other.path().to_owned(), Compiler::InProcess);
    sandbox.load(&package).await.unwrap();
    fs::copy(cached(other.path()), &file).unwrap();
    assert_eq!(load(nowhere()).await.err().unwrap().code, "sandbox.compiler");
}

#[tokio::test]
async fn compile_worker_is_a_process_of_its_own() {
    let package = guests::verified(&hostile_manifest(""), guests::hostile());
    let load = async |compiler, limits| {
        let cache = tempfile::tempdir().unwrap();
        let setting = Setting { limits, ..Setting::default() };
        setting.sandbox(cache.path().to_owned(), compiler).load(&package).await.map(|_| ())
    };
    let plughouse = e2e::plughouse();
    let worker = child(plughouse.to_str().unwrap(), &["compile-worker"]);
    let defaults = Limits::default();
    load(worker.clone(), defaults).await.unwrap();
    let hurry = Limits { compile: Duration::from_millis(50), ..defaults };
    let failures = [
        (child("/nonexistent", &[]), defaults, "sandbox.compiler", ErrorKind::Unavailable),
        (child("/bin/false", &[]), defaults, "sandbox.compile", ErrorKind::Malformed),
        (child("/bin/sleep", &["60"]), hurry, "sandbox.compile", ErrorKind::BudgetExhausted),
        (
            child("/bin/sh", &["-c", "kill -XCPU $$"]),
            defaults,
            "sandbox.compile",
            ErrorKind::BudgetExhausted,
        ),
        // It hands back what it got: no code of this engine.
        (child("/bin/cat", &[]), defaults, "sandbox.compiler", ErrorKind::Unavailable),
    ];
    for (compiler, limits, code, kind) in failures {
        let error = load(compiler.clone(), limits).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.kind), (code, kind), "{compiler:?}: {error}");
    }
}

#[tokio::test]
async fn compile_worker_has_no_environment() {
    assert!(std::env::vars_os().count() > 0, "there is one to inherit");
    let cache = tempfile::tempdir().unwrap();
    let telltale = "cat /proc/$$/environ >&2; echo the end >&2; exit 1";
    let worker = child("/bin/sh", &["-c", telltale]);
    let sandbox = Setting::default().sandbox(cache.path().to_owned(), worker);
    let package = guests::verified(&hostile_manifest(""), guests::hostile());
    let error = sandbox.load(&package).await.err().unwrap();
    assert_eq!(error.message, "the component does not compile: the end");
}

#[test]
fn compile_worker_confines_itself_before_it_reads() {
    let mut worker = Command::new(e2e::plughouse())
        .arg("compile-worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Several times what a pipe holds: once it is written, the worker is reading.
    worker.stdin.as_mut().unwrap().write_all(&vec![0; 1 << 20]).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", worker.id())).unwrap();
    let expected = [
        ("Max address space", "4294967296"),
        ("Max cpu time", "120"),
        ("Max open files", "3"),
        ("Max core file size", "0"),
        ("Max file size", "0"),
    ];
    for (name, limit) in expected {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let found: Vec<_> = line.split_whitespace().take(2).collect();
        assert_eq!(found, [limit, limit], "{name}");
    }
    drop(worker.stdin.take());
    assert!(!worker.wait().unwrap().success(), "zeros are no component");
}

fn child(program: &str, args: &[&str]) -> Compiler {
    let args = args.iter().map(Into::into).collect();
    Compiler::Child { program: PathBuf::from(program), args }
}

fn cached(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut code = files.filter(|path| path.extension().is_some_and(|end| end == "cwasm"));
    code.next().unwrap()
}

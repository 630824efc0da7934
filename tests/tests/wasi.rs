//! The second profile, with a guest of `wasm32-wasip2`: a standard library that finds the world
//! empty.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::guests;
use e2e::log::Lines;
use e2e::stage::{Setting, Stage, manifest};
use model::adapter::Adapter as _;
use sandbox::{Limits, Reuse};

async fn stage(setting: Setting) -> Stage {
    let manifest = manifest("wasi", "wasi", &["flood", "sleep", "world"]);
    let manifest = manifest + "[budget]\n" + setting.budget;
    setting.stage(&guests::verified(&manifest, guests::wasi())).await
}

/// What the guest found, by name.
async fn world(stage: &Stage) -> BTreeMap<String, String> {
    let page = stage.pull("world", "").await.outcome.unwrap();
    let fact = |record: model::record::Record| (record.id, record.version.unwrap());
    page.records.into_iter().map(fact).collect()
}

#[tokio::test]
async fn world_of_a_wasi_guest_is_empty() {
    let stage = stage(Setting::default()).await;
    stage.clock.advance(Duration::from_millis(86_400_123));
    let world = world(&stage).await;
    let expected = [
        ("arguments", "0"),
        ("environment", "0"),
        ("input", "got \"\""),
        ("passed", "0"),
        ("wall", "86400123"),
    ];
    for (name, found) in expected {
        assert_eq!(world[name], found, "{name}");
    }
    for name in ["directory", "file", "write"] {
        assert!(world[name].starts_with("refused: "), "{name}: {}", world[name]);
    }
}

#[tokio::test]
async fn calls_of_wasi_are_calls_of_the_host() {
    let stage = stage(Setting::default()).await;
    let receipt = stage.pull("world", "").await.receipt;
    assert!(receipt.host_calls >= 10, "each fact takes one: {receipt:?}");
}

#[tokio::test]
async fn wasi_guest_is_repeatable() {
    let setting = Setting { reuse: Reuse::PerCall, ..Setting::default() };
    let stage = stage(setting).await;
    assert_eq!(world(&stage).await, world(&stage).await);
}

#[tokio::test]
async fn contract_works_beside_wasi() {
    let stage = stage(Setting::default()).await;
    let account = stage.session("one").check().await.outcome.unwrap();
    assert_eq!(account.id, "acme");
}

#[tokio::test]
async fn guest_that_sleeps_wakes_up_at_the_wall() {
    let limits = Limits { wall: Duration::from_millis(150), ..Limits::default() };
    let stage = stage(Setting { limits, ..Setting::default() }).await;
    let error = stage.pull("sleep", "").await.outcome.unwrap_err();
    assert_eq!(error.code, "sandbox.wall");
}

#[tokio::test]
async fn guest_that_prints_forever_is_cut_short() {
    let stage = stage(Setting { budget: "cpu_ms = 2000", ..Setting::default() }).await;
    let lines = Lines::listen();
    let called = stage.pull("flood", "").await;
    assert_eq!(called.outcome.unwrap_err().code, "sandbox.host-calls");
    let told = lines.take();
    let count = told.lines().count();
    assert!((1..=1_001).contains(&count), "a thousand lines and a warning at most: {count}");
}

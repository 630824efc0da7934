//! What an author does: a new adapter, built, tested, packed and signed outside the workspace;
//! and the same road for the built-in ones.

use e2e::Host;

/// The steps of the README, in a scratch folder.
#[test]
fn new_adapter_is_built_tested_signed_and_installed_outside_the_workspace() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("weather");
    let dir = dir.to_str().unwrap();
    let host = Host::new(&scratch.path().join("data"));
    host.ok(&["adapter", "new", "weather", "--publisher", "acme", "--dir", dir]);
    host.ok(&["adapter", "build", dir]);
    let tested = host.ok(&["adapter", "test", dir]);
    assert!(tested.contains("case"), "{tested}");

    let key = scratch.path().join("acme.key");
    host.ok(&["key", "new", key.to_str().unwrap(), "--trust", "acme"]);
    host.ok(&["adapter", "pack", dir]);
    let file = format!("{dir}/dist/acme-weather-0.1.0.plug");
    let unsigned = host.run(&["plugin", "install", &file, "--yes"]);
    assert_eq!(unsigned.code, Some(3), "{}", unsigned.err);
    host.ok(&["adapter", "sign", &file, "--key", key.to_str().unwrap()]);
    host.ok(&["adapter", "verify", &file]);
    host.ok(&["plugin", "install", &file, "--yes"]);
    let plugins = host.json(&["plugin", "list"]);
    assert_eq!(plugins[0]["name"], "acme/weather");
}

#[test]
fn built_in_adapters_pass_the_tests_that_a_strangers_adapter_must_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let host = Host::new(scratch.path());
    for name in ["hubspot", "google-news"] {
        let dir = e2e::root().join("plugins").join(name);
        let tested = host.ok(&["adapter", "test", dir.to_str().unwrap()]);
        assert!(tested.contains("case"), "{tested}");
    }
}

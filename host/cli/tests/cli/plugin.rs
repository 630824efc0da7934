//! Packages that are installed and may not run.

use model::catalogue::{Catalogue as _, Installed, TrustState};
use model::{Clock, Timestamp};
use serde_json::json;
use store::Store;

use crate::place::Place;

/// A store in which `acme/crm` is installed.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn installed() -> Place {
    let place = Place::empty();
    let package = Installed {
        name: "acme/crm".to_owned(),
        version: "1.2.3".to_owned(),
        digest: "sha256:00".to_owned(),
        file: "not looked at".into(),
        grant: "{}".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        disabled: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&place.path().join(".plughouse"), Clock::system()).unwrap();
        store.put_package(package, TrustState::default()).await.unwrap();
    });
    place
}

#[test]
fn disabled_package_is_listed_with_its_reason_until_it_is_enabled() {
    let place = installed();
    let listed = || place.run("--json plugin list").json();
    assert_eq!(listed().get("disabled"), None);

    let ended = place.run("plugin disable acme/crm --reason leaks");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("plughouse plugin enable acme/crm"), "{ended:?}");
    assert_eq!(listed()["disabled"], "leaks");
    let text = place.run("plugin list").out;
    assert!(text.contains("DISABLED") && text.contains("leaks"), "{text}");

    let ended = place.run("--json plugin enable acme/crm");
    assert_eq!(ended.json(), json!({ "name": "acme/crm", "disabled": null }));
    assert_eq!(listed().get("disabled"), None);
}

#[test]
fn package_that_is_not_there_or_no_reason_is_told() {
    let place = installed();
    for (command, code, says) in [
        ("plugin disable acme/none --reason leaks", 1, "plughouse plugin list"),
        ("plugin enable acme/none", 1, "plughouse plugin list"),
        ("plugin disable acme/crm", 2, "--reason"),
        ("plugin disable acme/crm --reason=", 1, "is empty"),
    ] {
        let ended = place.run(command);
        assert!(ended.code == Some(code) && ended.err.contains(says), "{command}: {ended:?}");
    }
}

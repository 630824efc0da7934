//! Apps, connections and the vault, as far as no provider is asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use model::integration::{Integration, IntegrationStore as _};
use model::store::Catalogue as _;
use model::{Connection, IntegrationId};
use store::Store;

use crate::check;
use crate::place::{Outcome, Place};

/// Nothing of a command's output holds the secret.
#[track_caller]
fn hides(outcome: &Outcome, secret: &str) {
    assert!(!outcome.out.contains(secret) && !outcome.err.contains(secret), "{outcome:#?}");
}

#[test]
fn secret_on_the_command_line_is_refused_and_not_repeated() {
    let place = Place::with_records(1);
    for command in [
        "app set acme/desk --client-id c --client-secret hunter2hunter2",
        "connect acme/desk --name desk --secret token=hunter2hunter2",
        "connect acme/desk --name desk --secret hunter2hunter2",
        "connect acme/desk --name desk --secret-json hunter2hunter2",
        "--json connect acme/desk --name desk --secret-json {\"token\":\"hunter2hunter2\"}",
    ] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(1), "{outcome:#?}");
        hides(&outcome, "hunter2");
    }
    assert_eq!(place.run("app list").out.lines().count(), 1);
}

#[test]
fn package_that_is_not_installed_cannot_be_connected() {
    let place = Place::with_records(1);
    let outcome = place.run("connect acme/nosuch --name x --auth oauth --port 1");
    check(&outcome, 1, "no package `acme/nosuch` is installed");
    check(&place.run("connection reconnect crm"), 1, "no package `acme/crm` is installed");
    check(&place.run("connect acme/x --name x --no-listen"), 2, "--redirect-uri <ADDRESS>");
}

#[test]
fn apps_are_set_listed_and_removed_without_their_secrets() {
    let place = Place::empty();
    place.write("secret", "hunter2-hunter2\n");
    check(&place.run("app list"), 1, "no data in .plughouse");
    check(&place.run("app set desk --client-id c"), 1, "`desk` is no name of a package");
    check(
        &place.run("app set acme/desk --client-id c --client-secret @nosuch"),
        1,
        "read the client secret",
    );
    let refused = place.run("app set acme/desk --client-id c --origin localhost:1");
    check(&refused, 1, "must begin with `https://` or `http://`");
    let set = "app set acme/desk --client-id c --client-secret @secret --origin http://127.0.0.1:1";
    let outcome = place.run(set);
    check(&outcome, 0, "acme/desk is not installed yet");
    assert!(outcome.out.contains("/api/integrations/oauth/callback/desk"), "{outcome:#?}");
    check(&place.run("app set acme/desk --client-id own --tenant-only"), 0, "");
    let (table, json) = (place.run("app list"), place.run("app list --json"));
    assert_eq!((table.out.lines().count(), json.out.lines().count()), (3, 2));
    let first = json.json();
    assert_eq!((&first["client_id"], &first["tenant"]), (&"c".into(), &serde_json::Value::Null));
    for outcome in [&table, &json, &place.run("app set acme/desk --client-id c --json")] {
        hides(outcome, "hunter2");
    }
    check(&place.run("app remove acme/desk --tenant-only"), 0, "");
    check(&place.run("app remove acme/desk --tenant-only"), 1, "there is no such app");
    assert_eq!(place.run("app list --json").out.lines().count(), 1);
}

#[test]
fn app_of_the_configuration_is_entered_and_again_only_when_it_is_another() {
    let place = Place::with_records(1);
    place.write(".plughouse/secret", "hunter2-hunter2\n");
    let app = |id: &str| {
        let text =
            format!("[app.\"acme/desk\"]\nclient_id = \"{id}\"\nclient_secret_file = \"secret\"\n");
        place.write(".plughouse/config.toml", &text);
        place.run("app list --json").json()["generation"].clone()
    };
    assert_eq!([app("a"), app("a"), app("b")], [1, 1, 2]);
    place.write(".plughouse/secret", "another-secret");
    assert_eq!([app("b"), app("b")], [3, 3]);
    let text = "[app.\"acme/desk\"]\nclient_id = \"a\"\nclient_secret = \"hunter2-hunter2\"\n";
    place.write(".plughouse/config.toml", text);
    let refused = place.run("app list");
    check(&refused, 1, "write client_secret_file");
    hides(&refused, "hunter2");
}

#[test]
fn wrong_key_and_no_key_open_nothing() {
    let place = Place::with_records(1);
    check(&place.run("vault status"), 0, "");
    let (path, key) = (".plughouse/vault.key", place.read(".plughouse/vault.key"));
    fs::remove_file(place.path().join(path)).unwrap();
    check(&place.run("vault status"), 1, "put the key of this data back");
    assert!(!place.path().join(path).exists(), "no key is made beside data");
    place.write(path, &"ab".repeat(32));
    fs::set_permissions(place.path().join(path), fs::Permissions::from_mode(0o600)).unwrap();
    for command in ["vault status", "sync crm", "serve", "app list"] {
        check(&place.run(command), 1, "put that key back");
    }
    place.write(path, &key);
    check(&place.run("vault status"), 0, "");
}

#[test]
fn keys_are_changed_and_destroyed_by_those_who_mean_it() {
    let place = Place::with_records(1);
    place.write("secret", "hunter2-hunter2");
    check(&place.run("app set acme/desk --client-id c --client-secret @secret"), 0, "");
    let own = "app set acme/desk --client-id c --client-secret @secret --tenant-only";
    check(&place.run(own), 0, "");
    check(&place.run("vault rotate-key"), 2, "<TENANT|--host|--all>");
    check(&place.run("vault rotate-key mian"), 1, "tenant mian has no data key");
    assert_eq!(place.run("vault rotate-key --all --json").json()["resealed"], 2);
    assert_eq!(place.run("vault status --json").json()["retiring"], 2);

    place.write("empty.toml", "[limits]\n");
    check(&place.run("vault rotate-wrapper --to empty.toml"), 1, "empty.toml has no [vault]");
    place.write("new.toml", "[vault]\nkind = \"file\"\npath = \"new.key\"\n");
    let rotated = place.run("vault rotate-wrapper --to new.toml");
    assert!(rotated.out.contains("wraps 4 data keys now"), "{rotated:#?}");
    check(&place.run("vault status"), 1, "put that key back");
    place.write(".plughouse/config.toml", &place.read("new.toml"));
    assert_eq!(place.run("vault status --json").json()["wrapped_before"], 0);

    let destroy = "vault destroy main --reason over";
    check(&place.run(destroy), 1, "nobody to ask here: say --yes");
    assert_eq!(place.run(&format!("{destroy} --yes --json")).json()["secrets"], 1);
    check(&place.run(own), 1, "the secrets of tenant main were destroyed for good");
}

#[test]
fn connections_are_shown_and_switched_without_their_provider() {
    let place = Place::with_records(1);
    for command in ["show", "test", "enable", "remove --yes", "disable --reason x", "reconnect"] {
        let (verb, flags) = command.split_once(' ').unwrap_or((command, ""));
        let outcome = place.run(&format!("connection {verb} nosuch {flags}"));
        check(&outcome, 1, "tenant main has no connection nosuch: see `plughouse connection list`");
    }
    assert!(
        place.run("connection show crm").out.contains("crm through acme/crm\nstate      active")
    );
    check(&place.run("connection disable crm --reason audit"), 0, "");
    assert!(place.run("connection list").out.contains("disabled: audit"));
    check(&place.run("connection enable crm"), 0, "");
    assert_eq!(place.run("connection access crm").out.lines().count(), 1);
    assert_eq!(place.run("connection expiring").out.lines().count(), 1);
    check(&place.run("connection remove crm"), 1, "nobody to ask here: say --yes");
    check(&place.run("connection remove crm --yes"), 0, "");
    check(&place.run("connection show crm"), 1, "tenant main has no connection crm");
}

#[test]
fn integration_that_nobody_has_named_goes_with_its_last_connection() {
    let place = Place::with_records(1);
    let tenant = "main".parse().unwrap();
    let crm = IntegrationId::of(&"crm".parse().unwrap());
    let eu = Connection {
        integration: Some(crm.clone()),
        ..Connection::new("main".parse().unwrap(), "eu".parse().unwrap(), "acme/crm", "key")
    };
    let found = async |store: &Store| store.integration(&tenant, &crm).await.unwrap();
    place.store(async |store| store.put_connection(eu.clone()).await.unwrap());
    check(&place.run("connection remove crm --yes"), 0, "");
    place.store(async |store| assert!(found(store).await.is_some(), "eu is one of its accounts"));
    check(&place.run("connection remove eu --yes"), 0, "");
    place.store(async |store| {
        assert_eq!(found(store).await, None);
        store.put_connection(eu.clone()).await.unwrap();
        let named = Integration { name: "Sales".to_owned(), ..found(store).await.unwrap() };
        store.put_integration(named, Some(1)).await.unwrap();
    });
    check(&place.run("connection remove eu --yes"), 0, "");
    place.store(async |store| assert!(found(store).await.is_some(), "somebody has named it"));
}

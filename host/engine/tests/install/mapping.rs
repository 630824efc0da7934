//! Packages that bring conversion schemas.

use engine::install::InstallError;
use model::store::Catalogue as _;

use crate::world::{Release, World};

async fn release(mapping: &'static str) -> Result<(), InstallError> {
    let world = World::new();
    let release = Release { mapping: Some(mapping), ..Release::default() };
    let released = world.release(&release).await.map(drop);
    let packages = world.store.packages().await.unwrap();
    assert_eq!((packages.is_empty(), world.asked() == 0), (released.is_err(), released.is_err()));
    released
}

#[track_caller]
fn check(error: &InstallError, says: &str) {
    assert!(error.is_refusal());
    let text = error.to_string();
    assert!(text.starts_with("mappings/thing.json") && text.contains(says), "{text}");
}

#[tokio::test]
async fn package_whose_schema_compiles_is_installed() {
    let fields = r#"{"format": 1, "name": "shop.thing", "entity": "thing", "type": "c_company",
        "fields": [{"from": "/name", "to": "name", "on_error": "reject_record"}]}"#;
    release(fields).await.unwrap();
}

#[tokio::test]
async fn package_whose_schema_cannot_be_used_is_refused_with_what_is_wrong() {
    for (text, says) in [
        ("nonsense", "JSON"),
        (
            r#"{"format": 1, "name": "s", "entity": "thing", "type": "c_company",
                "fields": [{"from": "/a", "to": "name", "ops": ["trimm"]}]}"#,
            "/fields/0/ops/0: there is no operation \"trimm\"",
        ),
        (
            r#"{"format": 1, "name": "s", "entity": "other", "type": "c_company",
                "fields": [{"from": "/a", "to": "name"}]}"#,
            "it maps entity `other`, and the manifest names it for `thing`",
        ),
        (
            r#"{"format": 1, "name": "s", "entity": "thing", "type": "c_note",
                "fields": [{"from": "/a", "to": "title"}]}"#,
            "it maps to `c_note`; the manifest says `c_company` for entity `thing`",
        ),
    ] {
        check(&release(text).await.unwrap_err(), says);
    }
}

//! Narrowing a manifest to what a run reads.
#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use engine::sync::{Choice, EntityPlan, PackageRef, PartsFrom, SyncPlan};
use model::Connection;
use model::window::{Cursor, Full};
use package::Manifest;
use package::manifest::Deletes;

const MANIFEST: &str = include_str!("manifest/chat.toml");

fn plan(choice: &Choice) -> Result<SyncPlan, String> {
    plan_of(&Manifest::parse(MANIFEST).unwrap(), choice)
}

fn plan_of(manifest: &Manifest, choice: &Choice) -> Result<SyncPlan, String> {
    let connection =
        Connection::new("acme".parse().unwrap(), "chat".parse().unwrap(), "acme/chat", "key");
    let package = PackageRef {
        name: "acme/chat".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
    };
    SyncPlan::of(package, manifest, &connection, choice).map_err(|error| error.to_string())
}

fn choice(entities: &[&str]) -> Choice {
    let entities = entities.iter().map(|&name| name.to_owned()).collect();
    Choice { entities, fields: BTreeMap::new() }
}

#[track_caller]
fn check(entities: &[&str], expected: Result<&[&str], &str>) {
    let plan = plan(&choice(entities));
    let names = plan.as_ref().map(|p| p.entities.iter().map(|e| e.name.as_str()).collect());
    assert_eq!(names.map_err(String::as_str), expected.map(<[&str]>::to_vec));
}

#[test]
fn entities_come_after_those_whose_records_they_are_read_by() {
    check(&[], Ok(&["article", "table", "thread", "answer"]));
    check(&["answer", "thread"], Ok(&["thread", "answer"]));
    check(&["answer"], Ok(&["answer"]));
    check(
        &["answers"],
        Err("the package has no entity `answers`; choose from: answer, article, table, thread"),
    );
    check(
        &["picture"],
        Err("entity `picture` comes with `thread` and is not read by itself; choose `thread`"),
    );
}

#[test]
fn fields_are_chosen_for_entities_that_are_read() {
    let fields = |name: &str| BTreeMap::from([(name.to_owned(), vec!["title".to_owned()])]);
    let read = plan(&Choice { fields: fields("article"), ..choice(&[]) }).unwrap();
    assert_eq!(entity(&read, "article").fields, ["title"]);
    assert!(entity(&read, "thread").fields.is_empty());
    assert_eq!(
        plan(&Choice { fields: fields("article"), ..choice(&["thread"]) }).unwrap_err(),
        "fields are chosen for entity `article`, which is not among the entities to read"
    );
    assert_eq!(
        plan(&Choice { fields: fields("x"), ..choice(&[]) }).unwrap_err(),
        "the package has no entity `x`; choose from: answer, article, table, thread"
    );
}

fn entity<'a>(plan: &'a SyncPlan, name: &str) -> &'a EntityPlan {
    plan.entities.iter().find(|entity| entity.name == name).unwrap()
}

#[test]
fn what_is_declared_and_not_acted_on_is_named() {
    assert_eq!(plan(&choice(&[])).unwrap().not_yet, [""; 0]);
    let mut manifest = Manifest::parse(MANIFEST).unwrap();
    manifest.entities.get_mut("table").unwrap().deletes.push(Deletes::Webhook);
    let not_yet = |entities: &[&str]| plan_of(&manifest, &choice(entities)).unwrap().not_yet;
    assert_eq!(not_yet(&[]), ["deletes = \"webhook\" of entity `table`"]);
    assert_eq!(not_yet(&["thread"]), [""; 0]);
}

#[test]
fn manifest_becomes_reading_rules() {
    let plan = plan(&choice(&[])).unwrap();
    assert_eq!(plan.redact, ["token"]);
    let article = entity(&plan, "article");
    let day = Duration::from_hours(24);
    assert_eq!((article.rule.cursor, article.rule.full), (Cursor::Window, Full::Windows));
    assert_eq!((article.rule.step, article.rule.granularity), (day, day));
    assert_eq!((article.rule.history, article.rule.lookback), (day * 30, day));
    assert_eq!((article.page, article.lists_deletions), (50, true));
    let thread = entity(&plan, "thread");
    assert_eq!((thread.rule.cursor, thread.rule.step), (Cursor::Feed, Duration::ZERO));
    assert_eq!(
        (thread.yields.clone(), thread.lists_deletions),
        (vec!["picture".to_owned()], false)
    );
    assert_eq!(entity(&plan, "answer").parts, PartsFrom::Parent("picture".to_owned()));
    assert_eq!(entity(&plan, "table").parts, PartsFrom::Discovery);
    assert_eq!(article.parts, PartsFrom::Whole);
    assert_eq!(article.rule.kept, day * 30);
    assert_eq!(entity(&plan, "table").absent, ["table"]);
    assert!(article.absent.is_empty(), "windows do not show what is gone");
}

#[test]
fn full_read_tells_nothing_of_what_is_old_or_is_read_by_itself() {
    let absent = |manifest: &Manifest, name: &str| {
        entity(&plan_of(manifest, &choice(&[])).unwrap(), name).absent.clone()
    };
    let mut manifest = Manifest::parse(MANIFEST).unwrap();
    manifest.entities.get_mut("picture").unwrap().deletes = vec![Deletes::Absence];
    assert_eq!(absent(&manifest, "thread"), ["picture"]);
    manifest.entities.get_mut("picture").unwrap().with = None;
    assert!(absent(&manifest, "thread").is_empty());
    manifest.entities.get_mut("table").unwrap().history = Some(Duration::from_hours(24));
    assert!(absent(&manifest, "table").is_empty());
}

//! Loading what is installed: nothing is taken on trust.

use engine::install::InstallError;
use model::errors::Again;
use model::store::{Catalogue as _, Installed, StoreError, StoreErrorKind};
use model::{Error, ErrorKind};
use package::TrustFile;

use crate::world::{Release, World, trust_text};

#[tokio::test]
async fn installed_package_is_loaded() {
    let world = World::new();
    world.release(&Release::default()).await.unwrap();
    let loaded = world.load("acme/shop").await.unwrap();
    assert_eq!(loaded.component.descriptor().id, "shop");
    assert_eq!(loaded.package.version().to_string(), "1.0.0");
    assert_eq!(loaded.grant, package::Permissions::of(loaded.package.manifest()));
}

#[tokio::test]
async fn package_that_is_not_there_is_named_beside_those_that_are() {
    let world = World::new();
    let text = async |name| world.load(name).await.err().unwrap().to_string();
    assert_eq!(text("acme/shop").await, "no package `acme/shop` is installed; installed are: none");
    world.release(&Release::default()).await.unwrap();
    assert_eq!(text("shop").await, "no package `shop` is installed; installed are: acme/shop");
}

#[tokio::test]
async fn package_revoked_after_its_installation_is_not_loaded_and_never_again() {
    let mut world = World::new();
    let installed = world.release(&Release::default()).await.unwrap();
    let revoked = format!("[[revoked]]\ndigest = \"{}\"\nreason = \"leaks\"\n", installed.digest);
    world.trust = TrustFile::parse(&trust_text(&revoked)).unwrap();
    let error = world.load("acme/shop").await.err().unwrap();
    assert!(matches!(error, InstallError::Verify(_)));
    world.trust = TrustFile::parse(&trust_text("")).unwrap();
    let error = world.load("acme/shop").await.err().unwrap();
    assert!(error.to_string().contains("leaks"), "{error}");
}

/// Changes the stored row behind the host's back and loads it.
async fn tampered(change: impl FnOnce(&mut Installed)) -> InstallError {
    let world = World::new();
    let mut row = world.release(&Release::default()).await.unwrap();
    change(&mut row);
    let state = world.store.trust_state().await.unwrap();
    world.store.put_package(row, state).await.unwrap();
    world.load("acme/shop").await.err().unwrap()
}

#[tokio::test]
async fn row_that_was_changed_behind_the_host_is_refused() {
    let other = Release { read: &["GET /v1/things", "GET /v1/people"], ..Release::default() };
    let other = other.file(&crate::world::key());
    let error = tampered(|row| row.file = other).await;
    assert!(matches!(error, InstallError::Swapped { .. }), "{error}");

    let error = tampered(|row| row.grant = row.grant.replace("things", "other")).await;
    let InstallError::Ungranted { wider, .. } = &error else { panic!("{error}") };
    assert!(wider.iter().any(|line| line.contains("/v1/things")), "{wider:?}");

    let error = tampered(|row| row.grant.clear()).await;
    assert!(matches!(error, InstallError::Grant { .. }));
    assert!(!error.is_refusal());

    let error = tampered(|row| row.file = row.file.slice(1..)).await;
    assert!(matches!(error, InstallError::Bundle(_)));
}

#[tokio::test]
async fn stored_version_below_the_floor_is_not_loaded() {
    let world = World::new();
    let old = world.release(&Release::default()).await.unwrap();
    world.release(&Release { version: "2.0.0", ..Release::default() }).await.unwrap();
    let state = world.store.trust_state().await.unwrap();
    world.store.put_package(old, state).await.unwrap();
    let error = world.load("acme/shop").await.err().unwrap();
    assert!(matches!(error, InstallError::Verify(_)), "{error}");
}

#[tokio::test]
async fn disabled_package_is_not_loaded_in_any_version_until_it_is_enabled() {
    let world = World::new();
    world.release(&Release::default()).await.unwrap();
    let why = |reason: &str| Some(reason.to_owned());
    let name = "acme/shop";
    assert!(world.store.set_package_disabled(name, why("it leaks")).await.unwrap());
    let error = world.load(name).await.err().unwrap();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "acme/shop was disabled (it leaks); `plughouse plugin enable acme/shop` lets it run again"
    );

    let newer = Release { version: "2.0.0", ..Release::default() };
    let installed = world.release(&newer).await.unwrap();
    assert_eq!(installed.disabled.as_deref(), Some("it leaks"));
    let error = world.load(name).await.err().unwrap();
    assert!(matches!(error, InstallError::Disabled { .. }), "{error}");

    let waits = error.of_work(name);
    assert_eq!((waits.code.as_str(), waits.rule().again), ("engine.package", Again::Later));

    assert!(world.store.set_package_disabled(name, None).await.unwrap());
    assert_eq!(world.load(name).await.unwrap().package.version().to_string(), "2.0.0");
}

#[test]
fn what_fails_in_the_host_says_nothing_against_a_package() {
    let code = |error: InstallError| error.of_work("acme/shop").code;
    let disk = StoreError::new(StoreErrorKind::Unavailable, "disk full");
    assert_eq!(code(disk.into()), "engine.store");
    assert_eq!(code(InstallError::Unreadable("no TOML".to_owned())), "engine.trust");
    let worker = Error::new(ErrorKind::Unavailable, "sandbox.compiler", "the worker was killed");
    assert_eq!(code(worker.into()), "sandbox.compiler");
    let component = Error::new(ErrorKind::Denied, "sandbox.import", "it asks for files");
    assert_eq!(code(component.into()), "engine.package");
}

//! Installing.

use engine::install::{Downgrade, InstallError};
use model::store::Catalogue as _;
use package::{PrivateKey, TrustFile};

use crate::world::{Release, World, key, trust_text};

const WIDE: &[&str] = &["GET /v1/things", "GET /v1/people"];

fn version(version: &'static str) -> Release {
    Release { version, ..Release::default() }
}

#[tokio::test]
async fn new_package_is_installed_once_the_operator_has_approved_what_it_may_do() {
    let world = World::new();
    let file = Release::default().file(&key());
    let error = world.install(file.clone(), None, false).await.unwrap_err();
    assert!(matches!(error, InstallError::Declined));
    assert!(world.store.packages().await.unwrap().is_empty());
    assert!(world.store.trust_state().await.unwrap().floors.is_empty());

    let installed = world.install(file.clone(), None, true).await.unwrap();
    assert_eq!((installed.name.as_str(), installed.version.as_str()), ("acme/shop", "1.0.0"));
    assert_eq!(installed.file, file);
    assert_eq!(world.store.package("acme/shop").await.unwrap(), Some(installed));
    assert_eq!(world.store.trust_state().await.unwrap().floors["acme/shop"], "1.0.0");
    let plan = world.asked.lock().unwrap().pop().unwrap();
    assert_eq!((plan.replaces, plan.wider.len()), (None, 0));
    assert_eq!(plan.signers[0].owner, "acme");
    assert!(plan.permissions.iter().any(|line| line.contains("https://shop.example")));
}

#[tokio::test]
async fn operator_is_asked_again_only_when_a_package_wants_more() {
    let world = World::new();
    world.release(&version("1.0.0")).await.unwrap();
    world.release(&version("1.0.1")).await.unwrap();
    assert_eq!(world.asked(), 1);

    let wide = Release { read: WIDE, ..version("1.1.0") };
    let error = world.install(wide.file(&key()), None, false).await.unwrap_err();
    assert!(matches!(error, InstallError::Declined));
    assert_eq!(world.store.package("acme/shop").await.unwrap().unwrap().version, "1.0.1");
    world.release(&wide).await.unwrap();
    assert_eq!(world.asked(), 3);
    let plan = world.asked.lock().unwrap().pop().unwrap();
    assert_eq!(plan.replaces.as_deref(), Some("1.0.1"));
    assert!(plan.wider.iter().any(|line| line.contains("/v1/people")), "{:?}", plan.wider);

    // Less is let in without a word, and having it back needs one again.
    world.release(&version("1.2.0")).await.unwrap();
    assert_eq!(world.asked(), 2);
    world.release(&Release { read: WIDE, ..version("1.3.0") }).await.unwrap();
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn older_version_needs_a_reason() {
    let world = World::new();
    world.release(&version("2.0.0")).await.unwrap();
    let error = world.release(&version("1.0.0")).await.unwrap_err();
    assert!(matches!(error, InstallError::Verify(_)), "{error}");
    let old = version("1.0.0").file(&key());
    let error = world.install(old.clone(), Some(" "), true).await.unwrap_err();
    assert!(matches!(error, InstallError::NoReason));

    world.install(old, Some("2.0.0 loses mail"), true).await.unwrap();
    assert_eq!(world.store.trust_state().await.unwrap().floors["acme/shop"], "1.0.0");
    world.load("acme/shop").await.unwrap();
    world.release(&version("1.5.0")).await.unwrap();
}

#[tokio::test]
async fn reason_for_a_downgrade_opens_nothing_else() {
    let world = World::new();
    world.release(&version("1.0.0")).await.unwrap();
    let stranger = PrivateKey::from_seed([8; 32]);
    let file = version("0.9.0").file(&stranger);
    let error = world.install(file, Some("please"), true).await.unwrap_err();
    assert!(matches!(error, InstallError::Verify(_)), "{error}");
    world.install(version("1.1.0").file(&key()), Some("not needed"), true).await.unwrap();
    assert_eq!(world.store.trust_state().await.unwrap().floors["acme/shop"], "1.1.0");
}

#[tokio::test]
async fn downgrade_that_wants_more_shows_that_it_is_one() {
    let world = World::new();
    world.release(&version("2.0.0")).await.unwrap();
    let wide = Release { read: WIDE, ..version("1.0.0") };
    world.install(wide.file(&key()), Some("2.0.0 loses mail"), true).await.unwrap();
    let plan = world.asked.lock().unwrap().pop().unwrap();
    let downgrade = Downgrade { from: "2.0.0".to_owned(), reason: "2.0.0 loses mail".to_owned() };
    assert_eq!(plan.downgrade, Some(downgrade));
}

#[tokio::test]
async fn package_of_an_unknown_publisher_is_refused_before_anybody_is_asked() {
    let world = World::new();
    let file = Release::default().file(&PrivateKey::from_seed([8; 32]));
    let error = world.install(file, None, true).await.unwrap_err();
    assert!(matches!(error, InstallError::Verify(_)));
    assert!(error.is_refusal());
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn component_that_is_not_what_its_manifest_says_is_refused() {
    let world = World::new();
    let error = world.release(&Release { id: "other", ..Release::default() }).await.unwrap_err();
    let InstallError::Component(error) = error else { panic!("{error}") };
    assert_eq!(error.code, "sandbox.describe");
    assert_eq!(world.asked(), 0);
    assert!(world.store.packages().await.unwrap().is_empty());
}

#[tokio::test]
async fn revocation_that_was_seen_once_is_remembered_even_by_a_failed_install() {
    let mut world = World::new();
    let file = Release::default().file(&key());
    let digest = package::Bundle::read(file.clone()).unwrap().digest().to_owned();
    let revoked = format!("[[revoked]]\ndigest = \"{digest}\"\nreason = \"leaks\"\n");
    world.trust = TrustFile::parse(&trust_text(&revoked)).unwrap();
    let error = world.install(file.clone(), None, true).await.unwrap_err();
    assert!(matches!(error, InstallError::Verify(_)));
    world.trust = TrustFile::parse(&trust_text("")).unwrap();
    let error = world.install(file, None, true).await.unwrap_err();
    assert!(error.to_string().contains("leaks"), "{error}");
}

#[tokio::test]
async fn file_that_is_no_package_is_refused() {
    let world = World::new();
    let error = world.install("no package".into(), None, true).await.unwrap_err();
    assert!(matches!(error, InstallError::Bundle(_)));
    let error = world.install("no package".into(), Some("why not"), true).await.unwrap_err();
    assert!(matches!(error, InstallError::Bundle(_)));
}

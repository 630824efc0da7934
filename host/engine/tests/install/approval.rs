//! Packages that wait for approval.

use bytes::Bytes;
use engine::install::{self, Approval, Candidate, InstallError, Submitted};
use model::catalogue::PendingPackage;
use model::store::{Catalogue as _, Installed};
use package::TrustFile;

use crate::world::{Release, World, key, trust_text};

const WIDE: &[&str] = &["GET /v1/things", "GET /v1/people"];

impl World {
    async fn bring(&self, release: &Release) -> Submitted {
        let candidate = Candidate { file: release.file(&key()), downgrade: None };
        install::submit(candidate, "ann", self.ports()).await.unwrap()
    }

    async fn wait(&self, release: &Release) -> PendingPackage {
        let Submitted::Pending(pending) = self.bring(release).await else {
            panic!("it is installed")
        };
        assert_eq!(self.store.pending().await.unwrap(), std::slice::from_ref(&pending));
        pending
    }

    async fn approve(&self, pending: &PendingPackage) -> Result<Installed, InstallError> {
        let (name, digest) = (pending.name.clone(), pending.digest.clone());
        let approval = Approval { name: name.clone(), digest, typed: Some(name), downgrade: None };
        install::approve(approval, self.ports()).await
    }
}

#[tokio::test]
async fn what_is_approved_is_installed_and_waits_no_more() {
    let world = World::new();
    let pending = world.wait(&Release::default()).await;
    assert_eq!((pending.author.as_str(), pending.version.as_str()), ("ann", "1.0.0"));
    assert!(world.store.packages().await.unwrap().is_empty());
    let installed = world.approve(&pending).await.unwrap();
    assert_eq!((installed.digest, installed.file), (pending.digest.clone(), pending.file.clone()));
    assert!(world.store.pending().await.unwrap().is_empty());
    let error = world.approve(&pending).await.unwrap_err();
    assert!(matches!(error, InstallError::NotPending { .. }), "{error}");
    let next = Release { version: "1.0.1", ..Release::default() };
    assert!(matches!(world.bring(&next).await, Submitted::Installed(_)));
}

#[tokio::test]
async fn difference_goes_both_ways() {
    let world = World::new();
    world.release(&Release { read: WIDE, ..Release::default() }).await.unwrap();
    let other = Release { version: "2.0.0", read: &["GET /v1/orders"], ..Release::default() };
    let pending = world.wait(&other).await;
    let plan = install::review(&pending, world.ports()).await.unwrap();
    assert_eq!(plan.wider, ["endpoint api: read GET /v1/orders"]);
    let gone = ["endpoint api: read GET /v1/things", "endpoint api: read GET /v1/people"];
    assert_eq!(plan.narrower, gone);
    assert_eq!((plan.replaces.as_deref(), plan.downgrade), (Some("1.0.0"), None));
}

#[tokio::test]
async fn what_was_revoked_while_it_waited_is_not_installed() {
    let mut world = World::new();
    let pending = world.wait(&Release::default()).await;
    let revoked = format!("[[revoked]]\ndigest = \"{}\"\nreason = \"leaks\"\n", pending.digest);
    world.trust = TrustFile::parse(&trust_text(&revoked)).unwrap();
    let error = install::review(&pending, world.ports()).await.unwrap_err();
    assert!(error.to_string().contains("leaks"), "{error}");
    assert!(matches!(world.approve(&pending).await, Err(InstallError::Verify(_))));
    assert!(world.store.packages().await.unwrap().is_empty());
}

#[tokio::test]
async fn file_that_was_put_in_place_of_another_is_not_what_was_approved() {
    let world = World::new();
    let pending = world.wait(&Release::default()).await;
    let other = Release { version: "9.0.0", read: WIDE, ..Release::default() };
    let swapped = PendingPackage { file: other.file(&key()), ..pending };
    world.store.put_pending(swapped.clone()).await.unwrap();
    let error = install::review(&swapped, world.ports()).await.unwrap_err();
    assert!(matches!(error, InstallError::Swapped { .. }), "{error}");
    assert!(matches!(world.approve(&swapped).await, Err(InstallError::Swapped { .. })));
    let broken = PendingPackage { file: Bytes::from_static(b"no package"), ..swapped };
    world.store.put_pending(broken.clone()).await.unwrap();
    assert!(matches!(world.approve(&broken).await, Err(InstallError::Bundle(_))));
    assert!(world.store.packages().await.unwrap().is_empty());
}

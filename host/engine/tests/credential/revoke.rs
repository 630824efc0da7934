//! The end of grants.

use engine::credential::{Revocation, Whose};
use model::credential::CredentialStore as _;
use model::{ConnectionState, Secret};
use plughouse_testkit::Answer;

use crate::provider::Instead;
use crate::world::{PACKAGE, Process, World, connection, whose};

async fn revoke(world: &World, process: &Process) -> Revocation {
    let (tenant, id) = whose();
    world.drive(process.credentials.revoke(&tenant, &id)).await.unwrap()
}

fn live(world: &World) -> usize {
    world.provider.server.with(|server| server.live_chains())
}

#[tokio::test(start_paused = true)]
async fn grant_ends_at_the_provider_and_its_connection_rests() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.drive(tokens.current()).await.unwrap();
    assert_eq!(revoke(&world, &process).await, Revocation::Revoked);
    assert_eq!((live(&world), world.state().await), (0, ConnectionState::Revoked));
    assert_eq!(world.drive(tokens.current()).await.unwrap_err().code, "credential.resting");
    let (tenant, id) = whose();
    assert_eq!(
        process.credentials.enable(&tenant, &id).await.unwrap_err().code,
        "credential.ended"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_does_not_do_is_told() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    world.provider.instead(Instead::Says(Answer::plain(503, "busy")));
    assert!(matches!(revoke(&world, &process).await, Revocation::Failed(_)));
    world.provider.instead(Instead::Unsent);
    assert_eq!(revoke(&world, &process).await, Revocation::Failed("nobody is there".to_owned()));
    assert_eq!((live(&world), world.state().await), (1, ConnectionState::Active));
    assert_eq!(world.credential().await.lease, None);
    let key = vec![("token".to_owned(), Secret::new("hunter2-hunter2".to_owned()))];
    process.credentials.enter(connection("key"), key, None).await.unwrap();
    assert_eq!(revoke(&world, &process).await, Revocation::NotOffered);
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn connection_is_removed_whatever_the_provider_says() {
    let world = World::new().await;
    let process = world.process("one");
    let (tenant, id) = whose();
    for (instead, alive) in [(None, 0), (Some(Instead::Unsent), 1)] {
        world.authorised(&process).await;
        if let Some(instead) = instead {
            world.provider.instead(instead);
        }
        let removed = world.drive(process.credentials.remove(&tenant, &id)).await.unwrap();
        assert!(removed.is_some());
        assert_eq!(live(&world), alive);
        assert!(world.store.credential(&tenant, &id).await.unwrap().is_none());
        assert_eq!(process.credentials.remove(&tenant, &id).await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_that_is_on_its_way_ends_before_its_grant_does() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let both = async { tokio::join!(tokens.renewed(1), revoke_later(&process)) };
    let (renewed, revoked) = world.drive(both).await;
    assert_eq!((renewed.unwrap().generation, revoked), (2, Revocation::Revoked));
    assert_eq!(live(&world), 0);
}

async fn revoke_later(process: &Process) -> Revocation {
    let (tenant, id) = whose();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    process.credentials.revoke(&tenant, &id).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_grants_of_an_app_or_a_tenant_end_together() {
    let world = World::new().await;
    let process = world.process("one");
    for whose in [Whose::Tenant(whose().0), Whose::App(PACKAGE.to_owned(), None)] {
        for name in ["crm", "second", "third"] {
            let mut draft = connection("user");
            draft.id = name.parse().unwrap();
            let (query, browser) = world.browse(&process, &draft).await;
            let finished = process.credentials.finish(&query, Some(&browser), None);
            world.drive(finished).await.unwrap();
        }
        let ended = world.drive(process.credentials.revoke_all(&whose)).await.unwrap();
        let names: Vec<_> = ended.iter().map(|ended| ended.connection.as_str()).collect();
        assert_eq!(names, ["crm", "second", "third"]);
        assert!(ended.iter().all(|ended| ended.revocation == Revocation::Revoked));
        assert_eq!(live(&world), 0);
    }
    let others = Whose::App(PACKAGE.to_owned(), Some("other".parse().unwrap()));
    assert_eq!(world.drive(process.credentials.revoke_all(&others)).await.unwrap(), []);
}

//! An adapter that errs: as little as possible ends.

use bytes::Bytes;
use model::adapter::{CHECKPOINT_BYTES_MAX, Next};
use model::record::{CONTENTS_BYTES_MAX, Content, ID_BYTES_MAX, PAYLOAD_BYTES_MAX, Record, Reject};
use model::run::{Run, RunStatus};
use model::store::RecordStore as _;
use model::{Error, ErrorKind};

use crate::provider::{self, Scripted, page, page_of, record, tombstone};
use crate::world::World;

#[tokio::test]
async fn failing_entity_leaves_the_others_running() {
    let world = World::new(&["company", "contact", "deal"]);
    let mut adapter = Scripted::new(|request| {
        if request.entity == "contact" && request.checkpoint.is_some() {
            return Err(provider::error(ErrorKind::Other));
        }
        Ok(page_of(request, 4))
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Partial);
    let status = |entity: &str| run.entities[entity].status;
    assert_eq!(status("company"), RunStatus::Succeeded);
    assert_eq!(status("contact"), RunStatus::Failed);
    assert_eq!(status("deal"), RunStatus::Succeeded);
    assert_eq!(run.entities["contact"].read, 2);
}

#[tokio::test]
async fn lost_authorisation_ends_the_run() {
    let world = World::new(&["company", "contact", "deal"]);
    let mut adapter = Scripted::new(|request| match request.entity.as_str() {
        "contact" => Err(provider::error(ErrorKind::AuthRequired)),
        _ => Ok(page_of(request, 4)),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(run.error.unwrap().kind, ErrorKind::AuthRequired);
    assert!(!run.entities.contains_key("deal"));
    assert!(!adapter.asked().iter().any(|asked| asked.starts_with("deal")));
}

#[tokio::test]
async fn what_the_provider_does_not_show_makes_the_entity_partial() {
    let world = World::new(&["contact"]);
    let mut adapter =
        Scripted::new(|_| Ok(page(vec![record("contact", "1")], Next::Partial(String::new()))));
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Partial);
    let report = &run.entities["contact"];
    assert_eq!((report.status, report.error.clone()), (RunStatus::Partial, None));
    assert_eq!(report.complete_until, Some(world.clock.now()));
}

#[tokio::test]
async fn expired_checkpoint_starts_the_selection_again() {
    let world = World::new(&["contact"]);
    let mut expired = false;
    let mut adapter = Scripted::new(move |request| {
        if request.checkpoint.as_deref() == Some("4") && !expired {
            expired = true;
            return Err(provider::error(ErrorKind::ExpiredCheckpoint));
        }
        Ok(page_of(request, 6))
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(
        adapter.asked(),
        [
            "contact all",
            "contact all @2",
            "contact all @4", // refused
            "contact all",
            "contact all @2",
            "contact all @4",
        ]
    );
}

#[tokio::test]
async fn checkpoint_that_expires_again_and_again_fails_the_entity() {
    let world = World::new(&["contact"]);
    let mut adapter = Scripted::new(|request| match request.checkpoint {
        Some(_) => Err(provider::error(ErrorKind::ExpiredCheckpoint)),
        None => Ok(page_of(request, 6)),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.entities["contact"].status, RunStatus::Failed);
    assert_eq!(adapter.asked().len(), 4);

    let mut adapter = Scripted::new(|_| Err(provider::error(ErrorKind::ExpiredCheckpoint)));
    world.store.reset_lanes(&world.plan.tenant, &world.plan.connection).await.unwrap();
    world.run(&mut adapter).await;
    assert_eq!(adapter.asked().len(), 1, "there was no checkpoint to expire");
}

/// Reads a page that the guard must refuse.
async fn refused(records: Vec<Record>, next: Next, code: &str) {
    let world = World::new(&["contact"]);
    let page = page(records, next);
    let run = world.run(&mut Scripted::new(move |_| Ok(page.clone()))).await;
    let error = run.entities["contact"].error.clone().expect(code);
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Malformed, code));
    assert!(error.request_sent);
}

#[tokio::test]
async fn pages_that_make_no_sense_are_refused() {
    let done = || Next::Done(String::new());
    let one = || record("contact", "1");
    refused(vec![record("deal", "1")], done(), "engine.foreign-entity").await;
    let checkpoint = Next::More("c".repeat(CHECKPOINT_BYTES_MAX + 1));
    refused(vec![one()], checkpoint, "engine.checkpoint-size").await;
    refused(vec![one()], Next::More("the same".to_owned()), "engine.checkpoint-repeats").await;
}

#[tokio::test]
async fn records_that_the_store_cannot_hold_are_rejected_and_the_others_stored() {
    let long = "x".repeat(ID_BYTES_MAX + 1);
    let one = || record("contact", "1");
    let large = Bytes::from(format!("\"{}\"", "x".repeat(PAYLOAD_BYTES_MAX)));
    let content = Content {
        key: "x".repeat(CONTENTS_BYTES_MAX),
        name: String::new(),
        media_type: String::new(),
        size: None,
        hash: None,
        source: None,
        base64: false,
        expires: None,
    };
    let records = vec![
        record("contact", ""),
        record("contact", &long),
        Record { version: Some(long.clone()), ..one() },
        Record { payload: large, ..one() },
        Record { contents: vec![content], ..one() },
        record("contact", "2"),
    ];
    let mut page = page(records, Next::Done(String::new()));
    page.tombstones = ["", &long].map(|id| tombstone("contact", id)).to_vec();
    let world = World::new(&["contact"]);
    let run = world.run(&mut Scripted::new(move |_| Ok(page.clone()))).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(world.ids().await, ["contact/2"]);
    let run = run.reference();
    let rejects = world.store.rejects(&run, 10).await.unwrap();
    let codes: Vec<_> = rejects.iter().map(|reject| reject.error.code.as_str()).collect();
    let (empty, size, record) = ("engine.empty-id", "engine.id-size", "engine.record-size");
    assert_eq!(codes, [empty, size, record, record, record, empty, size]);
    assert_eq!((rejects[0].id.as_deref(), rejects[2].id.as_deref()), (None, Some("1")));
}

#[tokio::test]
async fn tombstones_and_rejects_are_held_to_the_manifest_too() {
    for foreign in [true, false] {
        let world = World::new(&["contact"]);
        let mut adapter = Scripted::new(move |_| {
            let mut page = page(Vec::new(), Next::Done(String::new()));
            if foreign {
                page.tombstones.push(tombstone("deal", "1"));
            } else {
                page.rejects.push(reject("deal", "{}"));
            }
            Ok(page)
        });
        let run = world.run(&mut adapter).await;
        let error = run.entities["contact"].error.clone().unwrap();
        assert_eq!(error.code, "engine.foreign-entity");
    }
}

#[tokio::test]
async fn endless_circle_of_pages_is_broken() {
    let world = World::new(&["contact"]);
    let mut adapter = Scripted::new(|request| {
        let at: u32 = request.checkpoint.as_deref().map_or(0, |c| c.parse().unwrap());
        Ok(page(Vec::new(), Next::More(if at == 20 { 10 } else { at + 1 }.to_string())))
    });
    let run = world.run(&mut adapter).await;
    let error = run.entities["contact"].error.clone().unwrap();
    assert_eq!(error.code, "engine.checkpoint-repeats");
    assert!(adapter.asked().len() < 60);
}

#[tokio::test]
async fn records_of_entities_that_come_along_are_stored() {
    let mut world = World::new(&["note"]);
    world.entity().yields.push("file".to_owned());
    let mut adapter = Scripted::new(|_| {
        let records = vec![record("note", "1"), record("file", "9")];
        Ok(page(records, Next::Done(String::new())))
    });
    world.run(&mut adapter).await;
    assert_eq!(world.ids().await, ["file/9", "note/1"]);
}

fn reject(entity: &str, payload: &str) -> Reject {
    Reject {
        entity: entity.to_owned(),
        id: Some("7".to_owned()),
        error: Error::new(ErrorKind::Malformed, "test.date", "the date is none"),
        payload: Some(Bytes::from(payload.to_owned())),
    }
}

#[tokio::test]
async fn record_that_cannot_be_read_is_kept_with_its_reason() {
    let world = World::new(&["contact"]);
    let mut adapter = Scripted::new(|_| {
        let mut page = page(vec![record("contact", "1")], Next::Done(String::new()));
        page.rejects.push(reject("contact", r#"{"date":"x"}"#));
        Ok(page)
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(run.entities["contact"].rejected, 1);
    let rejects = rejects(&world, &run).await;
    assert_eq!(rejects, [Some(r#"{"date":"x"}"#.to_owned())]);
}

async fn rejects(world: &World, run: &Run) -> Vec<Option<String>> {
    let rejects = world.store.rejects(&run.reference(), 10).await.unwrap();
    rejects.into_iter().map(|reject| reject.payload).collect()
}

#[tokio::test]
async fn what_nobody_may_keep_is_not_stored() {
    let mut world = World::new(&["contact"]);
    world.plan.redact = vec!["token".to_owned()];
    let mut adapter = Scripted::new(|_| {
        let mut page = page(vec![record("contact", "1")], Next::Done(String::new()));
        page.rejects.push(reject("contact", r#"{"token":"secret"}"#));
        page.rejects.push(reject("contact", r#"{"token":"secret""#));
        Ok(page)
    });
    let run = world.run(&mut adapter).await;
    let payload = &world.records().await[0].payload;
    assert_eq!(payload, r#"{"name":"contact 1","token":""}"#);
    assert_eq!(rejects(&world, &run).await, [Some(r#"{"token":""}"#.to_owned()), None]);
}

//! What people have begun.

use futures_util::future::join_all;
use model::draft::{DRAFT_BYTES_MAX, DRAFT_KEPT, DRAFTS_MAX, Draft, DraftId, DraftKind};
use model::store::StoreErrorKind;
use model::{Clock, TenantId};

use super::Ports;
use super::queue::{SECOND, acme};
use super::samples::at;

fn draft(id: &str, kind: &str) -> Draft {
    Draft {
        tenant: acme(),
        id: id.parse().unwrap(),
        kind: kind.parse().unwrap(),
        subject: Some("crm".to_owned()),
        content: format!(r#"{{"of":"{id}"}}"#),
        author: "ann".to_owned(),
        created: at(0),
        updated: at(0),
        revision: 0,
    }
}

async fn put(store: &impl Ports, draft: Draft) -> Draft {
    store.put_draft(draft, None).await.unwrap()
}

/// All parts of a list, by id.
async fn all(
    store: &impl Ports,
    tenant: &TenantId,
    kind: Option<&str>,
    limit: usize,
) -> Vec<Draft> {
    let kind = kind.map(|kind| kind.parse::<DraftKind>().unwrap());
    let (mut drafts, mut after) = (Vec::new(), None::<DraftId>);
    loop {
        let part = store.drafts(tenant, kind.as_ref(), after.as_ref(), limit).await.unwrap();
        assert!(part.len() <= limit);
        let Some(last) = part.last() else { return drafts };
        after = Some(last.id.clone());
        drafts.extend(part);
    }
}

async fn ids(store: &impl Ports, kind: Option<&str>, limit: usize) -> Vec<String> {
    let drafts = all(store, &acme(), kind, limit).await;
    drafts.into_iter().map(|draft| draft.id.into()).collect()
}

pub(crate) async fn draft_counts_its_revisions_and_keeps_when_it_was_begun(
    store: &impl Ports,
    _: &Clock,
) {
    let id = "mine".parse().unwrap();
    assert_eq!(store.draft(&acme(), &id).await.unwrap(), None);
    let sent = draft("mine", "schema");
    let first = put(store, Draft { revision: 9, ..sent.clone() }).await;
    assert_eq!(first, Draft { revision: 1, ..sent.clone() });
    let changed = Draft {
        kind: "integration".parse().unwrap(),
        subject: None,
        content: "[1]".to_owned(),
        author: "bob".to_owned(),
        created: at(7),
        updated: at(7),
        ..sent
    };
    let second = put(store, changed.clone()).await;
    assert_eq!(second, Draft { created: at(0), revision: 2, ..changed });
    assert_eq!(store.draft(&acme(), &id).await.unwrap(), Some(second));
    assert!(store.remove_draft(&acme(), &id).await.unwrap());
    assert!(!store.remove_draft(&acme(), &id).await.unwrap());
    assert_eq!(store.draft(&acme(), &id).await.unwrap(), None);
    assert_eq!(put(store, draft("mine", "schema")).await.revision, 1);
}

pub(crate) async fn draft_that_somebody_else_has_changed_is_not_buried(
    store: &impl Ports,
    _: &Clock,
) {
    let refused = async |expected| {
        let theirs = Draft { content: "2".to_owned(), ..draft("mine", "schema") };
        let error = store.put_draft(theirs, Some(expected)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}");
    };
    refused(1).await;
    let first = store.put_draft(draft("mine", "schema"), Some(0)).await.unwrap();
    refused(0).await;
    let second = store.put_draft(first, Some(1)).await.unwrap();
    refused(1).await;
    assert_eq!(store.draft(&acme(), &second.id).await.unwrap(), Some(second));
}

pub(crate) async fn drafts_are_listed_by_kind_and_in_parts(store: &impl Ports, _: &Clock) {
    for (number, id) in ["b", "a", "d", "c", "a.b"].into_iter().enumerate() {
        put(store, draft(id, ["schema", "integration"][number % 2])).await;
    }
    let other = Draft { tenant: "acme.b".parse().unwrap(), ..draft("c", "schema") };
    put(store, other.clone()).await;
    for limit in [1, 2, 3, 5, 6] {
        assert_eq!(ids(store, None, limit).await, ["a", "a.b", "b", "c", "d"]);
        assert_eq!(ids(store, Some("schema"), limit).await, ["a.b", "b", "d"]);
        assert_eq!(ids(store, Some("dead-letter"), limit).await, [""; 0]);
    }
    assert_eq!(all(store, &other.tenant, None, 10).await.len(), 1);
    assert!(store.remove_draft(&other.tenant, &"c".parse().unwrap()).await.unwrap());
    assert_eq!(ids(store, None, 10).await.len(), 5);
}

pub(crate) async fn list_of_drafts_goes_on_while_they_come_and_go(store: &impl Ports, _: &Clock) {
    for id in ["a", "b", "d"] {
        put(store, draft(id, "schema")).await;
    }
    let b = "b".parse().unwrap();
    let part = store.drafts(&acme(), None, None, 2).await.unwrap();
    assert_eq!(part.last().unwrap().id, b);
    store.remove_draft(&acme(), &b).await.unwrap();
    for id in ["aa", "c"] {
        put(store, draft(id, "schema")).await;
    }
    let rest = store.drafts(&acme(), None, Some(&b), 10).await.unwrap();
    assert_eq!(rest.iter().map(|draft| draft.id.as_str()).collect::<Vec<_>>(), ["c", "d"]);
}

pub(crate) async fn large_list_of_drafts_is_cut_and_goes_on(store: &impl Ports, _: &Clock) {
    let content = format!("\"{}\"", "x".repeat(DRAFT_BYTES_MAX - 2));
    for number in 0..20 {
        let id = format!("{number:02}");
        put(store, Draft { content: content.clone(), ..draft(&id, "schema") }).await;
    }
    let first = store.drafts(&acme(), None, None, 100).await.unwrap();
    assert!((1..20).contains(&first.len()));
    assert_eq!(all(store, &acme(), None, 100).await.len(), 20);
}

pub(crate) async fn draft_that_nobody_touches_is_forgotten(store: &impl Ports, clock: &Clock) {
    let now = |id| Draft { updated: clock.now(), ..draft(id, "schema") };
    let elsewhere = Draft { tenant: "other".parse().unwrap(), ..now("old") };
    put(store, elsewhere.clone()).await;
    for id in ["old", "own", "young"] {
        put(store, now(id)).await;
    }
    clock.advance(SECOND);
    put(store, now("young")).await;
    clock.advance(DRAFT_KEPT);
    // It is what is looked for that comes back, however long it was left alone.
    let own = put(store, now("own")).await;
    assert_eq!((own.revision, own.created), (2, at(0)));
    assert_eq!(ids(store, None, 10).await, ["own", "young"]);
    assert_eq!(all(store, &elsewhere.tenant, None, 10).await.len(), 1);
    clock.advance(SECOND);
    put(store, now("own")).await;
    assert_eq!(ids(store, None, 10).await, ["own"]);
    assert_eq!(put(store, now("old")).await.revision, 1);
}

pub(crate) async fn drafts_of_a_tenant_are_bounded(store: &impl Ports, clock: &Clock) {
    let numbers = 0..DRAFTS_MAX;
    join_all(numbers.map(|number| put(store, draft(&number.to_string(), "schema")))).await;
    let error = store.put_draft(draft("more", "schema"), None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("1000 drafts already; finish or remove"), "{error}");
    put(store, Draft { updated: clock.now(), ..draft("0", "schema") }).await;
    put(store, Draft { tenant: "other".parse().unwrap(), ..draft("more", "schema") }).await;
    store.remove_draft(&acme(), &"1".parse().unwrap()).await.unwrap();
    put(store, draft("more", "schema")).await;
}

pub(crate) async fn drafts_beyond_the_limits_are_refused(store: &impl Ports, _: &Clock) {
    let good = draft("mine", "schema");
    let large = format!("\"{}\"", "x".repeat(DRAFT_BYTES_MAX));
    for (bad, says) in [
        (Draft { content: String::new(), ..good.clone() }, "content of a draft is empty"),
        (Draft { content: "{\"a\":".to_owned(), ..good.clone() }, "no JSON"),
        (Draft { content: "1 2".to_owned(), ..good.clone() }, "no JSON"),
        (Draft { content: large, ..good.clone() }, "content of a draft has"),
        (Draft { author: String::new(), ..good.clone() }, "author of a draft is empty"),
        (Draft { subject: Some("x".repeat(5_000)), ..good.clone() }, "subject of a draft has"),
    ] {
        let error = store.put_draft(bad, None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(store.draft(&good.tenant, &good.id).await.unwrap(), None);
}

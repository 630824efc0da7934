//! Conflicts.

use model::Timestamp;
use model::canonical::RecordId;
use model::conflict::{
    Conflict, ConflictField, ConflictId, ConflictKind, ConflictStore as _, Resolved,
};
use serde_json::{Value, json};

use crate::support::{World, id};

/// A conflict of acme's.
pub(crate) fn found(connection: &str, external_id: &str, kind: ConflictKind) -> Conflict {
    let field = ConflictField {
        field: "name".to_owned(),
        base: Some(json!("a")),
        ours: Some(Value::Null),
        theirs: None,
    };
    Conflict {
        tenant: id("acme"),
        id: ConflictId(0),
        connection: connection.parse().unwrap(),
        entity: "contact".to_owned(),
        external_id: external_id.to_owned(),
        record: RecordId::from_bytes([1; 16]),
        record_type: "c_contact".to_owned(),
        kind,
        fields: if kind == ConflictKind::BothChanged { vec![field] } else { Vec::new() },
        found: Timestamp::UNIX_EPOCH,
        resolved: None,
    }
}

/// Conflicts 1 to 3, of which the second is resolved.
async fn world() -> World {
    let world = World::new().await;
    let conflicts = vec![
        found("crm", "1", ConflictKind::BothChanged),
        found("crm", "2", ConflictKind::DeletedThere),
        found("shop", "1", ConflictKind::DeletedHere),
    ];
    let ids = world.store.put_conflicts(conflicts).await.unwrap();
    let resolved = Resolved { at: Timestamp::UNIX_EPOCH, by: None };
    assert!(world.store.resolve_conflict(&id("acme"), ids[1], resolved).await.unwrap());
    world
}

async fn check(world: &World, query: &str, expected: &[u64]) {
    let answer = world.get(&world.acme.viewer, &format!("/api/conflicts?{query}")).await.is(200);
    let items = answer.json["items"].as_array().unwrap().iter();
    let ids: Vec<_> = items.map(|conflict| conflict["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, expected, "{query}");
}

#[tokio::test]
async fn conflicts_are_listed_by_what_is_asked_of_them() {
    let world = world().await;
    check(&world, "", &[1, 3]).await;
    check(&world, "resolved=true", &[1, 2, 3]).await;
    check(&world, "connection=crm&resolved=true", &[1, 2]).await;
    check(&world, "connection=crm&connection=shop", &[1, 3]).await;
    check(&world, "kind=deleted-here&kind=deleted-there&resolved=true", &[2, 3]).await;
    check(&world, "limit=1", &[1]).await;
    let first = world.get(&world.acme.viewer, "/api/conflicts?limit=1").await.json;
    check(&world, &format!("cursor={}", first["next"].as_str().unwrap()), &[3]).await;
    for wrong in ["kind=odd", "resolved=maybe", "limit=1001"] {
        let answer = world.get(&world.acme.viewer, &format!("/api/conflicts?{wrong}")).await;
        answer.refused(400, "api.invalid");
    }
}

#[tokio::test]
async fn conflict_shows_all_three_sides_and_tells_null_from_nothing() {
    let world = world().await;
    let shown = world.get(&world.acme.viewer, "/api/conflicts/1").await.is(200);
    assert_eq!(shown.json["fields"], json!([{"field": "name", "base": "a", "ours": null}]));
    assert_eq!(shown.json["kind"], "both-changed");
    let resolved = world.get(&world.acme.viewer, "/api/conflicts/2").await.is(200);
    assert!(resolved.json["resolved"]["at"].is_string() && resolved.tag() != shown.tag());
    for (key, id) in
        [(&world.acme.viewer, "4"), (&world.acme.viewer, "x"), (&world.globex.viewer, "1")]
    {
        world.get(key, &format!("/api/conflicts/{id}")).await.refused(404, "api.not-found");
    }
}

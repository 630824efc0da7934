use futures_util::future::join_all;
use model::schema::{BINDINGS_MAX, Binding, NewSchema, SchemaHead, SchemaKind, SchemaQuery};
use model::store::StoreErrorKind;

use super::Ports;
use super::samples::{at, run};

fn text(tenant: &str, name: &str, expected: u32) -> NewSchema {
    NewSchema {
        tenant: tenant.parse().unwrap(),
        kind: SchemaKind::Conversion,
        name: name.to_owned(),
        text: format!("{{\"version\":{}}}", expected + 1),
        author: Some("ann".to_owned()),
        expected,
        at: at(i64::from(expected)),
    }
}

fn listed(tenant: &str, name: Option<&str>) -> SchemaQuery {
    SchemaQuery {
        tenant: tenant.parse().unwrap(),
        kind: SchemaKind::Conversion,
        name: name.map(str::to_owned),
        after: None,
        limit: 10,
    }
}

fn binding(tenant: &str, entity: &str, schema: Option<(&str, u32)>) -> Binding {
    let run = run(&format!("{tenant}/hub"), 1);
    Binding {
        tenant: run.tenant,
        connection: run.connection,
        entity: entity.to_owned(),
        part: None,
        schema: schema.map(|(name, version)| (name.to_owned(), version)),
        revision: 0,
        at: at(0),
    }
}

fn seen(heads: &[SchemaHead]) -> Vec<(&str, u32)> {
    heads.iter().map(|head| (head.name.as_str(), head.version)).collect()
}

pub(crate) async fn versions_are_appended_and_stay(store: &impl Ports) {
    let tenant = "acme".parse().unwrap();
    for expected in 0..3 {
        let head = store.put_schema(text("acme", "contact", expected)).await.unwrap();
        assert_eq!((head.version, head.at), (expected + 1, at(i64::from(expected))));
        assert_eq!(head.author.as_deref(), Some("ann"));
    }
    let get = async |version| {
        store.schema(&tenant, SchemaKind::Conversion, "contact", version).await.unwrap()
    };
    for (version, expected) in
        [(None, Some(3)), (Some(1), Some(1)), (Some(3), Some(3)), (Some(4), None)]
    {
        let found = get(version).await.map(|schema| (schema.head.version, schema.text));
        assert_eq!(found, expected.map(|number| (number, format!("{{\"version\":{number}}}"))));
    }
    let kind = SchemaKind::RecordType;
    assert_eq!(store.schema(&tenant, kind, "contact", None).await.unwrap(), None);
    let same_name = NewSchema { kind, ..text("acme", "contact", 0) };
    assert_eq!(store.put_schema(same_name).await.unwrap().version, 1);
}

pub(crate) async fn version_that_somebody_else_has_saved_is_not_buried(store: &impl Ports) {
    store.put_schema(text("acme", "contact", 0)).await.unwrap();
    for expected in [0, 2] {
        let error = store.put_schema(text("acme", "contact", expected)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.to_string().contains("'contact' is at version 1"), "{error}");
    }
    let versions = store.schemas(listed("acme", Some("contact"))).await.unwrap();
    assert_eq!(seen(&versions), [("contact", 1)]);
}

pub(crate) async fn schemas_are_listed_by_name_and_by_version(store: &impl Ports) {
    for (name, versions) in [("b", 3), ("a", 1), ("ab", 2), ("a.b", 1)] {
        for expected in 0..versions {
            store.put_schema(text("acme", name, expected)).await.unwrap();
        }
    }
    let list = async |query| store.schemas(query).await.unwrap();
    let first = list(SchemaQuery { limit: 2, ..listed("acme", None) }).await;
    assert_eq!(seen(&first), [("a", 1), ("a.b", 1)]);
    let after = Some("a.b".to_owned());
    let rest = list(SchemaQuery { after, ..listed("acme", None) }).await;
    assert_eq!(seen(&rest), [("ab", 2), ("b", 3)]);
    let first = list(SchemaQuery { limit: 2, ..listed("acme", Some("b")) }).await;
    assert_eq!(seen(&first), [("b", 3), ("b", 2)]);
    let after = Some("2".to_owned());
    let rest = list(SchemaQuery { after, ..listed("acme", Some("b")) }).await;
    assert_eq!(seen(&rest), [("b", 1)]);
    let after = Some("x".to_owned());
    let bad = store.schemas(SchemaQuery { after, ..listed("acme", Some("b")) }).await;
    assert_eq!(bad.unwrap_err().kind(), StoreErrorKind::Invalid);
}

pub(crate) async fn schema_beyond_the_limits_is_refused_by_name(store: &impl Ports) {
    let sample = || text("acme", "contact", 0);
    let cases = [
        (NewSchema { name: String::new(), ..sample() }, "name of a schema is empty"),
        (NewSchema { name: "x".repeat(129), ..sample() }, "name of a schema has 129 bytes"),
        (NewSchema { name: "a\0b".to_owned(), ..sample() }, "name of a schema holds a NUL"),
        (NewSchema { text: String::new(), ..sample() }, "text of a schema is empty"),
        (NewSchema { text: "x".repeat((1 << 20) + 1), ..sample() }, "text of a schema has 1048577"),
        (NewSchema { author: Some("x".repeat(257)), ..sample() }, "author of a schema has 257"),
    ];
    for (schema, message) in cases {
        let error = store.put_schema(schema).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(message), "{error} should say {message}");
    }
}

pub(crate) async fn binding_is_replaced_and_counts_its_revisions(store: &impl Ports) {
    store.put_schema(text("acme", "contact", 0)).await.unwrap();
    let bound = binding("acme", "contacts", Some(("contact", 1)));
    let first = store.put_binding(bound.clone(), Some(0)).await.unwrap();
    assert_eq!(first, Binding { revision: 1, ..bound.clone() });
    let error = store.put_binding(bound.clone(), Some(0)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert!(error.to_string().contains("at revision 1"), "{error}");
    let undone = binding("acme", "contacts", None);
    assert_eq!(store.put_binding(undone, Some(1)).await.unwrap().revision, 2);
    store.put_binding(binding("acme", "contact", None), None).await.unwrap();
    let all = store.bindings(&bound.tenant, &bound.connection).await.unwrap();
    let all: Vec<_> = all.iter().map(|b| (b.entity.as_str(), b.revision)).collect();
    assert_eq!(all, [("contact", 1), ("contacts", 2)]);
}

pub(crate) async fn part_is_bound_apart_from_its_entity(store: &impl Ports) {
    for tenant in ["acme", "evil"] {
        store.put_schema(text(tenant, "row", 0)).await.unwrap();
    }
    let of = |tenant, part: &str| Binding {
        part: Some(part.to_owned()),
        ..binding(tenant, "row", Some(("row", 1)))
    };
    for bound in [
        binding("acme", "rows", None),
        of("acme", "b"),
        of("acme", "a\0b"),
        binding("acme", "row", Some(("row", 1))),
        of("evil", "b"),
    ] {
        let put = store.put_binding(bound.clone(), Some(0)).await.unwrap();
        assert_eq!(put, Binding { revision: 1, ..bound });
    }
    let undone = Binding { schema: None, ..of("acme", "b") };
    assert_eq!(store.put_binding(undone, Some(1)).await.unwrap().revision, 2);
    let listed = async |tenant| {
        let Binding { tenant, connection, .. } = binding(tenant, "row", None);
        let bindings = store.bindings(&tenant, &connection).await.unwrap();
        let seen = |b: Binding| (b.entity, b.part.unwrap_or_default(), b.schema.is_some());
        bindings.into_iter().map(seen).collect::<Vec<_>>()
    };
    let row = |part: &str, bound| ("row".to_owned(), part.to_owned(), bound);
    let rows = ("rows".to_owned(), String::new(), false);
    let expected = [row("", true), row("a\0b", true), row("b", false), rows];
    assert_eq!(listed("acme").await, expected);
    assert_eq!(listed("evil").await, [row("b", true)]);
    for (part, says) in [(String::new(), "part of a binding is empty"), ("x".repeat(1025), "1025")]
    {
        let error = store.put_binding(of("acme", &part), None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
}

pub(crate) async fn bindings_of_a_connection_are_bounded(store: &impl Ports) {
    let of = |n: usize| Binding { part: Some(n.to_string()), ..binding("acme", "row", None) };
    for put in join_all((0..BINDINGS_MAX).map(|n| store.put_binding(of(n), Some(0)))).await {
        put.unwrap();
    }
    let error = store.put_binding(of(BINDINGS_MAX), None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("has 1000 bindings"), "{error}");
    assert_eq!(store.put_binding(of(7), Some(1)).await.unwrap().revision, 2);
    store.put_binding(binding("evil", "row", None), Some(0)).await.unwrap();
}

pub(crate) async fn schema_that_is_not_there_cannot_be_bound(store: &impl Ports) {
    store.put_schema(text("acme", "contact", 0)).await.unwrap();
    for (tenant, name, version) in
        [("acme", "contact", 2), ("acme", "lead", 1), ("evil", "contact", 1)]
    {
        let bound = binding(tenant, "contacts", Some((name, version)));
        let error = store.put_binding(bound, None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("there is no version"), "{error}");
    }
    let error = store.put_binding(binding("acme", "a\0b", None), None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

pub(crate) async fn schemas_of_tenants_never_meet(store: &impl Ports) {
    for tenant in ["acme", "ac", "evil"] {
        store.put_schema(text(tenant, "contact", 0)).await.unwrap();
        let bound = binding(tenant, "contacts", Some(("contact", 1)));
        store.put_binding(bound, Some(0)).await.unwrap();
    }
    store.put_schema(text("evil", "contact", 1)).await.unwrap();
    for (tenant, expected) in [("acme", 1), ("ac", 1), ("evil", 2), ("nobody", 0)] {
        let versions = store.schemas(listed(tenant, Some("contact"))).await.unwrap();
        assert_eq!(versions.len(), expected);
        let bound = binding(tenant, "contacts", None);
        let bindings = store.bindings(&bound.tenant, &bound.connection).await.unwrap();
        assert!(bindings.iter().all(|b| b.tenant == bound.tenant));
        assert_eq!(bindings.len(), expected.min(1));
    }
}

//! Record types: what records of providers become. The built-in ones, and the tenant's own in
//! versions.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use engine::mapping::own_types;
use mapping::record_type::Field;
use mapping::{RecordType, Types};
use model::schema::{SchemaHead, SchemaKind, StoredSchema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::Page;
use crate::problem::Problem;
use crate::schemas::{
    FOR_EVER, Ports, SchemaListing, SchemaName, SchemaVersion, Text, raw, refused, segment,
};

/// What a text of a record type is saved as.
const KIND: SchemaKind = SchemaKind::RecordType;

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace))
        .routes(routes!(versions))
        .routes(routes!(version))
}

/// A record type in a list.
#[derive(Debug, Serialize, ToSchema)]
struct RecordTypeRow {
    /// Its name; those of Plughouse begin with `c_`.
    name: String,
    /// Whether it comes with Plughouse.
    built_in: bool,
    /// The saved version; of a built-in one the version of its fields.
    version: u32,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
    /// The fields, in the order in which a record shows them.
    fields: Vec<RecordTypeField>,
    /// Sets of fields, the strongest first: records that agree in all fields of a set are the same
    /// thing.
    identity: Vec<Vec<String>>,
}

/// A field of a record type.
#[derive(Debug, Serialize, ToSchema)]
struct RecordTypeField {
    /// Its name.
    name: String,
    /// Its type: `text`, `list:text`, `ref:c_company`, …
    kind: String,
    /// A record without it is refused.
    required: bool,
    /// It says something about a person.
    pii: bool,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
    /// The provider's name of it, where the type was derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// The provider has it no more.
    gone: bool,
}

/// A record type.
#[derive(Debug, Serialize, ToSchema)]
struct RecordTypeView {
    /// Its name; those of Plughouse begin with `c_`.
    name: String,
    /// Whether it comes with Plughouse.
    built_in: bool,
    /// The saved version; of a built-in one the version of its fields.
    version: u32,
    /// The type, as it was written.
    #[schema(value_type = Object)]
    record_type: Box<RawValue>,
}

/// A record type as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordTypeForm {
    /// The type, at most 1 MiB of it; its text is kept as it is.
    #[schema(value_type = Object)]
    record_type: Box<RawValue>,
}

/// Lists record types
///
/// The built-in ones, and the newest versions of the tenant's own, each by name.
#[utoipa::path(get, path = "/api/record-types", tag = "record types",
    security(("api_key" = ["viewer"])), params(SchemaListing),
    responses((status = 200, body = Page<RecordTypeRow>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<SchemaListing>,
) -> Result<axum::Json<Page<RecordTypeRow>>, Problem> {
    let tenant = scope.tenant.clone();
    let rows = |ports: Ports| async move {
        let own = own_types(&*ports.schemas, &scope.tenant).await;
        let own = own.map_err(|error| refused(error, ""))?;
        let built_in = Types::built_in();
        let built_in = built_in.iter().map(|found| RecordTypeRow::of(found, None));
        let own = own.iter().map(|(head, found)| RecordTypeRow::of(found, Some(head)));
        Page::of(built_in.chain(own).collect(), listing.cursor.as_ref(), listing.limit)
    };
    ports.costly(&tenant, rows).await.map(axum::Json)
}

/// Saves a record type under a new name
///
/// The name stands in the type. What is wrong with it is named by its place under `errors`.
#[utoipa::path(post, path = "/api/record-types", tag = "record types",
    security(("api_key" = ["editor"])), request_body = RecordTypeForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 201, body = SchemaVersion), (status = 409, body = Problem)))]
async fn create(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<RecordTypeForm>,
) -> Result<Created<SchemaVersion>, Problem> {
    let text = Text { kind: KIND, at: "/record_type", name: None, json: form.record_type };
    let (head, _) = ports.save(scope, text, 0, Problem::from).await?;
    let location = format!("/api/record-types/{}", segment(&head.name));
    Ok(Created(location, Tag::revision(head.version.into()), SchemaVersion::of(head)))
}

/// Shows a record type
///
/// In its newest version, which is its `ETag`.
#[utoipa::path(get, path = "/api/record-types/{type}", tag = "record types",
    security(("api_key" = ["viewer"])),
    params(("type" = String, Path, description = "The name")),
    responses((status = 200, body = RecordTypeView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(name): Path<SchemaName>,
) -> Result<Tagged<RecordTypeView>, Problem> {
    let types = Types::built_in();
    let view = if let Some(built_in) = types.get(name.as_str()) {
        RecordTypeView::built_in(built_in)?
    } else {
        let found = ports.schemas.schema(&scope.tenant, KIND, name.as_str(), None).await?;
        RecordTypeView::own(found.ok_or_else(Problem::not_found)?)?
    };
    Ok(Tagged(Tag::revision(view.version.into()), view))
}

/// Saves the next version of a record type
///
/// The same text again makes no new version. A version that a schema in use does not fit any more
/// is refused. What is stored already follows with a replay.
#[utoipa::path(put, path = "/api/record-types/{type}", tag = "record types",
    security(("api_key" = ["editor"])), request_body = RecordTypeForm,
    params(("type" = String, Path, description = "The name"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = SchemaVersion), (status = 409, body = Problem)))]
async fn replace(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(name): Path<SchemaName>,
    if_match: IfMatch,
    Json(form): Json<RecordTypeForm>,
) -> Result<Tagged<SchemaVersion>, Problem> {
    if Types::built_in().get(name.as_str()).is_some() {
        let detail = "it comes with Plughouse; save one of your own under another name";
        return Err(Problem::conflict(detail));
    }
    let expected = ports.expected(&scope, (KIND, &name), &if_match).await?;
    let text = Text { kind: KIND, at: "/record_type", name: Some(name), json: form.record_type };
    let (head, _) = ports.save(scope, text, expected, Problem::of_change).await?;
    Ok(Tagged(Tag::revision(head.version.into()), SchemaVersion::of(head)))
}

/// Lists the versions of a record type
///
/// The newest first. Of a built-in one there is none.
#[utoipa::path(get, path = "/api/record-types/{type}/versions", tag = "record types",
    security(("api_key" = ["viewer"])),
    params(("type" = String, Path, description = "The name"), SchemaListing),
    responses((status = 200, body = Page<SchemaVersion>)))]
async fn versions(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(name): Path<SchemaName>,
    Query(listing): Query<SchemaListing>,
) -> Result<axum::Json<Page<SchemaVersion>>, Problem> {
    ports.versions(scope.tenant, (KIND, name), listing).await.map(axum::Json)
}

/// Shows a version of a record type
///
/// It never changes.
#[utoipa::path(get, path = "/api/record-types/{type}/versions/{version}", tag = "record types",
    security(("api_key" = ["viewer"])),
    params(("type" = String, Path, description = "The name"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = RecordTypeView)))]
async fn version(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path((name, version)): Path<(SchemaName, u32)>,
) -> Result<impl IntoResponse, Problem> {
    let found = ports.version(&scope.tenant, (KIND, &name), version).await?;
    let tagged = Tagged(Tag::revision(version.into()), RecordTypeView::own(found)?);
    Ok(([(header::CACHE_CONTROL, FOR_EVER)], tagged))
}

impl RecordTypeRow {
    fn of(found: &RecordType, saved: Option<&SchemaHead>) -> Self {
        Self {
            name: found.name.clone(),
            built_in: saved.is_none(),
            version: saved.map_or(found.version, |head| head.version),
            summary: found.summary.clone(),
            fields: found.fields.iter().map(RecordTypeField::of).collect(),
            identity: found.identity.clone(),
        }
    }
}

impl RecordTypeField {
    fn of(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            kind: field.kind.to_string(),
            required: field.required,
            pii: field.pii,
            summary: field.summary.clone(),
            origin: field.origin.clone(),
            gone: field.gone,
        }
    }
}

impl RecordTypeView {
    fn built_in(found: &RecordType) -> Result<Self, Problem> {
        let (name, version) = (found.name.clone(), found.version);
        Ok(Self { name, built_in: true, version, record_type: raw(found.to_json())? })
    }

    fn own(StoredSchema { head, text }: StoredSchema) -> Result<Self, Problem> {
        let SchemaHead { name, version, .. } = head;
        Ok(Self { name, built_in: false, version, record_type: raw(text)? })
    }
}

//! What a schema makes of records, step by step.

use axum::extract::State;
use engine::mapping::{Mapper, Mapping, Mappings, Raw, named};
use mapping::{NoReferences, Preview};
use model::store::{RecordStore, StoredRecord};
use model::{Connection, ConnectionId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::place::{Place, nothing_stored};
use super::{Ports, SchemaChoice};
use crate::auth::{Scope, Viewer};
use crate::extract::Json;
use crate::problem::Problem;

mod view;

use view::PreviewedRecord;

/// Records of one preview: more than anybody steps through.
const RECORDS_MAX: usize = 100;

/// Records of a preview that does not say how many it wants.
const RECORDS_DEFAULT: usize = 20;

/// The largest preview, in bytes; what goes beyond is left out, and the answer says so.
const BYTES_MAX: usize = 8 << 20;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// Which schema is tried on which records: stored ones of an entity, or given ones.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewForm {
    /// The schema; without one the active one of the entity.
    schema: Option<SchemaChoice>,
    /// The connection that the records came by.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Their entity.
    entity: Option<String>,
    /// Of this part of it alone.
    part: Option<String>,
    /// The records of these ids of the provider, gone ones too; without any the first ones.
    #[serde(default)]
    #[schema(max_items = 100)]
    ids: Vec<String>,
    /// At most this many.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
    /// These records instead of stored ones. They refer to nothing.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, max_items = 100)]
    payloads: Vec<Box<RawValue>>,
}

/// What became of the records.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewView {
    /// The schema, as a run keeps it.
    schema: String,
    /// How many of the records below it does not take.
    rejected: usize,
    /// How many of the records that were asked for are left out, because the answer grew large or
    /// nothing maps the part that they are in.
    left_out: usize,
    /// The records.
    #[schema(value_type = Vec<PreviewedRecord>)]
    records: Vec<Box<RawValue>>,
}

/// Shows what a schema makes of records
///
/// For each record and field the value after every operation, its type or its error; the value that
/// would go back, and how it is like the provider's. At most 100 records and 8 MiB of answer; of a
/// value longer than 4 KiB the beginning is shown. Nothing is saved, and the provider is not asked.
/// The schema that is tried on stored records may be any: what is bound stays bound.
#[utoipa::path(post, path = "/api/schemas/preview", tag = "schemas",
    security(("api_key" = ["viewer"])), request_body = PreviewForm,
    responses((status = 200, body = PreviewView), (status = 409, body = Problem)))]
async fn preview(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Json(form): Json<PreviewForm>,
) -> Result<axum::Json<PreviewView>, Problem> {
    let tenant = scope.tenant.clone();
    ports.costly(&tenant, |ports| shown(ports, scope, form)).await.map(axum::Json)
}

async fn shown(ports: Ports, scope: Scope, form: PreviewForm) -> Result<PreviewView, Problem> {
    let asked = form.ids.len().max(form.payloads.len()).max(form.limit.unwrap_or_default());
    if asked > RECORDS_MAX || form.limit == Some(0) {
        let detail = format!("1 to {RECORDS_MAX} records are shown at once");
        return Err(Problem::invalid(detail));
    }
    let PreviewForm { schema, connection, entity, part, ids, limit, payloads } = form;
    if !payloads.is_empty() {
        let (None, None, None, true) = (connection, entity, part, ids.is_empty()) else {
            return Err(Problem::invalid("send either `payloads` or what is stored where"));
        };
        let choice = schema.ok_or_else(|| {
            Problem::invalid("no schema is active for given records").at("/schema", "name one")
        })?;
        let mapping = ports.compiled(&scope.tenant, choice, "/schema").await?;
        return given(&mapping, &payloads);
    }
    let (Some(connection), Some(entity)) = (connection, entity) else {
        let detail = "say on which records: `connection` and `entity`, or `payloads`";
        return Err(Problem::invalid(detail));
    };
    let place = ports.place(&scope.tenant, &connection).await?;
    place.has(&entity, "/entity")?;
    let mappings = ports.to_try(&scope.tenant, &place, &entity, schema).await?;
    let mut trial = ports.trial(&place, &entity, mappings)?;
    if ids.is_empty() {
        let limit = limit.unwrap_or(RECORDS_DEFAULT);
        let records = ports.sample(&place, (&entity, part.as_deref()), limit).await?;
        if records.is_empty() {
            return Err(nothing_stored(&entity));
        }
        trial.view.left_out = records.len();
        for record in &records {
            if !trial.takes(record).await? {
                break;
            }
        }
    } else {
        trial.view.left_out = ids.len();
        // One after another: a hundred records may be too large to be in memory together.
        for (position, id) in ids.iter().enumerate() {
            let record = ports.record_of(&place, &entity, (position, id)).await?;
            if !trial.takes(&record).await? {
                break;
            }
        }
    }
    Ok(trial.view)
}

/// What is made of given records.
fn given(mapping: &Mapping, payloads: &[Box<RawValue>]) -> Result<PreviewView, Problem> {
    let mut view = PreviewView::new(mapping.schema().to_string(), payloads.len());
    for (place, payload) in payloads.iter().enumerate() {
        let preview = mapping::preview(mapping.program(), payload.get().as_bytes(), &NoReferences);
        if !view.takes((place + 1).to_string(), preview)? {
            break;
        }
    }
    Ok(view)
}

impl Ports {
    /// The schema that is named for an entity, or the active ones.
    async fn to_try(
        &self,
        tenant: &TenantId,
        place: &Place,
        entity: &str,
        choice: Option<SchemaChoice>,
    ) -> Result<Mappings, Problem> {
        let mappings = match choice {
            Some(choice) => {
                let mapping = self.compiled(tenant, choice, "/schema").await?;
                Mappings::default().with(entity, Some(mapping))
            }
            None => self.adapters.mappings(&place.connection).await?,
        };
        if let Some(error) = mappings.refused(entity) {
            return Err(error.clone().into());
        }
        Ok(mappings)
    }

    async fn record_of(
        &self,
        place: &Place,
        entity: &str,
        (position, id): (usize, &String),
    ) -> Result<StoredRecord, Problem> {
        let found = named(&*self.records, &place.connection, entity, id).await?;
        found.ok_or_else(|| {
            Problem::invalid("there is no such record")
                .at(format!("/ids/{position}"), "no record of the entity has this id")
        })
    }

    fn trial(&self, place: &Place, entity: &str, mappings: Mappings) -> Result<Trial<'_>, Problem> {
        let schema = mappings.shown(entity).ok_or_else(|| {
            Problem::conflict(format!("no schema maps {entity}; name one, or have one suggested"))
        })?;
        let Connection { tenant, id, .. } = &place.connection;
        let mapper = Mapper::new(tenant, id, mappings);
        Ok(Trial { records: &*self.records, mapper, view: PreviewView::new(schema, 0) })
    }
}

/// Stored records on their way through schemas.
struct Trial<'a> {
    records: &'a dyn RecordStore,
    mapper: Mapper,
    view: PreviewView,
}

impl Trial<'_> {
    /// Shows one more record; false once the answer has grown as large as it may.
    async fn takes(&mut self, record: &StoredRecord) -> Result<bool, Problem> {
        let preview = self.mapper.preview(self.records, Raw::stored(record)).await?;
        // Nothing may map the part that the record is in.
        preview.map_or(Ok(true), |preview| self.view.takes(record.id.clone(), preview))
    }
}

impl PreviewView {
    fn new(schema: String, asked: usize) -> Self {
        Self { schema, rejected: 0, left_out: asked, records: Vec::new() }
    }

    /// Takes one more record in; false once it has grown as large as it may.
    fn takes(&mut self, id: String, preview: Preview) -> Result<bool, Problem> {
        let is_rejected = preview.output.is_none();
        let record = to_raw_value(&PreviewedRecord::of(id, preview));
        let record = record.map_err(|error| Problem::internal(&error))?;
        let bytes: usize = self.records.iter().map(|record| record.get().len()).sum();
        if !self.records.is_empty() && bytes + record.get().len() > BYTES_MAX {
            return Ok(false);
        }
        self.rejected += usize::from(is_rejected);
        self.left_out = self.left_out.saturating_sub(1);
        self.records.push(record);
        Ok(true)
    }
}

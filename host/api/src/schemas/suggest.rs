//! A schema guessed from names and stored values.

use axum::extract::State;
use engine::mapping::{GUESSED_FROM, Suggesting, offered, payloads, suggest, types};
use model::ConnectionId;
use model::adapter::Field;
use model::credential::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use super::form::refused;
use super::place::{Place, nothing_stored};
use crate::auth::{Editor, Scope};
use crate::extract::Json as Content;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(suggest_schema))
}

/// For which entity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuggestionForm {
    /// The connection.
    #[schema(value_type = String)]
    connection: ConnectionId,
    /// The entity.
    entity: String,
    /// One part of it.
    part: Option<String>,
    /// The record type; otherwise the one that the package names for the entity.
    record_type: Option<String>,
}

/// A schema and why it is as it is.
#[derive(Debug, Serialize, ToSchema)]
struct SuggestedSchema {
    /// The schema; it is not saved.
    #[schema(value_type = Object)]
    schema: Json,
    /// The reasons for its field maps, in their order.
    suggestions: Vec<SuggestedField>,
    /// How many stored records were looked at.
    records: usize,
    /// Why the provider's names of its fields were not considered, where they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_discovered: Option<String>,
}

/// A field map that is probably meant.
#[derive(Debug, Serialize, ToSchema)]
struct SuggestedField {
    /// The source.
    from: String,
    /// The field of the record type.
    to: String,
    /// From 0 to 100; 100 is the same name and values that all fit.
    confidence: u8,
    /// The reasons.
    why: String,
}

/// Suggests a conversion schema
///
/// It is guessed from stored records, and from what the provider says of the entity's fields when
/// it is asked. A field map that could not be written back is read only. Nothing is saved.
#[utoipa::path(post, path = "/api/schemas/suggest", tag = "schemas",
    security(("api_key" = ["editor"])), request_body = SuggestionForm,
    responses((status = 200, body = SuggestedSchema), (status = 409, body = Problem)))]
async fn suggest_schema(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Content(form): Content<SuggestionForm>,
) -> Result<axum::Json<SuggestedSchema>, Problem> {
    let place = ports.place(&scope.tenant, &form.connection).await?;
    place.has(&form.entity, "/entity")?;
    let asked = ports.asked(&scope, &place, &form).await;
    let tenant = scope.tenant;
    ports.costly(&tenant, |ports| guessed(ports, place, form, asked)).await.map(axum::Json)
}

async fn guessed(
    ports: Ports,
    place: Place,
    form: SuggestionForm,
    asked: Result<Vec<Field>, String>,
) -> Result<SuggestedSchema, Problem> {
    let SuggestionForm { connection, entity, part, record_type } = form;
    let types = types(&*ports.schemas, &place.connection.tenant).await;
    let types = types.map_err(|error| refused(error, ""))?;
    let own = place.package.manifest.entities.get(&entity);
    let own = own.and_then(|entity| entity.record_type.clone());
    let invalid = |detail: String| Problem::invalid("no record type").at("/record_type", detail);
    let name = record_type.or(own);
    let name = name.ok_or_else(|| invalid(format!("the package names none for {entity}")))?;
    let record_type = types.get(&name).ok_or_else(|| invalid(format!("there is no {name}")))?;
    let records = ports.sample(&place, (&entity, part.as_deref()), GUESSED_FROM).await?;
    if records.is_empty() {
        return Err(nothing_stored(&entity));
    }
    let (offered, not_discovered) = match asked {
        Ok(fields) => (fields, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let suggested = suggest(&Suggesting {
        name: &format!("{connection}.{entity}"),
        entity: &entity,
        record_type,
        types: &types,
        payloads: &payloads(&records),
        offered: &offered,
    });
    let suggested = suggested.ok_or_else(|| {
        Problem::conflict(format!("nothing in {entity} looks like a field of {name}"))
    })?;
    let suggestions = suggested.suggestions.into_iter().map(|it| SuggestedField {
        from: it.from,
        to: it.to,
        confidence: it.confidence,
        why: it.why,
    });
    Ok(SuggestedSchema {
        schema: suggested.schema,
        suggestions: suggestions.collect(),
        records: records.len(),
        not_discovered,
    })
}

impl Ports {
    /// What the account offers of the entity's fields, or why that is not known: there is
    /// something to suggest without.
    async fn asked(
        &self,
        scope: &Scope,
        place: &Place,
        form: &SuggestionForm,
    ) -> Result<Vec<Field>, String> {
        let actor = Actor::Person(scope.author());
        let adapter = self.adapters.open(&place.connection, actor).await;
        let mut adapter = adapter.map_err(|error| error.to_string())?;
        let fields = offered(adapter.as_mut(), &form.entity, form.part.as_deref()).await;
        let fields = fields.map_err(|error| error.to_string())?;
        fields.ok_or_else(|| "the account does not offer it".to_owned())
    }
}

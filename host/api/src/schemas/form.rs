//! What the requests about schemas have in common on the wire.

use axum::http::StatusCode;
use engine::mapping::{Mapping, MappingError, Origin};
use mapping::{Class, Diagnostic, Severity};
use model::schema::{SCHEMA_NAME_BYTES_MAX, SCHEMA_TEXT_BYTES_MAX, SchemaHead};
use model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Ports;
use crate::problem::Problem;

/// The name of a schema or a record type, as far as anything can have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SchemaName(String);

impl TryFrom<String> for SchemaName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let fits = (1..=SCHEMA_NAME_BYTES_MAX).contains(&name.len());
        if fits && !name.contains(char::is_control) {
            return Ok(Self(name));
        }
        Err("a name has 1 to 128 bytes without control characters")
    }
}

impl SchemaName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What means something else where a name follows `/api/schemas/` or `/api/record-types/` in an
/// address, so that nothing can be called so.
const RESERVED: [&str; 7] = [".", "..", "derive", "paths", "preview", "suggest", "validate"];

/// Refuses a name that is not the one in the address, or that no address can hold.
pub(crate) fn may_be_called(
    name: &str,
    wanted: Option<&SchemaName>,
    at: &str,
) -> Result<(), Problem> {
    let refused =
        |what: &str, why: String| Err(Problem::invalid(what).at(format!("{at}/name"), why));
    match wanted {
        Some(SchemaName(wanted)) if wanted != name => refused(
            "nothing saved can be renamed",
            format!("it is {wanted}; save it anew as {name}"),
        ),
        None if RESERVED.contains(&name) => refused(
            "the name means something else in addresses of the API",
            "choose another name".to_owned(),
        ),
        _ => Ok(()),
    }
}

/// A name as a segment of a path.
pub(crate) fn segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    name.bytes().fold(String::with_capacity(name.len()), |path, byte| match byte {
        byte if plain(byte) => path + char::from(byte).encode_utf8(&mut [0; 1]),
        byte => path + &format!("%{byte:02X}"),
    })
}

/// The text of a schema or a record type, unless it is too large.
pub(crate) fn text(json: Box<RawValue>, at: &str) -> Result<String, Problem> {
    let text = Box::<str>::from(json).into_string();
    fits(&text, at).map(|()| text)
}

/// Refuses a text that is too large.
pub(crate) fn fits(text: &str, at: &str) -> Result<(), Problem> {
    if text.len() <= SCHEMA_TEXT_BYTES_MAX {
        return Ok(());
    }
    let detail = format!("it has {} bytes; at most {SCHEMA_TEXT_BYTES_MAX} are taken", text.len());
    let what = "the text of a schema or a record type is too large";
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "api.too-large", what).at(at, detail))
}

/// A stored text as JSON.
pub(crate) fn raw(text: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(text).map_err(|error| Problem::internal(&error))
}

/// Why a text that stands at a place of the request cannot be used.
pub(crate) fn refused(error: MappingError, at: &str) -> Problem {
    match error {
        MappingError::Refused { what, diagnostics } => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let problem = Problem::new(status, "mapping.refused", format!("{what} is refused"));
            let errors = diagnostics.into_iter().filter(|it| it.severity == Severity::Error);
            errors.fold(problem, |problem, found| {
                problem.at(format!("{at}{}", found.pointer), found.message)
            })
        }
        error @ MappingError::InUse { .. } => Problem::conflict(error.to_string()),
        MappingError::Unsuitable(why) => Problem::invalid(why),
        MappingError::Provider(error) => error.into(),
        MappingError::Store(error) => error.into(),
    }
}

/// A version of a schema or a record type, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaVersion {
    /// The name.
    name: String,
    /// Counts from 1.
    version: u32,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// When.
    at: Timestamp,
}

impl SchemaVersion {
    pub(crate) fn of(head: SchemaHead) -> Self {
        let SchemaHead { name, version, author, at, .. } = head;
        Self { name, version, author, at }
    }
}

/// A saved schema.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// Its name.
    #[schema(max_length = 128)]
    pub(crate) name: String,
    /// The version; the newest one where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
}

/// A schema to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SchemaChoice {
    /// This one, which is saved nowhere.
    #[schema(value_type = Object)]
    Draft(Box<RawValue>),
    /// A saved one.
    Saved(Saved),
}

impl Ports {
    /// Compiles a schema that stands at a place of the request. It is costly.
    pub(crate) async fn compiled(
        &self,
        tenant: &TenantId,
        choice: SchemaChoice,
        at: &str,
    ) -> Result<Mapping, Problem> {
        match choice {
            SchemaChoice::Draft(draft) => {
                let at = format!("{at}/draft");
                let text = text(draft, &at)?;
                let types = engine::mapping::types(&*self.schemas, tenant).await;
                let types = types.map_err(|error| refused(error, ""))?;
                Mapping::new(&text, Origin::Draft, &types).map_err(|error| refused(error, &at))
            }
            SchemaChoice::Saved(saved) => self.saved(tenant, &saved, at).await,
        }
    }

    /// Compiles a saved schema that is named at a place of the request. It is costly.
    pub(crate) async fn saved(
        &self,
        tenant: &TenantId,
        saved: &Saved,
        at: &str,
    ) -> Result<Mapping, Problem> {
        let nothing = || {
            let detail = "no conversion schema of this name and version is saved";
            Problem::invalid("there is no such schema").at(at, detail)
        };
        let name = SchemaName::try_from(saved.name.clone()).map_err(|_no_name| nothing())?;
        let which = (name.as_str(), saved.version);
        let found = engine::mapping::saved(&*self.schemas, tenant, which).await;
        found.map_err(|error| refused(error, at))?.ok_or_else(nothing)
    }
}

/// Refuses a schema of another entity that is named at `/schema`.
pub(crate) fn is_of(mapping: &Mapping, entity: &str) -> Result<(), Problem> {
    let theirs = mapping.entity();
    if theirs == entity {
        return Ok(());
    }
    let detail = format!("it maps {theirs}");
    Err(Problem::invalid("the schema is of another entity").at("/schema", detail))
}

/// Something wrong with a text, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiagnosticView {
    /// Whether it keeps the text from being used.
    severity: SeverityView,
    /// Stable, lower-case: `schema.unknown-key`, `mapping.type`, …
    code: &'static str,
    /// The field map, by its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<usize>,
    /// Where in the text, as a JSON Pointer: `/fields/3/ops/1`.
    pointer: String,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<String>,
    /// The type or the words that were expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// What stands there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    /// What is wrong, and what to write instead.
    message: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum SeverityView {
    /// The text is refused.
    Error,
    /// The text is used; it may do something else than was meant.
    Warning,
}

impl DiagnosticView {
    pub(crate) fn of(found: &Diagnostic) -> Self {
        Self {
            severity: match found.severity {
                Severity::Error => SeverityView::Error,
                Severity::Warning => SeverityView::Warning,
            },
            code: found.code,
            field: found.field,
            pointer: found.pointer.clone(),
            op: found.op.clone(),
            expected: found.expected.clone(),
            found: found.found.clone(),
            message: found.message.clone(),
        }
    }
}

/// How far something can be reversed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClassView {
    /// Both ways without loss.
    Bijective,
    /// Both ways; what goes back is tidied.
    Canonicalising,
    /// Both ways; going back needs the value that the provider last sent.
    NeedsBase,
    /// One way; it is never written back.
    OneWay,
}

impl ClassView {
    pub(crate) fn of(class: Class) -> Self {
        match class {
            Class::Bijective => Self::Bijective,
            Class::Canonicalising => Self::Canonicalising,
            Class::NeedsBase => Self::NeedsBase,
            Class::OneWay => Self::OneWay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_segments_whatever_they_hold() {
        assert_eq!(segment("crm.contact-1"), "crm.contact-1");
        assert_eq!(segment("a/b ü%"), "a%2Fb%20%C3%BC%25");
    }

    #[test]
    fn nothing_is_called_like_a_part_of_the_api_or_renamed() {
        let name = |text: &str| SchemaName::try_from(text.to_owned()).ok();
        assert!(may_be_called("crm", None, "").is_ok());
        assert!(may_be_called("paths", None, "").is_err());
        assert!(may_be_called("..", None, "").is_err());
        assert!(may_be_called("crm", name("crm").as_ref(), "").is_ok());
        assert!(may_be_called("crm", name("other").as_ref(), "").is_err());
        assert!(name("").is_none() && name("a\0").is_none() && name(&"a".repeat(129)).is_none());
    }
}

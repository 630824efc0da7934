//! Reads by id: one record, or a batch.

use serde::Deserialize;
use serde_json::json;

use crate::hubspot::kind::Kind;
use crate::hubspot::list::selection;
use crate::hubspot::refuse::Refusal;
use crate::hubspot::table::{Slot, Table};
use crate::hubspot::{HubSpot, render};
use crate::message::{Answer, Request};

/// Records of a batch at most.
const INPUTS_MAX: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    id_property: Option<String>,
    inputs: Vec<Input>,
}

#[derive(Debug, Deserialize)]
struct Input {
    id: String,
}

impl HubSpot {
    /// Answers one record; one of the recycle bin only if it is asked for.
    pub(super) fn get(&self, kind: Kind, id: &str, request: &Request) -> Result<Answer, Refusal> {
        let table = self.table(kind);
        let by = request.query("idProperty");
        let slot =
            find(table, id, by.as_deref(), archived(request))?.ok_or_else(Refusal::no_object)?;
        let mut body = Vec::new();
        render::record(&mut body, table, slot, &selection(kind, request));
        Ok(Answer::json(200, body))
    }

    /// Answers the records of a batch that are there; status 207 says that some are not.
    pub(super) fn batch_read(&self, kind: Kind, request: &Request) -> Result<Answer, Refusal> {
        let batch: Batch = serde_json::from_slice(&request.body)
            .map_err(|cause| Refusal::invalid(format!("Invalid input JSON: {cause}")))?;
        if batch.inputs.len() > INPUTS_MAX {
            return Err(Refusal::invalid("The maximum number of inputs is 100"));
        }
        let table = self.table(kind);
        let by = batch.id_property.as_deref();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for input in &batch.inputs {
            match find(table, &input.id, by, archived(request))? {
                Some(slot) => found.push(slot),
                None => missing.push(input.id.as_str()),
            }
        }
        let selection = kind.selection(batch.properties.iter().map(String::as_str));
        let mut body = b"{\"status\":\"COMPLETE\",\"results\":".to_vec();
        body.append(&mut render::records(table, found.into_iter(), &selection));
        if !missing.is_empty() {
            let errors = json!([{
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some objects, they may be deleted or not exist. Check that ids are valid.",
                "context": { "ids": missing },
            }]);
            body.extend_from_slice(format!(r#","numErrors":1,"errors":{errors}"#).as_bytes());
        }
        body.extend_from_slice(
            br#","startedAt":"2026-01-01T00:00:00.000Z","completedAt":"2026-01-01T00:00:00.010Z"}"#,
        );
        Ok(Answer::json(if missing.is_empty() { 200 } else { 207 }, body))
    }
}

fn archived(request: &Request) -> bool {
    request.query("archived").as_deref() == Some("true")
}

/// Finds a record by id or by a property whose values are unique.
fn find<'a>(
    table: &'a Table,
    id: &str,
    by: Option<&str>,
    archived: bool,
) -> Result<Option<&'a Slot>, Refusal> {
    let slot = match by {
        None | Some("hs_object_id") => table.find(id),
        Some("email") if table.kind == Kind::Contacts => {
            let place = table.kind.property("email").unwrap_or_default();
            table.slots().iter().find(|slot| {
                render::value(table, slot, place).is_some_and(|it| it.eq_ignore_ascii_case(id))
            })
        }
        Some(other) => return Err(Refusal::invalid(format!("{other} is not a unique property"))),
    };
    Ok(slot.filter(|slot| slot.archived.is_some() == archived))
}

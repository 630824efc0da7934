//! Taking out of a page what the store could not hold.

use model::Error;
use model::adapter::Page;
use model::record::{CONTENTS_BYTES_MAX, ID_BYTES_MAX, PAYLOAD_BYTES_MAX, Record, Reject};

use super::guard::{check_id, malformed};

/// The page with its records and tombstones that the store would refuse turned into rejects: the
/// store refuses a page as a whole, and one record must not stop the others.
///
/// It comes last, for what was done to a payload before may have made it longer.
pub(super) fn sift(page: Page) -> Page {
    let Page { mut records, mut tombstones, mut rejects, next, details } = page;
    records.retain(|record| {
        let Err(error) = check(record) else { return true };
        rejects.push(Reject {
            entity: record.entity.clone(),
            id: Some(record.id.clone()).filter(|id| !id.is_empty()),
            error,
            payload: Some(record.payload.clone()),
        });
        false
    });
    tombstones.retain(|tombstone| {
        let Err(error) = check_id(&tombstone.id) else { return true };
        rejects.push(Reject {
            entity: tombstone.entity.clone(),
            id: Some(tombstone.id.clone()).filter(|id| !id.is_empty()),
            error,
            payload: None,
        });
        false
    });
    Page { records, tombstones, rejects, next, details }
}

fn check(record: &Record) -> Result<(), Error> {
    check_id(&record.id)?;
    let contents = match record.contents.as_slice() {
        [] => 0,
        contents => serde_json::to_vec(contents).map_or(usize::MAX, |json| json.len()),
    };
    let version = record.version.as_ref().map_or(0, String::len);
    for (what, bytes, max) in [
        ("version", version, ID_BYTES_MAX),
        ("payload", record.payload.len(), PAYLOAD_BYTES_MAX),
        ("list of contents", contents, CONTENTS_BYTES_MAX),
    ] {
        if bytes > max {
            let message = format!(
                "the adapter returned a record whose {what} has {bytes} bytes, {max} are allowed"
            );
            return Err(malformed("engine.record-size", message));
        }
    }
    Ok(())
}

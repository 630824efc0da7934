//! Taking out of a page what the manifest says nobody may keep.

use bytes::Bytes;
use model::Error;
use model::adapter::Page;

use super::guard::malformed;

/// The page without the values of the members that are named.
pub(super) fn redact(mut page: Page, names: &[String]) -> Result<Page, Error> {
    if names.is_empty() {
        return Ok(page);
    }
    for record in &mut page.records {
        redact_payload(&mut record.payload, names).map_err(|error| {
            let message = format!(
                "the adapter returned a payload that is not JSON, so what the manifest names \
                 under `redact` cannot be taken out of it: {error}"
            );
            malformed("engine.payload", message)
        })?;
    }
    for reject in &mut page.rejects {
        // What could not be read may not be JSON: then it cannot be cleaned, and is not kept.
        reject.payload = reject.payload.take().and_then(|mut payload| {
            redact_payload(&mut payload, names).ok()?;
            Some(payload)
        });
    }
    Ok(page)
}

fn redact_payload(payload: &mut Bytes, names: &[String]) -> Result<(), plughouse_scan::Error> {
    if let Some(clean) = plughouse_scan::redact(payload, names)? {
        *payload = Bytes::from(clean);
    }
    Ok(())
}

//! Which account stands behind the token.

use plughouse_sdk::{Account, Error, json};

use crate::api;

/// Asks for the portal: its id is what limits are shared by and deliveries are routed by.
pub(crate) fn check() -> Result<Account, Error> {
    let response = api::checked(api::get("/account-info/v3/details").send()?)?;
    let details = json::values(["/portalId", "/uiDomain"])
        .and(["/timeZone", "/companyCurrency", "/dataHostingLocation"])
        .read(&response)?;
    let id = details
        .text(0)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| api::malformed("portal", "the account details name no portal"))?;
    let domain = details.text(1).unwrap_or("app.hubspot.com".into());
    let mut account = Account::new(&id, &format!("HubSpot account {id} ({domain})"));
    account.variables.push(("hub_id", id.as_ref()).into());
    for (position, name) in [(2, "time-zone"), (3, "currency"), (4, "region")] {
        account.details.extend(details.text(position).map(|fact| (name, fact.as_ref()).into()));
    }
    Ok(account)
}

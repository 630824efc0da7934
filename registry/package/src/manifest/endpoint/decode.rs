//! Reading `[endpoint.NAME]`.

use std::collections::BTreeMap;

use super::{Endpoint, Inject, Target};
use crate::document::{Decode, FileError, Item, Table};
use crate::header::is_host_only;
use crate::manifest::adapter::is_line;
use crate::place::is_token;
use crate::template::Template;
use crate::words::words;

words! {
    /// The credential slots.
    enum Slot {
        /// The connection's account.
        Account = "account",
    }
}

words! {
    /// The secrets that can be injected.
    enum InjectSecret {
        /// The secret of the webhook.
        Webhook = "webhook",
    }
}

impl Decode for Endpoint {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let endpoint = Self {
            target: target(&table)?,
            credential: table.optional::<Slot>("credential")?.is_some(),
            headers: headers(&table)?,
            read: table.or("read", Vec::new())?,
            write: table.or("write", Vec::new())?,
            redirect: table.optional("redirect")?,
            inject: table.or("inject", Vec::new())?,
            consent: table.optional("consent")?,
        };
        if endpoint.consent.as_ref().is_some_and(|text| text.trim().is_empty()) {
            let help = "write the text that the tenant must accept, or remove it";
            return Err(table.complain_at("consent", "the consent text is empty", help));
        }
        if endpoint.redirect.as_ref().is_some_and(Vec::is_empty) {
            let help = "name endpoints, or remove it to hand 3xx to the guest";
            return Err(table.complain_at("redirect", "`redirect` names no endpoint", help));
        }
        table.finish()?;
        Ok(endpoint)
    }
}

fn target(table: &Table<'_>) -> Result<Target, FileError> {
    match (table.optional("origin")?, table.optional::<Vec<_>>("hosts")?) {
        (Some(origin), None) => Ok(Target::Origin(origin)),
        (None, Some(hosts)) if !hosts.is_empty() => Ok(Target::Hosts(hosts)),
        (None, Some(_)) => {
            Err(table.complain_at("hosts", "`hosts` names no host", "write at least one pattern"))
        }
        (both, _) => {
            let has = if both.is_some() { "both `origin` and" } else { "neither `origin` nor" };
            let message = format!("{} has {has} `hosts`", table.name());
            Err(table.complain(message, "write exactly one of origin, hosts"))
        }
    }
}

fn headers(table: &Table<'_>) -> Result<Vec<(String, String)>, FileError> {
    let headers = table.or::<BTreeMap<String, String>>("headers", BTreeMap::new())?;
    for (name, value) in &headers {
        if !is_token(name) {
            let message = format!("`{name}` is not the name of a header");
            return Err(table.complain_at("headers", message, "write letters, digits and `-`"));
        }
        if is_host_only(name) {
            let message = format!("the header `{name}` is the host's");
            return Err(table.complain_at("headers", message, "remove it"));
        }
        if !is_line(value) || !value.is_ascii() || value.trim() != value {
            let message = format!("the value of the header `{name}` is not one line of ASCII");
            return Err(table.complain_at("headers", message, "write visible ASCII characters"));
        }
    }
    Ok(headers.into_iter().collect())
}

impl Decode for Inject {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let InjectSecret::Webhook = table.required("secret")?;
        let whole =
            Template::parse("{secret}").map_err(|error| table.complain(error.to_string(), ""));
        let inject = Self {
            route: table.required("route")?,
            json: table.required("json")?,
            value: table.optional("value")?.map_or(whole, Ok)?,
        };
        if inject.json.as_str().is_empty() {
            let help = "write the member, as in \"/clientState\"";
            return Err(table.complain_at("json", "`json` is the whole body", help));
        }
        if !inject.value.holes().any(|hole| hole == "secret") {
            let help = "write the hole {secret} into it, or remove it";
            return Err(table.complain_at("value", "`value` does not hold the secret", help));
        }
        table.finish()?;
        Ok(inject)
    }
}

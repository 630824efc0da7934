//! `[[limit]]`: what the provider allows.

use std::time::Duration;

use super::reference::{Context, one_of};
use crate::document::{Decode, FileError, Item, Table};
use crate::place::is_token;
use crate::route::Route;
use crate::template::Template;
use crate::words::words;

/// Most percent that can be kept back: reading must go on.
const RESERVE_MAX: u8 = 90;

/// A limit of the provider; the host throttles before it sends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Who shares it.
    pub scope: Scope,
    /// Requests in `per`.
    pub requests: Option<u32>,
    /// The span in which `requests` may be sent.
    pub per: Option<Duration>,
    /// Requests at the same time.
    pub concurrent: Option<u32>,
    /// Endpoints that it counts at; empty means all.
    pub endpoints: Vec<String>,
    /// Routes that it counts at; empty means all.
    pub routes: Vec<Route>,
    /// Percent kept back for people and writes.
    pub reserve: u8,
    /// Headers in which the provider reports what is left.
    pub report: Option<Report>,
}

/// Headers in which a provider reports what is left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The header with what is left.
    pub remaining: Option<String>,
    /// The header with the limit.
    pub limit: Option<String>,
    /// The header with the time of the next window.
    pub reset: Option<String>,
    /// The header that holds used and limit in one text.
    pub usage: Option<String>,
    /// How `usage` is written, with the holes `{used}` and `{limit}`.
    pub pattern: Option<String>,
}

words! {
    /// Who shares a limit.
    pub enum Scope {
        /// All connections with the same `check().id`.
        Account = "account",
        /// The connection alone.
        Connection = "connection",
        /// Everything that leaves from this host's address.
        Egress = "egress",
    }
}

impl Decode for Limit {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let limit = Self {
            scope: table.required("scope")?,
            requests: table.optional("requests")?,
            per: table.optional("per")?,
            concurrent: table.optional("concurrent")?,
            endpoints: table.or("endpoints", Vec::new())?,
            routes: table.or("routes", Vec::new())?,
            reserve: table.or("reserve", 0)?,
            report: table.optional("report")?,
        };
        limit.check(&table)?;
        table.finish()?;
        Ok(limit)
    }
}

impl Limit {
    fn check(&self, table: &Table<'_>) -> Result<(), FileError> {
        if self.requests.is_some() != self.per.is_some() {
            let (there, lacks) =
                if self.per.is_some() { ("per", "requests") } else { ("requests", "per") };
            let message = format!("`{there}` means nothing without `{lacks}`");
            return Err(table.complain_at(
                there,
                message,
                format!("add {lacks}, or remove {there}"),
            ));
        }
        if self.requests.is_none() && self.concurrent.is_none() {
            let message = "a limit that limits nothing";
            return Err(table.complain(message, "add requests and per, or concurrent"));
        }
        let zero = [("requests", self.requests), ("concurrent", self.concurrent)];
        if let Some((key, _)) = zero.iter().find(|(_, number)| *number == Some(0)) {
            let message = format!("`{key}` is 0, so nothing could ever be sent");
            return Err(table.complain_at(key, message, "write a number above 0"));
        }
        if self.per.is_some_and(|per| per.is_zero()) {
            return Err(table.complain_at("per", "`per` is no time at all", "write 1s or more"));
        }
        if self.reserve > RESERVE_MAX {
            let message = format!("`reserve` is {} percent", self.reserve);
            let help = format!("write a number from 0 to {RESERVE_MAX}");
            return Err(table.complain_at("reserve", message, help));
        }
        Ok(())
    }
}

impl Decode for Report {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let report = Self {
            remaining: table.optional("remaining")?,
            limit: table.optional("limit")?,
            reset: table.optional("reset")?,
            usage: table.optional("usage")?,
            pattern: table.optional("pattern")?,
        };
        let headers = [
            ("remaining", &report.remaining),
            ("limit", &report.limit),
            ("reset", &report.reset),
            ("usage", &report.usage),
        ];
        for (key, header) in headers {
            if header.as_ref().is_some_and(|header| !is_token(header)) {
                let message = format!("`{key}` is not the name of a header");
                return Err(table.complain_at(key, message, "write letters, digits and `-`"));
            }
        }
        report.check(&table)?;
        table.finish()?;
        Ok(report)
    }
}

impl Report {
    fn check(&self, table: &Table<'_>) -> Result<(), FileError> {
        let numbers = self.remaining.is_some() || self.limit.is_some() || self.reset.is_some();
        match (&self.usage, &self.pattern) {
            (None, None) if numbers => Ok(()),
            (Some(_), Some(pattern)) if !numbers => {
                let holes = Template::parse(pattern).ok();
                let proper = holes.is_some_and(|pattern| {
                    pattern.holes().filter(|hole| *hole == "used").count() == 1
                        && pattern.holes().filter(|hole| *hole == "limit").count() == 1
                        && pattern.holes().count() == 2
                });
                if proper {
                    return Ok(());
                }
                let message = format!("`{pattern}` does not say where the numbers stand");
                let help = "write the text with {used} and {limit}, each once";
                Err(table.complain_at("pattern", message, help))
            }
            _ => {
                let message = "the report is neither numbers nor usage";
                let help = "write some of remaining, limit, reset; or usage and pattern";
                Err(table.complain(message, help))
            }
        }
    }
}

/// Cross checks of `[[limit]]`.
pub(super) fn check(context: &Context<'_>) -> Result<(), FileError> {
    let endpoints = &context.manifest.endpoints;
    for (index, limit) in context.manifest.limits.iter().enumerate() {
        let index = index.to_string();
        for (at, name) in limit.endpoints.iter().enumerate() {
            if !endpoints.contains_key(name) {
                let known: Vec<&str> = endpoints.keys().map(String::as_str).collect();
                let path = ["limit", &index, "endpoints", &at.to_string()];
                let message = format!("there is no endpoint `{name}`");
                return Err(context.complain(&path, message, one_of(&known)));
            }
        }
        for (at, route) in limit.routes.iter().enumerate() {
            let counts =
                |name: &String| limit.endpoints.is_empty() || limit.endpoints.contains(name);
            let mut counted = endpoints.iter().filter(|(name, _)| counts(name));
            if !counted.any(|(_, to)| to.read.contains(route) || to.write.contains(route)) {
                let path = ["limit", &index, "routes", &at.to_string()];
                let message = format!("`{route}` is no route of the endpoints that it counts at");
                let help = "write a route exactly as it stands in read or write of an endpoint";
                return Err(context.complain(&path, message, help));
            }
        }
    }
    Ok(())
}

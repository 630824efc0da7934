//! Lists: all records of a kind, or the recycle bin.

use std::sync::Arc;

use crate::hubspot::kind::Kind;
use crate::hubspot::refuse::Refusal;
use crate::hubspot::table::{Slot, Table};
use crate::hubspot::{HubSpot, ORIGIN, PAGES_KEPT_MAX, render};
use crate::message::{Answer, Request};
use crate::text;

/// Records of a page that asks for no number.
const LIMIT_DEFAULT: usize = 10;

/// Records of a page at most.
const LIMIT_MAX: usize = 100;

impl HubSpot {
    /// Answers a page of a list; the same page of an unchanged account is built once.
    pub(super) fn list(&mut self, kind: Kind, request: &Request) -> Result<Answer, Refusal> {
        if let Some(page) = self.pages.get(&request.target) {
            return Ok(Answer::json(200, Arc::clone(page)));
        }
        let page: Arc<[u8]> = build(self.table(kind), request)?.into();
        if self.pages.len() >= PAGES_KEPT_MAX {
            self.pages.clear();
        }
        self.pages.insert(request.target.clone(), Arc::clone(&page));
        Ok(Answer::json(200, page))
    }
}

fn build(table: &Table, request: &Request) -> Result<Vec<u8>, Refusal> {
    let limit = match request.query("limit").map(|limit| limit.parse()) {
        None => LIMIT_DEFAULT,
        Some(Ok(limit @ 1..=LIMIT_MAX)) => limit,
        Some(_) => return Err(Refusal::invalid("limit must be between 1 and 100")),
    };
    let after = request.query("after");
    let (page, next) = if request.query("archived").as_deref() == Some("true") {
        bin(table, after.as_deref(), limit)?
    } else {
        live(table, after.as_deref(), limit)?
    };
    let mut body = b"{\"results\":".to_vec();
    body.append(&mut render::records(table, page.into_iter(), &selection(table.kind, request)));
    if let Some(next) = next {
        let link = link(request, &next);
        let paging = format!(r#","paging":{{"next":{{"after":"{next}","link":"{link}"}}}}"#);
        body.extend_from_slice(paging.as_bytes());
    }
    body.push(b'}');
    Ok(body)
}

/// The records from an id on, and the id that the next page begins with.
fn live<'a>(
    table: &'a Table,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<&'a Slot>, Option<String>), Refusal> {
    let from = match after {
        None | Some("") => 0,
        Some(after) => after.parse().ok().ok_or_else(|| bad_after(after))?,
    };
    let mut rest = table.from(from).iter().filter(|slot| slot.archived.is_none());
    let page: Vec<&Slot> = rest.by_ref().take(limit).collect();
    let next = rest.next().map(|slot| slot.id.to_string());
    Ok((page, next))
}

/// Archived records by the time of archiving; the cursor is that time and the id.
fn bin<'a>(
    table: &'a Table,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<&'a Slot>, Option<String>), Refusal> {
    let from = match after {
        None | Some("") => (i64::MIN, 0),
        Some(after) => parse_bin(after).ok_or_else(|| bad_after(after))?,
    };
    let mut rows: Vec<(i64, &Slot)> =
        table.slots().iter().filter_map(|slot| Some((slot.archived?, slot))).collect();
    rows.sort_by_key(|(at, slot)| (*at, slot.id));
    let mut rest = rows.into_iter().filter(|(at, slot)| (*at, slot.id) >= from);
    let page: Vec<&Slot> = rest.by_ref().take(limit).map(|(_, slot)| slot).collect();
    let next = rest.next().map(|(at, slot)| format!("{at}-{}", slot.id));
    Ok((page, next))
}

fn parse_bin(after: &str) -> Option<(i64, u64)> {
    let (at, id) = after.rsplit_once('-')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

fn bad_after(after: &str) -> Refusal {
    Refusal::invalid(format!("Invalid input for 'after': {after}"))
}

/// The properties that a query asks for, separated by commas or repeated.
pub(super) fn selection(kind: Kind, request: &Request) -> Vec<usize> {
    let pairs = request.query_pairs();
    let lists = pairs.iter().filter(|(name, _)| name == "properties");
    kind.selection(lists.flat_map(|(_, list)| list.split(',')))
}

/// The address of the next page: the same query with another `after`.
fn link(request: &Request, next: &str) -> String {
    let kept = request.query_pairs().into_iter().filter(|(name, _)| name != "after");
    let pairs = kept.chain([("after".to_owned(), next.to_owned())]);
    let query: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", text::encoded(&name), text::encoded(&value)))
        .collect();
    format!("{ORIGIN}{}?{}", request.path(), query.join("&"))
}

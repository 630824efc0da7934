//! What people have begun and not finished.

use std::ops::Bound;

use async_trait::async_trait;
use model::draft::{
    DRAFT_BYTES_MAX, DRAFT_KEPT, DRAFTS_MAX, Draft, DraftId, DraftKind, DraftStore,
};
use model::store::StoreError;
use model::{Clock, TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codec::{Malformed, attached, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

/// Contents in one list, in bytes; the draft that goes beyond is the last of its list.
const LIST_BYTES_MAX: usize = 16 << 20;

/// A draft without its content, so that many can be looked through.
#[derive(Deserialize, Serialize)]
struct Facts {
    tenant: TenantId,
    id: DraftId,
    kind: DraftKind,
    subject: Option<String>,
    author: String,
    created: Timestamp,
    updated: Timestamp,
    revision: u64,
}

impl Facts {
    fn with(self, content: &[u8]) -> Result<Draft, StoreError> {
        let Self { tenant, id, kind, subject, author, created, updated, revision } = self;
        let content = std::str::from_utf8(content)
            .map_err(|_ignored| corrupt(Table::Drafts, Malformed::Shape))?
            .to_owned();
        Ok(Draft { tenant, id, kind, subject, content, author, created, updated, revision })
    }
}

/// Creates or replaces a draft, and forgets those that nobody has touched for long.
struct Put {
    draft: Draft,
    expected: Option<u64>,
    clock: Clock,
}

impl Change for Put {
    type Answer = Draft;

    const INTAKE: bool = true;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Draft), StoreError> {
        let Self { draft, expected, clock } = self;
        check(&draft)?;
        let Draft { tenant, id, .. } = &draft;
        let old = facts(&tables.drafts, tenant, id)?;
        let stored = old.as_ref().map_or(0, |old| old.revision);
        check::revision(format_args!("draft {tenant}/{id}"), stored, expected)?;
        let mut writes = Writes::default();
        let kept = forget(&mut writes, tables, tenant, clock.now())?;
        let created = match &old {
            Some(old) => {
                writes.remove(Table::TouchedDrafts, &touched(tenant, old.updated, id));
                old.created
            }
            None if kept >= DRAFTS_MAX => {
                return Err(check::invalid(format!(
                    "tenant {tenant} has {DRAFTS_MAX} drafts already; finish or remove some first"
                )));
            }
            None => draft.created,
        };
        let new = Draft { created, revision: stored.saturating_add(1), ..draft };
        put(&mut writes, new.clone())?;
        Ok((writes, new))
    }
}

fn check(draft: &Draft) -> Result<(), StoreError> {
    check::text("the author of a draft", &draft.author)?;
    draft.subject.as_deref().map_or(Ok(()), |text| check::text("the subject of a draft", text))?;
    check::length("the content of a draft", draft.content.len(), 1, DRAFT_BYTES_MAX)?;
    if serde_json::from_str::<&RawValue>(&draft.content).is_err() {
        return Err(check::invalid("the content of a draft is no JSON; send JSON"));
    }
    Ok(())
}

/// Forgets drafts of a tenant that nobody has touched for [`DRAFT_KEPT`], and counts the others.
fn forget(
    writes: &mut Writes,
    tables: &Tables<'_>,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let prefix = key::tenant(tenant);
    let first_kept = now.saturating_sub(DRAFT_KEPT).unwrap_or(Timestamp::MIN);
    let first_kept = key::with(prefix.clone(), &key::instant(first_kept));
    let rows = tables.touched_drafts.range(prefix.as_slice()..key::behind(&prefix).as_slice());
    let mut kept = 0;
    for row in rows.disk()? {
        let row = row.disk()?;
        let place = row.0.value();
        let Some(id) = place.get(first_kept.len()..) else { continue };
        if place >= first_kept.as_slice() {
            kept += 1;
            continue;
        }
        writes.remove(Table::TouchedDrafts, place);
        writes.remove(Table::Drafts, &key::with(prefix.clone(), id));
    }
    Ok(kept)
}

/// Removes a draft.
struct Remove {
    tenant: TenantId,
    id: DraftId,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { tenant, id } = self;
        let mut writes = Writes::default();
        let Some(old) = facts(&tables.drafts, &tenant, &id)? else { return Ok((writes, false)) };
        writes.remove(Table::Drafts, &row_key(&tenant, &id));
        writes.remove(Table::TouchedDrafts, &touched(&tenant, old.updated, &id));
        Ok((writes, true))
    }
}

fn put(writes: &mut Writes, draft: Draft) -> Result<(), StoreError> {
    let Draft { tenant, id, kind, subject, content, author, created, updated, revision } = draft;
    let (key, place) = (row_key(&tenant, &id), touched(&tenant, updated, &id));
    let facts = Facts { tenant, id, kind, subject, author, created, updated, revision };
    writes.put(Table::Drafts, &key, &attached::encode(&facts, content.as_bytes())?);
    writes.put(Table::TouchedDrafts, &place, &[]);
    Ok(())
}

fn facts(rows: &impl Rows, tenant: &TenantId, id: &DraftId) -> Result<Option<Facts>, StoreError> {
    let row = rows.get(row_key(tenant, id).as_slice()).disk()?;
    row.map(|row| Ok(attached::decode(Table::Drafts, row.value())?.0)).transpose()
}

fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &DraftId,
) -> Result<Option<Draft>, StoreError> {
    let row = Table::Drafts.read(snapshot)?.get(row_key(tenant, id).as_slice()).disk()?;
    row.map(|row| {
        let (facts, content) = attached::decode::<Facts>(Table::Drafts, row.value())?;
        facts.with(content)
    })
    .transpose()
}

/// Drafts of a tenant by id, of one kind or all, from the one behind `after`.
fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    kind: Option<&DraftKind>,
    (after, limit): (Option<&DraftId>, usize),
) -> Result<Vec<Draft>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let from = after.map(|id| row_key(tenant, id));
    let from = from.as_deref().map_or(Bound::Included(prefix.as_slice()), Bound::Excluded);
    let rows = Table::Drafts.read(snapshot)?;
    let rows = rows.range::<&[u8]>((from, Bound::Excluded(behind.as_slice()))).disk()?;
    let (mut drafts, mut bytes) = (Vec::new(), 0);
    for row in rows {
        if drafts.len() >= limit || bytes >= LIST_BYTES_MAX {
            break;
        }
        let row = row.disk()?.1;
        let (facts, content) = attached::decode::<Facts>(Table::Drafts, row.value())?;
        if kind.is_none_or(|kind| *kind == facts.kind) {
            bytes += content.len();
            drafts.push(facts.with(content)?);
        }
    }
    Ok(drafts)
}

fn row_key(tenant: &TenantId, id: &DraftId) -> Vec<u8> {
    key::with(key::tenant(tenant), id.as_str().as_bytes())
}

fn touched(tenant: &TenantId, at: Timestamp, id: &DraftId) -> Vec<u8> {
    let key = key::with(key::tenant(tenant), &key::instant(at));
    key::with(key, id.as_str().as_bytes())
}

#[async_trait]
impl DraftStore for Store {
    async fn put_draft(&self, draft: Draft, expected: Option<u64>) -> Result<Draft, StoreError> {
        self.write(Put { draft, expected, clock: self.clock() }).await
    }

    async fn draft(&self, tenant: &TenantId, id: &DraftId) -> Result<Option<Draft>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |snapshot| get(snapshot, &tenant, &id)).await
    }

    async fn drafts(
        &self,
        tenant: &TenantId,
        kind: Option<&DraftKind>,
        after: Option<&DraftId>,
        limit: usize,
    ) -> Result<Vec<Draft>, StoreError> {
        let (tenant, kind, after) = (tenant.clone(), kind.cloned(), after.cloned());
        self.read(move |snapshot| list(snapshot, &tenant, kind.as_ref(), (after.as_ref(), limit)))
            .await
    }

    async fn remove_draft(&self, tenant: &TenantId, id: &DraftId) -> Result<bool, StoreError> {
        self.write(Remove { tenant: tenant.clone(), id: id.clone() }).await
    }
}

//! Authorisations that have begun in a browser.

use async_trait::async_trait;
use model::credential::{FLOW_MAX, FLOWS_MAX, Flow, FlowStore};
use model::store::{StoreError, StoreErrorKind};
use model::vault::Sealed;
use model::{Clock, Timestamp};
use redb::ReadableTable as _;

use crate::catalogue::connections;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::keys::sealed;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check, integrations};

/// Expired flows that one more flow forgets: several, so that none is left of many in the end.
const FORGOTTEN_MAX: usize = 100;

/// Keeps a flow.
struct Put {
    flow: Flow,
    verifier: Option<Sealed>,
    clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { flow, verifier, clock } = self;
        let now = clock.now();
        check(&flow, now)?;
        integrations::admit(tables, &flow.connection)?;
        if find(&tables.flows, &flow.id)?.is_some() {
            let message = "an authorisation with this state has begun already; make another state";
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        let mut writes = Writes::default();
        let others = forget(&mut writes, tables, &flow, now)?;
        if others >= FLOWS_MAX {
            let message = format!(
                "{FLOWS_MAX} authorisations of tenant {} have begun and not ended; end some, or \
                 wait until they have run out, {} min after they began",
                flow.connection.tenant,
                FLOW_MAX.as_secs() / 60
            );
            return Err(check::invalid(message));
        }
        let place = flow.place();
        if let Some(sealed) = verifier.as_ref().filter(|sealed| sealed.place.field != place.field) {
            let message = format!("{} is no secret of an authorisation", sealed.place);
            return Err(check::invalid(message));
        }
        sealed::replace(&mut writes, tables, &place, verifier.as_slice())?;
        writes.put(Table::Flows, &flow.id, &json::encode(&flow)?);
        writes.put(Table::FlowEnds, &end(&flow), &[]);
        Ok((writes, ()))
    }
}

fn check(flow: &Flow, now: Timestamp) -> Result<(), StoreError> {
    connections::check(&flow.connection)?;
    check::text("the redirect address of an authorisation", &flow.redirect_uri)?;
    let latest = now.saturating_add(FLOW_MAX).unwrap_or(Timestamp::MAX);
    if flow.expires <= now || flow.expires > latest {
        let message = format!(
            "an authorisation is to expire at {}; let it expire within {FLOW_MAX:?} from now, {now}",
            flow.expires
        );
        return Err(check::invalid(message));
    }
    Ok(())
}

/// Forgets flows that have expired, and counts those of the tenant that have not. It looks at all
/// that have begun within [`FLOW_MAX`], which are as many as people.
fn forget(
    writes: &mut Writes,
    tables: &Tables<'_>,
    flow: &Flow,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let (mut forgotten, mut others) = (0, 0);
    let now = key::instant(now);
    for row in tables.flow_ends.iter().disk()? {
        let row = row.disk()?;
        let Some((at, rest)) = row.0.value().split_first_chunk::<8>() else { continue };
        let Some((id, tenant)) = rest.split_first_chunk::<32>() else { continue };
        if *at > now {
            others += usize::from(tenant == flow.connection.tenant.as_str().as_bytes());
            continue;
        }
        if forgotten == FORGOTTEN_MAX {
            continue;
        }
        forgotten += 1;
        match find(&tables.flows, id)? {
            Some(expired) => remove(writes, tables, &expired)?,
            None => writes.remove(Table::FlowEnds, row.0.value()),
        }
    }
    Ok(others)
}

/// Removes a flow and answers it.
struct Take {
    id: [u8; 32],
    clock: Clock,
}

impl Change for Take {
    type Answer = Option<(Flow, Option<Sealed>)>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let mut writes = Writes::default();
        let Some(flow) = find(&tables.flows, &self.id)? else { return Ok((writes, None)) };
        let verifier = sealed::fields(&tables.sealed, &flow.place())?.pop();
        remove(&mut writes, tables, &flow)?;
        let good = flow.expires > self.clock.now();
        Ok((writes, good.then_some((flow, verifier))))
    }
}

fn remove(writes: &mut Writes, tables: &Tables<'_>, flow: &Flow) -> Result<(), StoreError> {
    writes.remove(Table::Flows, &flow.id);
    writes.remove(Table::FlowEnds, &end(flow));
    sealed::remove(writes, tables, &flow.place())
}

fn find(rows: &impl Rows, id: &[u8; 32]) -> Result<Option<Flow>, StoreError> {
    let row = rows.get(id.as_slice()).disk()?;
    row.map(|row| json::decode(Table::Flows, row.value())).transpose()
}

fn end(flow: &Flow) -> Vec<u8> {
    let key = key::with(key::instant(flow.expires).to_vec(), &flow.id);
    key::with(key, flow.connection.tenant.as_str().as_bytes())
}

#[async_trait]
impl FlowStore for Store {
    async fn put_flow(&self, flow: Flow, verifier: Option<Sealed>) -> Result<(), StoreError> {
        self.write(Put { flow, verifier, clock: self.clock() }).await
    }

    async fn take_flow(&self, id: &[u8; 32]) -> Result<Option<(Flow, Option<Sealed>)>, StoreError> {
        self.write(Take { id: *id, clock: self.clock() }).await
    }
}

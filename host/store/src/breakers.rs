//! Circuit breakers that are open.

use async_trait::async_trait;
use model::breaker::{BreakerStore, Key, Open, Opened};
use model::event::EventKind;
use model::store::StoreError;
use model::{Clock, Timestamp};

use crate::Store;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Keeps a breaker, or forgets it.
struct Put {
    key: Key,
    open: Option<Open>,
    clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { key, open, clock } = self;
        let mut writes = Writes::default();
        let row = row(&key);
        match open {
            Some(open) => {
                let opened = Opened { key: key.clone(), open };
                writes.put(Table::Breakers, &row, &json::encode(&opened)?);
            }
            None => writes.remove(Table::Breakers, &row),
        }
        let (tenant, at) = (key.tenant.clone(), clock.now());
        let kind = told(key, open.map(|open| open.until));
        Log::open(&tables.events, &tenant)?.push(&mut writes, &Subject::default(), at, kind)?;
        Ok((writes, ()))
    }
}

fn told(key: Key, open_until: Option<Timestamp>) -> EventKind {
    EventKind::BreakerChanged { package: key.package, host: key.host, open_until }
}

/// Neither a package nor a host holds NUL.
fn row(key: &Key) -> Vec<u8> {
    let mut row = key::tenant(&key.tenant);
    key::push_name(&mut row, &key.package);
    key::with(row, key.host.as_bytes())
}

#[async_trait]
impl BreakerStore for Store {
    async fn breakers(&self) -> Result<Vec<Opened>, StoreError> {
        self.read(|snapshot| {
            let table = Table::Breakers.read(snapshot)?;
            let rows = table.range::<&[u8]>(..).disk()?;
            rows.map(|row| json::decode(Table::Breakers, row.disk()?.1.value())).collect()
        })
        .await
    }

    async fn put_breaker(&self, key: &Key, open: Option<Open>) -> Result<(), StoreError> {
        self.write(Put { key: key.clone(), open, clock: self.clock() }).await
    }
}

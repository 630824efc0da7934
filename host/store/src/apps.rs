//! App registrations at providers.

use async_trait::async_trait;
use model::credential::{App, AppStore, Incident};
use model::event::EventKind;
use model::queue::REASON_BYTES_MAX;
use model::store::{StoreError, StoreErrorKind};
use model::vault::Sealed;
use model::{Clock, TenantId};
use redb::ReadableTable as _;

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::keys::sealed;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

/// Creates or replaces an app with its secret.
struct Put {
    app: App,
    secret: Option<Sealed>,
    clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { app, secret, clock } = self;
        check::name("the name of a package", &app.package)?;
        check::text("the client id of an app", &app.client_id)?;
        app.origin.as_deref().map_or(Ok(()), |text| check::text("the origin of an app", text))?;
        let old = find(&tables.apps, &app.package, app.tenant.as_ref())?;
        let stored = old.as_ref().map_or(0, |old| old.generation);
        if app.generation != stored.saturating_add(1) {
            let message = format!(
                "the app for {} is of generation {stored} by now; read it again and repeat the \
                 change",
                app.package
            );
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        let place = app.place();
        if let Some(sealed) = secret.as_ref().filter(|sealed| sealed.place.field != place.field) {
            let message =
                format!("{} is no secret of an app; seal its client secret", sealed.place);
            return Err(check::invalid(message));
        }
        let mut writes = Writes::default();
        if let Some(old) = &old {
            sealed::remove(&mut writes, tables, &old.place())?;
        }
        sealed::replace(&mut writes, tables, &place, secret.as_slice())?;
        let new = App { incident: None, ..app };
        tell(&mut writes, tables, (old.as_ref(), &new), &clock)?;
        put(&mut writes, &new)?;
        Ok((writes, ()))
    }
}

/// Removes an app with its secret.
struct Remove {
    package: String,
    tenant: Option<TenantId>,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let Some(old) = find(&tables.apps, &self.package, self.tenant.as_ref())? else {
            return Ok((writes, false));
        };
        sealed::remove(&mut writes, tables, &old.place())?;
        writes.remove(Table::Apps, &row_key(&old.package, old.tenant.as_ref()));
        Ok((writes, true))
    }
}

/// Writes down that a provider refuses an app, or that it no longer does.
struct Note {
    app: App,
    incident: Option<Incident>,
    clock: Clock,
}

impl Change for Note {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { app, mut incident, clock } = self;
        let mut writes = Writes::default();
        if let Some(Incident { code, message, .. }) = &mut incident {
            check::name("the code of an incident", code)?;
            message.truncate(message.floor_char_boundary(REASON_BYTES_MAX));
        }
        let old = find(&tables.apps, &app.package, app.tenant.as_ref())?;
        if let Some(old) = old.filter(|old| old.place() == app.place())
            && old.incident != incident
        {
            let new = App { incident, ..old.clone() };
            tell(&mut writes, tables, (Some(&old), &new), &clock)?;
            put(&mut writes, &new)?;
        }
        Ok((writes, ()))
    }
}

/// Tells a tenant that the provider refuses its own app, or no longer does.
fn tell(
    writes: &mut Writes,
    tables: &Tables<'_>,
    (old, new): (Option<&App>, &App),
    clock: &Clock,
) -> Result<(), StoreError> {
    let found = |app: &'_ App| app.incident.clone().filter(|incident| !incident.suspected);
    let package = new.package.clone();
    let kind = match (old.and_then(found), found(new)) {
        (None, Some(incident)) => EventKind::AppRefused { package, code: incident.code },
        (Some(_), None) => EventKind::AppAccepted { package },
        _ => return Ok(()),
    };
    let Some(tenant) = &new.tenant else { return Ok(()) };
    Log::open(&tables.events, tenant)?.push(writes, &Subject::default(), clock.now(), kind)
}

fn put(writes: &mut Writes, app: &App) -> Result<(), StoreError> {
    writes.put(Table::Apps, &row_key(&app.package, app.tenant.as_ref()), &json::encode(app)?);
    Ok(())
}

fn find(
    rows: &impl Rows,
    package: &str,
    tenant: Option<&TenantId>,
) -> Result<Option<App>, StoreError> {
    let row = rows.get(row_key(package, tenant).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Apps, row.value())).transpose()
}

/// No tenant has the empty name, so the deployment's comes first.
fn row_key(package: &str, tenant: Option<&TenantId>) -> Vec<u8> {
    let mut key = Vec::new();
    key::push_name(&mut key, package);
    key::with(key, tenant.map_or("", TenantId::as_str).as_bytes())
}

#[async_trait]
impl AppStore for Store {
    async fn put_app(&self, app: App, secret: Option<Sealed>) -> Result<(), StoreError> {
        self.write(Put { app, secret, clock: self.clock() }).await
    }

    async fn app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<Option<(App, Option<Sealed>)>, StoreError> {
        let (package, tenant) = (package.to_owned(), tenant.cloned());
        self.read(move |snapshot| {
            let rows = Table::Apps.read(snapshot)?;
            let own = find(&rows, &package, tenant.as_ref())?;
            let app = own.map_or_else(|| find(&rows, &package, None), |own| Ok(Some(own)))?;
            let Some(app) = app else { return Ok(None) };
            let secret = sealed::fields(&Table::Sealed.read(snapshot)?, &app.place())?.pop();
            Ok(Some((app, secret)))
        })
        .await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.read(|snapshot| {
            let rows = Table::Apps.read(snapshot)?;
            let rows = rows.iter().disk()?;
            rows.map(|row| json::decode(Table::Apps, row.disk()?.1.value())).collect()
        })
        .await
    }

    async fn remove_app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<bool, StoreError> {
        self.write(Remove { package: package.to_owned(), tenant: tenant.cloned() }).await
    }

    async fn app_incident(&self, app: &App, incident: Option<Incident>) -> Result<(), StoreError> {
        self.write(Note { app: app.clone(), incident, clock: self.clock() }).await
    }
}

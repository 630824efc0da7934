//! The vault and what is kept in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use egress::Redactor;
use engine::credential::{Credentials, IdleRule, NewApp, Ports};
use engine::metrics::Metrics;
use engine::sync::Cancel;
use model::credential::Actor;
use model::outbound::Outbound;
use model::{Clock, Error, Secret};
use store::Store;
use tokio::time::{Instant, MissedTickBehavior};
use vault::Sealer;

use super::packages::Packages;
use super::tasks::Tasks;
use crate::config;

const MINUTE: Duration = Duration::from_mins(1);

const HOUR: Duration = Duration::from_hours(1);

/// Tokens that are refreshed in one minute at most: thirty thousand an hour, the most that a host
/// of this kind has, and no more than its provider takes kindly to.
const REFRESHED_MAX: usize = 500;

/// On whose account a command uses a secret: whoever has the data directory.
pub(crate) fn person() -> Actor {
    Actor::Person("cli".to_owned())
}

/// What credentials are built of.
pub(super) struct Parts {
    pub(super) store: Arc<Store>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) packages: Arc<Packages>,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) redactor: Redactor,
    pub(super) metrics: Metrics,
}

/// Builds the credentials of a host.
pub(super) fn credentials(parts: Parts) -> Credentials {
    let Parts { store, sealer, outbound, packages, clock, tasks, redactor, metrics } = parts;
    let holder = super::process(&clock);
    Credentials::new(Ports {
        credentials: store.clone(),
        apps: store.clone(),
        flows: store.clone(),
        catalogue: store.clone(),
        tasks: store.clone(),
        access: store,
        vault: sealer,
        outbound,
        masking: Arc::new(redactor),
        packages,
        clock,
        spawn: tasks.spawn(),
        holder,
        metrics,
    })
}

/// Keeps credentials alive until it is asked to stop: each minute it refreshes what is due, each
/// hour it looks at all of them.
pub(super) async fn tend(credentials: &Credentials, idle: &IdleRule, stop: Cancel) {
    let mut minutes = tokio::time::interval(MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reviewed: Option<Instant> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = minutes.tick() => {}
        }
        // What has begun goes on without anybody who waits.
        let tended = async {
            credentials.refresh_due(REFRESHED_MAX).await?;
            if reviewed.is_none_or(|at| at.elapsed() >= HOUR) {
                credentials.review(idle).await?;
                reviewed = Some(Instant::now());
            }
            Ok::<_, Error>(())
        };
        tokio::select! {
            () = stop.cancelled() => break,
            tended = tended => if let Err(error) = tended {
                tracing::error!(%error, "credentials could not be looked after");
            },
        }
    }
}

/// Enters the apps of the configuration, where they are not known like that.
pub(super) async fn enter_apps(credentials: &Credentials, file: &config::File) -> Result<()> {
    for (package, app) in &file.apps {
        let new = NewApp {
            package: package.clone(),
            tenant: None,
            client_id: app.client_id.clone(),
            secret: app.client_secret_file.as_deref().map(secret).transpose()?,
            origin: app.origin.clone(),
        };
        let entered = credentials.keep_app(new).await;
        if entered.with_context(|| format!("enter the app of {package} of the configuration"))? {
            tracing::info!(package, "the app of the configuration is entered");
        }
    }
    Ok(())
}

fn secret(file: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("read the client secret in {}", file.display()))?;
    Ok(Secret::new(text.trim().to_owned()))
}

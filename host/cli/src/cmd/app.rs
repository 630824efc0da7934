//! `plughouse app`: registrations of this host at providers.

use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;
use engine::credential::NewApp;
use model::credential::App;
use model::store::Catalogue as _;
use package::manifest::is_publisher;
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Enters the client id and secret that the provider has given for this host, or others.
    Set {
        /// The package whose provider it is, `publisher/id`.
        package: String,
        /// The client id.
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// The client secret, if the provider has given one.
        #[arg(long, value_name = "@FILE | env:VAR | -")]
        client_secret: Option<String>,
        /// For this tenant alone, instead of the app of all.
        #[arg(long)]
        tenant_only: bool,
        /// Sends what goes to the provider's addresses for authorisation and tokens to this origin;
        /// the only way to a private or loopback one.
        #[arg(long)]
        origin: Option<String>,
    },
    /// Lists apps, and whether their providers accept them.
    List,
    /// Forgets an app; connections through it can no longer be refreshed.
    Remove {
        /// The package, `publisher/id`.
        package: String,
        /// The one of this tenant.
        #[arg(long)]
        tenant_only: bool,
    },
}

/// What was removed.
#[derive(Serialize)]
struct Removed {
    removed: String,
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = match command {
        Command::Set { .. } => Host::create(global).await?,
        _ => Host::open(global).await?,
    };
    let output = global.output();
    let tenant = |only: bool| only.then(|| global.tenant.clone());
    match command {
        Command::Set { package, client_id, client_secret, tenant_only, origin } => {
            let secret = client_secret.map(|source| global.terminal.secret(&source));
            let secret = secret.transpose().context("read the client secret")?;
            let tenant = tenant(tenant_only);
            check(&package)?;
            if host.store.package(&package).await?.is_none() {
                output.note(format_args!("{package} is not installed yet; its app waits for it"));
            }
            let new = NewApp { package, tenant, client_id, secret, origin };
            let app = host.credentials.set_app(new).await?;
            output.result(&app, set(&app))?;
        }
        Command::List => list(global, &host.credentials.apps().await?)?,
        Command::Remove { package, tenant_only } => {
            let tenant = tenant(tenant_only);
            if !host.credentials.remove_app(&package, tenant.as_ref()).await? {
                bail!("there is no such app of {package}: see `plughouse app list`");
            }
            let text = format!("removed the app of {package}");
            output.result(&Removed { removed: package }, text)?;
        }
    }
    Ok(Exit::Done)
}

fn check(package: &str) -> Result<()> {
    let parts = package.split_once('/');
    let is_name = parts.is_some_and(|(publisher, id)| is_publisher(publisher) && !id.contains('/'));
    ensure!(is_name, "`{package}` is no name of a package: write publisher/id");
    Ok(())
}

fn set(app: &App) -> String {
    let App { package, .. } = app;
    let id = package.rsplit('/').next().unwrap_or_default();
    format!(
        "set the app of {package} for {}\nits redirect address, to be registered at the provider:\n  \
         http://127.0.0.1:PORT{}\nwith the PORT that `plughouse connect` is given as --port, or \
         without where the provider takes any; or another address, for --redirect-uri",
        whose(app),
        api::callback::path(id)
    )
}

fn list(global: &Global, apps: &[App]) -> Result<()> {
    let head = ["PACKAGE", "FOR", "CLIENT ID", "ORIGIN", "SINCE", "STATE"];
    global.output().list(apps, &head, |app| {
        let state = match &app.incident {
            None => "accepted".to_owned(),
            Some(incident) => {
                let whom = if incident.suspected { "refused to one connection" } else { "refused" };
                format!(
                    "{whom} since {:.0}: {} ({})",
                    incident.since, incident.message, incident.code
                )
            }
        };
        vec![
            app.package.clone(),
            whose(app),
            app.client_id.clone(),
            app.origin.clone().unwrap_or_default(),
            format!("{:.0}", app.created),
            state,
        ]
    })
}

fn whose(app: &App) -> String {
    app.tenant
        .as_ref()
        .map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"))
}

//! `plughouse connect`: an account, what opens it, and a first question to the provider.

mod authorise;
mod entered;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use engine::connect::NewConnection;
use engine::credential::Check;
use model::{Connection, ConnectionId};
use package::manifest::Auth;

use self::authorise::Attempt;
pub(crate) use self::authorise::Way;
use self::entered::{pairs, secrets, take_json, usage};
use super::connection;
use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Asking, Host, Package};

/// Which account, through which package.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The installed package, `publisher/id`.
    package: String,
    /// What to call the connection; an existing one is changed.
    #[arg(long)]
    name: ConnectionId,
    /// The auth method of the package; may be left out where only one works.
    #[arg(long)]
    auth: Option<String>,
    /// A variable of the package, or a field of the auth method that is not secret; `\n` separates
    /// the lines of a list.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// A field of the auth method: from a file, an environment variable or standard input.
    #[arg(long = "secret", value_name = "NAME=@FILE | NAME=env:VAR | NAME=-")]
    secrets: Vec<String>,
    /// Fills the fields of the auth method from a key file of the provider, a JSON object.
    #[arg(long, value_name = "@FILE | env:VAR | -")]
    secret_json: Option<String>,
    /// Accepts the terms of an endpoint; without it the endpoint stays shut.
    #[arg(long = "accept", value_name = "ENDPOINT")]
    consents: Vec<String>,
    /// Sends an endpoint's requests elsewhere, or with `auth` those for tokens; the only way to a
    /// private or loopback address.
    #[arg(long = "override", value_name = "ENDPOINT=ORIGIN")]
    overrides: Vec<String>,
    /// The person whose account it is; otherwise it is one that all of the tenant use.
    #[arg(long)]
    user: Option<String>,
    /// Does not ask the provider whether the account works.
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    way: Way,
}

/// What a person has entered, in the form that the engine takes.
pub(crate) struct Entered {
    pub(crate) package: Arc<Package>,
    pub(crate) new: NewConnection,
    pub(crate) user: Option<String>,
    pub(crate) check: bool,
}

/// Connects and says how it went.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let mut new = NewConnection {
        tenant: global.tenant.clone(),
        id: args.name,
        auth: args.auth,
        variables: pairs(&args.variables)?
            .into_iter()
            .map(|(name, value)| (name, value.replace("\\n", "\n")))
            .collect(),
        fields: secrets(&args.secrets, &global.terminal)?,
        consents: args.consents,
        overrides: pairs(&args.overrides)?,
    };
    let json = args.secret_json.as_deref().map(|source| global.terminal.secret(source));
    let json = json.transpose().context("read --secret-json")?;
    let host = Host::open(global).await?;
    let package = host.load(&args.package).await?;
    if let Some(text) = json {
        take_json(package.manifest(), &mut new, &text)?;
    }
    let entered = Entered { package, new, user: args.user, check: !args.no_check };
    let connection = connect(global, &host, entered, Some(&args.way)).await?;
    connection::show::connected(global, &host, connection).await
}

/// Authorises a connection again with what is known of it.
pub(super) async fn again(global: &Global, id: &ConnectionId, way: &Way) -> Result<Exit> {
    let host = Host::open(global).await?;
    let connection = wire::connection(&host.store, &global.tenant, id).await?;
    let package = host.load(&connection.package).await?;
    if !matches!(package.manifest().auth.get(&connection.auth), Some(Auth::OAuth2(_))) {
        bail!(
            "{id} is not authorised in a browser (its method is `{}`): enter its secrets again with \
             `plughouse connect {} --name {id} --auth {} …`",
            connection.auth,
            connection.package,
            connection.auth
        );
    }
    let attempt = Attempt { global, host: &host, package, check: true };
    let connection = attempt.authorise(connection, way).await?.connection;
    host.wake.wake();
    connection::show::connected(global, &host, connection).await
}

/// Makes the connection, asks the provider, and keeps it with its secrets or not at all; without a
/// way for a browser only where none is needed.
pub(crate) async fn connect(
    global: &Global,
    host: &Arc<Host>,
    entered: Entered,
    way: Option<&Way>,
) -> Result<Connection> {
    let Entered { package, new, user, check } = entered;
    let manifest = Arc::clone(package.manifest());
    let (mut connection, fields) = engine::connect::connect(&manifest, new)
        .with_context(|| format!("connect {}\n{}", manifest.name(), usage(&manifest)))?;
    connection.user = user;
    let auth = manifest.auth.get(&connection.auth);
    let connection = if let (Some(Auth::OAuth2(_)), Some(way)) = (auth, way) {
        let attempt = Attempt { global, host, package, check };
        attempt.authorise(connection, way).await?.connection
    } else {
        let asking = check.then(|| Asking::new(Arc::clone(host), package, wire::person()));
        let asking = asking.as_ref().map(|asking| -> &dyn Check { asking });
        let entered = host.credentials.enter(connection, fields, asking).await;
        entered.context(match auth {
            Some(Auth::Key(_) | Auth::None) => {
                "ask the provider for the account; --no-check connects without asking"
            }
            _ => "ask the provider for an access token, and for the account",
        })?
    };
    host.wake.wake();
    Ok(connection)
}

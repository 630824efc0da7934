//! `plughouse connect`: an account, its secrets, and a first question to the provider.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use engine::connect::{NewConnection, QuestionKind, methods, questions};
use model::egress::Priority;
use model::store::Catalogue as _;
use model::{Connection, ConnectionId, ConnectionState, ConnectionStatus, Secret};
use package::manifest::Manifest;
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;
use crate::terminal::Terminal;
use crate::wire::{self, Host};

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
    /// Accepts the terms of an endpoint; without it the endpoint stays shut.
    #[arg(long = "accept", value_name = "ENDPOINT")]
    consents: Vec<String>,
    /// Sends an endpoint's requests elsewhere; the only way to a private or loopback address.
    #[arg(long = "override", value_name = "ENDPOINT=ORIGIN")]
    overrides: Vec<String>,
    /// Does not ask the provider whether the account works.
    #[arg(long)]
    no_check: bool,
}

/// What a person has entered, in the form that the engine takes.
pub(crate) struct Entered {
    pub(crate) package: String,
    pub(crate) new: NewConnection,
    pub(crate) check: bool,
}

/// A connection as it is listed.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    connection: Connection,
    /// Nothing where it is active and always was.
    status: Option<ConnectionStatus>,
}

/// Connects and says how it went.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let host = Host::open(global).await?;
    let entered = Entered {
        package: args.package,
        new: NewConnection {
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
        },
        check: !args.no_check,
    };
    let connection = connect(&host, entered).await?;
    global.output().result(&connection, describe(&connection))?;
    Ok(Exit::Done)
}

/// Lists the tenant's connections.
pub(crate) async fn list(global: &Global) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let mut listed = Vec::new();
    for connection in store.connections(&global.tenant).await? {
        let status = store.connection_status(&global.tenant, &connection.id).await?;
        listed.push(Listed { connection, status });
    }
    let head = ["CONNECTION", "PACKAGE", "AUTH", "ACCOUNT", "OVERRIDES", "STATE"];
    global.output().list(&listed, &head, |Listed { connection: c, status }| {
        let active = |s: &&ConnectionStatus| s.state != ConnectionState::Active;
        let status = status.as_ref().filter(active);
        let state = status.map(|s| format!("{}: {}", s.state.as_str(), s.reason));
        vec![
            c.id.to_string(),
            c.package.clone(),
            c.auth.clone(),
            c.account.clone().unwrap_or_default(),
            overrides(c),
            state.unwrap_or_else(|| ConnectionState::Active.as_str().to_owned()),
        ]
    })?;
    Ok(Exit::Done)
}

/// Makes the connection, asks the provider, and stores both parts or neither.
pub(crate) async fn connect(host: &Host, mut entered: Entered) -> Result<Connection> {
    let package = host.load(&entered.package).await?;
    let manifest = package.manifest();
    take_open_fields(manifest, &mut entered.new);
    let (mut connection, secrets) = engine::connect::connect(manifest, entered.new)
        .with_context(|| format!("connect {}\n{}", entered.package, usage(manifest)))?;
    if let Some(known) = host.store.connection(&connection.tenant, &connection.id).await? {
        if known.package != connection.package {
            bail!("connection {} belongs to package {}", known.id, known.package);
        }
        if let (Some(account), false) = (&known.account, entered.check) {
            bail!(
                "connection {} has read account {account}, and without asking nobody knows whether \
                 the new secrets open the same one: leave out --no-check, or choose another --name",
                known.id
            );
        }
        connection.account = known.account;
    }
    // Even without a question: this refuses secrets with which no sync would begin.
    let mut session =
        host.session(&package, &connection, secrets.clone(), Priority::Interactive)?;
    if entered.check {
        engine::connect::check(manifest, &mut connection, &mut session)
            .await
            .context("ask the provider for the account; --no-check connects without asking")?;
    }
    host.store.put_connection(connection.clone(), Some(secrets)).await?;
    host.wake.wake();
    Ok(connection)
}

/// Moves the fields that may be seen from what was entered with --set to the other fields.
fn take_open_fields(manifest: &Manifest, new: &mut NewConnection) {
    let method = match (&new.auth, methods(manifest).as_slice()) {
        (Some(method), _) => method.clone(),
        (None, [only]) => (*only).to_owned(),
        (None, _) => return,
    };
    let open = |kind: &QuestionKind| matches!(kind, QuestionKind::Field { secret: false });
    for question in questions(manifest, &method).into_iter().filter(|q| open(&q.kind)) {
        let given = new.variables.remove(&question.name);
        new.fields.extend(given.map(|value| (question.name, Secret::new(value))));
    }
}

fn describe(connection: &Connection) -> String {
    let mut lines = vec![format!("connected {} through {}", connection.id, connection.package)];
    lines.extend(connection.account.as_ref().map(|account| format!("account   {account}")));
    if !connection.overrides.is_empty() {
        lines.push(format!("OVERRIDE  {}", overrides(connection)));
    }
    lines.push(format!("next: plughouse sync {}", connection.id));
    lines.join("\n")
}

fn overrides(connection: &Connection) -> String {
    let pairs = connection.overrides.iter().map(|(name, origin)| format!("{name} → {origin}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// What the package asks for, as flags.
fn usage(manifest: &Manifest) -> String {
    let mut lines = vec!["the package takes:".to_owned()];
    for method in methods(manifest) {
        lines.push(format!("  --auth {method}"));
        for question in questions(manifest, method) {
            let flag = match &question.kind {
                QuestionKind::Field { secret: true } => format!("--secret {}=…", question.name),
                QuestionKind::Field { secret: false } => format!("--set {}=…", question.name),
                QuestionKind::Variable { default, .. } => match default {
                    Some(value) => format!("--set {}={value}", question.name),
                    None => format!("--set {}=…", question.name),
                },
                QuestionKind::Consent => format!("--accept {}", question.name),
            };
            lines.push(format!("    {flag:30} {}", question.label));
        }
    }
    lines.join("\n")
}

fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>> {
    texts
        .iter()
        .map(|text| {
            let (name, value) =
                text.split_once('=').with_context(|| format!("write '{text}' as NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn secrets(texts: &[String], terminal: &Terminal) -> Result<Vec<(String, Secret)>> {
    texts
        .iter()
        .map(|text| {
            // The text is not repeated in errors: somebody may have written the secret itself.
            let (name, source) = text
                .split_once('=')
                .context("write --secret NAME=@FILE, NAME=env:VAR or NAME=-")?;
            let value =
                secret(source, terminal).with_context(|| format!("read secret '{name}'"))?;
            Ok((name.to_owned(), Secret::new(value.trim().to_owned())))
        })
        .collect()
}

fn secret(source: &str, terminal: &Terminal) -> Result<String> {
    if let Some(file) = source.strip_prefix('@') {
        std::fs::read_to_string(terminal.path(Path::new(file)))
            .with_context(|| format!("read {file}"))
    } else if let Some(name) = source.strip_prefix("env:") {
        terminal.variable(name).with_context(|| format!("environment variable {name} is not set"))
    } else if source == "-" {
        Ok(terminal.input()?)
    } else {
        bail!(
            "a secret on the command line is seen by every process of the machine: write \
             @FILE, env:VAR or - for standard input"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_on_the_command_line_is_refused_and_not_repeated() {
        let error = secrets(&["token=hunter2".to_owned()], &Terminal::Process).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("env:VAR") && !text.contains("hunter2"), "{text}");
    }

    const MANIFEST: &str = r#"
        [adapter]
        id = "desk"
        name = "Desk"
        version = "0.1.0"
        contract = "0.1"
        publisher = "acme"
        license = "Apache-2.0"
        summary = "Reads a desk."
        [auth.login]
        kind = "key"
        fields = { user = { label = "User" }, token = { label = "Token", secret = true } }
        basic = { user = "{user}", password = "{token}" }
        [endpoint.api]
        origin = "https://desk.example"
        credential = "account"
        read = ["GET /items"]
        [entity.item]
        cursor = "scan"
    "#;

    #[test]
    fn fields_that_may_be_seen_are_set_like_variables() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        assert!(usage(&manifest).contains("--set user=…") && usage(&manifest).contains("--secret"));
        let mut new = NewConnection {
            tenant: "main".parse().unwrap(),
            id: "desk".parse().unwrap(),
            auth: None,
            variables: pairs(&["user=ann".to_owned(), "token=hunter2".to_owned()]).unwrap(),
            fields: Vec::new(),
            consents: Vec::new(),
            overrides: BTreeMap::new(),
        };
        take_open_fields(&manifest, &mut new);
        assert_eq!(new.fields.len(), 1);
        assert_eq!((new.fields[0].0.as_str(), new.fields[0].1.expose()), ("user", "ann"));
        assert!(new.variables.contains_key("token"), "a secret is not taken from the command line");
    }
}

//! `plughouse demo`: the whole road on this machine, every step the ordinary one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use engine::connect::NewConnection;
use engine::sync::Choice;
use model::run::{Run, RunStatus};
use model::store::{RecordQuery, RecordStore as _};
use model::{ConnectionId, Secret};
use plughouse_testkit::{HubSpot, News, Server};
use serde::Serialize;

use crate::Global;
use crate::cmd::connect::{self, Entered};
use crate::cmd::{adapter, key, plugin, sync};
use crate::exit::Exit;
use crate::wire::{Host, TrustEntry};

mod served;

/// How much of a demonstration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Contacts in the fake HubSpot.
    #[arg(long, default_value_t = 10_000)]
    contacts: u64,
    /// The folder of the built-in adapters' sources; otherwise the one this program was built from.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins"), hide_default_value = true)]
    plugins: PathBuf,
}

/// The folder in the data directory that the demonstration owns and begins anew each time.
const DIR: &str = "demo";

/// The file there that says so: a folder without it is somebody else's and stays.
const MARKER: &str = ".plughouse-demo";

/// The built-in adapters' folders.
const ADAPTERS: [&str; 2] = ["hubspot", "google-news"];

/// The publisher of the built-in adapters.
const PUBLISHER: &str = "plughouse";

/// What the fake HubSpot takes for a token.
const TOKEN: &str = "pat-na1-demonstration";

/// The seed of the fake records: the same ones every time.
const SEED: u64 = 7;

/// Articles in the fake news.
const ARTICLES: u64 = 60;

/// Half of the companies that the fake news are about.
const QUERY: &str = "\"Acme Widgets\" OR Globex OR Initech";

/// What the demonstration did.
#[derive(Debug, Serialize)]
struct Done {
    data: PathBuf,
    runs: Vec<Run>,
    /// What the API has answered; nothing where somebody has stopped it all before.
    api: Option<served::Shown>,
}

/// Shows the whole road.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let data = global.data.join(DIR);
    let global = Global { data: data.clone(), ..global.clone() };
    let output = global.output();
    let plugins = args.plugins.canonicalize().with_context(|| {
        format!(
            "the sources of the adapters are not in {}: say where with --plugins",
            args.plugins.display()
        )
    })?;
    ensure!(
        !data.exists() || data.join(MARKER).exists(),
        "{} is there, and no demonstration made it: choose another --data",
        data.display()
    );
    for name in ADAPTERS {
        output.note(format_args!("building plugins/{name} to WASM"));
        adapter::build(&plugins.join(name))?;
    }
    begin_anew(&data)?;
    let packages = package(&global, &plugins)?;
    let host = Host::create(&global).await?;
    for file in &packages {
        let installed = plugin::install(&global, &host, file, true, None).await?;
        output.note(format_args!("installed {} {}\n", installed.name, installed.version));
    }

    let hubspot = Server::start(HubSpot::with_contacts(args.contacts, SEED).token(TOKEN));
    let newest = host.clock.now().as_millisecond();
    let news = Server::start(News::with_articles(ARTICLES, SEED).ending(newest));
    output.note(format_args!(
        "a fake HubSpot with {} contacts is at {}, a fake Google News at {}",
        args.contacts,
        hubspot.origin(),
        news.origin()
    ));
    let crm = connect_hubspot(&global, &host, &hubspot).await?;
    let feed = connect_news(&global, &host, &news).await?;

    let contacts = Choice { entities: vec!["contact".to_owned()], fields: BTreeMap::new() };
    let mut runs = vec![sync::sync(&global, &host, &crm, &contacts).await?];
    if runs.iter().all(|run| run.status != RunStatus::Cancelled) {
        runs.push(sync::sync(&global, &host, &feed, &Choice::default()).await?);
    }
    let exit = exit(&runs);
    let text = text(&global, &host, &runs, &plugins).await?;
    if exit == Exit::Interrupted {
        output.result(&Done { data, runs, api: None }, text)?;
        return Ok(exit);
    }
    let tell = |api: served::Shown| {
        let text = format!("{text}\n{api}");
        output.result(&Done { data, runs, api: Some(api) }, text)
    };
    served::serve(&global, &host, tell).await?;
    Ok(exit)
}

fn begin_anew(data: &Path) -> Result<()> {
    if data.exists() {
        fs::remove_dir_all(data).with_context(|| format!("begin anew in {}", data.display()))?;
    }
    fs::create_dir_all(data).with_context(|| format!("create {}", data.display()))?;
    let marker = data.join(MARKER);
    fs::write(&marker, "`plughouse demo` made this folder and deletes it when it begins anew\n")
        .with_context(|| format!("write {}", marker.display()))
}

/// Packs the built adapters and signs them with a key made for the occasion.
fn package(global: &Global, plugins: &Path) -> Result<Vec<PathBuf>> {
    let output = global.output();
    let key = key::generate()?;
    key::save(&key, &global.data.join("development.key"))?;
    TrustEntry::new(&global.data, PUBLISHER, &key.public())?.write()?;
    output.note("made a development key, trusted on this host alone");
    let mut packages = Vec::new();
    for name in ADAPTERS {
        let dir = plugins.join(name);
        let file = global.data.join(format!("{name}.plug"));
        adapter::pack(&dir, Some(&file))?;
        adapter::sign(&file, &key)?;
        packages.push(file);
    }
    output.note("packed and signed both adapters\n");
    Ok(packages)
}

async fn connect_hubspot(
    global: &Global,
    host: &Arc<Host>,
    server: &Server,
) -> Result<ConnectionId> {
    let id: ConnectionId = "crm".parse()?;
    let entered = Entered {
        package: host.load(&format!("{PUBLISHER}/hubspot")).await?,
        new: NewConnection {
            tenant: global.tenant.clone(),
            id: id.clone(),
            auth: Some("token".to_owned()),
            variables: BTreeMap::new(),
            fields: vec![("token".to_owned(), Secret::new(TOKEN.to_owned()))],
            consents: Vec::new(),
            overrides: BTreeMap::from([("api".to_owned(), server.origin())]),
        },
        user: None,
        check: true,
    };
    connect::connect(global, host, entered, None).await?;
    Ok(id)
}

async fn connect_news(global: &Global, host: &Arc<Host>, server: &Server) -> Result<ConnectionId> {
    let id: ConnectionId = "news".parse()?;
    let entered = Entered {
        package: host.load(&format!("{PUBLISHER}/google_news")).await?,
        new: NewConnection {
            tenant: global.tenant.clone(),
            id: id.clone(),
            auth: Some("none".to_owned()),
            variables: BTreeMap::from([("queries".to_owned(), QUERY.to_owned())]),
            fields: Vec::new(),
            consents: vec!["rss".to_owned()],
            overrides: BTreeMap::from([("rss".to_owned(), server.origin())]),
        },
        user: None,
        check: true,
    };
    connect::connect(global, host, entered, None).await?;
    Ok(id)
}

fn exit(runs: &[Run]) -> Exit {
    if runs.iter().any(|run| run.status == RunStatus::Cancelled) {
        return Exit::Interrupted;
    }
    if runs.iter().all(read_something) { Exit::Done } else { Exit::Failed }
}

/// A news feed never claims to be complete, so its run ends partial.
fn read_something(run: &Run) -> bool {
    let read = run.entities.values().any(|report| report.read > 0);
    read && matches!(run.status, RunStatus::Succeeded | RunStatus::Partial)
}

async fn text(global: &Global, host: &Host, runs: &[Run], plugins: &Path) -> Result<String> {
    let mut lines: Vec<_> = runs.iter().map(|run| format!("\n{}", sync::Shown(run))).collect();
    let query = RecordQuery {
        tenant: global.tenant.clone(),
        connection: None,
        entity: None,
        id: None,
        removed: false,
        after: None,
        limit: 1,
    };
    for record in host.store.records(query).await?.records {
        let payload = String::from_utf8_lossy(&record.payload);
        lines.push(format!("\nfor example {} {}\n{payload}", record.entity, record.id));
    }
    let data = global.data.display();
    let plughouse = format!("plughouse --data {data}");
    lines.push(format!(
        "\nlook around:\n  {plughouse} records crm --entity contact --limit 3\n  \
         {plughouse} records --type c_contact --limit 3\n  \
         {plughouse} mapping preview --connection crm --entity contact\n  \
         {plughouse} run show crm 1\n  {plughouse} adapter inspect {data}/hubspot.plug\n\
         the adapters' sources are in {}",
        plugins.display()
    ));
    Ok(lines.join("\n"))
}

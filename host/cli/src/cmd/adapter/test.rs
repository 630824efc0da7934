//! `plughouse adapter test`: the adapter's own tests, then its cases as they would run in a host.
//!
//! A case goes the whole road: the built component is packed, signed with a throw-away key,
//! verified, and loaded into the sandbox; its requests pass through egress, which holds them
//! against the manifest, and reach a server on loopback that answers from the case's cassette.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use egress::Gateway;
use engine::connect::{NewConnection, methods, questions, variables};
use model::adapter::{Adapter as _, Next, Page, PullRequest, Selection, Window};
use model::{Clock, Connection, Secret, Timestamp};
use package::envelope::{Envelope, IN_TOTO};
use package::manifest::{Manifest, Target};
use package::statement::Statement;
use package::trust::{self, ReviewPolicy, Trust};
use package::{Bundle, Permissions, Phase, PrivateKey, TrustFile, Verified};
use plughouse_testkit::case::{self, Case, ErrorSummary, NextKind, PageSummary, Pull};
use plughouse_testkit::cassette::{Cassette, Replay};
use plughouse_testkit::{Server, Shared};
use sandbox::{Loaded, Scope};
use serde::Serialize;

use super::build::DIST;
use crate::exit::Exit;
use crate::{Global, config, wire};

/// Which adapter.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The adapter's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// What was run.
#[derive(Debug, Serialize)]
struct Tested {
    cases: Vec<String>,
}

/// Runs both kinds of tests.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let dir = &args.dir;
    let output = global.output();
    output.note("running the adapter's own tests");
    own_tests(dir)?;
    output.note("building the component");
    super::build(dir)?;
    let package = verified(dir)?;
    let compiled = dir.join(DIST).join("compiled");
    let sandbox = wire::sandbox(&compiled, &config::File::default())?;
    let loaded = sandbox.load(&package).await.context("load the component into the sandbox")?;
    let files = Case::files(&dir.join("fixtures")).unwrap_or_default();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.trim_end_matches(case::EXTENSION).to_owned();
        let (case, cassette) = Case::load(&file)?;
        replay(&loaded, package.manifest(), &case, cassette)
            .await
            .with_context(|| format!("case {name} in the sandbox"))?;
        output.note(format_args!("case {name} ok"));
        cases.push(name);
    }
    let text = match cases.len() {
        0 => "tests passed; no case in fixtures/, so nothing was run in the sandbox".to_owned(),
        count => format!("tests passed, natively and in the sandbox ({count} cases)"),
    };
    output.result(&Tested { cases }, text)?;
    Ok(Exit::Done)
}

fn own_tests(dir: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .current_dir(dir)
        .args(["test", "--quiet"])
        .stdout(std::io::stderr())
        .status()
        .context("run cargo: is Rust installed?")?;
    if !status.success() {
        bail!("the adapter's own tests failed");
    }
    Ok(())
}

/// Takes the component through the one way in, with a key that lives as long as this call.
fn verified(dir: &Path) -> Result<Verified> {
    let manifest = super::pack::read_manifest(dir)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("get random bytes from the system")?;
    let key = PrivateKey::from_seed(seed);
    let file = dir.join(DIST).join("test.plug");
    super::pack(dir, Some(&file))?;
    let mut bundle = Bundle::read(Bytes::from(std::fs::read(&file)?))?;
    std::fs::remove_file(&file)?;
    let version = manifest.adapter.version.to_string();
    let statement = Statement::release(&manifest.name(), &version, bundle.digest());
    bundle.add_envelope(Envelope::sign(&key, IN_TOTO, &statement.to_json()))?;
    let nobody = trust::empty(ReviewPolicy::Optional);
    let text = trust::with_publisher(&nobody, &manifest.adapter.publisher, &key.public())?;
    let none = BTreeMap::new();
    let trust = Trust::new(TrustFile::parse(&text)?, &none, &none)?;
    Ok(package::verify(bundle, &trust, Phase::Install)?)
}

async fn replay(
    loaded: &Loaded,
    manifest: &Manifest,
    case: &Case,
    cassette: Cassette,
) -> Result<()> {
    let replay = Shared::new(Replay::new(cassette));
    let server = Server::start(replay.clone());
    let (connection, secrets) = connection(manifest, case, &server)?;
    let clock = Clock::manual(timestamp(case.now_ms)?);
    let gateway = Gateway::new(clock.clone(), egress::Options::default())?;
    let grant = Permissions::of(manifest);
    let egress = gateway.connect(&connection, Arc::new(manifest.clone()), &grant, secrets)?;
    let mut session = loaded.session(Scope {
        egress,
        variables: variables(manifest, &connection),
        state_key: (connection.tenant.clone(), connection.id.clone()),
        clock,
        seed: Some(case.now_ms),
    });
    let mut run = case.start();
    while let Some(pull) = run.next() {
        match session.pull(request(&pull)?).await.outcome {
            Ok(page) => {
                let (summary, checkpoint) = summary(page);
                run.page(summary, checkpoint);
            }
            Err(error) => {
                let kind = error.kind.as_str().to_owned();
                run.error(ErrorSummary { kind, code: error.code }, error.message);
            }
        }
    }
    replay.with(|replay| run.finish(replay)).map_err(|error| anyhow!("{error}"))
}

/// A connection whose every endpoint leads to the server, with made-up secrets.
fn connection(
    manifest: &Manifest,
    case: &Case,
    server: &Server,
) -> Result<(Connection, Vec<(String, Secret)>)> {
    let mut values = case.variables.clone();
    let auth = values.remove("auth");
    let method = auth.as_deref().or_else(|| methods(manifest).first().copied());
    let method = method.context("this host cannot do any auth method of the package yet")?;
    let asked = questions(manifest, method);
    let fields =
        asked.iter().filter(|q| matches!(q.kind, engine::connect::QuestionKind::Field { .. }));
    let fixed = |(name, endpoint): (&String, &package::manifest::Endpoint)| {
        matches!(endpoint.target, Target::Origin(_)).then(|| (name.clone(), server.origin()))
    };
    let consent = manifest.endpoints.iter().filter(|(_, e)| e.consent.is_some());
    Ok(engine::connect::connect(
        manifest,
        NewConnection {
            tenant: "test".parse()?,
            id: "case".parse()?,
            auth: Some(method.to_owned()),
            fields: fields
                .map(|q| (q.name.clone(), Secret::new(format!("made-up-{}", q.name))))
                .collect(),
            variables: values,
            consents: consent.map(|(name, _)| name.clone()).collect(),
            overrides: manifest.endpoints.iter().filter_map(fixed).collect(),
        },
    )?)
}

fn request(pull: &Pull<'_>) -> Result<PullRequest> {
    let case = pull.case;
    let window = |w: &case::Window| -> Result<Window> {
        Ok(Window { from: timestamp(w.from_ms)?, until: timestamp(w.until_ms)? })
    };
    Ok(PullRequest {
        entity: case.entity.clone(),
        part: case.part.clone(),
        selection: match &case.selection {
            case::Selection::All => Selection::All,
            case::Selection::Changes => Selection::Changes,
            case::Selection::Window(it) => Selection::Window(window(it)?),
            case::Selection::Deleted(it) => Selection::Deleted(window(it)?),
            case::Selection::Ids(ids) => Selection::Ids(ids.clone()),
        },
        checkpoint: pull.checkpoint.map(str::to_owned),
        fields: case.fields.clone(),
        limit: case.limit,
    })
}

fn summary(page: Page) -> (PageSummary, String) {
    let (next, checkpoint) = match page.next {
        Next::More(checkpoint) => (NextKind::More, checkpoint),
        Next::Done(checkpoint) => (NextKind::Done, checkpoint),
        Next::Partial(checkpoint) => (NextKind::Partial, checkpoint),
    };
    let summary = PageSummary {
        records: page.records.into_iter().map(|record| record.id).collect(),
        tombstones: page.tombstones.into_iter().map(|tombstone| tombstone.id).collect(),
        rejects: page.rejects.len(),
        next,
    };
    (summary, checkpoint)
}

fn timestamp(ms: u64) -> Result<Timestamp> {
    Ok(Timestamp::from_millisecond(i64::try_from(ms)?)?)
}

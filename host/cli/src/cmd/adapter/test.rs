//! `plughouse adapter test`: the adapter's own tests, then its cases as they would run in a host.
//!
//! A case goes the whole road: the built component is packed, signed with a throw-away key,
//! verified, and loaded into the sandbox; its requests pass through egress, which holds them
//! against the manifest, and reach a server on loopback that answers from the case's cassette.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use egress::{Gateway, Opening};
use engine::connect::{NewConnection, QuestionKind, methods, questions, variables};
use model::adapter::{Adapter as _, Next, Page, PullRequest, Selection, Window};
use model::credential::ACCESS_TOKEN;
use model::egress::Priority;
use model::{Clock, Connection, Secret, Timestamp};
use package::manifest::{Auth, Manifest, Target};
use package::trust::{self, ReviewPolicy, Trust};
use package::{Permissions, Phase, TrustFile, Verified};
use plughouse_testkit::case::{self, Case, ErrorSummary, NextKind, PageSummary, Pull};
use plughouse_testkit::cassette::{Cassette, Redaction, Replay};
use plughouse_testkit::{Server, Shared};
use sandbox::{Loaded, Scope};
use serde::Serialize;

use super::build::DIST;
use super::folder::Folder;
use crate::cmd::key;
use crate::exit::Exit;
use crate::{Global, config, wire};

/// Which adapter.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
}

/// What was run.
#[derive(Debug, Serialize)]
struct Tested {
    cases: Vec<String>,
}

/// Runs both kinds of tests.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let output = global.output();
    let dir = &args.folder.find(&output)?;
    output.note("running the adapter's own tests");
    own_tests(dir)?;
    output.note("building the component");
    super::build(dir)?;
    let package = verified(dir)?;
    engine::mapping::check_package(&package)?;
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
    let key = key::generate()?;
    let file = dir.join(DIST).join("test.plug");
    super::pack(dir, Some(&file))?;
    let mut bundle = super::read_bundle(&file)?;
    std::fs::remove_file(&file)?;
    super::sign::add(&mut bundle, &key, None)?;
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
    let method = method(manifest, case)?;
    let (made_up, token) = (made_up(manifest, method), token(manifest, method));
    let secrets = made_up.iter().chain(&token).map(|(_, secret)| secret.expose());
    let hidden = Redaction::new(secrets);
    let replay = Shared::new(Replay::new(cassette).hiding(hidden));
    let server = Server::start(replay.clone());
    let (connection, mut secrets) = connection(manifest, case, &server, (method, made_up))?;
    secrets.extend(token);
    let clock = Clock::manual(timestamp(case.now_ms)?);
    let gateway = Gateway::new(clock.clone(), egress::Options::default())?;
    let grant = Permissions::of(manifest);
    let egress = gateway.connect(Opening {
        connection: &connection,
        manifest: Arc::new(manifest.clone()),
        grant: &grant,
        secrets,
        tokens: None,
        access: None,
        priority: Priority::Interactive,
    })?;
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

/// The auth method of the case; otherwise the first.
fn method<'a>(manifest: &'a Manifest, case: &'a Case) -> Result<&'a str> {
    let named = case.variables.get("auth").map(String::as_str);
    let method = named.or_else(|| methods(manifest).first().copied());
    method.context("the package has no auth method")
}

/// Values for the fields of an auth method. They are taken out of what is compared with the
/// cassette, so they are nothing that stands in one, and egress wants eight bytes at least.
fn made_up(manifest: &Manifest, method: &str) -> Vec<(String, Secret)> {
    questions(manifest, method)
        .into_iter()
        .filter(|question| matches!(question.kind, QuestionKind::Field { .. }))
        .map(|field| (field.name.clone(), Secret::new(format!("made-up-{}-5b1f0c", field.name))))
        .collect()
}

/// An access token, where the method gets one from the provider.
fn token(manifest: &Manifest, method: &str) -> Option<(String, Secret)> {
    let brings = match manifest.auth.get(method)? {
        Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_) => true,
        Auth::Key(_) | Auth::None => false,
    };
    let token = || Secret::new("made-up-access-token-5b1f0c".to_owned());
    brings.then(|| (ACCESS_TOKEN.to_owned(), token()))
}

/// A connection whose every endpoint leads to the server.
fn connection(
    manifest: &Manifest,
    case: &Case,
    server: &Server,
    (method, fields): (&str, Vec<(String, Secret)>),
) -> Result<(Connection, Vec<(String, Secret)>)> {
    let mut values = case.variables.clone();
    values.remove("auth");
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
            fields,
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

//! A refresh storm: four processes, two hundred callers in each, one credential on one store.
//!
//! The provider gives refresh tokens that are good once, takes a spent one for stolen and ends the
//! grant then, but for some seconds of leeway, and loses three of ten answers. Whenever its access
//! tokens end, all callers find out at once. There must be one grant in the end, and alive.
//!
//! `PLUGHOUSE_STORMS=100 cargo test -p e2e --test storm -- --nocapture` is the long proof.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "processes talk by it")]

mod node;
mod ports;
mod remote;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use engine::credential::NewApp;
use model::credential::{
    ACCESS_TOKEN, CredentialStore as _, Grant, NewSecrets, REFRESH_TOKEN, place,
};
use model::store::Catalogue as _;
use model::{Clock, Connection, ConnectionState, Secret, Timestamp};
use plughouse_testkit::oauth::{AuthServer, Leeway, Loss};
use plughouse_testkit::{Answer, Provider, Request, Server, Shared};
use store::Store;

use node::{CALLERS, ENDED, Ground};

/// Processes.
const NODES: usize = 4;

/// Storms in the ordinary test run.
const STORMS: usize = 5;

/// How long the provider forgives a spent refresh token: Okta's default.
/// <https://developer.okta.com/docs/guides/refresh-tokens/main/>
const LEEWAY_SECONDS: u64 = 30;

/// Of a hundred answers.
const LOST_PERCENT: u64 = 30;

/// The app's secret.
const SECRET: &str = "an-app-secret-of-the-storm";

/// The variable that makes a process a node: the socket and the address of the resource.
const NODE: &str = "PLUGHOUSE_STORM_NODE";

#[expect(clippy::disallowed_methods, reason = "how one process tells another what it is")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The provider, whose time passes as ours does.
struct Ticking {
    server: AuthServer,
    began: Instant,
    passed: u64,
}

impl Provider for Ticking {
    fn answer(&mut self, request: &Request) -> Answer {
        let passed = self.began.elapsed().as_secs();
        self.server.advance(passed - self.passed);
        self.passed = passed;
        self.server.answer(request)
    }

    fn refusal(&self, request: &Request, status: u16) -> Answer {
        self.server.refusal(request, status)
    }
}

/// A process with callers.
struct Node {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Node {
    fn start(told: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "one_node_of_a_storm", "--nocapture"]).env(NODE, told);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    fn begin(&mut self) {
        writeln!(self.process.stdin.as_mut().unwrap(), "go").unwrap();
    }

    /// How many callers got in, how often one was told to come later, and why one did not.
    fn ended(&mut self) -> (usize, u64, String) {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "the process has ended");
            if let Some(told) = line.split_once(ENDED).map(|(_, told)| told.trim_end()) {
                let mut words = told.splitn(3, ' ');
                let mut next = || words.next().unwrap_or_default();
                return (next().parse().unwrap(), next().parse().unwrap(), next().to_owned());
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
    }
}

/// What the processes of the test below are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_of_a_storm() {
    if let Some((socket, resource)) = variable(NODE).as_deref().and_then(|it| it.split_once('|')) {
        node::run(socket.into(), resource.to_owned()).await;
    }
}

fn desk() -> Connection {
    Connection::new("acme".parse().unwrap(), "desk".parse().unwrap(), "acme/desk", "oauth")
}

/// The app, and the connection with the tokens that a person has authorised long ago.
async fn enter(home: &Ground, store: &Store, origin: &str, (access, refresh): (String, String)) {
    let app = NewApp {
        package: "acme/desk".to_owned(),
        tenant: None,
        client_id: "app".to_owned(),
        secret: Some(Secret::new(SECRET.to_owned())),
        origin: Some(origin.to_owned()),
    };
    home.credentials.set_app(app).await.unwrap();
    let connection = desk();
    let (tenant, id) = (connection.tenant.clone(), connection.id.clone());
    let fields = vec![(ACCESS_TOKEN, access), (REFRESH_TOKEN, refresh)];
    let placed =
        fields.into_iter().map(|(name, text)| (place(&tenant, &id, name, 1), Secret::new(text)));
    let sealed = home.vault.seal(placed.collect()).await.unwrap();
    let grant = Grant { obtained: Some(Timestamp::UNIX_EPOCH), ..Grant::default() };
    store.authorise(connection, NewSecrets { replaces: 0, sealed, grant }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storm_leaves_one_grant_and_it_lives() {
    let storms = variable("PLUGHOUSE_STORMS").map_or(STORMS, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let mut server = AuthServer::new("app", SECRET)
        .leeway(Leeway::seconds(LEEWAY_SECONDS))
        .newest_only()
        .losing(Loss::percent(LOST_PERCENT));
    let (access, refresh) = server.granted("read");
    let provider = Shared::new(Ticking { server, began: Instant::now(), passed: 0 });
    let running = Server::start(provider.clone());
    let home = node::at_home(&store, dir.path()).await;
    enter(&home, &store, &running.origin(), (access, refresh)).await;

    let socket = dir.path().join("store.sock");
    remote::serve(&store, &socket);
    let told = format!("{}|{}/resource", socket.display(), running.origin());
    let mut nodes: Vec<_> = (0..NODES).map(|_| Node::start(&told)).collect();
    let mut late = 0;
    for storm in 0..storms {
        provider.with(|ticking| ticking.server.expire_access());
        nodes.iter_mut().for_each(Node::begin);
        for node in &mut nodes {
            let (well, told_later, why) = node.ended();
            assert_eq!(well, CALLERS, "storm {storm}: {why}");
            late += told_later;
        }
    }
    drop(nodes);

    let connection = desk();
    let (tenant, id) = (&connection.tenant, &connection.id);
    let (credential, _) = store.credential(tenant, id).await.unwrap().unwrap();
    let status = store.connection_status(tenant, id).await.unwrap();
    assert!(status.is_none_or(|status| status.state == ConnectionState::Active));
    provider.with(|ticking| {
        let server = &ticking.server;
        println!(
            "{storms} storms of {} callers: generation {}, {} answers lost, {late} told to come \
             later, {} spent tokens reused",
            NODES * CALLERS,
            credential.generation,
            server.lost(),
            server.reuses(),
        );
        assert_eq!((server.live_chains(), server.reuses()), (1, 0));
        assert!(server.lost() > 0, "the storm was too gentle");
    });
    // The first generation was entered; each storm needs one refresh, and no more.
    assert_eq!(credential.generation, 1 + u64::try_from(storms).unwrap());
}

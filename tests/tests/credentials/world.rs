//! A host with the HubSpot adapter, the account behind an authorisation server, and a person.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use e2e::{Browser, CONNECTION, Ended, Host, Served, guests};
use plughouse_testkit::{Answer, AuthServer, Faulty, HubSpot, Provider, Request, Server, Shared};
use serde_json::Value;
use tempfile::TempDir;

/// The package of most worlds.
const HUBSPOT: &str = "plughouse/hubspot";

/// The app, as the provider knows it.
pub(crate) const CLIENT: &str = "app-of-this-host";

/// What the provider has given for it.
pub(crate) const CLIENT_SECRET: &str = "app-secret-canary-7f31";

/// Seconds that access tokens live which no command may begin with: each fetches a new one.
pub(crate) const SHORT: u64 = 20;

/// Records of the account.
pub(crate) const RECORDS: u64 = 150;

/// What the spying guest reads.
const SPY_ENTITIES: &str = r#"
[entity.account]
cursor = "scan"
[entity.failure]
cursor = "scan"
[entity.memory]
cursor = "scan"
"#;

/// Installs the guest that tells all that it sees, by a manifest without its entities.
pub(crate) fn install_spy(host: &Host, manifest: &str) {
    let dir = host.data().join("spy");
    fs::create_dir_all(dir.join("dist")).unwrap();
    fs::write(dir.join("dist/adapter.wasm"), guests::spy()).unwrap();
    fs::write(dir.join("adapter.toml"), format!("{manifest}{SPY_ENTITIES}")).unwrap();
    host.install_built(&dir);
}

/// Everything.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) package: &'static str,
    pub(crate) account: Shared<Faulty<HubSpot>>,
    pub(crate) authority: Shared<AuthServer>,
    /// The server that dies when it has been given a new token and has not heard of it yet.
    pub(crate) victim: Shared<Option<Served>>,
    pub(crate) api: Server,
    pub(crate) auth: Server,
    pub(crate) dir: TempDir,
}

/// The authorisation server; it kills its client at the worst moment, if there is a victim.
struct Deadly {
    authority: Shared<AuthServer>,
    victim: Shared<Option<Served>>,
}

impl Provider for Deadly {
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.authority.with(|authority| authority.answer(request));
        let body = String::from_utf8_lossy(&request.body);
        if answer.status == 200 && body.contains("grant_type=refresh_token") {
            // Gone before a byte of the answer is on its way.
            drop(self.victim.with(Option::take));
        }
        answer
    }
}

/// A command that waits for a browser.
pub(crate) struct Waiting {
    process: Child,
    out: BufReader<ChildStdout>,
    /// What the person is to open.
    pub(crate) open: String,
}

/// A server of the app with tokens that live so long.
pub(crate) fn authority(life: u64) -> AuthServer {
    AuthServer::new(CLIENT, CLIENT_SECRET).life(life).pkce_required()
}

impl World {
    /// HubSpot's adapter is installed, the app set, nothing connected.
    pub(crate) fn new(authority: AuthServer) -> Self {
        Self::with(authority, HUBSPOT, |host| host.install_unlimited("hubspot"))
    }

    /// The same with another package.
    pub(crate) fn with(
        authority: AuthServer,
        package: &'static str,
        install: impl FnOnce(&Host),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Shared::new(authority);
        let hubspot = HubSpot::with_contacts(RECORDS, 5).authorised_by(authority.clone());
        let account = Shared::new(Faulty::new(hubspot, []));
        let victim = Shared::new(None);
        let deadly = Deadly { authority: authority.clone(), victim: victim.clone() };
        let (api, auth) = (Server::start(account.clone()), Server::start(deadly));
        let host = Host::new(&dir.path().join("data"));
        install(&host);
        let world = Self { host, package, account, authority, victim, api, auth, dir };
        world.set_app(CLIENT_SECRET);
        world
    }

    /// The same, connected.
    pub(crate) fn connected(authority: AuthServer) -> Self {
        let world = Self::new(authority);
        world.connect();
        world
    }

    pub(crate) fn set_app(&self, secret: &str) {
        let file = self.file("client-secret", secret);
        let origin = self.auth.origin();
        let app = ["app", "set", self.package, "--client-id", CLIENT, "--origin", &origin];
        self.host.ok(&[&app[..], &["--client-secret", &file]].concat());
    }

    /// A file with a secret outside of the data directory, as `@PATH`.
    pub(crate) fn file(&self, name: &str, secret: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, secret).unwrap();
        format!("@{}", path.display())
    }

    /// The command that connects, as it begins.
    pub(crate) fn connecting(&self, more: &[&str]) -> Waiting {
        self.connecting_as(CONNECTION, more)
    }

    /// The same under another name.
    pub(crate) fn connecting_as(&self, name: &str, more: &[&str]) -> Waiting {
        let api = format!("api={}", self.api.origin());
        let connect = ["connect", self.package, "--name", name, "--auth", "oauth"];
        let args = [&connect[..], &["--override", &api, "--json"], more].concat();
        Waiting::start(self.host.command(&args))
    }

    /// Connects with a browser of its own.
    pub(crate) fn connect(&self) {
        self.connecting(&[]).goes_well();
    }

    pub(crate) fn connection(&self) -> Value {
        self.host.json(&["connection", "show", CONNECTION]).remove(0)
    }

    /// The state of the connection, and why.
    pub(crate) fn state(&self) -> (String, String) {
        let status = &self.connection()["status"];
        let text = |name: &str, without| status[name].as_str().unwrap_or(without).to_owned();
        (text("state", "active"), text("reason", ""))
    }

    pub(crate) fn grants(&self) -> Vec<Value> {
        self.host.json(&["connection", "grants"])
    }

    pub(crate) fn records(&self) -> usize {
        self.host.json(&["records", CONNECTION, "--limit", "0"]).len()
    }

    pub(crate) fn queue(&self) -> Value {
        let queues = self.host.json(&["queue", "list"]);
        queues.into_iter().find(|queue| queue["queue"] == "inbound-scheduled").unwrap()
    }

    /// Grants that live at the provider, and spent refresh tokens that were sent to it.
    pub(crate) fn chains(&self) -> (usize, u64) {
        self.authority.with(|authority| (authority.live_chains(), authority.reuses()))
    }

    /// How many requests for tokens of that kind have reached the provider.
    pub(crate) fn asked(&self, grant_type: &str) -> usize {
        let pair = format!("grant_type={grant_type}");
        let requests = self.auth.requests();
        requests.iter().filter(|it| String::from_utf8_lossy(&it.body).contains(&pair)).count()
    }

    /// Nothing of a connection is there, here or at the provider.
    #[track_caller]
    pub(crate) fn nothing_is_kept(&self) {
        assert!(self.host.json(&["connection", "list"]).is_empty());
        assert!(self.grants().is_empty());
        assert_eq!(self.chains(), (0, 0));
    }
}

impl Waiting {
    /// Starts a command with `--json` and hears what is to be opened.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let open = told["open"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, out, open }
    }

    /// Goes through the pages with a browser of its own, to a good end.
    pub(crate) fn goes_well(self) -> Value {
        let page = Browser::new().visit(&self.open);
        assert_eq!(page.status, 200, "{page:?}");
        let done = self.done();
        assert_eq!(done.code, Some(0), "{done:?}");
        serde_json::from_str(&done.out).unwrap()
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        use std::io::Write as _;
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for its end.
    pub(crate) fn done(mut self) -> Ended {
        let mut text = String::new();
        self.out.read_to_string(&mut text).unwrap();
        let ended = self.process.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        Ended { code: ended.status.code(), out: text, err }
    }

    /// Waits for its end, which must be an error that says this.
    #[track_caller]
    pub(crate) fn fails(self, said: &str) {
        let done = self.done();
        assert!(done.code == Some(1) && done.err.contains(said), "{done:?}");
    }
}

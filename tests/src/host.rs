//! A host as a user has it: the binary and a data directory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The connection that [`Host::connect_hubspot`] makes.
pub const CONNECTION: &str = "crm";

/// The token that simulators are told to take.
pub const TOKEN: &str = "pat-na1-5d1c4a90-canary-0001";

/// A data directory and the program that works on it.
#[derive(Clone, Debug)]
pub struct Host {
    program: PathBuf,
    lead: Vec<String>,
    data: PathBuf,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; absent after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Host {
    /// A host of the `plughouse` binary.
    pub fn new(data: &Path) -> Self {
        Self { program: crate::plughouse(), lead: Vec::new(), data: data.to_owned() }
    }

    /// A host of another program that takes the same arguments after `lead`.
    pub fn of(program: PathBuf, lead: &[&str], data: &Path) -> Self {
        let lead = lead.iter().map(ToString::to_string).collect();
        Self { program, lead, data: data.to_owned() }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The command, not yet started.
    pub fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.lead).arg("--data").arg(&self.data).args(args);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn run(&self, args: &[impl AsRef<OsStr>]) -> Ended {
        let output = self.command(args).output().expect("the program starts");
        Ended::of(&output)
    }

    /// Runs a command that must succeed.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn ok(&self, args: &[impl AsRef<OsStr>]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
        ended.out
    }

    /// Runs a command that must succeed with `--json`; the values it printed.
    ///
    /// # Panics
    ///
    /// When it fails, or prints something else.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let out = self.ok(&all);
        out.lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }

    /// Builds, packs, signs and installs an adapter of `plugins/`.
    ///
    /// # Panics
    ///
    /// When a step fails.
    pub fn install(&self, plugin: &str) {
        let dir = crate::root().join("plugins").join(plugin);
        self.ok(&["adapter".as_ref(), "build".as_ref(), dir.as_os_str()]);
        self.install_built(&dir);
    }

    /// Installs an adapter of `plugins/` without the provider's rate limits, for tests and
    /// benchmarks of the host: HubSpot's hundred requests in ten seconds would be all they see.
    ///
    /// # Panics
    ///
    /// When a step fails.
    pub fn install_unlimited(&self, plugin: &str) {
        self.install_edited(plugin, without_limits);
    }

    /// Installs an adapter of `plugins/` without its conversion schemas as well: its records are
    /// stored as they come.
    ///
    /// # Panics
    ///
    /// When a step fails.
    pub fn install_unmapped(&self, plugin: &str) {
        self.install_edited(plugin, |manifest| without_mappings(&without_limits(manifest)));
    }

    fn install_edited(&self, plugin: &str, edit: impl FnOnce(&str) -> String) {
        let dir = self.edited(plugin, edit);
        self.install_built(&dir);
    }

    /// The package file of an adapter of `plugins/`, built without the provider's rate limits and
    /// signed by a publisher whom the host trusts; it is not installed.
    ///
    /// # Panics
    ///
    /// When a step fails.
    pub fn packed_unlimited(&self, plugin: &str) -> PathBuf {
        let dir = self.edited(plugin, without_limits);
        self.packed(&dir)
    }

    /// Builds an adapter of `plugins/` in a folder of this host, with another manifest.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    fn edited(&self, plugin: &str, edit: impl FnOnce(&str) -> String) -> PathBuf {
        let (from, to) = (crate::root().join("plugins").join(plugin), self.data.join("adapter"));
        self.ok(&["adapter".as_ref(), "build".as_ref(), from.as_os_str()]);
        let manifest = fs::read_to_string(from.join("adapter.toml")).expect("a manifest");
        fs::create_dir_all(to.join("dist")).expect("a folder");
        fs::copy(from.join("dist/adapter.wasm"), to.join("dist/adapter.wasm")).expect("a copy");
        fs::create_dir_all(to.join("mappings")).expect("a folder");
        for schema in fs::read_dir(from.join("mappings")).into_iter().flatten() {
            let schema = schema.expect("a file");
            let copy = to.join("mappings").join(schema.file_name());
            fs::copy(schema.path(), copy).expect("a copy");
        }
        fs::write(to.join("adapter.toml"), edit(&manifest)).expect("a file");
        to
    }

    /// Packs, signs with a key made for it and installs the built adapter of a folder.
    ///
    /// # Panics
    ///
    /// When a step fails.
    pub fn install_built(&self, dir: &Path) {
        let file = self.packed(dir);
        self.ok(&["plugin".as_ref(), "install".as_ref(), file.as_os_str(), "--yes".as_ref()]);
    }

    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    fn packed(&self, dir: &Path) -> PathBuf {
        let (key, out) = (self.data.join("dev.key"), self.data.join("package.plug"));
        let [dir, key, file] =
            [dir, &key, &out].map(|path| path.to_str().expect("a path in UTF-8"));
        self.ok(&["key", "new", key, "--trust", "plughouse"]);
        self.ok(&["adapter", "pack", dir, "--out", file]);
        self.ok(&["adapter", "sign", file, "--key", key]);
        out
    }

    /// Connects the `crm` connection to a HubSpot simulator.
    ///
    /// # Panics
    ///
    /// When it fails.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn connect_hubspot(&self, origin: &str) {
        let token = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(&token, TOKEN).expect("the token file is written");
        let secret = format!("token=@{}", token.path().display());
        let to = format!("api={origin}");
        self.ok(&[
            "connect",
            "plughouse/hubspot",
            "--name",
            CONNECTION,
            "--auth",
            "token",
            "--secret",
            &secret,
            "--override",
            &to,
        ]);
    }
}

fn without_limits(manifest: &str) -> String {
    let mut limit = false;
    let kept = manifest.lines().filter(|line| {
        limit = if line.starts_with('[') { *line == "[[limit]]" } else { limit };
        !limit
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn without_mappings(manifest: &str) -> String {
    let kept = manifest.lines().filter(|line| !line.starts_with("mapping ="));
    kept.collect::<Vec<_>>().join("\n")
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

//! Where a command reads and writes: the streams of this process, or those of a process that
//! asked this one to run the command.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use model::Secret;

use crate::config;
use crate::control::Input;

/// The streams, the directory and the environment of whoever gave the command.
#[derive(Clone, Debug, Default)]
pub(crate) enum Terminal {
    /// Those of this process.
    #[default]
    Process,
    /// Those of another process. Writing waits for whoever reads there, so a command for another
    /// process has a thread of its own.
    Remote(Arc<Remote>),
}

/// What another process has handed over.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) input: Input,
    pub(crate) stdout: File,
    pub(crate) stderr: File,
    pub(crate) dir: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    /// Whether somebody is there to answer.
    pub(crate) answers: bool,
}

impl Terminal {
    /// Writes a result.
    pub(crate) fn out(&self, text: &str) -> io::Result<()> {
        match self {
            Self::Process => io::stdout().lock().write_all(text.as_bytes()),
            Self::Remote(remote) => (&remote.stdout).write_all(text.as_bytes()),
        }
    }

    /// Writes a remark, if anybody reads it.
    pub(crate) fn err(&self, text: &str) {
        let written = match self {
            Self::Process => io::stderr().lock().write_all(text.as_bytes()),
            Self::Remote(remote) => (&remote.stderr).write_all(text.as_bytes()),
        };
        written.unwrap_or_default();
    }

    /// Whether somebody is there to answer.
    pub(crate) fn answers(&self) -> bool {
        match self {
            Self::Process => io::stdin().is_terminal(),
            Self::Remote(remote) => remote.answers,
        }
    }

    /// Whether remarks are seen as they are made.
    pub(crate) fn is_watched(&self) -> bool {
        match self {
            Self::Process => io::stderr().is_terminal(),
            Self::Remote(remote) => remote.stderr.is_terminal(),
        }
    }

    /// One line of input.
    pub(crate) fn line(&self) -> io::Result<String> {
        let mut text = String::new();
        match self {
            Self::Process => io::stdin().lock().read_line(&mut text).map(|_| text),
            Self::Remote(remote) => remote.input.line(),
        }
    }

    /// All input.
    pub(crate) fn input(&self) -> io::Result<String> {
        let mut text = String::new();
        match self {
            Self::Process => io::stdin().read_to_string(&mut text).map(|_| text),
            Self::Remote(remote) => remote.input.all(),
        }
    }

    /// A secret from where somebody says it is. What was said is not repeated in errors unless it
    /// is a place: somebody may have written the secret itself.
    pub(crate) fn secret(&self, source: &str) -> Result<Secret> {
        let text = if let Some(file) = source.strip_prefix('@') {
            std::fs::read_to_string(self.path(Path::new(file)))
                .with_context(|| format!("read {file}"))?
        } else if let Some(name) = source.strip_prefix("env:") {
            let unset = || format!("environment variable {name} is not set");
            self.variable(name).with_context(unset)?
        } else if source == "-" {
            self.input().context("read standard input")?
        } else {
            bail!(
                "a secret on the command line is seen by every process of the machine: write \
                 @FILE, env:VAR or - for standard input"
            )
        };
        Ok(Secret::new(text.trim().to_owned()))
    }

    /// An environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        match self {
            Self::Process => config::variable(name),
            Self::Remote(remote) => remote.variables.get(name).cloned(),
        }
    }

    /// A path as it is meant where the command was given.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        match self {
            Self::Process => path.to_owned(),
            Self::Remote(remote) => remote.dir.join(path),
        }
    }
}

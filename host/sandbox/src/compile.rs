//! Compiling, away from everything that matters.
//!
//! A component can be built to make the compiler slow or hungry, and a bug in the compiler is
//! native code in our address space. So it runs in a child process without environment or much
//! memory, that opens no file and no socket any more. It is the same user all the same: what that
//! user may do without opening anything, it may do. The child returns code, and says first which
//! compiler made it; whether to run it is decided here.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use bytes::Bytes;
use model::{Error, ErrorKind};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use wasmtime::Engine;

use crate::engine::{FINGERPRINT_BYTES, compatibility, compiling};
use crate::limits::{Limits, MESSAGE_BYTES_MAX};
use crate::log::shown;

/// Where components are compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Compiler {
    /// In a child process that runs [`compile_worker`], usually of the same binary.
    Child {
        /// The binary.
        program: PathBuf,
        /// What makes it a worker.
        args: Vec<OsString>,
    },
    /// In this process: for tests, and for hosts that may not start processes. A component that
    /// the compiler cannot cope with then takes the host's memory and time.
    InProcess,
}

/// Address space of the compile worker. 4 GiB: a component of 12 MB takes 1 GiB on two threads.
const WORKER_ADDRESS_BYTES: u64 = 4 << 30;
/// CPU time of the compile worker, in seconds, should its parent die before it: above the wall
/// time that the parent grants on every core.
const WORKER_CPU_S: u64 = 120;
/// Open files of the compile worker: its pipes, and not one more.
const WORKER_FILES: u64 = 3;
/// A compiled component. 128 MiB: machine code is three to eight times the component.
pub(crate) const CODE_BYTES_MAX: u64 = 128 << 20;
/// What the worker may say about a failure.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

impl Compiler {
    pub(crate) async fn compile(
        &self,
        engine: &Engine,
        component: Bytes,
        limits: &Limits,
    ) -> Result<Bytes, Error> {
        match self {
            Self::Child { program, args } => {
                let mut command = Command::new(program);
                command.args(args);
                let compiling = run_worker(command, &component);
                let result = tokio::time::timeout(limits.compile, compiling).await;
                let output = result.unwrap_or_else(|_elapsed| Err(too_slow(limits)))?;
                take_code(&output.into(), &compatibility(engine))
            }
            Self::InProcess => {
                let engine = engine.clone();
                let compile = move || engine.precompile_component(&component);
                match tokio::task::spawn_blocking(compile).await {
                    Ok(result) => {
                        result.map(Bytes::from).map_err(|error| refused(&format!("{error:#}")))
                    }
                    Err(error) => Err(refused(&error.to_string())),
                }
            }
        }
    }
}

async fn run_worker(mut command: Command, component: &[u8]) -> Result<Vec<u8>, Error> {
    let spawned = command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| broken(&format!("it does not start: {error}")))?;
    let (input, output, complaint) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut input) = input {
            // A worker that refuses stops reading; what it says on stderr matters then.
            let fed = input.write_all(component).await;
            tracing::debug!(?fed, "fed the compile worker");
        }
    };
    let ((), code, complaint) =
        tokio::join!(feed, read(output, CODE_BYTES_MAX), read(complaint, COMPLAINT_BYTES_MAX));
    let status = child.wait().await.map_err(|error| broken(&error.to_string()))?;
    let complaint = String::from_utf8_lossy(&complaint.unwrap_or_default()).trim().to_owned();
    judge(status, &complaint)?;
    code.map_err(|error| broken(&error.to_string()))
}

async fn read(stream: Option<impl AsyncRead + Unpin>, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(bytes_max).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// An exit code comes from the worker's own judgement; a signal means that a limit ended it.
fn judge(status: ExitStatus, complaint: &str) -> Result<(), Error> {
    match status.code() {
        Some(0) => Ok(()),
        Some(_) => Err(refused(complaint)),
        None => Err(Error::new(
            ErrorKind::BudgetExhausted,
            "sandbox.compile",
            format!(
                "compiling the component needs more memory or time than it gets ({status}): make the \
             component smaller"
            ),
        )),
    }
}

/// The code behind the fingerprint of the engine that compiled it. The worker's program may have
/// been replaced since this process started; under this engine's name its code would be kept.
fn take_code(output: &Bytes, engine: &[u8; FINGERPRINT_BYTES]) -> Result<Bytes, Error> {
    if output.starts_with(engine) {
        return Ok(output.slice(FINGERPRINT_BYTES..));
    }
    Err(broken("it is of another version than this process: start this process again"))
}

fn refused(reason: &str) -> Error {
    Error::new(
        ErrorKind::Malformed,
        "sandbox.compile",
        format!("the component does not compile: {}", shown(reason, MESSAGE_BYTES_MAX)),
    )
}

fn broken(reason: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "sandbox.compiler",
        format!("the compile worker failed: {reason}"),
    )
}

fn too_slow(limits: &Limits) -> Error {
    Error::new(
        ErrorKind::BudgetExhausted,
        "sandbox.compile",
        format!(
            "compiling the component took longer than {} s: make the component smaller",
            limits.compile.as_secs()
        ),
    )
}

/// Compiles the component on standard input to code on standard output, the fingerprint of its
/// engine in front, under limits that it sets on its own process first. Call it in a process that
/// does nothing else.
pub fn compile_worker() -> Result<(), WorkerError> {
    confine()?;
    let mut component = Vec::new();
    io::stdin().lock().take(CODE_BYTES_MAX).read_to_end(&mut component)?;
    let refused = |error| WorkerError::Component(format!("{error:#}"));
    let engine = Engine::new(&compiling()).map_err(refused)?;
    let code = engine.precompile_component(&component).map_err(refused)?;
    let mut output = io::stdout().lock();
    output.write_all(&compatibility(&engine))?;
    output.write_all(&code)?;
    output.flush()?;
    Ok(())
}

fn confine() -> io::Result<()> {
    let limits = [
        (Resource::As, WORKER_ADDRESS_BYTES),
        (Resource::Cpu, WORKER_CPU_S),
        (Resource::Nofile, WORKER_FILES),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// Why the compile worker gave up.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The component is not valid, or too much for the compiler.
    #[error("{0}")]
    Component(String),
    /// The pipes or the limits failed.
    #[error("the compile worker cannot work")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_another_engine_is_refused() {
        let ours = [1; FINGERPRINT_BYTES];
        let output = |engine: &[u8]| Bytes::from([engine, b"code"].concat());
        assert_eq!(take_code(&output(&ours), &ours).unwrap(), "code");
        for other in [&[2; FINGERPRINT_BYTES][..], &[1; FINGERPRINT_BYTES - 1], b""] {
            let error = take_code(&output(other), &ours).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.kind),
                ("sandbox.compiler", ErrorKind::Unavailable)
            );
        }
    }
}

//! A server, and commands that find it or what a killed one has left.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use crate::check;
use crate::place::Place;

const SOCKET: &str = ".plughouse/plughouse.sock";

/// A server that takes commands; dropping it kills it.
struct Served(Child);

impl Served {
    fn start(place: &Place) -> Self {
        Self::begin(&mut place.command("serve --listen 127.0.0.1:0"))
    }

    fn begin(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("serving .plughouse: give commands"), "{first}");
        Self(child)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn commands_end_in_a_server_as_they_do_alone() {
    let place = Place::with_records(3);
    let commands = [
        "records crm --limit 0",
        "records crm --json",
        "records nosuch",
        "records nosuch --json",
        "connection list --tenant other",
        "connection show nosuch",
        "app list",
        "app set desk --client-id c",
        "vault rotate-key",
        "run show crm 7",
        "task list",
        "task pause none --reason x",
        "queue resume delivery",
        "dead discard --reason x",
        "breaker reset a/b c",
        "plugin install nosuch.plug",
        "records --nosuch",
    ];
    let alone = commands.map(|command| place.run(command));
    let _served = Served::start(&place);
    for (command, alone) in commands.iter().zip(alone) {
        let within = place.run(command);
        assert_eq!(within.code, alone.code, "{command}: {within:#?}");
        assert_eq!((within.out, within.err), (alone.out, alone.err), "{command}");
    }
}

#[test]
fn directory_has_one_server_and_what_a_killed_one_left_is_no_hindrance() {
    let place = Place::with_records(1);
    let served = Served::start(&place);
    check(&place.run("serve"), 1, "in use by another process");
    check(&place.run("connection list"), 0, "");
    drop(served);
    assert!(place.path().join(SOCKET).exists());
    check(&place.run("connection list"), 0, "");
    let _successor = Served::start(&place);
    let mode = fs::metadata(place.path().join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    check(&place.run("connection list"), 0, "");
}

#[test]
fn output_that_nobody_reads_holds_up_nobody_else() {
    let place = Place::with_records(5_000);
    let _served = Served::start(&place);
    let stuck = || place.command("records crm --limit 0").stdout(Stdio::piped()).spawn().unwrap();
    let stuck: Vec<_> = (0..8).map(|_| stuck()).collect();
    check(&place.run("connection list"), 0, "");
    for mut child in stuck {
        // A reader that goes ends the command, a command that is killed leaves the server alone.
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success());
    }
    check(&place.run("connection list"), 0, "");
}

#[test]
fn nonsense_on_the_socket_and_other_versions_harm_nobody() {
    let place = Place::with_records(1);
    let _served = Served::start(&place);
    for bytes in [&b""[..], b"\0\0\0\x02{}", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut client = UnixStream::connect(place.path().join(SOCKET)).unwrap();
        // It may have been hung up on already.
        client.write_all(bytes).unwrap_or_default();
    }
    check(&place.run("connection list"), 0, "");
}

#[test]
fn server_without_open_files_left_takes_commands_again_when_there_are_some() {
    let place = Place::with_records(1);
    let mut few = Command::new("sh");
    let serve = place.command("serve");
    few.arg("-c")
        .arg("ulimit -n 40; exec \"$0\" serve --listen 127.0.0.1:0")
        .arg(serve.get_program());
    let mut served = Served::begin(few.current_dir(place.path()));
    let socket = place.path().join(SOCKET);
    let idle: Vec<_> = (0..60).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    // Longer than it takes to refuse them, if it does.
    check(&place.run("run list --log warn"), 1, "--log is not for a command within a server");
    drop(idle);
    check(&place.run("connection list"), 0, "");
    assert!(served.0.try_wait().unwrap().is_none(), "the server has ended");
}

#[test]
fn settings_of_the_server_are_not_those_of_a_command() {
    let place = Place::with_records(1);
    let _served = Served::start(&place);
    for flag in ["--log warn", "--config .plughouse/config.toml"] {
        check(
            &place.run(&format!("connection list {flag}")),
            1,
            "is not for a command within a server",
        );
        check(
            &place.run(&format!("{flag} connection list")),
            1,
            "is not for a command within a server",
        );
    }
    let mut command = place.command("connection list");
    assert!(command.env("PLUGHOUSE_LOG", "info").output().unwrap().status.success());
}

#[test]
fn server_that_goes_without_a_word_is_told_of() {
    let place = Place::with_records(1);
    let listener = UnixListener::bind(place.path().join(SOCKET)).unwrap();
    let gone = std::thread::spawn(move || drop(listener.accept()));
    check(&place.run("connection list"), 1, "error: ");
    gone.join().unwrap();
}

#[test]
fn directory_with_a_long_path_works_without_a_server_and_says_why_it_cannot_serve() {
    let place = Place::with_records(1);
    let long = "long/".repeat(30);
    fs::create_dir_all(place.path().join(&long)).unwrap();
    fs::rename(place.path().join(".plughouse"), place.path().join(&long).join("data")).unwrap();
    check(&place.run(&format!("connection list --data {long}data")), 0, "");
    check(&place.run(&format!("serve --data {long}data")), 1, "sockets have short paths");
}

#[test]
fn socket_of_somebody_else_is_said_to_be_out_of_reach() {
    let place = Place::with_records(1);
    let _served = Served::start(&place);
    let socket = place.path().join(SOCKET);
    fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
    if UnixStream::connect(&socket).is_ok() {
        eprintln!("SKIPPED: the superuser reaches every socket");
        return;
    }
    check(&place.run("connection list"), 1, "reach the server at .plughouse/plughouse.sock");
}

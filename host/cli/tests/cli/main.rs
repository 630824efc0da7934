//! The real binary: what it says, where, and how it ends.

mod credentials;
mod errors;
mod mapping;
mod place;
mod plugin;
mod serve;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::place::{Outcome, Place};

/// What a command says on standard error, and how it ends.
#[track_caller]
fn check(outcome: &Outcome, code: i32, said: &str) {
    assert!(outcome.code == Some(code) && outcome.err.contains(said), "{outcome:#?}");
}

#[test]
fn looking_makes_no_store() {
    let place = Place::empty();
    for command in
        ["records", "run list", "connection list", "plugin list", "plugin remove a/b", "sync crm"]
    {
        check(&place.run(command), 1, "no data in .plughouse: say where");
    }
    check(&place.run("adapter verify nothing.plug"), 3, "read package nothing.plug");
    assert_eq!(place.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_is_not_there_is_named() {
    let place = Place::with_records(1);
    check(&place.run("records nosuch"), 1, "tenant main has no connection nosuch");
    check(&place.run("run list nosuch"), 1, "tenant main has no connection nosuch");
    check(&place.run("sync nosuch"), 1, "tenant main has no connection nosuch");
    check(&place.run("--tenant other records crm"), 1, "tenant other has no connection crm");
    check(&place.run("records crm --entity nosuch"), 1, "crm has no records of entity nosuch");
    check(&place.run("records crm --entity contact --id 9"), 1, "crm has no contact with id 9");
    check(&place.run("run show crm 7"), 1, "crm has no run 7");
    check(&place.run("run rejects crm 0"), 1, "crm has no run 0");
}

#[test]
fn long_lists_have_one_head() {
    let outcome = Place::with_records(1_100).run("records crm --limit 0");
    assert_eq!(outcome.out.lines().count(), 1_101);
    assert_eq!(outcome.out.matches("PAYLOAD").count(), 1);
}

#[test]
fn a_reader_that_goes_away_ends_the_list_quietly() {
    let place = Place::with_records(1_100);
    let mut command = place.command("records crm --limit 0");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("CONNECTION"), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn rejects_are_shown_with_their_reason() {
    let place = Place::with_records(1);
    let table = place.run("run rejects crm 1");
    assert!(table.out.contains("the row has no id (crm.no-id)"), "{table:#?}");
    let json = place.run("run rejects crm 1 --json");
    assert_eq!(json.json()["error"]["code"], "crm.no-id");
}

#[test]
fn list_that_is_cut_says_how_to_go_on() {
    let place = Place::with_records(1);
    check(&place.run("run list --limit 1"), 0, "more may follow: raise --limit");
    check(&place.run("run rejects crm 1 --limit 1"), 0, "more may follow: raise --limit");
    check(&place.run("run rejects crm 1 --limit 20000"), 0, "");
    let first = place.run("events --limit 1");
    let more = first.err.trim().strip_prefix("more may follow: ").unwrap();
    let rest = place.run(&format!("events {more} --limit 1000"));
    assert!(rest.code == Some(0) && rest.err.is_empty(), "{rest:#?}");
    let lines = |outcome: &Outcome| outcome.out.lines().count();
    assert_eq!(lines(&place.run("events")), lines(&first) + lines(&rest) - 1);
}

#[test]
fn errors_are_json_too_when_json_was_asked_for() {
    let place = Place::empty();
    let outcome = place.run("--json records");
    check(&outcome, 1, "error: no data");
    assert_eq!(outcome.json()["error"]["refused"], false);
    let refused = place.run("adapter verify nothing.plug --json");
    assert_eq!((refused.code, &refused.json()["error"]["refused"]), (Some(3), &true.into()));
    let usage = place.run("records --nosuch --json");
    check(&usage, 2, "unexpected argument '--nosuch'");
    assert!(usage.json()["error"]["message"].as_str().unwrap().contains("--nosuch"));
    assert_eq!(place.run("records").out, "");
}

#[test]
fn broken_configuration_stops_every_command() {
    let place = Place::with_records(1);
    for command in ["records", "run list", "connection list", "plugin list", "key show x"] {
        check(&place.run(&format!("{command} --config nosuch")), 1, "read configuration nosuch");
    }
    place.write(".plughouse/config.toml", "[limits]\nmemory_mib = 0\n");
    let outcome = place.run("run list");
    check(&outcome, 1, "read configuration .plughouse/config.toml");
    check(&outcome, 1, "limits.memory_mib = 0 is out of range: write 1 to 4096");
}

#[test]
fn a_bad_log_filter_is_one_message_that_names_the_flag() {
    let outcome = Place::empty().run("records --log bogus=xx");
    check(&outcome, 2, "invalid value 'bogus=xx' for '--log <LOG>'");
    assert_eq!(outcome.err.matches("error:").count(), 1, "{outcome:#?}");
}

#[test]
fn keys_are_written_only_when_they_can_be_trusted() {
    let place = Place::empty();
    check(&place.run("key new k --trust A"), 1, "`A` is no name of a publisher");
    place.write(".plughouse/trust.toml", "nonsense");
    check(&place.run("key new k --trust acme"), 1, "enter publisher acme in .plughouse/trust.toml");
    assert!(!place.path().join("k").exists() && !place.path().join("k.pub").exists());
    std::fs::remove_file(place.path().join(".plughouse/trust.toml")).unwrap();
    check(&place.run("key new k --trust acme"), 0, "");
    check(&place.run("key new other --trust acme"), 1, "publisher.acme is there already");
    assert!(place.path().join("k.pub").exists() && !place.path().join("other").exists());
}

#[test]
fn adapters_have_the_names_that_a_manifest_takes() {
    let place = Place::empty();
    check(&place.run("adapter build"), 1, "no adapter is here");
    check(&place.run("adapter new x"), 0, "");
    check(&place.run("adapter new my-crm_2"), 0, "");
    check(&place.run("adapter new 2x"), 1, "`2x` is no name of an adapter: write a lower-case");
    check(&place.run("adapter new y --publisher a"), 1, "`a` is no name of a publisher");
    check(&place.run("adapter build"), 1, "several adapters are here, name one: my-crm_2, x");
    assert!(place.read("x/adapter.toml").contains("id = \"x\""));
}

#[test]
fn a_demonstration_deletes_nothing_that_is_not_its_own() {
    let place = Place::empty();
    place.write("demo/thesis.txt", "years of work");
    check(&place.run("--data . demo"), 1, "./demo is there, and no demonstration made it");
    assert_eq!(place.read("demo/thesis.txt"), "years of work");
    check(&place.run("demo --plugins nosuch"), 1, "say where with --plugins");
}

#[test]
fn help_shows_global_options_apart_and_no_path_of_the_build() {
    let place = Place::empty();
    for command in ["adapter new --help", "demo --help"] {
        let outcome = place.run(command);
        assert!(outcome.out.contains("Global options:"), "{outcome:#?}");
        assert!(!outcome.out.contains(env!("CARGO_MANIFEST_DIR")), "{outcome:#?}");
    }
}

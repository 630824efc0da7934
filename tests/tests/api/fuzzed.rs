//! The API against its own document, by a program that is not ours: it makes requests up from the
//! document, good and bad ones, and holds every answer against it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{Api, CONNECTION, root};
use serde_json::json;

use crate::world::{World, all, sync};

/// Requests that are made up for each operation, of each kind; as many as a gate has time for.
/// `PLUGHOUSE_FUZZ` names another number, for a run that takes as long as it takes.
const EXAMPLES: &str = "3";

/// The requests of a run are those of the next one.
const SEED: &str = "4711";

/// Contacts of the account.
const CONTACTS: u64 = 40;

/// What every answer is held against. Not among them is what wrong keys are answered: the host shuts
/// out who sends them, and the program with them.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,negative_data_rejection,\
     unsupported_method";

/// The program; nothing, said aloud, where it is not installed.
#[expect(clippy::disallowed_methods, reason = "where programs lie is no setting of the host")]
fn program() -> Option<PathBuf> {
    let installed = root().join("tests/peers/schemathesis/.venv/bin/schemathesis");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::iter::once(installed)
        .chain(std::env::split_paths(&path).map(|dir| dir.join("schemathesis")));
    let found = found.find(|program| program.is_file());
    if found.is_none() {
        let how = "tests/peers/schemathesis/requirements.txt installed into .venv beside it";
        // Straight to stderr: what `eprintln!` says in a test that passes nobody sees.
        drop(writeln!(std::io::stderr(), "SKIPPED: the API is not fuzzed: needs {how}"));
    }
    found
}

/// How the program is set up: what is wrong with content may be told behind what the address or the
/// version say, for RFC 9110 has preconditions looked at before the content.
const CONFIG: &str = "[checks.negative_data_rejection]\n\
     expected-statuses = [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 429, 503]\n";

/// Lets the program ask as somebody, with more arguments, and more to be set up.
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says for how long")]
fn fuzz(program: &Path, by: &Api, config: &str, more: &[&str]) {
    let examples = std::env::var_os("PLUGHOUSE_FUZZ").unwrap_or_else(|| EXAMPLES.into());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("schemathesis.toml"), format!("{CONFIG}{config}")).unwrap();
    let output = Command::new(program)
        .current_dir(dir.path())
        .args(["run", &format!("http://{}/api/openapi.json", by.address())])
        .args(["--header", &format!("Authorization:Bearer {}", by.key())])
        .args(["--checks", CHECKS, "--seed", SEED, "--no-color", "--workers", "2"])
        .args(["--generation-database", "none", "--continue-on-failure", "--warnings", "off"])
        // The one does not end. The other takes keys, and whoever sends wrong ones is shut out.
        .args(["--exclude-path", "/api/events/stream", "--exclude-path", "/api/session"])
        .arg("--max-examples")
        .arg(examples)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // Neither was the program shut out.
    assert_eq!(by.send("GET", "/api/me", &[], &[]).status, 200);
    let tested = said.lines().find(|line| line.contains(" generated")).unwrap_or_default();
    drop(writeln!(std::io::stderr(), "fuzzed: {}", tested.trim()));
}

/// What the parts of paths are, so that what is there is met and not only what is not.
fn names(by: &Api) -> String {
    let record = by.get("/api/records?limit=1")["items"][0]["id"].clone();
    let job = all(by, "/api/operations").remove(0)["id"].clone();
    let names = [
        ("connection", json!(CONNECTION)),
        ("integration", json!(CONNECTION)),
        ("provider", json!("hubspot")),
        ("task", json!("hourly")),
        ("run", json!("crm:1")),
        ("record", record),
        ("operation", job),
        ("entity", json!("contact")),
        ("type", json!("c_contact")),
        ("publisher", json!("plughouse")),
        ("id", json!("hubspot")),
    ];
    let lines = names.map(|(name, value)| format!("\"path.{name}\" = {value}\n"));
    format!("[parameters]\n{}", lines.concat())
}

#[test]
fn every_answer_is_as_the_document_says() {
    let Some(program) = program() else { return };
    let world = World::with_contacts(CONTACTS);
    let (_served, people) = world.ready();
    world.connect(&people);
    sync(&people.admin, CONNECTION);
    let task = json!({
        "id": "hourly", "connection": CONNECTION, "schedule": {"every-seconds": 3600},
    });
    people.admin.post("/api/sync-tasks", &task, 201);

    // What is there stays there as long as it is looked at.
    let keeping = ["--exclude-method", "DELETE", "--exclude-path-regex", "/(revoke|disable)$"];
    fuzz(&program, &people.admin, &names(&people.admin), &keeping);
    fuzz(&program, &people.operator, "", &["--header", "Plughouse-Tenant:acme"]);
}

//! Records of HubSpot as canonical ones, and conversion schemas as an operator works with them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use e2e::{CONNECTION, Host, Served, TOKEN};
use model::Clock;
use plughouse_testkit::hubspot::Kind;
use plughouse_testkit::{HubSpot, Server, Shared};
use serde_json::{Value, json};

/// A host that has synced three companies, ten people and eight deals.
struct Scene {
    host: Host,
    companies: Vec<String>,
    contacts: Vec<String>,
    _server: Server,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut hubspot = HubSpot::with_contacts(10, 5)
            .filled(Kind::Companies, 3, 6)
            .filled(Kind::Deals, 8, 7)
            .token(TOKEN);
        let at = Clock::system().now().as_millisecond() - 120_000;
        let (companies, contacts) = (hubspot.ids(Kind::Companies), hubspot.ids(Kind::Contacts));
        let mut set = |id: &str, values: &[(&str, &str)]| {
            hubspot.update(Kind::Contacts, id, at, values).unwrap();
        };
        set(
            &contacts[0],
            &[("associatedcompanyid", &companies[1]), ("email", " A@Wonka.Example ")],
        );
        set(&contacts[1], &[("associatedcompanyid", "404")]);
        set(&contacts[2], &[("phone", "call me")]);
        let server = Server::start(Shared::new(hubspot));
        let host = Host::new(&dir.path().join("data"));
        host.install("hubspot");
        host.connect_hubspot(&server.origin());
        let run = host.json(&["sync", CONNECTION]).remove(0);
        assert_eq!(run["status"], "succeeded", "{run}");
        for (entity, report) in run["entities"].as_object().unwrap() {
            let schema = format!("hubspot.{entity} of plughouse/hubspot 0.1.0");
            assert_eq!((&report["schema"], &report["rejected"]), (&json!(schema), &json!(0)));
        }
        Self { host, companies, contacts, _server: server, dir }
    }

    /// The canonical records of a type.
    fn records(&self, record_type: &str) -> Vec<Value> {
        self.host.json(&["records", "--type", record_type, "--limit", "0"])
    }

    /// The canonical record of one of the provider.
    fn record(&self, record_type: &str, id: &str) -> Value {
        let own = |r: &Value| r["external_relationships"][0]["external_id"] == id;
        self.records(record_type).into_iter().find(own).unwrap()
    }

    /// The active schema of contacts with `job_title` in capitals, as a file.
    fn louder(&self) -> PathBuf {
        let show = ["mapping", "show", "--connection", CONNECTION, "--entity", "contact"];
        let mut schema: Value = serde_json::from_str(&self.host.ok(&show)).unwrap();
        let fields = schema["fields"].as_array_mut().unwrap();
        let title = fields.iter_mut().find(|field| field["to"] == "job_title").unwrap();
        title["ops"] = json!(["upper"]);
        title["direction"] = json!("in");
        self.write("louder.json", &schema.to_string())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn records_of_the_provider_become_canonical_ones() {
    let scene = Scene::new();
    let company = scene.record("c_company", &scene.companies[1]);
    let record = &company["record"];
    assert!(record["name"].is_string() && record["employees"].is_u64(), "{record}");
    assert!(record["annual_revenue"].is_number(), "{record}");
    assert_eq!(record["country"].as_str().map(str::len), Some(2), "{record}");

    let contact = scene.record("c_contact", &scene.contacts[0]);
    let record = &contact["record"];
    assert_eq!(record["email"], "a@wonka.example");
    assert_eq!(record["company"], company["id"], "the company is found by its id at the provider");
    assert!(record["phone"].as_str().unwrap().starts_with("+4930"), "{record}");
    let link = &contact["external_relationships"][0];
    assert_eq!(
        (&link["provider"], &link["entity"]),
        (&json!("plughouse/hubspot"), &json!("contact"))
    );
    assert_eq!((&link["status"], &link["connection"]), (&json!("linked"), &json!(CONNECTION)));
    assert!(link["url"].as_str().unwrap().contains(&scene.contacts[0]), "{link}");
    for contact in &scene.contacts[1..3] {
        let record = &scene.record("c_contact", contact)["record"];
        assert!(record["email"].is_string() && record.get("company").is_none_or(Value::is_null));
    }
    assert!(scene.record("c_contact", &scene.contacts[2])["record"].get("phone").is_none());

    let deals = scene.records("c_opportunity");
    assert_eq!(deals.len(), 8);
    for deal in deals.iter().map(|deal| &deal["record"]) {
        assert!(deal["amount"].is_null() || deal["amount"].is_number(), "{deal}");
        assert_eq!(deal["close_date"].as_str().map(str::len), Some("2026-01-01".len()), "{deal}");
        assert!(deal["closed"].is_boolean() && deal["probability"].is_number(), "{deal}");
    }
}

#[test]
fn changed_schema_takes_effect_on_what_is_stored() {
    let scene = Scene::new();
    let host = &scene.host;
    let titled = |records: Vec<Value>| {
        let titles = records.iter().filter_map(|r| r["record"]["job_title"].as_str());
        titles.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = titled(scene.records("c_contact"));
    let changes = before.iter().filter(|title| **title != title.to_uppercase()).count();
    assert!(changes > 0, "{before:?}");

    let file = scene.louder();
    let file = file.to_str().unwrap();
    let checked = host.json(&["mapping", "check", file, "--connection", CONNECTION]).remove(0);
    assert_eq!((&checked["ok"], &checked["name"]), (&json!(true), &json!("hubspot.contact")));
    let on = ["--connection", CONNECTION, "--entity", "contact", "--id", &scene.contacts[0]];
    let preview = host.json(&[&["mapping", "preview", file][..], &on].concat()).remove(0);
    let field = |to: &str| {
        let fields = preview["fields"].as_array().unwrap();
        fields.iter().find(|field| field["to"] == json!([to])).unwrap().clone()
    };
    assert_eq!(field("email")["round_trip"], "tidied");
    assert_eq!(field("company")["round_trip"], "equal");

    let saved = host.json(&["mapping", "put", file]).remove(0);
    assert_eq!((&saved["name"], &saved["version"]), (&json!("hubspot.contact"), &json!(1)));
    assert_eq!(host.json(&["mapping", "put", file])[0]["version"], 1, "the same text once");
    let unasked = host.run(&["mapping", "use", CONNECTION, "contact", "hubspot.contact"]);
    assert_eq!(unasked.code, Some(1));
    assert!(unasked.err.contains("nothing was changed"), "{}", unasked.err);
    let bind = ["mapping", "use", CONNECTION, "contact", "hubspot.contact@1", "--yes"];
    let bound = host.json(&bind).remove(0);
    let told = &bound["impact"]["entities"]["contact"];
    assert_eq!(told["changed"], changes, "{bound}");
    assert_eq!(host.json(&["mapping", "list"])[0]["used_by"], json!(["crm contact"]));

    let dry = host.json(&["mapping", "replay", CONNECTION, "--dry-run"]).remove(0);
    assert_eq!(&dry["entities"]["contact"], told);
    assert_eq!(
        titled(scene.records("c_contact")),
        before,
        "nothing is changed before it is asked for"
    );
    let run = host.json(&["mapping", "replay", CONNECTION, "--yes"]).remove(0);
    assert_eq!((&run["kind"], &run["status"]), (&json!("replay"), &json!("succeeded")));
    assert_eq!(run["entities"]["contact"]["updated"], changes);
    assert_eq!(run["entities"]["contact"]["schema"], "hubspot.contact@1");
    let after = titled(scene.records("c_contact"));
    assert!(after.iter().all(|title| *title == title.to_uppercase()), "{after:?}");

    host.ok(&["mapping", "use", CONNECTION, "contact", "--default", "--yes"]);
    host.ok(&["mapping", "replay", CONNECTION, "--entity", "contact", "--yes"]);
    assert_eq!(titled(scene.records("c_contact")), before);
}

#[test]
fn commands_work_within_a_server() {
    let scene = Scene::new();
    let host = &scene.host;
    let served = Served::start(host);
    scene.louder();
    let mut put = host.command(&["mapping", "put", "louder.json"]);
    assert!(put.current_dir(scene.dir.path()).output().unwrap().status.success());
    host.ok(&["mapping", "use", CONNECTION, "contact", "hubspot.contact", "--yes"]);
    let run = host.json(&["mapping", "replay", CONNECTION, "--yes"]).remove(0);
    assert_eq!((&run["kind"], &run["status"]), (&json!("replay"), &json!("succeeded")));
    assert_eq!(run["lease"]["session"], "sync/crm", "it does not overlap with a sync");
    assert_eq!(run["entities"]["contact"]["read"], 10);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn killed_replay_is_run_again_and_does_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(Shared::new(HubSpot::with_contacts(3_000, 5).token(TOKEN)));
    let host = Host::new(&dir.path().join("data"));
    host.install_unlimited("hubspot");
    host.connect_hubspot(&server.origin());
    host.ok(&["sync", CONNECTION]);
    let scene = Scene { host, companies: Vec::new(), contacts: Vec::new(), _server: server, dir };
    let file = scene.louder();
    scene.host.ok(&["mapping", "put", file.to_str().unwrap()]);
    scene.host.ok(&["mapping", "use", CONNECTION, "contact", "hubspot.contact", "--yes"]);

    let mut replay = scene.host.command(&["mapping", "replay", CONNECTION, "--yes"]);
    let mut replay = replay.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // A line is written after some batches.
    let mut line = String::new();
    BufReader::new(replay.stderr.take().unwrap()).read_line(&mut line).unwrap();
    replay.kill().unwrap();
    replay.wait().unwrap();
    assert!(line.starts_with("crm: contact"), "{line}");

    let left = scene.host.json(&["mapping", "replay", CONNECTION, "--dry-run"]).remove(0);
    let done = left["entities"]["contact"]["current"].as_u64().unwrap();
    assert!((1_000..=3_000).contains(&done), "{left}");
    let rest = scene.host.json(&["mapping", "replay", CONNECTION, "--yes"]).remove(0);
    let read = rest["entities"]["contact"]["read"].as_u64().unwrap_or_default();
    assert_eq!(done + read, 3_000, "{rest}");
    let titles = scene.records("c_contact");
    let titles = titles.iter().filter_map(|record| record["record"]["job_title"].as_str());
    assert!(titles.into_iter().all(|title| title == title.to_uppercase()));
    // On a machine that is busy with others it may have ended before it was killed.
    let killed = &scene.host.json(&["run", "list", CONNECTION])[usize::from(read > 0)];
    assert_eq!(killed["status"] == "interrupted", read > 0, "{killed}");
}

#[test]
fn suggested_schema_is_right_and_maps() {
    let scene = Scene::new();
    let suggest = ["mapping", "suggest", "--connection", CONNECTION, "--entity", "company"];
    let file = scene.write("suggested.json", &scene.host.ok(&suggest));
    let file = file.to_str().unwrap();
    scene.host.ok(&["mapping", "check", file, "--connection", CONNECTION]);
    let on = ["--connection", CONNECTION, "--entity", "company"];
    let previews = scene.host.json(&[&["mapping", "preview", file][..], &on].concat());
    assert_eq!(previews.len(), 3);
    for preview in &previews {
        let output = &preview["output"];
        assert!(output["name"].is_string() && output["employees"].is_u64(), "{preview}");
    }
    let shown = scene.host.json(&suggest).remove(0);
    assert!(shown["suggestions"][0]["confidence"].as_u64().unwrap() >= 90, "{shown}");
}

#[test]
fn type_is_derived_from_the_properties_of_the_account_and_maps() {
    let scene = Scene::new();
    let host = &scene.host;
    let derive = ["mapping", "derive", CONNECTION, "deal"];
    let derived = host.run(&derive);
    assert_eq!(derived.code, Some(0), "{}", derived.err);
    let next = "plughouse mapping use crm deal crm_deal@1";
    assert!(derived.err.contains(next), "{}", derived.err);
    let again = host.json(&derive).remove(0);
    let saved = |what: &str| (again[what]["version"].clone(), again[what]["changed"].clone());
    assert_eq!(saved("record_type"), (json!(1), json!(false)));
    assert_eq!(saved("schema"), (json!(1), json!(false)));
    assert_eq!(again["changes"], json!([]));

    let contract = ["--contract", "type=discard_row", "--use", "--yes"];
    let bound = host.json(&[&derive[..], &contract].concat());
    assert_eq!(bound[0]["contract"]["type"], "discard_row");
    assert_eq!(bound[1]["schema"], json!(["crm_deal", 2]));
    let run = host.json(&["mapping", "replay", CONNECTION, "--entity", "deal", "--yes"]).remove(0);
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(run["entities"]["deal"]["schema"], "crm_deal@2");
    let deals = scene.records("crm_deal");
    assert_eq!(deals.len(), 8);
    for deal in deals.iter().map(|deal| &deal["record"]) {
        assert!(deal["amount"].is_null() || deal["amount"].is_number(), "{deal}");
        assert!(deal["deal_name"].is_string(), "{deal}");
    }
}

#[test]
fn wrong_input_gets_an_error_that_says_what_to_do() {
    let scene = Scene::new();
    let bad = r#"{"format": 1, "name": "x", "entity": "contact", "type": "c_contact", "fields": [
        {"from": "/a", "to": "email", "ops": ["html_to_text"]}]}"#;
    let bad = scene.write("bad.json", bad);
    let bad = bad.to_str().unwrap();
    let loud = scene.louder();
    let loud = loud.to_str().unwrap();
    let sample = scene.write("sample.json", "[1, 2");
    let sample = sample.to_str().unwrap();
    let crm = CONNECTION;
    for (args, code, says) in [
        (vec!["check", bad], 1, "html_to_text"),
        (vec!["put", bad], 1, "/fields/0/ops/0"),
        (vec!["put", loud, "--expect", "7"], 1, "--expect 0"),
        (vec!["use", crm, "contact", "nosuch"], 1, "mapping list"),
        (vec!["use", crm, "cat", "--default"], 1, "choose from company, contact, deal"),
        (vec!["use", "nobody", "contact", "--default"], 1, "plughouse connection list"),
        (vec!["use", crm, "contact"], 1, "--default"),
        (vec!["replay", crm, "--entity", "cat"], 1, "choose from: company, contact, deal"),
        (vec!["derive", crm, "cat"], 1, "choose from company, contact, deal"),
        (vec!["derive", crm, "deal", "--contract", "kind=freeze"], 2, "object, field and type"),
        (vec!["derive", crm, "deal", "--at", "properties"], 2, "/properties"),
        (vec!["derive", crm, "deal", "--contract", "object=freeze"], 1, "object=evolve"),
        (vec!["show", "nosuch"], 1, "mapping list"),
        (vec!["show", "c_contact"], 1, "mapping types c_contact"),
        (vec!["types", "c_cat"], 1, "c_company"),
        (vec!["ops", "trimm"], 1, "mapping ops"),
        (vec!["preview", loud, "--sample", sample], 1, "sample.json"),
        (vec!["preview", "nosuch.json", "--sample", sample], 1, "nosuch.json"),
        (
            vec!["suggest", "--connection", crm, "--entity", "contact", "--type", "c_cat"],
            1,
            "types",
        ),
        (vec!["preview", "--connection", crm, "--entity", "contact", "--id", "9"], 1, "records"),
    ] {
        let ended = scene.host.run(&[&["mapping"], args.as_slice()].concat());
        let said = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, Some(code), "{args:?}: {said}");
        assert!(said.contains(says) && !said.contains("panicked"), "{args:?}: {said}");
    }
    let nothing = scene.host.run(&["records", "--type", "c_note"]);
    assert!(nothing.err.contains("plughouse mapping types"), "{}", nothing.err);
}

#[test]
fn record_type_of_the_tenant_is_kept_while_a_schema_needs_it() {
    let scene = Scene::new();
    let host = &scene.host;
    let put = |text: &Value| {
        let file = scene.write("text.json", &text.to_string());
        host.run(&["mapping", "put", file.to_str().unwrap()])
    };
    let field = |name: &str| json!({"name": name, "kind": "text"});
    let lead =
        |name: &str| json!({"name": "x_lead", "identity": [[name]], "fields": [field(name)]});
    let schema = json!({"format": 1, "name": "leads", "entity": "contact", "type": "x_lead",
        "fields": [{"from": "/properties/email", "to": "mail"}]});
    assert!(put(&schema).err.contains("there is no record type `x_lead`"));
    for text in [lead("mail"), schema] {
        let saved = put(&text);
        assert_eq!(saved.code, Some(0), "{}", saved.err);
    }
    host.ok(&["mapping", "use", CONNECTION, "contact", "leads", "--yes"]);
    host.ok(&["mapping", "replay", CONNECTION, "--entity", "contact", "--yes"]);
    assert_eq!(scene.records("x_lead").len(), 10);
    assert_eq!(host.run(&["records", "--type", "c_contact"]).code, Some(1), "they have moved");
    let refused = put(&lead("phone"));
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("leads@1, which maps crm contact, would not fit"),
        "{}",
        refused.err
    );
}

#[test]
fn package_with_a_broken_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::new(&dir.path().join("data"));
    host.install("hubspot");
    let (from, to) = (e2e::root().join("plugins/hubspot"), dir.path().join("broken"));
    copy(&from.join("dist"), &to.join("dist"));
    copy(&from.join("mappings"), &to.join("mappings"));
    fs::copy(from.join("adapter.toml"), to.join("adapter.toml")).unwrap();
    let contact = to.join("mappings/contact.json");
    let text = fs::read_to_string(&contact).unwrap().replacen("lower", "lowre", 1);
    fs::write(&contact, text).unwrap();
    let file = dir.path().join("broken.plug");
    let (folder, file) = (to.to_str().unwrap(), file.to_str().unwrap());
    let key = host.data().join("dev.key");
    host.ok(&["adapter", "pack", folder, "--out", file]);
    host.ok(&["adapter", "sign", file, "--key", key.to_str().unwrap()]);
    for args in [vec!["adapter", "verify", file], vec!["plugin", "install", file, "--yes"]] {
        let ended = host.run(&args);
        assert_eq!(ended.code, Some(3), "{args:?}: {}", ended.err);
        assert!(ended.err.contains("mappings/contact.json"), "{args:?}: {}", ended.err);
        assert!(ended.err.contains("lowre"), "{args:?}: {}", ended.err);
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if file.path().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

//! The table of routes in docs/api.md is that of the code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;

const BEGIN: &str = "<!-- written by `PLUGHOUSE_GENERATE=1 cargo test -p api documented` -->\n";
const END: &str = "<!-- end -->\n";

/// Who may ask: the role that the document names, or anybody.
fn role(operation: &Value) -> &str {
    operation["security"][0]["api_key"][0].as_str().unwrap_or("anybody")
}

/// A table for each tag.
fn tables() -> String {
    let document = serde_json::to_value(api::document()).unwrap();
    let mut tags = BTreeMap::<String, String>::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let rows = tags.entry(operation["tags"][0].as_str().unwrap().to_owned()).or_default();
            let (method, role) = (method.to_uppercase(), role(operation));
            let summary = operation["summary"].as_str().unwrap();
            writeln!(rows, "| `{method} {path}` | {role} | {summary} |").unwrap();
        }
    }
    let table =
        |(tag, rows)| format!("### {tag}\n\n| route | role | what |\n|---|---|---|\n{rows}\n");
    tags.into_iter().map(table).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the table")]
fn documented_routes_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let now = format!("{before}{BEGIN}\n{}{END}{after}", tables());
    if env::var_os("PLUGHOUSE_GENERATE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(page == now, "run `PLUGHOUSE_GENERATE=1 cargo test -p api documented`");
}

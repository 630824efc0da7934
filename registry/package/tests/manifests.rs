//! Manifests: those of the ten providers are read where they lie, and broken ones are refused
//! with the line and what to write instead.

use std::path::{Path, PathBuf};

use package::manifest::{Cursor, Manifest, Target};

/// The material beside the repository, which is not part of it.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration to read it from")]
fn shared() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("PLUGHOUSE_SHARED").map_or(beside, PathBuf::from)
}

#[test]
fn the_manifests_of_the_ten_providers_are_valid() {
    let folder = shared().join("design/contract/manifests");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: no manifests of the providers at {}", folder.display());
        return;
    };
    let mut count = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest =
            Manifest::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            Some(manifest.adapter.id.as_str()),
            path.file_stem().and_then(|stem| stem.to_str())
        );
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn defaults_of_entities_are_merged_in() {
    let manifest = Manifest::parse(GOOD).unwrap();
    let contact = &manifest.entities["contact"];
    assert_eq!((contact.cursor, contact.page, contact.batch), (Cursor::Window, 50, 20));
    let file = &manifest.entities["file"];
    assert_eq!((file.cursor, file.with.as_deref()), (Cursor::Window, Some("contact")));
    assert_eq!(manifest.entities["owner"].cursor, Cursor::Scan);
    assert!(matches!(manifest.endpoints["files"].target, Target::Hosts(_)));
    assert_eq!(manifest.budget.http_calls, 60);
    assert_eq!(manifest.budget.memory_mib, 64);
}

/// Small, but with every section; the tests below break one line of it.
const GOOD: &str = r#"[adapter]
id = "acme"
name = "Acme"
version = "1.2.0"
contract = "0.1"
publisher = "acme"
license = "Apache-2.0"
summary = "Contacts of Acme."
redact = ["token"]

[variable.host]
ask = "Host"
shape = "host"
suffix = [".acme.com"]
[variable.account]
check = true

[auth.oauth]
kind = "oauth2"
authorize = "https://{host}/authorize"
token = "https://{host}/token"
client_auth = "body"
scopes = ["read"]
[auth.key]
kind = "key"
fields = { key = { label = "Key", secret = true } }
header = { name = "X-Key", value = "{key}" }

[endpoint.api]
origin = "https://{host}"
credential = "account"
headers = { "Accept" = "application/json" }
read = ["GET /v1/contacts", "GET /v1/contacts/*"]
write = ["POST /v1/contacts", "POST /v1/hooks"]
inject = [{ route = "POST /v1/hooks", secret = "webhook", json = "/secret" }]
redirect = ["files"]
[endpoint.files]
hosts = ["*.acmefiles.com"]

[[limit]]
scope = "account"
endpoints = ["api"]
routes = ["GET /v1/contacts"]
requests = 100
per = "10s"

[webhook]
setup = "api"
secret = "generated"
lifetime = "7d"
renew_before = "1d"
[[webhook.verify]]
kind = "hmac"
at = "header:X-Signature"
encoding = "hex"
message = ["{header:x-time}.{body}"]
timestamp = { at = "header:X-Time", unit = "s", tolerance = "5m" }

[default.entity]
cursor = "window"
lag = "5m"
page = 50
[entity.contact]
type = "c_contact"
mapping = "mappings/contact.toml"
yields = ["file"]
writes = ["create", "update"]
batch = 20
webhook = true
[entity.file]
with = "contact"
[entity.owner]
cursor = "scan"
deletes = ["absence"]

[budget]
http_calls = 60
"#;

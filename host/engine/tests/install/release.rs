//! A publisher, and what it releases.

use std::collections::BTreeMap;

use bytes::Bytes;
use package::statement::Statement;
use package::{Bundle, Envelope, PrivateKey, pack};

use super::component::component;

/// The seed of the publisher's key.
pub(crate) const PUBLISHER: u8 = 7;

/// Where a package has the schema of its entity.
const MAPPING: &str = "mappings/thing.json";

/// What a publisher writes into the manifest, where tests differ.
pub(crate) struct Release {
    pub(crate) version: &'static str,
    pub(crate) read: &'static [&'static str],
    /// What the component says it is.
    pub(crate) id: &'static str,
    /// The conversion schema of its entity.
    pub(crate) mapping: Option<&'static str>,
}

impl Default for Release {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl Release {
    /// As it is where tests say nothing.
    pub(crate) const PLAIN: Self =
        Self { version: "1.0.0", read: &["GET /v1/things"], id: "shop", mapping: None };

    /// The package file, signed with this key.
    pub(crate) fn file(&self, key: &PrivateKey) -> Bytes {
        let mut bundle = self.bundle();
        let statement = Statement::release("acme/shop", self.version, bundle.digest());
        let kind = "application/vnd.in-toto+json";
        bundle.add_envelope(Envelope::sign(key, kind, &statement.to_json())).unwrap();
        Bytes::from(bundle.to_bytes())
    }

    /// The package as nobody has signed it.
    pub(crate) fn bundle(&self) -> Bundle {
        let mut members = BTreeMap::from([
            ("adapter.toml".to_owned(), self.manifest().into_bytes()),
            ("adapter.wasm".to_owned(), component(self.id, self.version, &["thing"])),
        ]);
        let mapping = self.mapping.map(|text| (MAPPING.to_owned(), text.as_bytes().to_vec()));
        members.extend(mapping);
        Bundle::read(Bytes::from(pack(members).unwrap())).unwrap()
    }

    fn manifest(&self) -> String {
        format!(
            r#"
[adapter]
id = "shop"
name = "Shop"
version = "{}"
contract = "0.1"
publisher = "acme"
license = "Apache-2.0"
summary = "Things of a shop."
[auth.none]
kind = "none"
[endpoint.api]
origin = "https://shop.example"
read = {:?}
[entity.thing]
cursor = "scan"
page = 100
{}"#,
            self.version,
            self.read,
            self.mapping.map_or_else(String::new, |_| format!(
                "type = \"c_company\"\nmapping = \"{MAPPING}\""
            )),
        )
    }
}

/// The publisher's key.
pub(crate) fn key() -> PrivateKey {
    PrivateKey::from_seed([PUBLISHER; 32])
}

/// A trust file that trusts the publisher, with more text behind.
pub(crate) fn trust_text(more: &str) -> String {
    let public = key().public();
    format!(
        "version = 1\nreview = \"optional\"\n[publisher.acme]\nkeys = [{{ id = \"{}\", public = \
         \"{}\", state = \"active\" }}]\n{more}",
        public.id(),
        public.to_base64()
    )
}

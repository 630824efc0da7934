//! A signed and reviewed package, the trust that admits it, and raw archives.

use std::collections::BTreeMap;

use bytes::Bytes;
use package::envelope::IN_TOTO;
use package::statement::{Review, Statement, Verdict};
use package::trust::ReviewPolicy;
use package::{
    Bundle, BundleError, Envelope, Phase, PrivateKey, Trust, TrustFile, Verified, VerifyError,
    pack, trust, verify,
};

pub(crate) const NAME: &str = "acme/crm";
pub(crate) const VERSION: &str = "1.2.0";
/// The preamble of a component, and something behind it.
pub(crate) const WASM: &[u8] = b"\0asm\x0d\0\x01\0and the sections of a component";
const MANIFEST: &str = r#"[adapter]
id = "crm"
name = "Acme"
version = "1.2.0"
contract = "0.1"
publisher = "acme"
license = "Apache-2.0"
summary = "Contacts of Acme."
[endpoint.api]
origin = "https://api.acme.com"
read = ["GET /v1/contacts"]
[entity.contact]
cursor = "scan"
mapping = "mappings/contact.json"
"#;

/// The people of these tests, one key each.
pub(crate) fn key(who: &str) -> PrivateKey {
    let people = ["acme", "acme-2", "umbrella", "security", "security-2", "mallory"];
    let seed = people.iter().position(|name| *name == who).unwrap();
    PrivateKey::from_seed([u8::try_from(seed).unwrap() + 1; 32])
}

pub(crate) fn members() -> BTreeMap<String, Vec<u8>> {
    let members: [(&str, &[u8]); 4] = [
        ("adapter.toml", MANIFEST.as_bytes()),
        ("adapter.wasm", WASM),
        ("README.md", b"# Acme\n"),
        ("mappings/contact.json", b"name = \"/name\"\n"),
    ];
    members.into_iter().map(|(name, body)| (name.to_owned(), body.to_vec())).collect()
}

/// Members with one of them changed.
pub(crate) fn members_with(name: &str, body: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut members = members();
    members.insert(name.to_owned(), body.to_vec());
    members
}

pub(crate) fn manifest_with(from: &str, to: &str) -> BTreeMap<String, Vec<u8>> {
    assert!(MANIFEST.contains(from), "{from}");
    members_with("adapter.toml", MANIFEST.replace(from, to).as_bytes())
}

pub(crate) fn unsigned(members: BTreeMap<String, Vec<u8>>) -> Bundle {
    Bundle::read(pack(members).unwrap().into()).unwrap()
}

pub(crate) fn release(bundle: &Bundle, who: &str) -> Envelope {
    let payload = Statement::release(NAME, VERSION, bundle.digest()).to_json();
    Envelope::sign(&key(who), IN_TOTO, &payload)
}

pub(crate) fn review(bundle: &Bundle, who: &str, verdict: Verdict) -> Envelope {
    let name = if who.starts_with("security") { "security" } else { who };
    Envelope::sign(&key(who), IN_TOTO, &review_payload(bundle.digest(), name, verdict))
}

pub(crate) fn review_payload(digest: &str, reviewer: &str, verdict: Verdict) -> Vec<u8> {
    let review = Review {
        verdict,
        reviewer: reviewer.to_owned(),
        policy: "1".to_owned(),
        gates: Vec::new(),
        checklist: Vec::new(),
        previous: None,
        report: None,
        tool: None,
    };
    Statement::review("acme/crm@1.2.0", digest, review).to_json()
}

/// A package with some envelopes.
pub(crate) fn with(
    members: BTreeMap<String, Vec<u8>>,
    envelopes: impl FnOnce(&Bundle) -> Vec<Envelope>,
) -> Bundle {
    let mut bundle = unsigned(members);
    for envelope in envelopes(&bundle) {
        bundle.add_envelope(envelope).unwrap();
    }
    bundle
}

/// The package that is admitted.
pub(crate) fn good() -> Bundle {
    signed(members())
}

/// Members, signed by acme and approved by security.
pub(crate) fn signed(members: BTreeMap<String, Vec<u8>>) -> Bundle {
    with(members, |bundle| {
        vec![release(bundle, "acme"), review(bundle, "security", Verdict::Approved)]
    })
}

/// Trusts acme, umbrella and, as a reviewer that is needed, security.
pub(crate) fn trust_text() -> String {
    let text = trust::empty(ReviewPolicy::Required);
    let text = trust::with_publisher(&text, "acme", &key("acme").public()).unwrap();
    let text = trust::with_publisher(&text, "umbrella", &key("umbrella").public()).unwrap();
    trust::with_reviewer(&text, "security", &key("security").public()).unwrap()
}

pub(crate) fn trust_of(text: &str) -> Trust {
    Trust::new(TrustFile::parse(text).unwrap(), &BTreeMap::new(), &BTreeMap::new()).unwrap()
}

/// Why a package was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Form(BundleError),
    Proof(VerifyError),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form(error) => error.fmt(f),
            Self::Proof(error) => error.fmt(f),
        }
    }
}

/// What a host does with a file.
pub(crate) fn admit(bytes: Vec<u8>, trust: &Trust, phase: Phase) -> Result<Verified, Refusal> {
    let bundle = Bundle::read(Bytes::from(bytes)).map_err(Refusal::Form)?;
    verify(bundle, trust, phase).map_err(Refusal::Proof)
}

/// Expects a package to be refused in both phases for the same reason.
#[track_caller]
pub(crate) fn refused(bundle: &Bundle, trust: &str, expected: fn(&VerifyError) -> bool) {
    let trust = trust_of(trust);
    for phase in [Phase::Install, Phase::Load] {
        match admit(bundle.to_bytes(), &trust, phase) {
            Err(Refusal::Proof(error)) => assert!(expected(&error), "{phase:?}: {error:?}"),
            other => panic!("{phase:?}: {other:?}"),
        }
    }
}

/// A file of a raw archive, right in every respect but its name.
pub(crate) fn entry(name: &str, body: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\x000000000\x000000000");
    put(124, format!("{:011o}", body.len()).as_bytes());
    put(136, b"00000000000\0        0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\x000000000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(body);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

/// A raw archive of raw files.
pub(crate) fn raw(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

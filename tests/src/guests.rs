//! The guests of `tests/guests`, built as components and signed as packages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bytes::Bytes;
use package::envelope::{Envelope, IN_TOTO};
use package::statement::Statement;
use package::{Bundle, Manifest, Phase, PrivateKey, Trust, TrustFile, Verified, trust};
use wit_component::ComponentEncoder;

/// The guest that does what it should not, one thing per entity.
///
/// # Panics
///
/// When it does not build.
pub fn hostile() -> &'static Bytes {
    static COMPONENT: OnceLock<Bytes> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let module = build("hostile", "wasm32-unknown-unknown");
        Bytes::from(componentise(&module))
    })
}

/// The guest that looks for secrets.
///
/// # Panics
///
/// When it does not build.
pub fn spy() -> Vec<u8> {
    componentise(&build("spy", "wasm32-unknown-unknown"))
}

/// The guest that asks its standard library for the world.
///
/// # Panics
///
/// When it does not build.
pub fn wasi() -> &'static Bytes {
    static COMPONENT: OnceLock<Bytes> = OnceLock::new();
    // The target's linker makes a component of it.
    COMPONENT.get_or_init(|| Bytes::from(build("wasi", "wasm32-wasip2")))
}

/// The guest that links sockets.
///
/// # Panics
///
/// When it does not build.
pub fn sockets() -> Bytes {
    Bytes::from(build("sockets", "wasm32-wasip2"))
}

/// Makes a component of a module that `wit-bindgen` has marked.
///
/// # Panics
///
/// When the module is none.
#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
pub fn componentise(module: &[u8]) -> Vec<u8> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).expect("a module of the contract")
}

/// A package of the component, signed by a publisher of the test and verified.
///
/// # Panics
///
/// When the manifest or the component is none.
#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
pub fn verified(manifest: &str, component: &[u8]) -> Verified {
    let key = PrivateKey::from_seed([7; 32]);
    let info = Manifest::parse(manifest).expect("a manifest").adapter;
    let name = format!("{}/{}", info.publisher, info.id);
    let members = [("adapter.toml", manifest.as_bytes()), ("adapter.wasm", component)];
    let members = members.map(|(name, body)| (name.to_owned(), body.to_vec()));
    let packed = package::pack(BTreeMap::from(members)).expect("members of a package");
    let mut bundle = Bundle::read(Bytes::from(packed)).expect("a package");
    let statement = Statement::release(&name, &info.version.to_string(), bundle.digest());
    let envelope = Envelope::sign(&key, IN_TOTO, &statement.to_json());
    bundle.add_envelope(envelope).expect("room for a signature");
    let file = trust::with_publisher(
        &trust::empty(trust::ReviewPolicy::Optional),
        &info.publisher,
        &key.public(),
    )
    .expect("a trust file");
    let file = TrustFile::parse(&file).expect("a trust file");
    let trust = Trust::new(file, &BTreeMap::new(), &BTreeMap::new()).expect("trust");
    package::verify(bundle, &trust, Phase::Install).expect("a package that is trusted")
}

#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
fn build(package: &str, target: &str) -> Vec<u8> {
    let target_dir = target_dir();
    let status = Command::new(env!("CARGO"))
        .current_dir(crate::root().join("tests/guests"))
        .args(["build", "--release", "--quiet", "--locked", "--package", package])
        .args(["--target", target])
        .env("CARGO_TARGET_DIR", &target_dir)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the guest `{package}` does not build");
    let file = target_dir.join(target).join("release").join(format!("{package}.wasm"));
    fs::read(file).expect("cargo left the guest there")
}

/// A directory of the guests' own beside the tests' one, so that the two builds do not wait for
/// each other.
pub(crate) fn target_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let own = test.ancestors().nth(3).unwrap_or_else(|| Path::new("target"));
    own.join("guests")
}

//! What OpenSSL and we make of each other's keys and signatures.

#![cfg(test)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use package::envelope::IN_TOTO;
use package::{Envelope, PrivateKey, PublicKey};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs openssl in the folder; `None` when it is not installed.
    fn openssl(&self, arguments: &str) -> Option<Output> {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&self.0);
        let output = command.output().ok()?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {error}");
        Some(output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn installed(folder: &Folder) -> bool {
    let installed = folder.openssl("version").is_some();
    if !installed {
        // Not captured, unlike what `println!` says in a test that passes.
        drop(writeln!(std::io::stderr(), "SKIPPED: openssl is not installed"));
    }
    installed
}

/// What a DSSE envelope signs.
fn preimage(payload: &str) -> String {
    format!("DSSEv1 {} {IN_TOTO} {} {payload}", IN_TOTO.len(), payload.len())
}

#[test]
fn openssl_reads_our_keys_and_checks_our_signatures() {
    let folder = Folder::new("ours");
    if !installed(&folder) {
        return;
    }
    let key = PrivateKey::from_seed([7; 32]);
    folder.write("key.pem", key.to_pem().unwrap().as_bytes());
    folder.write("public.pem", key.public().to_pem());
    let public = folder.openssl("pkey -in key.pem -pubout").unwrap().stdout;
    assert_eq!(String::from_utf8(public).unwrap(), key.public().to_pem());
    folder.openssl("pkey -pubin -in public.pem -outform DER -out public.der").unwrap();
    let digest = folder.openssl("dgst -sha256 -r public.der").unwrap().stdout;
    assert!(digest.starts_with(key.public().id().as_str().as_bytes()));
    let line = Envelope::sign(&key, IN_TOTO, b"payload").to_line();
    let signature =
        line.split("\"sig\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    folder.write("signature", STANDARD.decode(signature).unwrap());
    folder.write("message", preimage("payload"));
    folder
        .openssl("pkeyutl -verify -pubin -inkey public.pem -rawin -in message -sigfile signature")
        .unwrap();
}

#[test]
fn we_read_the_keys_of_openssl_and_check_its_signatures() {
    let folder = Folder::new("theirs");
    if !installed(&folder) {
        return;
    }
    folder.openssl("genpkey -algorithm ed25519 -out key.pem").unwrap();
    folder.openssl("pkey -in key.pem -pubout -out public.pem").unwrap();
    folder.write("message", preimage("payload"));
    folder.openssl("pkeyutl -sign -inkey key.pem -rawin -in message -out signature").unwrap();
    let public =
        PublicKey::from_pem(&String::from_utf8(folder.read("public.pem")).unwrap()).unwrap();
    let private =
        PrivateKey::from_pem(&String::from_utf8(folder.read("key.pem")).unwrap()).unwrap();
    assert_eq!(private.public(), public);
    assert_eq!(private.to_pem().unwrap().as_bytes(), folder.read("key.pem"));
    let line = format!(
        r#"{{"payloadType":"{IN_TOTO}","payload":"{}","signatures":[{{"keyid":"{}","sig":"{}"}}]}}"#,
        STANDARD.encode("payload"),
        public.id(),
        STANDARD.encode(folder.read("signature")),
    );
    let envelope = Envelope::parse(&line).unwrap();
    assert!(envelope.is_signed_by(&public));
    assert_eq!(envelope, Envelope::sign(&private, IN_TOTO, b"payload"));
}

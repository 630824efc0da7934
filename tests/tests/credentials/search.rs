//! Finds secrets in bytes, in the forms in which programs write them.

use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets, and what is looked for.
pub(crate) struct Search {
    automaton: AhoCorasick,
    /// Of each form the name of its secret.
    names: Vec<String>,
}

impl Search {
    /// For these secrets, each with a name that may be told.
    pub(crate) fn new(secrets: &[(String, String)]) -> Self {
        let (mut names, mut all) = (Vec::new(), Vec::new());
        for (name, secret) in secrets {
            assert!(secret.len() >= 16, "{name} is too short to be looked for");
            for form in forms(secret.as_bytes()) {
                names.push(name.clone());
                all.push(form);
            }
        }
        Self { automaton: AhoCorasick::new(all).unwrap(), names }
    }

    /// The names of the secrets that stand there.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self.automaton.find_iter(bytes);
        let mut found: Vec<_> = found.map(|it| &*self.names[it.pattern().as_usize()]).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// None of them stands there.
    #[track_caller]
    pub(crate) fn clean(&self, sink: &str, bytes: &[u8]) {
        assert_eq!(self.find(bytes), Vec::<&str>::new(), "in {sink}");
    }

    /// None of them stands in any file of the folder, or in the name of one; how many bytes and
    /// files that are.
    pub(crate) fn clean_folder(&self, folder: &Path) -> (usize, usize) {
        let (mut bytes, mut files) = (0, 0);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            self.clean("the name of a file", name.as_bytes());
            if path.is_dir() {
                let (more_bytes, more_files) = self.clean_folder(&path);
                (bytes, files) = (bytes + more_bytes, files + more_files);
            } else if let Ok(content) = fs::read(&path) {
                self.clean(&format!("a file of the folder: {name}"), &content);
                (bytes, files) = (bytes + content.len(), files + 1);
            }
        }
        (bytes, files)
    }
}

/// A secret as it is, in base64 at any place, in hexadecimal digits, percent-encoded, and as JSON
/// writes it.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    for before in 0..3 {
        let text = [&vec![0; before][..], secret].concat();
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            // Digits that hold bits of what stands beside it.
            let start = (before * 8).div_ceil(6);
            let end = text.len() * 8 / 6;
            forms.push(encoded.as_bytes()[start..end].to_vec());
        }
    }
    let json = serde_json::to_string(&String::from_utf8_lossy(secret)).unwrap();
    let texts = [
        written(secret, |byte| format!("{byte:02x}")),
        written(secret, |byte| format!("{byte:02X}")),
        written(secret, |byte| format!("%{byte:02X}")),
        written(secret, |byte| reserved(byte, format!("%{byte:02X}"))),
        written(secret, |byte| reserved(byte, format!("%{byte:02x}"))),
        json.trim_matches('"').to_owned(),
    ];
    forms.extend(texts.map(String::into_bytes));
    forms.sort();
    forms.dedup();
    forms
}

/// Bytes, each written like that.
pub(crate) fn written(bytes: &[u8], write: fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect()
}

/// What is written of a byte, unless addresses hold it as it is.
fn reserved(byte: u8, escape: String) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if plain { char::from(byte).to_string() } else { escape }
}

#[test]
fn every_form_of_a_secret_is_found_wherever_it_lies() {
    let secret = "a/secret+of \"this\" test\n";
    let search = Search::new(&[("it".to_owned(), secret.to_owned())]);
    for before in ["", "a", "bc", "def"] {
        let text = format!("{before}{secret}gh");
        let hex = written(text.as_bytes(), |byte| format!("{byte:02x}"));
        let percent = written(text.as_bytes(), |byte| format!("%{byte:02X}"));
        for form in [
            text.clone(),
            STANDARD_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(&text),
            hex.to_uppercase(),
            hex,
            percent,
            serde_json::to_string(&text).unwrap(),
        ] {
            assert_eq!(search.find(form.as_bytes()), ["it"], "{form}");
        }
    }
    assert!(search.find(b"a/secret+of \"this\" tes").is_empty());
}

#[test]
#[should_panic(expected = "in a file of the folder")]
fn file_with_a_secret_is_found_however_deep_it_lies() {
    let search = Search::new(&[("it".to_owned(), "a secret of this test".to_owned())]);
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("inner")).unwrap();
    fs::write(dir.path().join("inner/file"), "here is a secret of this test!").unwrap();
    search.clean_folder(dir.path());
}

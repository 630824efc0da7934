//! Writing `trust.toml`: by appending, so that what a person wrote stays as it is.

use super::file::FILE;
use super::{ReviewPolicy, TrustFile};
use crate::document::{Document, FileError};
use crate::key::PublicKey;

/// The text of a trust file that trusts nobody yet.
pub fn empty(review: ReviewPolicy) -> String {
    format!("version = 1\nreview = \"{review}\"\n")
}

/// The text of a trust file with one more publisher, who owns the namespace of its name.
pub fn with_publisher(text: &str, name: &str, key: &PublicKey) -> Result<String, FileError> {
    with_party(text, ["publisher", name], key)
}

/// The text of a trust file with one more reviewer.
pub fn with_reviewer(text: &str, name: &str, key: &PublicKey) -> Result<String, FileError> {
    with_party(text, ["reviewer", name], key)
}

fn with_party(text: &str, path: [&str; 2], key: &PublicKey) -> Result<String, FileError> {
    TrustFile::parse(text)?;
    let [role, name] = path;
    let line = format!("{{ id = \"{}\", public = \"{}\" }}", key.id(), key.to_base64());
    let document = Document::parse(FILE, text)?;
    if document.writes(&path) {
        let message = format!("{role}.{name} is there already");
        return Err(document.complain(&path, message, format!("add to its keys by hand: {line}")));
    }
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let text = format!("{text}{end}\n[{role}.{name}]\nthreshold = 1\nkeys = [{line}]\n");
    TrustFile::parse(&text).map(|_file| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PrivateKey;
    use crate::trust::{KeyState, Registry};

    #[test]
    fn parties_are_appended_and_the_rest_stays() {
        let (one, two) = (PrivateKey::from_seed([1; 32]), PrivateKey::from_seed([2; 32]));
        let start = "# mine\nversion = 1\nreview = \"required\"\n[registry]\n\
                     url = \"https://registry.example\"\nroot = \"root.json\"";
        let text = with_publisher(start, "acme", &one.public()).unwrap();
        let text = with_reviewer(&text, "security-team", &two.public()).unwrap();
        assert!(text.starts_with(start));
        let file = TrustFile::parse(&text).unwrap();
        assert_eq!(file.review, ReviewPolicy::Required);
        assert_eq!(file.publishers["acme"].namespaces, ["acme"]);
        assert_eq!(file.reviewers["security-team"].keys[0].state, KeyState::Active);
        assert!(matches!(file.registry, Some(Registry { .. })));
        let again = with_publisher(&text, "acme", &two.public()).unwrap_err();
        assert!(
            again.to_string().starts_with("trust.toml:8: publisher.acme is there already"),
            "{again}"
        );
        assert!(with_publisher(&text, "other", &two.public()).is_err());
        assert!(
            with_publisher(&text, "not a name", &PrivateKey::from_seed([3; 32]).public()).is_err()
        );
    }

    #[test]
    fn an_empty_file_is_valid() {
        assert!(TrustFile::parse(&empty(ReviewPolicy::Optional)).is_ok());
    }
}

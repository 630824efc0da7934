//! What may stand as a label.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use model::Error;
use model::errors;

/// Packages that are told apart: several times what a host has installed. What comes later is
/// counted as `other`, for each is a series in a dozen metrics until the process ends.
const PACKAGES_MAX: usize = 128;

/// What is not told apart.
const OTHER: &str = "other";

/// The packages that have a label.
#[derive(Debug, Default)]
pub(super) struct Packages(Mutex<BTreeSet<String>>);

impl Packages {
    /// The label of a package.
    pub(super) fn label<'a>(&self, package: &'a str) -> &'a str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(package) {
            return package;
        }
        if known.len() >= PACKAGES_MAX {
            return OTHER;
        }
        known.insert(package.to_owned());
        package
    }
}

/// The label of an error: its code where that is in the table of the host, else its kind.
pub(super) fn code(error: &Error) -> &'static str {
    errors::find(&error.code).map_or(error.kind.as_str(), |known| known.code)
}

/// The label of a code of the host's.
pub(super) fn of_host(code: &str) -> &'static str {
    errors::find(code).map_or(OTHER, |known| known.code)
}

#[cfg(test)]
mod tests {
    use model::ErrorKind;

    use super::*;

    #[track_caller]
    fn check(kind: ErrorKind, text: &str, expected: &str) {
        assert_eq!(code(&Error::new(kind, text, "it went wrong")), expected);
    }

    #[test]
    fn codes_of_adapters_are_folded_into_their_kind() {
        check(ErrorKind::Timeout, "egress.silent", "egress.silent");
        check(ErrorKind::Timeout, "hubspot.user-4711", "timeout");
        check(ErrorKind::Other, "egress.made-up", "other");
    }

    #[test]
    fn packages_beyond_the_most_are_one() {
        let packages = Packages::default();
        for number in 0..PACKAGES_MAX {
            let package = format!("acme/p{number}");
            assert_eq!(packages.label(&package), package);
        }
        assert_eq!(packages.label("acme/late"), OTHER);
        assert_eq!(packages.label("acme/p0"), "acme/p0");
    }
}

//! `[adapter]`: identity, contract and profile.

use crate::words::words;

/// Who the adapter is and what it needs of the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdapterInfo {
    /// The provider; equals `describe().id`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The version of the adapter, without build metadata: that has no order.
    pub version: semver::Version,
    /// The version of the WIT contract, `"0.1"`.
    pub contract: String,
    /// The namespace of the package name.
    pub publisher: String,
    /// An SPDX expression.
    pub license: String,
    /// One line for the catalogue.
    pub summary: String,
    /// Names of JSON members and XML elements whose value is emptied before storing.
    pub redact: Vec<String>,
    /// What the guest imports beside the contract.
    pub profile: Profile,
}

words! {
    /// What a guest may import beside the contract.
    Profile {
        /// Nothing.
        Bare = "bare",
        /// WASI 0.2 with nothing behind it: no files, environment or sockets.
        Wasi = "wasi",
    }
}

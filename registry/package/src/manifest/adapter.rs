//! `[adapter]`: identity, contract and profile.

use crate::document::{Decode, FileError, Item, Table};
use crate::words::words;

/// The contract that packages of today are written against.
pub const CONTRACT: &str = "0.1";
/// Longest id of an adapter: it stands in file names and in every log line.
const ID_LEN_MAX: usize = 40;
/// Shortest and longest name of a publisher, by the registry.
const PUBLISHER_LEN: std::ops::RangeInclusive<usize> = 2..=39;
/// What to write for [`is_id`].
pub const ID_RULE: &str = "write a lower-case letter, then at most 39 letters, digits, `_` and `-`";
/// What to write for [`is_publisher`].
pub const PUBLISHER_RULE: &str = "write a lower-case letter, then 1 to 38 letters, digits and `-`";
/// Longest text for people.
const TEXT_LEN_MAX: usize = 300;

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
    pub enum Profile {
        /// Nothing.
        Bare = "bare",
        /// WASI 0.2 with nothing behind it: no files, environment or sockets.
        Wasi = "wasi",
    }
}

impl Decode for AdapterInfo {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let info = Self {
            id: table.required("id")?,
            name: table.required("name")?,
            version: table.required("version")?,
            contract: table.required("contract")?,
            publisher: table.required("publisher")?,
            license: table.required("license")?,
            summary: table.required("summary")?,
            redact: table.or("redact", Vec::new())?,
            profile: table.or("profile", Profile::Bare)?,
        };
        info.check(&table)?;
        table.finish()?;
        Ok(info)
    }
}

impl AdapterInfo {
    fn check(&self, table: &Table<'_>) -> Result<(), FileError> {
        if !is_id(&self.id) {
            return Err(table.complain_at("id", format!("`{}` is no id", self.id), ID_RULE));
        }
        if !is_publisher(&self.publisher) {
            let message = format!("`{}` is no name of a publisher", self.publisher);
            return Err(table.complain_at("publisher", message, PUBLISHER_RULE));
        }
        if !self.version.build.is_empty() {
            let message =
                format!("version `{}` has build metadata, which has no order", self.version);
            let help = "leave out what begins with `+`";
            return Err(table.complain_at("version", message, help));
        }
        if self.contract != CONTRACT {
            let message = format!("contract `{}` is not known", self.contract);
            let help = format!("write contract = \"{CONTRACT}\", or use a newer plughouse");
            return Err(table.complain_at("contract", message, help));
        }
        for (key, text) in
            [("name", &self.name), ("license", &self.license), ("summary", &self.summary)]
        {
            if !is_line(text) {
                let message = format!("`{key}` is not one line of text");
                let help = format!("write 1 to {TEXT_LEN_MAX} characters without line breaks");
                return Err(table.complain_at(key, message, help));
            }
        }
        if self.redact.iter().any(|name| name.trim().is_empty()) {
            let help = "write the name of a JSON member or XML element, or remove it";
            return Err(table.complain_at("redact", "an empty name matches nothing", help));
        }
        Ok(())
    }
}

/// Whether a text is one line of text for people.
pub(super) fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_LEN_MAX && !text.contains(char::is_control)
}

/// Whether a text is the id of an adapter.
pub fn is_id(text: &str) -> bool {
    text.len() <= ID_LEN_MAX && is_word(text, b"_-")
}

/// Whether a text is the name of a publisher.
pub fn is_publisher(text: &str) -> bool {
    PUBLISHER_LEN.contains(&text.len()) && is_word(text, b"-")
}

/// Whether a text is `publisher/id`.
pub(crate) fn is_package_name(text: &str) -> bool {
    text.split_once('/').is_some_and(|(publisher, id)| is_publisher(publisher) && is_id(id))
}

fn is_word(text: &str, more: &[u8]) -> bool {
    let proper =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(proper)
}

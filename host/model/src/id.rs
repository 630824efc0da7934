//! Names that cross crate edges.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest tenant or connection name, in bytes. They stand in every key of the store.
pub const NAME_BYTES_MAX: usize = 64;

/// What is wrong with a name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "'{name}' is not a valid {what}: write 1 to {NAME_BYTES_MAX} characters of a-z, 0-9, '-', '_' \
     or '.', beginning with a letter or a digit"
)]
pub struct NameError {
    pub(crate) what: &'static str,
    pub(crate) name: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::id::NameError;

            fn from_str(text: &str) -> Result<Self, $crate::id::NameError> {
                if $crate::id::is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::id::NameError { what: $what, name: text.to_owned() })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::id::NameError;

            fn try_from(text: String) -> Result<Self, $crate::id::NameError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use name;

name!(
    /// A customer of the host. It is part of every key and of every query.
    TenantId,
    "tenant"
);
name!(
    /// An authenticated account at a provider, within a tenant.
    ConnectionId,
    "connection"
);

/// One execution of a sync: the count of runs that the connection has had, from 1.
///
/// It is also the fence: the store refuses writes of a run that is not the newest one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(inner)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<TenantId>().is_ok(), valid, "{text:?}");
    }

    #[test]
    fn names_are_short_lower_case_and_hold_no_separator() {
        check("acme", true);
        check("acme-eu.1", true);
        check("7", true);
        check("", false);
        check("-acme", false);
        check("Acme", false);
        check("a/b", false);
        check("a\0b", false);
        check(&"a".repeat(65), false);
    }
}

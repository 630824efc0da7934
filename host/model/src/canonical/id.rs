//! Sixteen bytes that name something, as text 32 hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, TenantId, hex};

/// What is wrong with the text of an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{0}' is not a valid {1}: write 32 digits of 0-9 and a-f")]
pub struct IdError(String, &'static str);

macro_rules! id {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type([u8; 16]);

        impl $type {
            /// The id of these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::text(&self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl FromStr for $type {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = hex::bytes(text.as_bytes());
                bytes.map(Self).ok_or_else(|| IdError(text.to_owned(), $what))
            }
        }

        impl TryFrom<String> for $type {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.to_string()
            }
        }
    };
}

id!(
    /// A canonical record, within its tenant.
    RecordId,
    "record id"
);
id!(
    /// A conversion schema as it was compiled, with the record type that it maps to: two programs
    /// of the same digest make the same of every record.
    SchemaDigest,
    "digest of a schema"
);
id!(
    /// Values of fields that tell one thing of a record type from all others. A digest, so that
    /// an index of mail addresses holds none.
    IdentityKey,
    "identity"
);

impl RecordId {
    /// The id of the canonical record that is made for a record of a provider, as the tenant's
    /// record of this number.
    ///
    /// The number comes first, so that ids are ordered as they were given: records that came
    /// together lie together, and a store is not read and written all over by one page. The rest
    /// makes that no id of one tenant names a record of another.
    pub fn new(
        number: u64,
        tenant: &TenantId,
        connection: &ConnectionId,
        place: [&str; 2],
    ) -> Self {
        let [entity, id] = place;
        let mut bytes = digest(b"record", &[tenant.as_str(), connection.as_str(), entity, id]);
        if let Some(front) = bytes.first_chunk_mut() {
            *front = number.to_be_bytes();
        }
        Self(bytes)
    }

    /// The number, from 1.
    pub fn number(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl IdentityKey {
    /// The key of these fields and their values. Fields of one set come in the same order each
    /// time; values are compared byte by byte, so the mapping has made them alike.
    pub fn of(record_type: &str, fields: &[(&str, &str)]) -> Self {
        let mut parts = vec![record_type];
        parts.extend(fields.iter().flat_map(|(name, value)| [*name, *value]));
        Self(digest(b"identity", &parts))
    }
}

/// Hashes texts with their lengths, so that no two lists of texts run into each other. A provider
/// chooses some of them, hence a hash for which nobody makes two texts collide.
fn digest(purpose: &[u8], parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(purpose);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_tells_the_bytes(bytes: [u8; 16]) {
            let id = RecordId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: String) {
            drop(text.parse::<RecordId>());
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "0", &"0".repeat(31), &"0".repeat(34), &"A".repeat(32), &"é".repeat(16)] {
            assert!(text.parse::<SchemaDigest>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ids_are_ordered_by_their_number_and_differ_by_their_origin() {
        let of = |number, tenant: &str, connection: &str, place| {
            RecordId::new(number, &tenant.parse().unwrap(), &connection.parse().unwrap(), place)
        };
        let ids = [
            of(1, "acme", "hub", ["b", "c"]),
            of(1, "acm", "ehub", ["b", "c"]),
            of(1, "acme", "hub", ["bc", ""]),
            of(255, "acme", "hub", ["b", "c"]),
            of(256, "acme", "hub", ["b", "c"]),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert!(ids[0] < ids[3] && ids[3] < ids[4]);
        assert_eq!((ids[0], ids[4].number()), (of(1, "acme", "hub", ["b", "c"]), 256));
    }

    #[test]
    fn identity_depends_on_type_fields_and_values() {
        let email = |record_type, value| IdentityKey::of(record_type, &[("email", value)]);
        assert_eq!(email("c_contact", "a@b"), email("c_contact", "a@b"));
        assert_ne!(email("c_contact", "a@b"), email("c_lead", "a@b"));
        assert_ne!(email("c_contact", "a@b"), email("c_contact", "a@c"));
        let two = IdentityKey::of("c_contact", &[("a", "b"), ("c", "d")]);
        assert_ne!(two, IdentityKey::of("c_contact", &[("a", "bc"), ("", "d")]));
    }
}

//! The row of a canonical record.
//!
//! version 1 · flags 1 · created 12 · changed 12 · record type: length 1, text · links: number 1,
//! each as below · document: the rest.
//!
//! Of a link: status 1 · direction 1 · provider, connection, entity and external id: length 2,
//! text · url: length 2, text, the empty one for none · identities: number 1, 16 each · document:
//! length 4, bytes, or the greatest length where it is that of the record.

use bytes::Bytes;
use model::Timestamp;
use model::canonical::{IdentityKey, RelationshipStatus};
use model::task::Direction;

use super::{Cursor, Malformed, push_timestamp};

const VERSION: u8 = 1;
const REMOVED: u8 = 1;
const SAME_DOC: u32 = u32::MAX;

/// A canonical record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Canonical {
    pub(crate) record_type: String,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) removed: bool,
    pub(crate) doc: Bytes,
    pub(crate) links: Vec<LinkRow>,
}

/// One of its links.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LinkRow {
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) entity: String,
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) direction: Direction,
    pub(crate) status: RelationshipStatus,
    pub(crate) identities: Vec<IdentityKey>,
    /// What the record of the provider was mapped to last.
    pub(crate) doc: Bytes,
}

impl LinkRow {
    pub(crate) fn is(&self, connection: &str, entity: &str, id: &str) -> bool {
        self.id == id && self.entity == entity && self.connection == connection
    }
}

/// Encodes a row; texts are shorter than 64 KiB, lists than 256 and documents than 4 GiB, as
/// checked before.
pub(crate) fn encode(record: &Canonical) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.doc.len() + 256);
    out.extend_from_slice(&[VERSION, if record.removed { REMOVED } else { 0 }]);
    push_timestamp(&mut out, record.created);
    push_timestamp(&mut out, record.changed);
    out.push(u8::try_from(record.record_type.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(record.record_type.as_bytes());
    out.push(u8::try_from(record.links.len()).unwrap_or(u8::MAX));
    for link in &record.links {
        push_link(&mut out, link, &record.doc);
    }
    out.extend_from_slice(&record.doc);
    out
}

/// Decodes a row.
pub(crate) fn decode(row: &[u8]) -> Result<Canonical, Malformed> {
    match row.split_first() {
        Some((&VERSION, rest)) => parse(Cursor(rest)).ok_or(Malformed::Shape),
        Some((&version, _)) => Err(Malformed::Version(version)),
        None => Err(Malformed::Shape),
    }
}

/// Whether a row is one of a record that is removed.
pub(crate) fn removed(row: &[u8]) -> Result<bool, Malformed> {
    match row {
        [VERSION, flags, ..] => is_removed(*flags).ok_or(Malformed::Shape),
        [VERSION] | [] => Err(Malformed::Shape),
        [version, ..] => Err(Malformed::Version(*version)),
    }
}

fn is_removed(flags: u8) -> Option<bool> {
    match flags {
        0 => Some(false),
        REMOVED => Some(true),
        _ => None,
    }
}

fn parse(mut rest: Cursor<'_>) -> Option<Canonical> {
    let removed = is_removed(rest.byte()?)?;
    let (created, changed) = (rest.timestamp()?, rest.timestamp()?);
    let length = usize::from(rest.byte()?);
    let record_type = text(rest.take(length)?)?;
    let number = rest.byte()?;
    let links = (0..number).map(|_| parse_link(&mut rest)).collect::<Option<Vec<_>>>()?;
    let doc = Bytes::copy_from_slice(rest.0);
    let links = links.into_iter().map(|(link, own)| match own {
        Some(doc) => LinkRow { doc, ..link },
        None => LinkRow { doc: doc.clone(), ..link },
    });
    Some(Canonical { record_type, created, changed, removed, links: links.collect(), doc })
}

fn push_link(out: &mut Vec<u8>, link: &LinkRow, doc: &Bytes) {
    out.extend_from_slice(&[status_byte(link.status), direction_byte(link.direction)]);
    let url = link.url.as_deref().unwrap_or_default();
    for text in [link.provider.as_str(), &link.connection, &link.entity, &link.id, url] {
        out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out.push(u8::try_from(link.identities.len()).unwrap_or(u8::MAX));
    for identity in &link.identities {
        out.extend_from_slice(identity.as_bytes());
    }
    if link.doc == *doc {
        out.extend_from_slice(&SAME_DOC.to_be_bytes());
    } else {
        out.extend_from_slice(&u32::try_from(link.doc.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&link.doc);
    }
}

/// The link, and its document where it has its own.
fn parse_link(rest: &mut Cursor<'_>) -> Option<(LinkRow, Option<Bytes>)> {
    let (status, direction) = (status(rest.byte()?)?, direction(rest.byte()?)?);
    let mut next = || {
        let length = usize::from(u16::from_be_bytes(rest.array()?));
        text(rest.take(length)?)
    };
    let (provider, connection, entity, id) = (next()?, next()?, next()?, next()?);
    let url = Some(next()?).filter(|url| !url.is_empty());
    let number = rest.byte()?;
    let identities = (0..number).map(|_| rest.array().map(IdentityKey::from_bytes));
    let identities = identities.collect::<Option<Vec<_>>>()?;
    let own = match u32::from_be_bytes(rest.array()?) {
        SAME_DOC => None,
        length => Some(Bytes::copy_from_slice(rest.take(usize::try_from(length).ok()?)?)),
    };
    let doc = Bytes::new();
    let link =
        LinkRow { provider, connection, entity, id, url, direction, status, identities, doc };
    Some((link, own))
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn status_byte(status: RelationshipStatus) -> u8 {
    match status {
        RelationshipStatus::Linked => 0,
        RelationshipStatus::Removed => 1,
        RelationshipStatus::Unmapped => 2,
    }
}

fn status(byte: u8) -> Option<RelationshipStatus> {
    match byte {
        0 => Some(RelationshipStatus::Linked),
        1 => Some(RelationshipStatus::Removed),
        2 => Some(RelationshipStatus::Unmapped),
        _ => None,
    }
}

fn direction_byte(direction: Direction) -> u8 {
    match direction {
        Direction::Inbound => 0,
        Direction::Outbound => 1,
        Direction::Both => 2,
    }
}

fn direction(byte: u8) -> Option<Direction> {
    match byte {
        0 => Some(Direction::Inbound),
        1 => Some(Direction::Outbound),
        2 => Some(Direction::Both),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doc() -> impl Strategy<Value = Bytes> {
        prop::sample::select(vec!["{}", r#"{"a":1}"#, ""]).prop_map(Bytes::from)
    }

    prop_compose! {
        fn link()(
            (provider, connection, entity, id) in any::<(String, String, String, String)>(),
            url in prop::option::of(".{1,9}"),
            (direction_at, status_at) in (0_u8..3, 0_u8..3),
            identities in prop::collection::vec(any::<[u8; 16]>(), 0..3),
            doc in doc(),
        ) -> LinkRow {
            let identities = identities.into_iter().map(IdentityKey::from_bytes).collect();
            let (direction, status) =
                (direction(direction_at).unwrap(), status(status_at).unwrap());
            LinkRow { provider, connection, entity, id, url, direction, status, identities, doc }
        }
    }

    proptest! {
        #[test]
        fn row_round_trips(
            (record_type, removed) in ("[a-z_]{1,9}", any::<bool>()),
            seconds in 0_i64..9,
            links in prop::collection::vec(link(), 0..4),
            doc in doc(),
        ) {
            let created = Timestamp::new(seconds, 1).unwrap();
            let changed = Timestamp::MAX;
            let record = Canonical { record_type, created, changed, removed, doc, links };
            prop_assert_eq!(decode(&encode(&record)), Ok(record));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut row: Vec<u8>, known: bool) {
            if let (true, Some(version)) = (known, row.first_mut()) {
                *version = VERSION;
            }
            drop(decode(&row));
        }
    }

    #[test]
    fn document_of_a_sole_link_lies_once() {
        let doc = Bytes::from(format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000)));
        let link = LinkRow {
            provider: "acme/hub".to_owned(),
            connection: "hub".to_owned(),
            entity: "contact".to_owned(),
            id: "1".to_owned(),
            url: None,
            direction: Direction::Inbound,
            status: RelationshipStatus::Linked,
            identities: Vec::new(),
            doc: doc.clone(),
        };
        let (created, changed) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let record_type = "c_contact".to_owned();
        let links = vec![link];
        let record = Canonical { record_type, created, changed, removed: false, doc, links };
        assert!(encode(&record).len() < 1_200);
    }

    #[test]
    fn unknown_version_is_told_apart_from_a_cut_row() {
        assert_eq!(decode(&[9, 0, 0]), Err(Malformed::Version(9)));
        assert_eq!(decode(&[1, 0, 0]), Err(Malformed::Shape));
        assert_eq!(decode(&[]), Err(Malformed::Shape));
    }
}

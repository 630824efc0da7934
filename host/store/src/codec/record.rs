//! The row of a record.
//!
//! version 1 · flags 1 · removal 1 · hash 16 · stored 12 · [link 33] · [modified 12] · [part:
//! length 2, text] · [version: length 2, text] · contents: length 4, JSON · payload: the rest.
//! What a page must know of the old row stands at its front, at fixed places.
//!
//! A row of version 1 has no link: no schema has ever mapped it. Such rows are still written, so
//! that a store in which nothing is mapped can be read by the program before.

use model::Timestamp;
use model::canonical::{Link, RecordId, SchemaDigest};
use model::record::Removal;

use super::{Cursor, Malformed, push_timestamp, timestamp};

const VERSION: u8 = 1;
const VERSION_LINKED: u8 = 2;
const HAS_MODIFIED: u8 = 1;
const HAS_PART: u8 = 2;
const HAS_VERSION: u8 = 4;
const REMOVAL_AT: usize = 2;
const STORED_AT: usize = 19;
const LINK_AT: usize = 31;
const LINK_BYTES: usize = 33;
const LINK_SCHEMA: u8 = 1;
const LINK_REJECTED: u8 = 2;
const LINK_RECORD: u8 = 4;

/// What a content hash says: xxh3-128 in big-endian.
pub(crate) type Hash = [u8; 16];

/// The row without its payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header<'a> {
    pub(crate) hash: Hash,
    pub(crate) stored: Timestamp,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) removed: Option<Removal>,
    /// What the mapping made of it.
    pub(crate) link: Link,
    pub(crate) part: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    /// JSON of the contents, or nothing.
    pub(crate) contents: &'a [u8],
}

/// What decides whether a record has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint {
    pub(crate) hash: Hash,
    pub(crate) removed: Option<Removal>,
    pub(crate) link: Link,
}

/// Hashes what makes a record differ from its earlier self.
///
/// Not seeded: a provider that makes two of its own payloads collide hides its own update only.
pub(crate) fn hash(payload: &[u8], version: Option<&str>, contents: &[u8]) -> Hash {
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    let version_length = version.map_or(u64::MAX, |text| to_u64(text.len()));
    hash.update(&version_length.to_be_bytes());
    hash.update(version.unwrap_or_default().as_bytes());
    hash.update(&to_u64(contents.len()).to_be_bytes());
    hash.update(contents);
    hash.update(payload);
    hash.digest128().to_be_bytes()
}

/// Appends the row; texts are shorter than 64 KiB and contents than 4 GiB, as checked before.
pub(crate) fn encode(out: &mut Vec<u8>, header: &Header<'_>, payload: &[u8]) {
    let flag = |present: bool, bit| if present { bit } else { 0 };
    let flags = flag(header.modified.is_some(), HAS_MODIFIED)
        | flag(header.part.is_some(), HAS_PART)
        | flag(header.version.is_some(), HAS_VERSION);
    let linked = header.link != Link::default();
    let version = if linked { VERSION_LINKED } else { VERSION };
    out.extend_from_slice(&[version, flags, removal_byte(header.removed)]);
    out.extend_from_slice(&header.hash);
    push_timestamp(out, header.stored);
    if linked {
        out.extend_from_slice(&link_bytes(header.link));
    }
    if let Some(modified) = header.modified {
        push_timestamp(out, modified);
    }
    for text in [header.part, header.version].into_iter().flatten() {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let length = u32::try_from(header.contents.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(header.contents);
    out.extend_from_slice(payload);
}

/// Splits a row into header and payload.
pub(crate) fn decode(row: &[u8]) -> Result<(Header<'_>, &[u8]), Malformed> {
    let (linked, mut rest) = versioned(row)?;
    parse(&mut rest, linked).map(|header| (header, rest.0)).ok_or(Malformed::Shape)
}

/// Reads what decides whether a record has changed.
pub(crate) fn fingerprint(row: &[u8]) -> Result<Fingerprint, Malformed> {
    let (linked, mut rest) = versioned(row)?;
    let mut read = || {
        let _flags = rest.byte()?;
        let removed = removal(rest.byte()?)?;
        let hash = rest.array()?;
        rest.timestamp()?;
        Some(Fingerprint { removed, hash, link: link(&mut rest, linked)? })
    };
    read().ok_or(Malformed::Shape)
}

/// Rewrites in place why the record is gone and when the store learnt it; the payload stays.
pub(crate) fn set_removed(row: &mut [u8], reason: Removal, at: Timestamp) {
    if let Some(byte) = row.get_mut(REMOVAL_AT) {
        *byte = removal_byte(Some(reason));
    }
    let stored = timestamp(at);
    if let Some(bytes) = row.get_mut(STORED_AT..STORED_AT + stored.len()) {
        bytes.copy_from_slice(&stored);
    }
}

/// Rewrites the link in place, in a row that was encoded with one.
pub(crate) fn set_link(row: &mut [u8], link: Link) {
    if row.first() == Some(&VERSION_LINKED)
        && let Some(bytes) = row.get_mut(LINK_AT..LINK_AT + LINK_BYTES)
    {
        bytes.copy_from_slice(&link_bytes(link));
    }
}

/// Appends the row with another link.
pub(crate) fn relink(out: &mut Vec<u8>, row: &[u8], link: Link) -> Result<(), Malformed> {
    let (linked, _) = versioned(row)?;
    let tail = if linked { LINK_AT + LINK_BYTES } else { LINK_AT };
    let (Some(head), Some(tail)) = (row.get(1..LINK_AT), row.get(tail..)) else {
        return Err(Malformed::Shape);
    };
    let links = link != Link::default();
    out.push(if links { VERSION_LINKED } else { VERSION });
    out.extend_from_slice(head);
    if links {
        out.extend_from_slice(&link_bytes(link));
    }
    out.extend_from_slice(tail);
    Ok(())
}

/// Tells whether the row has a link.
fn versioned(row: &[u8]) -> Result<(bool, Cursor<'_>), Malformed> {
    match row.split_first() {
        Some((&VERSION, rest)) => Ok((false, Cursor(rest))),
        Some((&VERSION_LINKED, rest)) => Ok((true, Cursor(rest))),
        Some((&version, _)) => Err(Malformed::Version(version)),
        None => Err(Malformed::Shape),
    }
}

fn parse<'a>(rest: &mut Cursor<'a>, linked: bool) -> Option<Header<'a>> {
    let flags = rest.byte()?;
    if flags & !(HAS_MODIFIED | HAS_PART | HAS_VERSION) != 0 {
        return None;
    }
    let removed = removal(rest.byte()?)?;
    let hash = rest.array()?;
    let stored = rest.timestamp()?;
    let link = link(rest, linked)?;
    let modified = if flags & HAS_MODIFIED == 0 { None } else { Some(rest.timestamp()?) };
    let part = text(rest, flags & HAS_PART != 0)?;
    let version = text(rest, flags & HAS_VERSION != 0)?;
    let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
    let contents = rest.take(length)?;
    Some(Header { hash, stored, modified, removed, link, part, version, contents })
}

fn link(rest: &mut Cursor<'_>, linked: bool) -> Option<Link> {
    if !linked {
        return Some(Link::default());
    }
    let flags = rest.byte()?;
    let (schema, record) = (rest.array()?, rest.array()?);
    Some(Link {
        schema: (flags & LINK_SCHEMA != 0).then(|| SchemaDigest::from_bytes(schema)),
        rejected: flags & LINK_REJECTED != 0,
        record: (flags & LINK_RECORD != 0).then(|| RecordId::from_bytes(record)),
    })
}

fn link_bytes(link: Link) -> [u8; LINK_BYTES] {
    let flag = |present: bool, bit| if present { bit } else { 0 };
    let flags = flag(link.schema.is_some(), LINK_SCHEMA)
        | flag(link.rejected, LINK_REJECTED)
        | flag(link.record.is_some(), LINK_RECORD);
    let mut bytes = [0; LINK_BYTES];
    let (first, ids) = bytes.split_at_mut(1);
    let (schema, record) = ids.split_at_mut(16);
    first.copy_from_slice(&[flags]);
    schema.copy_from_slice(&link.schema.map_or([0; 16], |digest| *digest.as_bytes()));
    record.copy_from_slice(&link.record.map_or([0; 16], |id| *id.as_bytes()));
    bytes
}

#[expect(clippy::option_option, reason = "absent, present, and cut short are three things")]
fn text<'a>(rest: &mut Cursor<'a>, present: bool) -> Option<Option<&'a str>> {
    if !present {
        return Some(None);
    }
    let length = usize::from(u16::from_be_bytes(rest.array()?));
    std::str::from_utf8(rest.take(length)?).ok().map(Some)
}

fn removal_byte(removed: Option<Removal>) -> u8 {
    match removed {
        None => 0,
        Some(Removal::Deleted) => 1,
        Some(Removal::Archived) => 2,
        Some(Removal::Merged) => 3,
        Some(Removal::Hidden) => 4,
        Some(Removal::Other) => 5,
    }
}

#[expect(clippy::option_option, reason = "not removed, removed, and unknown are three things")]
fn removal(byte: u8) -> Option<Option<Removal>> {
    Some(match byte {
        0 => None,
        1 => Some(Removal::Deleted),
        2 => Some(Removal::Archived),
        3 => Some(Removal::Merged),
        4 => Some(Removal::Hidden),
        5 => Some(Removal::Other),
        _ => return None,
    })
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant() -> impl Strategy<Value = Timestamp> {
        (-1_000_000_000_000_000_i64..1_000_000_000_000_000)
            .prop_map(|ms| Timestamp::from_microsecond(ms).unwrap())
    }

    fn reason() -> impl Strategy<Value = Removal> {
        use Removal::{Archived, Deleted, Hidden, Merged, Other};
        prop::sample::select(vec![Deleted, Archived, Merged, Hidden, Other])
    }

    fn link() -> impl Strategy<Value = Link> {
        any::<(Option<[u8; 16]>, bool, Option<[u8; 16]>)>().prop_map(
            |(schema, rejected, record)| Link {
                schema: schema.map(SchemaDigest::from_bytes),
                rejected,
                record: record.map(RecordId::from_bytes),
            },
        )
    }

    proptest! {
        #[test]
        fn row_round_trips(
            (stored, modified) in (instant(), prop::option::of(instant())),
            (removed, link) in (prop::option::of(reason()), link()),
            (part, version) in any::<(Option<String>, Option<String>)>(),
            (contents, payload) in any::<(Vec<u8>, Vec<u8>)>(),
        ) {
            let (part, version) = (part.as_deref(), version.as_deref());
            let contents = contents.as_slice();
            let hash = hash(&payload, version, contents);
            let header = Header { hash, stored, modified, removed, link, part, version, contents };
            let mut row = Vec::new();
            encode(&mut row, &header, &payload);
            prop_assert_eq!(decode(&row), Ok((header, &payload[..])));
            prop_assert_eq!(fingerprint(&row), Ok(Fingerprint { hash, removed, link }));
        }

        #[test]
        fn relinked_row_has_the_other_link_and_is_else_the_same(old in link(), new in link()) {
            let header = Header {
                hash: [7; 16], stored: Timestamp::UNIX_EPOCH, modified: None, removed: None,
                link: old, part: Some("list"), version: None, contents: b"[]",
            };
            let (mut row, mut expected, mut relinked) = (Vec::new(), Vec::new(), Vec::new());
            encode(&mut row, &header, b"{}");
            encode(&mut expected, &Header { link: new, ..header }, b"{}");
            relink(&mut relinked, &row, new).unwrap();
            prop_assert_eq!(&relinked, &expected);
            if old != Link::default() && new != Link::default() {
                set_link(&mut row, new);
                prop_assert_eq!(row, expected);
            }
        }

        #[test]
        fn removal_changes_reason_and_instant_alone(reason in reason(), at in instant()) {
            let header = Header {
                hash: [7; 16], stored: Timestamp::UNIX_EPOCH, modified: None, removed: None,
                link: Link::default(), part: Some("list"), version: None, contents: b"[]",
            };
            let mut row = Vec::new();
            encode(&mut row, &header, b"{}");
            set_removed(&mut row, reason, at);
            let header = Header { removed: Some(reason), stored: at, ..header };
            prop_assert_eq!(decode(&row), Ok((header, &b"{}"[..])));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut row: Vec<u8>, known in 0_u8..3) {
            if let (1..=2, Some(version)) = (known, row.first_mut()) {
                *version = known;
            }
            prop_assert!(decode(&row).is_err() || fingerprint(&row).is_ok());
            prop_assert!(decode(&row).is_err() || relink(&mut Vec::new(), &row, Link::default()).is_ok());
            set_removed(&mut row, Removal::Other, Timestamp::MAX);
        }
    }

    #[test]
    fn version_and_contents_are_part_of_the_hash() {
        let all = [
            hash(b"{}", None, b""),
            hash(b"{}", Some(""), b""),
            hash(b"{}", Some("1"), b""),
            hash(b"{}", None, b"[1]"),
            hash(b"[1]{}", None, b""),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    /// Bytes as the first version wrote them: a row that nothing has mapped is still that.
    #[test]
    fn row_without_a_link_is_what_the_program_before_wrote() {
        let mut row = vec![1, HAS_PART, 2];
        row.extend_from_slice(&[7; 16]);
        row.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 1, b'x', 0, 0, 0, 0]);
        row.extend_from_slice(b"{}");
        let header = Header {
            hash: [7; 16],
            stored: Timestamp::new(9, 0).unwrap(),
            modified: None,
            removed: Some(Removal::Archived),
            link: Link::default(),
            part: Some("x"),
            version: None,
            contents: b"",
        };
        let mut written = Vec::new();
        encode(&mut written, &header, b"{}");
        assert_eq!(decode(&row), Ok((header, &b"{}"[..])));
        assert_eq!(written, row);
    }

    #[test]
    fn unknown_version_is_told_apart_from_a_cut_row() {
        assert_eq!(decode(&[3, 0, 0]), Err(Malformed::Version(3)));
        assert_eq!(decode(&[2, 0, 0]), Err(Malformed::Shape));
        assert_eq!(decode(&[1, 0, 0]), Err(Malformed::Shape));
        assert_eq!(decode(&[]), Err(Malformed::Shape));
    }
}

//! The archive: ustar in the one spelling that the writer has.
//!
//! A reader of its own, because a lenient one (links, extension headers, two names for a file)
//! is how archives have been made to mean two things.

use bytes::Bytes;

use super::BundleError;

/// The unit of the format.
const BLOCK: usize = 512;
/// Two zero blocks end an archive.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// Where the size stands in a header.
const SIZE: std::ops::Range<usize> = 124..135;
/// Where the checksum stands.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// The fields of a header by where they end, for complaints.
const FIELDS: [(usize, &str); 16] = [
    (100, "name"),
    (108, "mode"),
    (116, "uid"),
    (124, "gid"),
    (136, "size"),
    (148, "mtime"),
    (156, "checksum"),
    (157, "type"),
    (257, "link name"),
    (263, "magic"),
    (265, "version"),
    (297, "user name"),
    (329, "group name"),
    (345, "device"),
    (500, "prefix"),
    (512, "padding"),
];

/// Appends a file.
pub(super) fn append(archive: &mut Vec<u8>, name: &str, body: &[u8]) {
    archive.extend_from_slice(&header(name, body.len()));
    archive.extend_from_slice(body);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

/// Ends the archive.
pub(super) fn finish(archive: &mut Vec<u8>) {
    archive.extend_from_slice(&END);
}

/// Reads all files in their order; at most `most`.
pub(super) fn read(archive: &Bytes, most: usize) -> Result<Vec<(String, Bytes)>, BundleError> {
    let mut files = Vec::new();
    let mut at = 0;
    while archive.get(at..).is_some_and(|rest| rest.iter().take(BLOCK).any(|byte| *byte != 0)) {
        if files.len() == most {
            return Err(BundleError::Count);
        }
        let (name, size) = read_header(archive, at)?;
        if size > archive.len() {
            return Err(BundleError::Truncated);
        }
        let start = at + BLOCK;
        let end = start + size;
        let padded = end.next_multiple_of(BLOCK);
        let Some(padding) = archive.get(end..padded) else { return Err(BundleError::Truncated) };
        if padding.iter().any(|byte| *byte != 0) {
            return Err(BundleError::Padding(name));
        }
        files.push((name, archive.slice(start..end)));
        at = padded;
    }
    let rest = archive.get(at..).unwrap_or_default();
    match rest.strip_prefix(&END) {
        Some([]) => Ok(files),
        Some(trailing) => Err(BundleError::Trailing(trailing.len())),
        None if rest.iter().all(|byte| *byte == 0) => Err(BundleError::Truncated),
        None => Err(BundleError::Trailing(rest.len())),
    }
}

fn read_header(archive: &[u8], at: usize) -> Result<(String, usize), BundleError> {
    let found = archive.get(at..at + BLOCK).ok_or(BundleError::Truncated)?;
    let name: Vec<u8> = found.iter().take(100).copied().take_while(|byte| *byte != 0).collect();
    let name = String::from_utf8(name).ok().filter(|name| !name.is_empty());
    let name = name.ok_or(BundleError::Header { at, field: "name" })?;
    let digits = found.get(SIZE).and_then(|digits| std::str::from_utf8(digits).ok());
    let size = digits.and_then(|digits| usize::from_str_radix(digits, 8).ok());
    let size = size.ok_or(BundleError::Header { at, field: "size" })?;
    let expected = header(&name, size);
    let mut wrong = (0..BLOCK).filter(|index| found.get(*index) != expected.get(*index));
    // Another field says more than the checksum, which is wrong whenever anything is.
    let first = wrong.clone().find(|index| !CHECKSUM.contains(index)).or_else(|| wrong.next());
    match first.and_then(|index| FIELDS.iter().find(|(end, _)| index < *end)) {
        Some((_, field)) => Err(BundleError::Header { at, field }),
        None => Ok((name, size)),
    }
}

/// The only header that a file of this name and size has.
fn header(name: &str, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        header.iter_mut().skip(at).zip(text).for_each(|(to, from)| *to = *from);
    };
    put(0, name.as_bytes());
    put(100, b"0000644");
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000000");
    put(148, b"        0");
    put(257, b"ustar\x0000");
    put(329, b"0000000");
    put(337, b"0000000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let checksum = format!("{sum:06o}\0 ");
    header.iter_mut().skip(148).zip(checksum.as_bytes()).for_each(|(to, from)| *to = *from);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut archive = Vec::new();
        append(&mut archive, "a", b"one");
        append(&mut archive, "b/c", &[7; 512]);
        append(&mut archive, "d", b"");
        finish(&mut archive);
        archive
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>), expected: &BundleError) {
        let mut archive = archive();
        change(&mut archive);
        assert_eq!(read(&archive.into(), 9).as_ref(), Err(expected));
    }

    #[test]
    fn what_was_written_is_read() {
        let files = read(&archive().into(), 3).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b/c", "d"]);
        assert_eq!(files[0].1.as_ref(), b"one");
        assert_eq!(read(&archive().into(), 2), Err(BundleError::Count));
        assert_eq!(archive().len(), 7 * BLOCK);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let field = |field| BundleError::Header { at: 0, field };
        check(|archive| archive[0] = b'x', &field("checksum"));
        check(|archive| archive[50] = b'x', &field("name"));
        check(|archive| archive[0] = 0xff, &field("name"));
        check(|archive| archive[105] = b'7', &field("mode"));
        check(|archive| archive[124] = b'x', &field("size"));
        check(|archive| archive[124] = b'+', &field("size"));
        check(|archive| archive[134] = b'4', &field("checksum"));
        check(|archive| archive[146] = b'1', &field("mtime"));
        check(|archive| archive[156] = b'2', &field("type"));
        check(|archive| archive[157] = b'/', &field("link name"));
        check(|archive| archive[263] = b' ', &field("version"));
        check(|archive| archive[345] = b'p', &field("prefix"));
        check(|archive| archive[BLOCK + 3] = 1, &BundleError::Padding("a".to_owned()));
        check(|archive| archive.truncate(6 * BLOCK), &BundleError::Truncated);
        check(|archive| archive.truncate(BLOCK + 1), &BundleError::Truncated);
        check(|archive| archive.truncate(100), &BundleError::Truncated);
        check(Vec::clear, &BundleError::Truncated);
        check(|archive| archive.push(0), &BundleError::Trailing(1));
        check(|archive| archive.extend([0; BLOCK]), &BundleError::Trailing(BLOCK));
        check(|archive| *archive.last_mut().unwrap() = 1, &BundleError::Trailing(2 * BLOCK));
    }
}

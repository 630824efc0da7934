//! The archive and its list of contents.

use package::{Bundle, BundleError, Phase, VerifyError, pack};

use crate::support::{Refusal, WASM, admit, entry, good, members, raw, trust_of, trust_text};

#[test]
fn the_untouched_package_is_admitted_and_read_back_byte_for_byte() {
    let (bytes, trust) = (good().to_bytes(), trust_of(&trust_text()));
    for phase in [Phase::Install, Phase::Load] {
        let verified = admit(bytes.clone(), &trust, phase).unwrap();
        assert_eq!(
            (verified.name(), verified.version().to_string().as_str()),
            ("acme/crm", "1.2.0")
        );
        assert_eq!(verified.digest(), good().digest());
        assert_eq!(verified.wasm().as_ref(), WASM);
        assert_eq!((verified.signers()[0].owner.as_str(), verified.signers().len()), ("acme", 1));
        assert_eq!(
            (verified.reviewers()[0].owner.as_str(), verified.reviewers().len()),
            ("security", 1)
        );
        assert_eq!(verified.bundle().to_bytes(), bytes);
    }
}

/// Where a byte of the file belongs: the file in the archive, and the part of it.
fn part_of(bytes: &[u8], at: usize) -> (String, &'static str) {
    let mut start = 0;
    while bytes[start] != 0 {
        let name = bytes[start..].iter().take_while(|byte| **byte != 0).copied().collect();
        let name = String::from_utf8(name).unwrap();
        let size = std::str::from_utf8(&bytes[start + 124..start + 135]).unwrap();
        let body = start + 512;
        let end = body + usize::from_str_radix(size, 8).unwrap();
        match at {
            _ if at < body => return (name, "header"),
            _ if at < end => return (name, "body"),
            _ if at < end.next_multiple_of(512) => return (name, "padding"),
            _ => start = end.next_multiple_of(512),
        }
    }
    (String::new(), "trailer")
}

/// Whether this is how a change of that part may be refused.
fn is_apt((name, part): (&str, &str), refusal: &Refusal) -> bool {
    use BundleError as Form;
    match (name, part, refusal) {
        (_, "header", Refusal::Form(error)) => matches!(error, Form::Header { .. }),
        (_, "padding", Refusal::Form(error)) => *error == Form::Padding(name.to_owned()),
        (_, "trailer", Refusal::Form(error)) => {
            matches!(error, Form::Trailing(_) | Form::Header { .. } | Form::Truncated)
        }
        ("attestations.jsonl", "body", Refusal::Form(error)) => {
            matches!(error, Form::Envelope { .. } | Form::Lines)
        }
        ("attestations.jsonl", "body", Refusal::Proof(error)) => matches!(
            error,
            // A changed key id makes a stranger of the signer.
            VerifyError::BadSignature { .. }
                | VerifyError::PayloadType(_)
                | VerifyError::PublisherThreshold { .. }
                | VerifyError::NoReview
        ),
        ("contents.json", "body", Refusal::Form(error)) => matches!(
            error,
            Form::Contents(_) | Form::Digest(_) | Form::Name(_) | Form::Order(_) | Form::Missing(_)
        ),
        (_, "body", Refusal::Form(error)) => *error == Form::Digest(name.to_owned()),
        _ => false,
    }
}

#[test]
fn a_flipped_bit_of_any_byte_is_refused_for_a_reason_that_fits_its_place() {
    let (bytes, trust) = (good().to_bytes(), trust_of(&trust_text()));
    for at in 0..bytes.len() {
        let (name, part) = part_of(&bytes, at);
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let refusal = admit(changed, &trust, Phase::Load).unwrap_err();
        assert!(is_apt((&name, part), &refusal), "byte {at} of {name} ({part}): {refusal:?}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = good().to_bytes();
    for length in (0..bytes.len()).step_by(7) {
        let error = Bundle::read(bytes[..length].to_vec().into()).unwrap_err();
        assert!(matches!(error, BundleError::Truncated), "{length}: {error:?}");
    }
}

#[track_caller]
fn form(bytes: Vec<u8>, expected: &BundleError) {
    assert_eq!(Bundle::read(bytes.into()).as_ref().err(), Some(expected));
}

#[test]
fn trailing_bytes_are_refused() {
    for trailing in [1, 512, 9216] {
        let bytes = [good().to_bytes(), vec![0; trailing]].concat();
        form(bytes, &BundleError::Trailing(trailing));
    }
    let twice = good().to_bytes().repeat(2);
    form(twice, &BundleError::Trailing(good().to_bytes().len()));
}

/// The files of a good package, raw: contents first, then the members in order.
fn files() -> Vec<(String, Vec<u8>)> {
    let bundle = Bundle::read(pack(members()).unwrap().into()).unwrap();
    let mut files = vec![("contents.json".to_owned(), bundle.contents().to_vec())];
    for name in ["adapter.toml", "adapter.wasm", "README.md", "mappings/contact.json"] {
        files.push((name.to_owned(), bundle.members()[name].to_vec()));
    }
    files
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    raw(&files.iter().map(|(name, body)| entry(name, body)).collect::<Vec<_>>())
}

#[test]
fn members_that_are_swapped_renamed_added_or_removed_are_refused() {
    assert_eq!(archive(&files()), pack(members()).unwrap());
    let changed = |change: fn(&mut Vec<(String, Vec<u8>)>)| {
        let mut files = files();
        change(&mut files);
        archive(&files)
    };
    let name = |name: &str| name.to_owned();
    form(changed(|files| files.swap(1, 2)), &BundleError::Order(name("adapter.wasm")));
    form(changed(|files| files.swap(3, 4)), &BundleError::Order(name("mappings/contact.json")));
    form(changed(|files| files.swap(0, 1)), &BundleError::Missing(name("contents.json")));
    form(
        changed(|files| {
            let body = files[3].1.clone();
            files[4].1 = body;
        }),
        &BundleError::Digest(name("mappings/contact.json")),
    );
    form(changed(|files| files.truncate(4)), &BundleError::Missing(name("mappings/contact.json")));
    form(changed(|files| drop(files.remove(2))), &BundleError::Order(name("README.md")));
    form(
        changed(|files| files.push(("sbom.json".to_owned(), b"{}".to_vec()))),
        &BundleError::Unlisted(name("sbom.json")),
    );
    form(
        changed(|files| files.push(files[2].clone())),
        &BundleError::Repeated(name("adapter.wasm")),
    );
    form(
        changed(|files| files.insert(3, files[2].clone())),
        &BundleError::Repeated(name("adapter.wasm")),
    );
    form(
        changed(|files| files.insert(1, files[0].clone())),
        &BundleError::Order(name("contents.json")),
    );
    form(
        changed(|files| files.push(("attestations.jsonl".to_owned(), b"{}\n".to_vec()))),
        &BundleError::Unlisted(name("attestations.jsonl")),
    );
}

#[test]
fn names_that_lead_out_of_the_package_are_refused() {
    for name in [
        "../evil",
        "/etc/passwd",
        "mappings/../../evil",
        "mappings//x",
        "mappings/./x",
        "..",
        "mappings\\x",
        "C:/x",
        "mappings/x\u{202e}",
        "Adapter.toml",
        "evil.sh",
    ] {
        let mut files = files();
        files.push((name.to_owned(), b"x".to_vec()));
        form(archive(&files), &BundleError::Name(name.to_owned()));
        let mut files = self::files();
        let contents = String::from_utf8(files[0].1.clone()).unwrap();
        let title = serde_json::Value::from(name).to_string();
        files[0].1 = contents.replace("\"mappings/contact.json\"", &title).into_bytes();
        form(archive(&files), &BundleError::Name(name.to_owned()));
    }
}

#[test]
fn entries_that_are_no_plain_files_are_refused() {
    let base = archive(&files());
    let with_field = |at: usize, text: &[u8]| {
        let mut bytes = base.clone();
        bytes[at..at + text.len()].copy_from_slice(text);
        // The checksum is made right, so that the field itself is what is wrong.
        bytes[148..156].copy_from_slice(b"        ");
        let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes
    };
    for kind in *b"123456xgLK\0" {
        form(with_field(156, &[kind]), &BundleError::Header { at: 0, field: "type" });
    }
    form(with_field(100, b"0000755"), &BundleError::Header { at: 0, field: "mode" });
    form(with_field(108, b"0001750"), &BundleError::Header { at: 0, field: "uid" });
    form(with_field(136, b"14371573"), &BundleError::Header { at: 0, field: "mtime" });
    form(with_field(157, b"/etc/passwd"), &BundleError::Header { at: 0, field: "link name" });
    form(with_field(265, b"root"), &BundleError::Header { at: 0, field: "user name" });
    form(with_field(345, b".."), &BundleError::Header { at: 0, field: "prefix" });
    form(with_field(257, b"ustar  \0"), &BundleError::Header { at: 0, field: "magic" });
}

#[track_caller]
fn contents(from: &str, to: &str, expected: fn(&BundleError) -> bool) {
    let mut files = files();
    let text = String::from_utf8(files[0].1.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    files[0].1 = text.replacen(from, to, 1).into_bytes();
    let error = Bundle::read(archive(&files).into()).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn the_list_of_contents_is_closed() {
    fn says(error: &BundleError, part: &str) -> bool {
        matches!(error, BundleError::Contents(text) if text.contains(part))
    }
    contents("{\"schema", "{\"x\":1,\"schema", |e| says(e, "unknown field `x`"));
    contents("{\"schema", "{\"schemaVersion\":2,\"schema", |e| says(e, "is repeated"));
    contents("\"size\":", "\"size\":1,\"size\":", |e| says(e, "is repeated"));
    contents("\"size\":", "\"urls\":[],\"size\":", |e| says(e, "unknown field `urls`"));
    contents(":2,", ":3,", |e| says(e, "schemaVersion is 3"));
    contents("image.manifest.v1", "image.index.v1", |e| says(e, "mediaType is"));
    contents("adapter.v1", "adapter.v2", |e| says(e, "artifactType is"));
    contents("application/wasm", "application/json", |e| says(e, "of adapter.wasm is"));
    contents("\"sha256:", "\"sha512:", |e| matches!(e, BundleError::Digest(_)));
    contents("\"size\":", "\"size\":1", |e| matches!(e, BundleError::Digest(_)));
    contents("README.md", "LICENSE", |e| matches!(e, BundleError::Contents(_)));
    contents("README.md", "adapter.wasm", |e| matches!(e, BundleError::Repeated(_)));
    contents("README.md", "schemas/a.md", |e| matches!(e, BundleError::Order(_)));
    contents("adapter.wasm", "schemas/a", |e| matches!(e, BundleError::Missing(_)));
}

#[test]
fn caps_hold_when_reading_and_when_packing() {
    let mut many = members();
    many.extend((0..package::bundle::MEMBERS_MAX).map(|n| (format!("fixtures/{n}"), Vec::new())));
    assert_eq!(pack(many), Err(BundleError::Count));
    let large = crate::support::members_with("adapter.wasm", &vec![0; 16 * 1024 * 1024 + 1]);
    assert_eq!(pack(large), Err(BundleError::WasmSize(16 * 1024 * 1024 + 1)));
    form(vec![0; 32 * 1024 * 1024 + 1], &BundleError::Size(32 * 1024 * 1024 + 1));
    let empty: Vec<Vec<u8>> = (0..300).map(|n| entry(&format!("fixtures/{n}"), b"")).collect();
    form(raw(&empty), &BundleError::Count);
    let mut files = files();
    files.insert(0, ("attestations.jsonl".to_owned(), vec![b'x'; 256 * 1024 + 1]));
    form(archive(&files), &BundleError::AttestationsSize(256 * 1024 + 1));
}

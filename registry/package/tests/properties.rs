//! Bytes from strangers: whatever they are, reading them ends with a value or an error.

#![cfg(test)]

use std::collections::BTreeMap;

use package::envelope::IN_TOTO;
use package::statement::Statement;
use package::{Bundle, Envelope, Manifest, PrivateKey, TrustFile, pack};
use proptest::prelude::*;

const MANIFEST: &str = include_str!("manifests/good.toml");

fn members(more: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let mut members = more.clone();
    members.insert("adapter.toml".to_owned(), MANIFEST.as_bytes().to_vec());
    members.insert("adapter.wasm".to_owned(), b"\0asm\x0d\0\x01\0".to_vec());
    members
}

fn file() -> Vec<u8> {
    let mut bundle = Bundle::read(pack(members(&BTreeMap::new())).unwrap().into()).unwrap();
    let payload = Statement::release("acme/acme", "1.2.0", bundle.digest()).to_json();
    let key = PrivateKey::from_seed([1; 32]);
    bundle.add_envelope(Envelope::sign(&key, IN_TOTO, &payload)).unwrap();
    bundle.to_bytes()
}

/// A change of some bytes: overwrite, insert or remove at a place.
#[derive(Clone, Debug)]
enum Change {
    Overwrite(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
}

fn changes(length: usize) -> impl Strategy<Value = Vec<Change>> {
    let bytes = || prop::collection::vec(prop_oneof![any::<u8>(), 0x20_u8..0x7f], 1..8);
    let change = prop_oneof![
        (0..length, bytes()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        (0..length, bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (0..length, 1_usize..600).prop_map(|(at, count)| Change::Remove(at, count)),
    ];
    prop::collection::vec(change, 1..6)
}

fn apply(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        match change {
            Change::Overwrite(at, with) => {
                bytes.iter_mut().skip(*at).zip(with).for_each(|(to, from)| *to = *from);
            }
            Change::Insert(at, with) => {
                let at = (*at).min(bytes.len());
                bytes.splice(at..at, with.iter().copied());
            }
            Change::Remove(at, count) => {
                let at = (*at).min(bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
        }
    }
    bytes
}

fn member_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "(mappings|schemas|fixtures)/[a-z0-9_][a-z0-9_.-]{0,20}",
        "fixtures/[a-z0-9]{1,8}/[a-z0-9]{1,8}[.]json",
        Just("README.md".to_owned()),
        Just("LICENSE".to_owned()),
    ]
}

fn more_members() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let body = prop::collection::vec(any::<u8>(), 0..1500);
    prop::collection::btree_map(member_name(), body, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_package_never_breaks_the_reader(changes in changes(file().len())) {
        let changed = apply(file(), &changes);
        if let Ok(bundle) = Bundle::read(changed.into()) {
            let again = Bundle::read(bundle.to_bytes().into());
            prop_assert_eq!(again.as_ref(), Ok(&bundle));
        }
    }

    #[test]
    fn any_bytes_never_break_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Bundle::read(bytes.clone().into()).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(Manifest::parse(&text).is_err());
        prop_assert!(TrustFile::parse(&text).is_err());
        prop_assert!(Envelope::parse(&text).is_err());
        prop_assert!(Statement::parse(&bytes).is_err());
    }

    #[test]
    fn a_changed_manifest_never_breaks_the_reader(changes in changes(MANIFEST.len())) {
        let changed = apply(MANIFEST.as_bytes().to_vec(), &changes);
        let text = String::from_utf8_lossy(&changed);
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(error.line.is_none_or(|line| line <= text.matches('\n').count() + 1));
            prop_assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn what_is_packed_is_read_and_packs_to_the_same_bytes(more in more_members()) {
        let members = members(&more);
        let bytes = pack(members.clone()).unwrap();
        let bundle = Bundle::read(bytes.clone().into()).unwrap();
        let read = bundle.members().iter().map(|(name, body)| (name.clone(), body.to_vec()));
        prop_assert_eq!(&read.collect::<BTreeMap<_, _>>(), &members);
        prop_assert_eq!(&bundle.to_bytes(), &bytes);
        // Inserted from behind, the members are the same.
        let reversed: BTreeMap<_, _> = members.into_iter().rev().collect();
        prop_assert_eq!(pack(reversed).unwrap(), bytes);
    }
}

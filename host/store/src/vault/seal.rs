//! Sealing: XChaCha20-Poly1305 under a random nonce, bound to the place of the secret.
//!
//! version 1 · algorithm 1 · key id 16 · nonce 24 · ciphertext and tag. The place is
//! authenticated and not stored, so a row that is moved or put back does not open.

use chacha20poly1305::{AeadInOut as _, XNonce};
use model::store::StoreError;
use zeroize::Zeroizing;

use super::key::{Key, KeyId, random};
use crate::codec::Cursor;

const VERSION: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Where a secret belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a str,
    /// What kind of object holds it.
    pub(crate) kind: &'a str,
    pub(crate) object: &'a str,
    pub(crate) field: &'a str,
    /// Counts how often the secrets of the object were replaced.
    pub(crate) generation: u64,
}

impl Key {
    /// Seals a secret for its place.
    pub(crate) fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        // With room for the tag, so that no copy of the plaintext is left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(plaintext.len() + TAG_BYTES));
        text.extend_from_slice(plaintext);
        self.cipher
            .encrypt_in_place(&XNonce::from(nonce), &associated(place, &self.id), &mut *text)
            .map_err(|_opaque| too_long())?;
        let mut sealed = vec![VERSION, XCHACHA20_POLY1305];
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed for this place with this key; nothing if it was not.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut rest = Cursor(sealed);
        if (rest.byte()?, rest.byte()?) != (VERSION, XCHACHA20_POLY1305) {
            return None;
        }
        // The cipher does not commit to its key; the derived id does.
        if rest.array::<{ size_of::<KeyId>() }>()? != self.id {
            return None;
        }
        let nonce = XNonce::from(rest.array::<NONCE_BYTES>()?);
        let mut text = Zeroizing::new(rest.0.to_vec());
        self.cipher.decrypt_in_place(&nonce, &associated(place, &self.id), &mut *text).ok()?;
        Some(text)
    }
}

/// Every part with its length before it, so that no two places read the same.
fn associated(place: &Place<'_>, key: &KeyId) -> Vec<u8> {
    let generation = place.generation.to_be_bytes();
    let parts: [&[u8]; 8] = [
        &[VERSION],
        &[XCHACHA20_POLY1305],
        place.tenant.as_bytes(),
        place.kind.as_bytes(),
        place.object.as_bytes(),
        place.field.as_bytes(),
        &generation,
        key,
    ];
    let mut bytes = Vec::with_capacity(256);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn too_long() -> StoreError {
    StoreError::new(model::store::StoreErrorKind::Invalid, "the secret is too long to be sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place<'static> =
        Place { tenant: "acme", kind: "connection", object: "hub", field: "token", generation: 3 };

    fn key() -> Key {
        Key::create(&tempfile::tempdir().unwrap().path().join("vault.key")).unwrap()
    }

    #[track_caller]
    fn check(place: Place<'_>, opens: bool) {
        let key = key();
        let sealed = key.seal(&PLACE, b"hunter2").unwrap();
        let opened = key.open(&place, &sealed).map(|text| text.to_vec());
        assert_eq!(opened, opens.then(|| b"hunter2".to_vec()), "{place:?}");
    }

    #[test]
    fn secret_opens_in_its_own_place_alone() {
        check(PLACE, true);
        check(Place { tenant: "other", ..PLACE }, false);
        check(Place { kind: "webhook", ..PLACE }, false);
        check(Place { object: "hub2", ..PLACE }, false);
        check(Place { field: "secret", ..PLACE }, false);
        check(Place { generation: 2, ..PLACE }, false);
        check(Place { object: "hubt", field: "oken", ..PLACE }, false);
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let key = key();
        let sealed = key.seal(&PLACE, b"hunter2").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&PLACE, &changed).is_none(), "byte {at}");
            assert!(key.open(&PLACE, &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        assert!(key().open(&PLACE, &key().seal(&PLACE, b"hunter2").unwrap()).is_none());
    }

    #[test]
    fn same_secret_is_never_sealed_the_same() {
        let key = key();
        let sealed = || key.seal(&PLACE, b"hunter2").unwrap();
        assert_ne!(sealed(), sealed());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_open_and_do_not_panic(bytes: Vec<u8>, head: bool) {
            let key = key();
            let mut sealed = if head { vec![VERSION, XCHACHA20_POLY1305] } else { Vec::new() };
            if head {
                sealed.extend_from_slice(&key.id);
            }
            sealed.extend_from_slice(&bytes);
            prop_assert!(key.open(&PLACE, &sealed).is_none());
        }
    }
}

//! Sealing: XChaCha20-Poly1305 under a random nonce, bound to the place of the secret.
//!
//! The place is authenticated and not stored with the ciphertext, so a row that is moved,
//! exchanged or put back does not open.

use bytes::{BufMut as _, Bytes, BytesMut};
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use model::Secret;
use model::store::{StoreError, StoreErrorKind};
use model::vault::{
    DATA_KEY_BYTES, DataKey, KeyId, Owner, Place, SEALED_VERSION, Sealed, VaultError,
};
use zeroize::Zeroizing;

const XCHACHA20_POLY1305: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 2 + size_of::<KeyId>();

/// What seals under one data key. The key is wiped when dropped.
pub(crate) struct Cipher {
    id: KeyId,
    inner: XChaCha20Poly1305,
}

impl Cipher {
    /// The data key is only derived from, so that each use has a key of its own.
    pub(crate) fn new(id: KeyId, key: &DataKey) -> Self {
        Self { id, inner: derived("plughouse vault v1 sealing", key) }
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a secret for its place.
    pub(crate) fn seal(&self, place: &Place, secret: &Secret) -> Result<Bytes, VaultError> {
        let text = secret.expose().as_bytes();
        let mut out = BytesMut::with_capacity(HEAD_BYTES + NONCE_BYTES + text.len() + TAG_BYTES);
        out.put_slice(&[SEALED_VERSION, XCHACHA20_POLY1305]);
        out.put_slice(&self.id.0);
        encrypt(&self.inner, &associated(place, self.id), text, &mut out)?;
        Ok(out.freeze())
    }

    /// Opens what was sealed for its place under this key; nothing if it was not.
    pub(crate) fn open(&self, sealed: &Sealed) -> Option<Secret> {
        let ([version, algorithm], rest) = sealed.bytes.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        if (*version, *algorithm, id) != (SEALED_VERSION, XCHACHA20_POLY1305, &self.id.0) {
            return None;
        }
        let mut text = decrypt(&self.inner, &associated(&sealed.place, self.id), rest)?;
        String::from_utf8(std::mem::take(&mut *text)).ok().map(Secret::new)
    }
}

/// A cipher whose key is derived from another for one use.
pub(crate) fn derived(label: &str, key: &[u8; DATA_KEY_BYTES]) -> XChaCha20Poly1305 {
    let key = Zeroizing::new(blake3::derive_key(label, key));
    XChaCha20Poly1305::new((&*key).into())
}

/// Appends nonce, ciphertext and tag. The plaintext is written where the ciphertext replaces it,
/// so that no copy is left behind if there is room.
pub(crate) fn encrypt(
    cipher: &XChaCha20Poly1305,
    associated: &[u8],
    text: &[u8],
    out: &mut BytesMut,
) -> Result<(), VaultError> {
    let nonce = random::<NONCE_BYTES>()?;
    out.put_slice(&nonce);
    let start = out.len();
    out.put_slice(text);
    let space = out.get_mut(start..).unwrap_or_default();
    let tag = cipher
        .encrypt_inout_detached(&XNonce::from(nonce), associated, space.into())
        .map_err(|_opaque| too_long())?;
    out.put_slice(&tag);
    Ok(())
}

/// Decrypts nonce, ciphertext and tag, into memory of just that size.
pub(crate) fn decrypt(
    cipher: &XChaCha20Poly1305,
    associated: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let (text, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let space = text.as_mut_slice().into();
    cipher
        .decrypt_inout_detached(&XNonce::from(*nonce), associated, space, &Tag::from(*tag))
        .ok()?;
    Some(text)
}

/// Tells which key it is, and whose, without telling it: the ciphers do not commit to their keys.
///
/// Hashes are compared in constant time.
pub(crate) fn commitment(key: &DataKey, context: &[u8]) -> blake3::Hash {
    let own = Zeroizing::new(blake3::derive_key("plughouse vault v1 commitment", &**key));
    blake3::keyed_hash(&own, context)
}

/// What is authenticated with a data key where it is wrapped.
pub(crate) fn context(owner: &Owner, id: KeyId) -> Vec<u8> {
    let [kind, name] = parts(owner);
    prefixed(&[b"data key", kind, name, &id.0])
}

/// Randomness of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| {
        let message = format!("the operating system has no randomness to give: {e}");
        VaultError::Unavailable(message)
    })?;
    Ok(bytes)
}

fn associated(place: &Place, id: KeyId) -> Vec<u8> {
    let Place { owner, kind, object, field, generation } = place;
    let [owner_kind, owner_name] = parts(owner);
    prefixed(&[
        &[SEALED_VERSION],
        &[XCHACHA20_POLY1305],
        owner_kind,
        owner_name,
        kind.as_str().as_bytes(),
        object.as_bytes(),
        field.as_bytes(),
        &generation.to_be_bytes(),
        &id.0,
    ])
}

fn parts(owner: &Owner) -> [&[u8]; 2] {
    match owner {
        Owner::Tenant(tenant) => [b"tenant", tenant.as_str().as_bytes()],
        Owner::Host => [b"host", b""],
    }
}

/// Every part with its length before it, so that no two lists read the same.
fn prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn too_long() -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, "the secret is too long to be sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::vault::SecretKind;
    use proptest::prelude::*;

    const ID: KeyId = KeyId([7; 16]);

    fn key(byte: u8) -> Cipher {
        Cipher::new(ID, &Zeroizing::new([byte; DATA_KEY_BYTES]))
    }

    fn place() -> Place {
        Place {
            owner: Owner::Tenant("acme".parse().unwrap()),
            kind: SecretKind::Connection,
            object: "hub".to_owned(),
            field: "token".to_owned(),
            generation: 3,
        }
    }

    fn sealed(key: &Cipher) -> Sealed {
        let bytes = key.seal(&place(), &Secret::new("hunter2".to_owned())).unwrap();
        Sealed { place: place(), bytes }
    }

    #[track_caller]
    fn check(place: &Place, opens: bool) {
        let bytes = sealed(&key(1)).bytes;
        let opened = key(1).open(&Sealed { place: place.clone(), bytes });
        assert_eq!(opened.as_ref().map(Secret::expose), opens.then_some("hunter2"), "{place:?}");
    }

    #[test]
    fn secret_opens_in_its_own_place_alone() {
        let own = place();
        check(&own, true);
        check(&Place { owner: Owner::Tenant("other".parse().unwrap()), ..own.clone() }, false);
        check(&Place { owner: Owner::Host, ..own.clone() }, false);
        check(&Place { kind: SecretKind::App, ..own.clone() }, false);
        check(&Place { kind: SecretKind::Flow, ..own.clone() }, false);
        check(&Place { object: "hub2".to_owned(), ..own.clone() }, false);
        check(&Place { field: "secret".to_owned(), ..own.clone() }, false);
        check(&Place { generation: 2, ..own.clone() }, false);
        check(&Place { generation: 4, ..own.clone() }, false);
        check(&Place { object: "hubt".to_owned(), field: "oken".to_owned(), ..own }, false);
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let Sealed { place, bytes } = sealed(&key(1));
        let opens = |bytes: Vec<u8>| {
            let sealed = Sealed { place: place.clone(), bytes: bytes.into() };
            key(1).open(&sealed).is_some()
        };
        assert!(opens(bytes.to_vec()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << bit;
                assert!(!opens(changed), "bit {bit} of byte {at}");
            }
            assert!(!opens(bytes[..at].to_vec()), "cut at {at}");
        }
        assert!(!opens([&*bytes, &[0]].concat()), "one byte more");
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open_it() {
        assert!(key(2).open(&sealed(&key(1))).is_none());
    }

    #[test]
    fn same_secret_is_never_sealed_the_same() {
        assert_ne!(sealed(&key(1)), sealed(&key(1)));
    }

    #[test]
    fn commitment_tells_keys_and_contexts_apart() {
        let of = |byte, context| commitment(&Zeroizing::new([byte; DATA_KEY_BYTES]), context);
        assert_eq!(of(1, b"here"), of(1, b"here"));
        assert_ne!(of(1, b"here"), of(2, b"here"));
        assert_ne!(of(1, b"here"), of(1, b"there"));
    }

    proptest! {
        #[test]
        fn every_text_is_opened_as_it_was_sealed(text: String) {
            let bytes = key(1).seal(&place(), &Secret::new(text.clone())).unwrap();
            prop_assert_eq!(bytes.len(), text.len() + model::vault::SEALED_BYTES_MIN);
            let opened = key(1).open(&Sealed { place: place(), bytes });
            prop_assert_eq!(opened.as_ref().map(Secret::expose), Some(text.as_str()));
        }

        #[test]
        fn arbitrary_bytes_do_not_open_and_do_not_panic(bytes: Vec<u8>, head: bool) {
            let mut sealed = Vec::new();
            if head {
                sealed.extend_from_slice(&[SEALED_VERSION, XCHACHA20_POLY1305]);
                sealed.extend_from_slice(&ID.0);
            }
            sealed.extend_from_slice(&bytes);
            let sealed = Sealed { place: place(), bytes: sealed.into() };
            prop_assert!(key(1).open(&sealed).is_none());
        }
    }
}

//! Keys: ed25519 in the forms that OpenSSL reads and writes.
//!
//! Private keys are PKCS#8 version 1 in PEM, public keys `SubjectPublicKeyInfo` in PEM or, in one
//! line, the base64 of its DER.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What stands before the 32 bytes of an ed25519 public key in DER, by RFC 8410.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A private key; zeroed when dropped.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// The key of a seed, which must come from a cryptographic source of randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads PKCS#8 in PEM, not encrypted.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_detail_may_quote_key| KeyError::Private)
    }

    /// Writes PKCS#8 version 1 in PEM, which is the version that OpenSSL 3.0 reads.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).map_err(|_detail_may_quote_key| KeyError::Private)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public().id())
    }
}

/// A public key that is not weak.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads `SubjectPublicKeyInfo` in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::strong(VerifyingKey::from_public_key_pem(pem).map_err(|_any| KeyError::Public)?)
    }

    /// Reads the base64 of `SubjectPublicKeyInfo` in DER, in one line and in its only spelling.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let der = STANDARD.decode(text).map_err(|_any| KeyError::Public)?;
        let bytes = der.strip_prefix(&SPKI_PREFIX).and_then(|key| <&[u8; 32]>::try_from(key).ok());
        let key = VerifyingKey::from_bytes(bytes.ok_or(KeyError::Public)?);
        Self::strong(key.map_err(|_any| KeyError::Public)?)
    }

    fn strong(key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self(key)) }
    }

    /// Writes `SubjectPublicKeyInfo` in PEM.
    pub fn to_pem(&self) -> String {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", self.to_base64())
    }

    /// Writes the base64 of `SubjectPublicKeyInfo` in DER.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.der())
    }

    /// The key's name: the sha256 of its DER, as `openssl pkey -outform DER | sha256sum` shows it.
    pub fn id(&self) -> KeyId {
        KeyId(crate::hex::sha256(&self.der()))
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    fn der(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), self.0.as_bytes()].concat()
    }
}

/// The name of a key: the sha256 of the DER of its public half, in lower-case hex.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The id in hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        if crate::hex::is_sha256(&text) { Ok(Self(text)) } else { Err(KeyError::Id) }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// No private key.
    #[error(
        "not a private ed25519 key; write PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` does"
    )]
    Private,
    /// A private key that is encrypted.
    #[error("the private key is encrypted; decrypt it with `openssl pkey` first")]
    Encrypted,
    /// No public key.
    #[error(
        "not a public ed25519 key; write it as `openssl pkey -pubout` does, or the base64 of its DER in one line"
    )]
    Public,
    /// A key of small order, for which anybody can sign.
    #[error("the public key is weak: anybody can sign for it; make a new one")]
    Weak,
    /// No key id.
    #[error("not a key id; write the 64 lower-case hex digits of the sha256 of the key's DER")]
    Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        let key = PrivateKey::from_seed([7; 32]);
        let pem = key.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"), "version 1");
        assert_eq!(PrivateKey::from_pem(&pem).unwrap().public(), key.public());
        let public = key.public();
        assert_eq!(PublicKey::from_pem(&public.to_pem()).as_ref(), Ok(&public));
        assert_eq!(PublicKey::from_base64(&public.to_base64()).as_ref(), Ok(&public));
        assert_eq!(public.id().as_str().parse(), Ok(public.id()));
    }

    #[test]
    fn a_private_key_is_not_shown() {
        let key = PrivateKey::from_seed([0x5a; 32]);
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey({})", key.public().id()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let private = |pem: &str| PrivateKey::from_pem(pem).map(|_| ()).unwrap_err();
        assert_eq!(private(""), KeyError::Private);
        assert_eq!(private("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), KeyError::Encrypted);
        let key = PrivateKey::from_seed([7; 32]);
        assert_eq!(private(&key.public().to_pem()), KeyError::Private);
        let base64 = key.public().to_base64();
        for text in ["", &base64[1..], &base64.replace("MCow", "MCox"), &format!("{base64}AAAA")] {
            assert_eq!(PublicKey::from_base64(text), Err(KeyError::Public), "{text}");
        }
        assert_eq!("ab".parse::<KeyId>(), Err(KeyError::Id));
        assert_eq!("AB".repeat(32).parse::<KeyId>(), Err(KeyError::Id));
    }

    #[test]
    fn weak_keys_are_refused() {
        // The neutral element and another point of small order: any signature could be made.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for point in [neutral, [0; 32]] {
            let der = [SPKI_PREFIX.as_slice(), &point].concat();
            assert_eq!(PublicKey::from_base64(&STANDARD.encode(&der)), Err(KeyError::Weak));
        }
    }
}

//! DSSE envelopes: one JSON line that carries a payload and who has signed it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::key::{KeyId, PrivateKey, PublicKey};

/// The payload type of in-toto statements, the only one that a package carries.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Most signatures of one envelope: a threshold is a handful of people.
pub const SIGNATURES_MAX: usize = 8;

/// A payload and its signatures, none of which is checked yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<(KeyId, [u8; 64])>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: KeyId,
    sig: String,
}

impl Envelope {
    /// Signs a payload.
    pub fn sign(key: &PrivateKey, payload_type: &str, payload: &[u8]) -> Self {
        let signature = key.sign(&pre_authentication(payload_type, payload));
        Self {
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
            signatures: vec![(key.public().id(), signature)],
        }
    }

    /// Adds a signature over the same payload, for thresholds above one.
    pub fn co_sign(&mut self, key: &PrivateKey) -> Result<(), EnvelopeError> {
        let id = key.public().id();
        if self.signatures.iter().any(|(other, _)| *other == id) {
            return Err(EnvelopeError::RepeatedKey(id));
        }
        if self.signatures.len() == SIGNATURES_MAX {
            return Err(EnvelopeError::Count(SIGNATURES_MAX + 1));
        }
        let signature = key.sign(&pre_authentication(&self.payload_type, &self.payload));
        self.signatures.push((id, signature));
        Ok(())
    }

    /// Reads one line, strictly.
    pub fn parse(line: &str) -> Result<Self, EnvelopeError> {
        let wire: Wire = crate::json::from_slice(line.as_bytes())
            .map_err(|error| EnvelopeError::Json(error.to_string()))?;
        if !(1..=SIGNATURES_MAX).contains(&wire.signatures.len()) {
            return Err(EnvelopeError::Count(wire.signatures.len()));
        }
        let mut seen = BTreeSet::new();
        let mut signatures = Vec::with_capacity(wire.signatures.len());
        for WireSignature { keyid, sig } in wire.signatures {
            if !seen.insert(keyid.clone()) {
                return Err(EnvelopeError::RepeatedKey(keyid));
            }
            let bytes = decode("sig", &sig)?;
            let bytes = bytes.try_into().map_err(|_bytes| EnvelopeError::Length)?;
            signatures.push((keyid, bytes));
        }
        let payload = decode("payload", &wire.payload)?;
        Ok(Self { payload_type: wire.payload_type, payload, signatures })
    }

    /// Writes one line, without the line break.
    pub fn to_line(&self) -> String {
        let signature = |(id, bytes): &(KeyId, [u8; 64])| {
            format!(r#"{{"keyid":"{id}","sig":"{}"}}"#, STANDARD.encode(bytes))
        };
        let signatures: Vec<String> = self.signatures.iter().map(signature).collect();
        // Hex and base64 need no escapes, the payload type may.
        let payload_type = serde_json::Value::from(self.payload_type.as_str());
        let payload = STANDARD.encode(&self.payload);
        let signatures = signatures.join(",");
        format!(
            r#"{{"payloadType":{payload_type},"payload":"{payload}","signatures":[{signatures}]}}"#
        )
    }

    /// What kind of payload it is.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload, which nobody should believe before its signatures are checked.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The ids of the keys that claim to have signed.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.iter().map(|(id, _)| id)
    }

    /// Whether the key has signed this payload under this payload type.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let id = key.id();
        let message = pre_authentication(&self.payload_type, &self.payload);
        let mut signatures = self.signatures.iter();
        signatures.any(|(other, signature)| *other == id && key.verify(&message, signature))
    }
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    // The engine refuses missing padding and non-zero trailing bits: one spelling per value.
    STANDARD
        .decode(text)
        .map_err(|error| EnvelopeError::Base64 { field, detail: error.to_string() })
}

/// What is signed: the PAE of DSSE version 1.
fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Why a line is no envelope.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not the JSON of an envelope.
    #[error("not a DSSE envelope: {0}; sign the package again")]
    Json(String),
    /// There are none or too many signatures.
    #[error("an envelope with {0} signatures; it must have 1 to {SIGNATURES_MAX}")]
    Count(usize),
    /// One key has signed twice.
    #[error("the key {0} signs the same envelope twice; keep one of the two signatures")]
    RepeatedKey(KeyId),
    /// It is not the base64 that an encoder writes.
    #[error("`{field}` is not canonical base64: {detail}; write it with padding and no other bits")]
    Base64 {
        /// The member.
        field: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A signature that is not one of ed25519.
    #[error("a signature is not 64 bytes long; only ed25519 is known")]
    Length,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preimage_is_the_one_of_the_specification() {
        let message = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(message, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pre_authentication("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn a_line_is_read_back_and_its_signatures_hold() {
        let (one, two) = (PrivateKey::from_seed([1; 32]), PrivateKey::from_seed([2; 32]));
        let mut envelope = Envelope::sign(&one, IN_TOTO, b"payload");
        envelope.co_sign(&two).unwrap();
        assert!(matches!(envelope.co_sign(&two), Err(EnvelopeError::RepeatedKey(_))));
        let read = Envelope::parse(&envelope.to_line()).unwrap();
        assert_eq!(read, envelope);
        assert!(read.is_signed_by(&one.public()) && read.is_signed_by(&two.public()));
        assert!(!read.is_signed_by(&PrivateKey::from_seed([3; 32]).public()));
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: fn(&EnvelopeError) -> bool) {
        let line = Envelope::sign(&PrivateKey::from_seed([1; 32]), IN_TOTO, b"payload!").to_line();
        assert!(line.contains(from), "{line}");
        let error = Envelope::parse(&line.replacen(from, to, 1)).unwrap_err();
        assert!(expected(&error), "{error}");
    }

    #[test]
    fn a_line_has_one_spelling() {
        check("\"payload\":", "\"extra\":1,\"payload\":", |e| matches!(e, EnvelopeError::Json(_)));
        check("\"payload\":", "\"payload\":\"\",\"payload\":", |e| {
            matches!(e, EnvelopeError::Json(_))
        });
        check("cGF5bG9hZCE=", "cGF5bG9hZCE", |e| matches!(e, EnvelopeError::Base64 { .. }));
        check("cGF5bG9hZCE=", "cGF5bG9hZCF=", |e| matches!(e, EnvelopeError::Base64 { .. }));
        check("cGF5bG9hZCE=", "cGF5 bG9hZCE=", |e| matches!(e, EnvelopeError::Base64 { .. }));
        check("\"sig\":\"", "\"sig\":\"AAAA", |e| matches!(e, EnvelopeError::Length));
        check("\"signatures\":[{", "\"signatures\":[],\"x\":[{", |e| {
            matches!(e, EnvelopeError::Json(_))
        });
        let none = r#"{"payloadType":"","payload":"","signatures":[]}"#;
        assert_eq!(Envelope::parse(none), Err(EnvelopeError::Count(0)));
    }
}

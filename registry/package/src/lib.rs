//! Adapter packages: manifest, bundle, signatures, trust.
//!
//! Pure: no clock, no randomness, no files. Bytes come in from the caller, and a [`Verified`]
//! package, which only [`verify()`] can make, is the proof that every check has passed.

pub mod bundle;
mod document;
pub mod envelope;
pub mod header;
mod hex;
mod host;
mod json;
pub mod key;
pub mod manifest;
pub mod path;
pub mod permissions;
mod place;
mod pointer;
mod route;
pub mod statement;
mod template;
pub mod trust;
mod verify;
mod words;

pub use bundle::{Bundle, BundleError, pack};
pub use document::duration;
pub use envelope::Envelope;
pub use key::{KeyId, PrivateKey, PublicKey};
pub use manifest::{Manifest, ManifestError};
pub use permissions::Permissions;
pub use trust::{Trust, TrustFile};
pub use verify::{Phase, Signer, Verified, VerifyError, verify};

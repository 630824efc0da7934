//! Secrets at rest: data keys, what wraps them, and their rotation.
//!
//! - A secret opens only in its own place, at its own generation, under the key of its owner.
//! - A key-encryption key is proved at every start, and never made beside data.
//! - A wrap replaces another only after it was opened again, a key goes only when nothing lies
//!   under it: rotation may be killed at any instant, and everything opens at any instant.
//! - Services that keep keys are asked through [`model::outbound::Outbound`]; `vaultrs` is not used
//!   because it brings an HTTP client of its own, past the one door out.

mod canary;
mod cipher;
mod config;
mod harden;
mod keyring;
mod progress;
mod reseal;
mod rewrap;
mod sealer;
mod status;
mod wrapper;
mod wrappers;

pub use config::{KeyFile, Pkcs11Config, Setting, WrapperConfig, open};
pub use harden::harden;
pub use progress::Progress;
pub use reseal::Rotation;
pub use sealer::Sealer;
pub use status::Status;
pub use wrapper::{AzureConfig, FileConfig, TransitConfig};
pub use wrappers::Wrappers;

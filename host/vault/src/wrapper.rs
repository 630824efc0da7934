//! What keeps the key-encryption key.

mod azure;
mod file;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod service;
mod transit;

use model::vault::{DATA_KEY_BYTES, DataKey, VaultError};
use zeroize::Zeroizing;

pub use azure::AzureConfig;
pub(crate) use azure::AzureWrapper;
pub use file::FileConfig;
pub(crate) use file::FileWrapper;
#[cfg(feature = "pkcs11")]
pub(crate) use pkcs11::Pkcs11Wrapper;
pub use transit::TransitConfig;
pub(crate) use transit::TransitWrapper;

/// A data key from what a wrapper gave back; nothing if it has another length.
fn data_key(bytes: &[u8]) -> Option<DataKey> {
    <[u8; DATA_KEY_BYTES]>::try_from(bytes).ok().map(Zeroizing::new)
}

fn does_not_open(key: &str) -> VaultError {
    VaultError::WrongKey(format!(
        "the key {key} does not open what it has wrapped: it is another key by now, or the data was \
         changed; put the right key back, or restore the data directory from a backup"
    ))
}

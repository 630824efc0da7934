//! The key file: 32 random bytes in hexadecimal digits, for its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use model::store::{StoreError, StoreErrorKind};
use zeroize::Zeroizing;

use crate::codec::hex;
use crate::create::{remove_leftover, sync_dir};
use crate::disk;

const KEY_BYTES: usize = 32;

/// The permissions of the group and of everybody else.
const OTHERS: u32 = 0o077;

/// The digits and some space after them; what is longer is not a key.
const FILE_BYTES_MAX: u64 = 128;

/// Names a key without telling it.
pub(crate) type KeyId = [u8; 16];

/// The key of the vault. It is wiped when dropped.
pub(crate) struct Key {
    pub(super) cipher: XChaCha20Poly1305,
    pub(super) id: KeyId,
}

impl Key {
    /// Reads the key file; nothing if there is none. The file may be a link, as mounted secrets
    /// are.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(disk::file("open the key file", path, e)),
        };
        check_mode(path, &file)?;
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(|e| disk::file("read the key file", path, e))?;
        let root = decode(text.trim_ascii_end()).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Corrupt,
                format!(
                    "the key file '{}' does not hold 64 hexadecimal digits; put the key of this \
                     data back",
                    path.display()
                ),
            )
        })?;
        Ok(Some(Self::derive(&root)))
    }

    /// Makes a key and its file, durably. The caller has seen that there is none and holds the
    /// directory; the file appears under its name only when it is whole.
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        let mut root = Zeroizing::new([0; KEY_BYTES]);
        random(root.as_mut_slice())?;
        let new = path.with_extension("key.new");
        remove_leftover(&new)?;
        // With room for all of it, so that no copy is left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(2 * KEY_BYTES + 1));
        hex::push(&mut text, root.as_slice());
        text.push(b'\n');
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| {
                file.write_all(&text)?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&new, path))
            .map_err(|e| disk::file("write the key file", path, e))?;
        if let Some(dir) = path.parent() {
            sync_dir(dir)?;
        }
        Ok(Self::derive(&root))
    }

    /// The key in the file is only derived from, so that each use has a key of its own.
    fn derive(root: &[u8; KEY_BYTES]) -> Self {
        let sealing = Zeroizing::new(blake3::derive_key("plughouse vault v1 sealing", root));
        let id = blake3::derive_key("plughouse vault v1 key id", root);
        let id = id.first_chunk().copied().unwrap_or_default();
        Self { cipher: XChaCha20Poly1305::new((&*sealing).into()), id }
    }
}

/// Fills with randomness of the operating system.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|e| {
        let message = "the operating system has no randomness to give";
        StoreError::new(StoreErrorKind::Unavailable, message).because(e)
    })
}

fn check_mode(path: &Path, file: &File) -> Result<(), StoreError> {
    let metadata = file.metadata().map_err(|e| disk::file("look at the key file", path, e))?;
    let mode = metadata.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        format!(
            "the key file '{0}' is open to others (mode {1:03o}); run: chmod 600 '{0}'",
            path.display(),
            mode & 0o777
        ),
    ))
}

fn decode(text: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    hex::decode(&mut bytes, text)?;
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_another_length_or_alphabet_is_no_key() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64), &"é".repeat(32)]
        {
            assert!(decode(text.as_bytes()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn created_key_is_loaded_again_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        assert!(Key::load(&path).unwrap().is_none());
        let key = Key::create(&path).unwrap();
        assert_eq!(Key::load(&path).unwrap().map(|k| k.id), Some(key.id));
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 65));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

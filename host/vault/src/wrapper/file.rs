//! The key file: 32 random bytes in hexadecimal digits, for its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chacha20poly1305::XChaCha20Poly1305;
use model::vault::{DataKey, KeyWrapper, VaultError};
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::{data_key, does_not_open};
use crate::cipher::{decrypt, derived, encrypt, random};

/// The name of the key file in the data directory.
const FILE: &str = "vault.key";

/// The permissions of the group and of everybody else.
const OTHERS: u32 = 0o077;

/// The digits that name a key: enough to tell keys apart, and nothing to find it by.
const ID_DIGITS: usize = 16;

/// The digits and some space after them; what is longer is not a key.
const FILE_BYTES_MAX: u64 = 128;

/// Where the key file is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Its path; `vault.key` in the data directory without it.
    pub path: Option<PathBuf>,
}

impl FileConfig {
    pub(crate) fn path(&self, data: &Path) -> PathBuf {
        data.join(self.path.as_deref().unwrap_or(Path::new(FILE)))
    }
}

/// Wraps with a key in a file. It is wiped when dropped.
pub(crate) struct FileWrapper {
    cipher: XChaCha20Poly1305,
    id: String,
    path: PathBuf,
}

impl FileWrapper {
    /// Reads the key file; nothing if there is none. The file may be a link, as mounted secrets
    /// are.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, VaultError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed("open the key file", path, &e)),
        };
        check_mode(path, &file)?;
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(|e| failed("read the key file", path, &e))?;
        let root = blake3::Hash::from_hex(text.trim_ascii_end()).map_err(|_told| {
            VaultError::WrongKey(format!(
                "the key file '{}' does not hold 64 hexadecimal digits; put the key of this data \
                 back",
                path.display()
            ))
        })?;
        Ok(Some(Self::derive(&Zeroizing::new(root.into()), path)))
    }

    /// Makes a key and its file, durably. The caller has seen that there is none and holds the
    /// directory; the file appears under its name only when it is whole.
    pub(crate) fn create(path: &Path) -> Result<Self, VaultError> {
        let root: DataKey = Zeroizing::new(random()?);
        let new = path.with_extension("key.new");
        write(&new, &root)
            .and_then(|()| std::fs::rename(&new, path))
            .and_then(|()| File::open(directory(path))?.sync_all())
            .map_err(|e| failed("make the key file", path, &e))?;
        Ok(Self::derive(&root, path))
    }

    /// The key in the file is only derived from, so that each use has a key of its own.
    fn derive(root: &DataKey, path: &Path) -> Self {
        let id = blake3::Hash::from(blake3::derive_key("plughouse vault v1 key id", &**root));
        let mut id = id.to_hex().to_string();
        id.truncate(ID_DIGITS);
        Self {
            cipher: derived("plughouse vault v1 wrapping", root),
            id: format!("file:{id}"),
            path: path.to_owned(),
        }
    }
}

#[async_trait]
impl KeyWrapper for FileWrapper {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Bytes, VaultError> {
        let mut wrapped = BytesMut::with_capacity(128);
        encrypt(&self.cipher, context, &**key, &mut wrapped)?;
        Ok(wrapped.freeze())
    }

    async fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, VaultError> {
        let key = decrypt(&self.cipher, context, wrapped);
        key.and_then(|key| data_key(&key)).ok_or_else(|| does_not_open(&self.name()))
    }
}

impl FileWrapper {
    fn name(&self) -> String {
        format!("{} in '{}'", self.id, self.path.display())
    }
}

/// Writes the file anew: what is there is what an interrupted start has left behind.
fn write(path: &Path, root: &DataKey) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut text = blake3::Hash::from(**root).to_hex();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n"));
    text.zeroize();
    written.and_then(|()| file.sync_all())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn check_mode(path: &Path, file: &File) -> Result<(), VaultError> {
    let metadata = file.metadata().map_err(|e| failed("look at the key file", path, &e))?;
    let mode = metadata.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(VaultError::Unavailable(format!(
        "the key file '{0}' is open to others (mode {1:03o}); run: chmod 600 '{0}'",
        path.display(),
        mode & 0o777
    )))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> VaultError {
    VaultError::Unavailable(format!("failed to {what} '{}': {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        Zeroizing::new([7; 32])
    }

    #[track_caller]
    fn check_no_key(text: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        write(&path, &key()).unwrap();
        std::fs::write(&path, text).unwrap();
        let error = FileWrapper::load(&path).err().map(|e| e.to_string());
        assert!(error.is_some_and(|e| e.contains("64 hexadecimal digits")), "{text:?}");
    }

    #[test]
    fn text_of_another_length_or_alphabet_is_no_key() {
        check_no_key("");
        check_no_key("00");
        check_no_key(&"0".repeat(63));
        check_no_key(&"0".repeat(66));
        check_no_key(&"g".repeat(64));
        check_no_key(&"é".repeat(32));
        check_no_key(&"0".repeat(1000));
    }

    #[test]
    fn created_key_is_loaded_again_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        assert!(FileWrapper::load(&path).unwrap().is_none());
        std::fs::write(path.with_extension("key.new"), "left behind").unwrap();
        let id = FileWrapper::create(&path).unwrap().id;
        assert_eq!(FileWrapper::load(&path).unwrap().map(|key| key.id), Some(id));
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 65));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn key_file_that_others_can_read_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        FileWrapper::create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = FileWrapper::load(&path).err().unwrap().to_string();
        assert!(error.contains("(mode 640); run: chmod 600"), "{error}");
    }

    #[tokio::test]
    async fn wrapped_key_opens_with_its_key_and_context_alone() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other] = ["one.key", "other.key"]
            .map(|name| FileWrapper::create(&dir.path().join(name)).unwrap());
        let wrapped = one.wrap(&key(), b"here").await.unwrap();
        assert_eq!(*one.unwrap(&wrapped, b"here").await.unwrap(), *key());
        assert!(matches!(one.unwrap(&wrapped, b"there").await, Err(VaultError::WrongKey(_))));
        assert!(matches!(other.unwrap(&wrapped, b"here").await, Err(VaultError::WrongKey(_))));
        for at in 0..wrapped.len() {
            let mut changed = wrapped.to_vec();
            changed[at] ^= 1;
            assert!(one.unwrap(&changed, b"here").await.is_err(), "byte {at}");
            assert!(one.unwrap(&wrapped[..at], b"here").await.is_err(), "cut at {at}");
        }
    }
}

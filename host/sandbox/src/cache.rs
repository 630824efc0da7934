//! Compiled components on disk, for this host alone.
//!
//! Compiled code is native code: whoever can put a file here could run anything. Each file
//! therefore begins with a MAC under a key that this host made for itself, over the digest of the
//! component, the settings of the engine and the code. What does not match is deleted and compiled
//! again; code that another host compiled never matches.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::compile::CODE_BYTES_MAX;

const KEY_BYTES: usize = blake3::KEY_LEN;
const MAC_BYTES: usize = blake3::OUT_LEN;

/// Compiled components that are kept: every installed adapter in a few versions.
const FILES_MAX: usize = 128;
/// Separates this use of the key from any other and this layout from the next.
const PURPOSE: &[u8] = b"plughouse compiled component 1\0";

/// A directory of compiled components and the key that authenticates them.
pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
}

/// What compiled code must belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The digest of the component.
    pub(crate) component: [u8; 32],
    /// The fingerprint of the engine's settings.
    pub(crate) engine: [u8; 32],
}

impl Cache {
    /// Opens the directory, with mode 0700, and its key, with mode 0600; makes what is not there.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        let key = read_or_create_key(&directory.join("cache.key"))?;
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// The code for `origin`, if it is there and authentic.
    pub(crate) fn load(&self, origin: &Origin) -> Option<Vec<u8>> {
        let path = self.path(origin);
        let file = read_bounded(&path).ok()?;
        let code = file.split_first_chunk::<MAC_BYTES>().and_then(|(mac, code)| {
            // `blake3::Hash` compares in constant time.
            (self.mac(origin, code) == *mac).then(|| code.to_vec())
        });
        if code.is_none() {
            tracing::warn!(path = %path.display(), "compiled code is not ours, compiling again");
            let removed = fs::remove_file(&path);
            tracing::debug!(?removed, "removed it");
        }
        code
    }

    /// Keeps the code for `origin`. The file appears whole or not at all.
    pub(crate) fn store(&self, origin: &Origin, code: &[u8]) -> io::Result<()> {
        let path = self.path(origin);
        let part = unique(&path)?;
        let mac = self.mac(origin, code);
        let written =
            create(&part, &[mac.as_bytes(), code]).and_then(|()| fs::rename(&part, &path));
        if written.is_err() && part.exists() {
            fs::remove_file(&part)?;
        }
        written?;
        self.make_room()
    }

    /// Deletes the files that were compiled longest ago, those of earlier releases first of all.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "cwasm" || end == "part") {
                // Another process may be tidying up as well.
                let modified = fs::metadata(&path).and_then(|file| file.modified()).ok();
                files.extend(modified.map(|modified| (modified, path)));
            }
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES_MAX);
        files.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn mac(&self, origin: &Origin, code: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.key)
            .update(PURPOSE)
            .update(&origin.component)
            .update(&origin.engine)
            .update(code)
            .finalize()
    }

    fn path(&self, origin: &Origin) -> PathBuf {
        let component = blake3::Hash::from_bytes(origin.component).to_hex();
        let engine = blake3::Hash::from_bytes(origin.engine).to_hex();
        self.directory.join(format!("{component}-{engine}.cwasm"))
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(CODE_BYTES_MAX + 32).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn create(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

/// A name beside `path` that no other thread or process writes to.
fn unique(path: &Path) -> io::Result<PathBuf> {
    let number = getrandom::u64().map_err(io::Error::other)?;
    Ok(path.with_extension(format!("{number:016x}.part")))
}

/// Reads the key. Where there is none, makes one and links it to its name whole, so that a process
/// that starts at the same moment sees no key or this one.
fn read_or_create_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if !path.exists() {
        let part = unique(path)?;
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        create(&part, &[&key])?;
        let linked = fs::hard_link(&part, path);
        fs::remove_file(&part)?;
        linked.or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
    }
    File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { component: [1; 32], engine: [2; 32] };

    fn file_of(directory: &Path) -> PathBuf {
        let is_code = |path: &PathBuf| path.extension().is_some_and(|end| end == "cwasm");
        let mut files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        files.find(is_code).unwrap()
    }

    #[test]
    fn code_comes_back_for_its_own_origin_only() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        cache.store(&ORIGIN, b"code").unwrap();
        assert_eq!(cache.load(&ORIGIN).as_deref(), Some(&b"code"[..]));
        assert!(cache.load(&Origin { component: [9; 32], ..ORIGIN }).is_none());
        assert!(cache.load(&Origin { engine: [9; 32], ..ORIGIN }).is_none());
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed_and_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        let check = |change: &dyn Fn(&mut Vec<u8>)| {
            cache.store(&ORIGIN, b"code").unwrap();
            let path = file_of(directory.path());
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
            assert!(cache.load(&ORIGIN).is_none());
            assert!(!path.exists());
        };
        for at in 0..MAC_BYTES + 4 {
            check(&|bytes| bytes[at] ^= 1);
            check(&|bytes| bytes.truncate(at));
        }
        check(&|bytes| bytes.push(0));
    }

    #[test]
    fn file_under_another_name_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        cache.store(&ORIGIN, b"code").unwrap();
        let other = Origin { component: [9; 32], ..ORIGIN };
        fs::rename(file_of(directory.path()), cache.path(&other)).unwrap();
        assert!(cache.load(&other).is_none());
    }

    #[test]
    fn code_of_another_host_is_refused() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Cache::open(theirs.path()).unwrap().store(&ORIGIN, b"code").unwrap();
        let foreign = file_of(theirs.path());
        let cache = Cache::open(ours.path()).unwrap();
        fs::copy(&foreign, cache.path(&ORIGIN)).unwrap();
        assert!(cache.load(&ORIGIN).is_none());
    }

    #[test]
    fn what_was_compiled_longest_ago_makes_room() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        let origin = |number| Origin { component: [number; 32], ..ORIGIN };
        cache.store(&origin(0), b"code").unwrap();
        let old = File::open(cache.path(&origin(0))).unwrap();
        old.set_modified(std::time::UNIX_EPOCH).unwrap();
        (1..=FILES_MAX).for_each(|number| {
            cache.store(&origin(u8::try_from(number).unwrap()), b"code").unwrap();
        });
        assert!(cache.load(&origin(0)).is_none());
        assert!(cache.load(&origin(1)).is_some());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), FILES_MAX + 1);
    }

    #[test]
    fn nobody_else_reads_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("cache");
        Cache::open(&inner).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("cache.key")), 0o600);
        assert!(Cache::open(&inner).is_ok(), "the key is read the second time");
    }
}

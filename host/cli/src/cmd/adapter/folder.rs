//! Which adapter a command means.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use package::manifest;

use crate::output::Output;

/// Which adapter.
#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// The adapter's folder; otherwise this one, or the only one in it that holds an adapter.
    dir: Option<PathBuf>,
}

impl Folder {
    /// Finds the adapter, and says so where it was not named and is not here.
    pub(super) fn find(&self, output: &Output) -> Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let found = find(Path::new("."))?;
        if found != Path::new(".") {
            output.note(format_args!("the adapter is in {}", found.display()));
        }
        Ok(found)
    }
}

fn find(here: &Path) -> Result<PathBuf> {
    let holds = |dir: &Path| dir.join(manifest::FILE).is_file();
    if holds(here) {
        return Ok(here.to_owned());
    }
    let entries = here.read_dir().context("list this folder")?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| holds(&here.join(name)))
        .collect();
    names.sort();
    match names.as_slice() {
        [] => {
            bail!("no adapter is here: make one with `plughouse adapter new`, or name its folder")
        }
        [only] => Ok(PathBuf::from(only)),
        several => {
            let names: Vec<_> = several.iter().map(|name| name.to_string_lossy()).collect();
            bail!("several adapters are here, name one: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapter_is_here_or_in_the_only_folder_that_holds_one() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join(manifest::FILE), "").unwrap();
        };
        std::fs::create_dir(dir.path().join("other")).unwrap();
        assert!(find(dir.path()).unwrap_err().to_string().contains("adapter new"));
        make("x");
        assert_eq!(find(dir.path()).unwrap(), Path::new("x"));
        make("y");
        assert!(find(dir.path()).unwrap_err().to_string().ends_with("name one: x, y"));
        make(".");
        assert_eq!(find(dir.path()).unwrap(), dir.path());
    }
}

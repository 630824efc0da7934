//! What a component asks for, read before anything of it is compiled.

use model::{Error, ErrorKind};
use wasmparser::{Encoding, Parser, Payload};

use crate::limits::{MESSAGE_BYTES_MAX, SHOWN_BYTES_MAX};
use crate::log::shown;

/// The package of the contract.
const PACKAGE: &str = "plughouse:adapter/";
/// The version of `wit/adapter.wit` that this host speaks.
pub const VERSION: semver::Version = semver::Version::new(0, 1, 0);
/// The interfaces that a component may import.
const IMPORTS: [&str; 4] = ["types", "http", "host", "state"];
/// The interface that a component must export.
const ADAPTER: &str = "adapter";
/// The interface that it may export.
const WEBHOOKS: &str = "webhooks";

/// What a guest of the WASI profile may import. Sockets are not among them: a guest that links
/// them expects a network, and there is none. The patch version does not count, because a
/// dependency lifts it without anybody's intention.
const WASI: [&str; 18] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
];
/// The two of `wasi:random` that promise nothing.
const WASI_INSECURE: [&str; 2] = ["wasi:random/insecure", "wasi:random/insecure-seed"];

/// The names at the outside of a component.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Surface {
    /// Reads the names; what is inside the component stays unread.
    pub(crate) fn read(component: &[u8]) -> Result<Self, Error> {
        let mut surface = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(|error| broken(&error))? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(not_a_component());
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(|error| broken(&error))?;
                        surface.imports.push(import.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(|error| broken(&error))?;
                        surface.exports.push(export.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }

    /// Refuses what this host cannot serve: another version of the contract, no adapter inside, or
    /// an import outside of the closed set.
    pub(crate) fn audit(&self, profile: package::manifest::Profile) -> Result<(), Error> {
        for name in self.imports.iter().chain(&self.exports) {
            if let Some(version) = contract_version(name) {
                check_version(version)?;
            }
        }
        if !self.exports(ADAPTER) {
            return Err(refused(
                "sandbox.contract",
                format!(
                    "the component exports no `{PACKAGE}{ADAPTER}`: build it with the SDK of contract \
                 {VERSION}"
                ),
            ));
        }
        self.imports.iter().try_for_each(|name| check_import(name, profile))
    }

    /// Whether the component takes deliveries.
    pub(crate) fn has_webhooks(&self) -> bool {
        self.exports(WEBHOOKS)
    }

    fn exports(&self, interface: &str) -> bool {
        self.exports.iter().any(|name| contract_interface(name) == Some(interface))
    }
}

fn contract_interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').map_or(rest, |(interface, _)| interface))
}

fn contract_version(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').map_or("", |(_, version)| version))
}

fn check_version(text: &str) -> Result<(), Error> {
    let does_not_fit = |advice: &str| {
        refused(
            "sandbox.contract",
            format!(
                "the adapter is built for contract {}, this host speaks {VERSION}: {advice}",
                shown(text, SHOWN_BYTES_MAX)
            ),
        )
    };
    let Ok(version) = semver::Version::parse(text) else {
        return Err(does_not_fit("rebuild it with a released SDK"));
    };
    // Below 1.0 the minor version is the one that breaks.
    let track = |version: &semver::Version| (version.major, version.minor);
    if track(&version) < track(&VERSION) {
        return Err(does_not_fit("rebuild the adapter with the current SDK"));
    }
    if version > VERSION || !version.pre.is_empty() {
        return Err(does_not_fit("update the host, or build the adapter with an older SDK"));
    }
    Ok(())
}

fn check_import(name: &str, profile: package::manifest::Profile) -> Result<(), Error> {
    let own = contract_interface(name).is_some_and(|interface| IMPORTS.contains(&interface));
    match (own, is_wasi(name), profile) {
        (true, ..) | (false, true, package::manifest::Profile::Wasi) => Ok(()),
        (false, true, package::manifest::Profile::Bare) => Err(refused(
            "sandbox.import",
            format!(
                "the component imports `{}`: build it for wasm32-unknown-unknown, or write \
             `profile = \"wasi\"` under [adapter] in adapter.toml",
                shown(name, SHOWN_BYTES_MAX)
            ),
        )),
        (false, false, _) => Err(refused(
            "sandbox.import",
            format!(
                "the component imports `{}`, which no adapter gets: remove what needs it; an \
             adapter reaches the outside through `{PACKAGE}http` alone",
                shown(name, SHOWN_BYTES_MAX)
            ),
        )),
    }
}

fn is_wasi(name: &str) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let second = semver::Version::parse(version)
        .is_ok_and(|version| (version.major, version.minor) == (0, 2) && version.pre.is_empty());
    second && WASI.iter().chain(&WASI_INSECURE).any(|known| *known == interface)
}

fn refused(code: &str, message: String) -> Error {
    Error::new(ErrorKind::Denied, code, message)
}

fn broken(error: &wasmparser::BinaryReaderError) -> Error {
    Error::new(
        ErrorKind::Malformed,
        "sandbox.component",
        format!(
            "the component cannot be read: {} at byte {}; build it again",
            shown(error.message(), MESSAGE_BYTES_MAX),
            error.offset()
        ),
    )
}

fn not_a_component() -> Error {
    Error::new(
        ErrorKind::Malformed,
        "sandbox.component",
        "this is a core module, not a component: build it with `plughouse adapter build`",
    )
}

#[cfg(test)]
mod tests {
    use package::manifest::Profile;

    use super::*;

    #[track_caller]
    fn check(imports: &[&str], exports: &[&str], profile: Profile, expected: Result<(), &str>) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let surface = Surface { imports: owned(imports), exports: owned(exports) };
        match (surface.audit(profile), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) => {
                let text = format!("{} {}", error.code, error.message);
                assert!(text.contains(part), "{text} should hold {part}");
            }
            (result, _) => panic!("{imports:?} {exports:?}: {result:?}"),
        }
    }

    const HTTP: &str = "plughouse:adapter/http@0.1.0";
    const OWN: &[&str] = &["plughouse:adapter/adapter@0.1.0"];
    const CLI: &str = "wasi:cli/environment@0.2.12";

    #[test]
    fn import_list_is_closed() {
        check(&[HTTP], OWN, Profile::Bare, Ok(()));
        check(&[HTTP, CLI], OWN, Profile::Wasi, Ok(()));
        check(&[HTTP, CLI], OWN, Profile::Bare, Err("`profile = \"wasi\"`"));
        check(&["wasi:sockets/tcp@0.2.6"], OWN, Profile::Wasi, Err("sandbox.import"));
        check(&["wasi:http/types@0.2.6"], OWN, Profile::Wasi, Err("no adapter gets"));
        check(&["wasi:cli/environment@0.3.0"], OWN, Profile::Wasi, Err("no adapter gets"));
        check(&["evil:host/shell"], OWN, Profile::Bare, Err("`evil:host/shell`"));
        check(&["plughouse:adapter/secrets@0.1.0"], OWN, Profile::Bare, Err("sandbox.import"));
    }

    #[test]
    fn version_that_does_not_fit_is_told_in_words() {
        let newer = &["plughouse:adapter/adapter@0.2.0"];
        check(
            &[HTTP],
            newer,
            Profile::Bare,
            Err("built for contract 0.2.0, this host speaks 0.1.0"),
        );
        check(&[], &["plughouse:adapter/adapter@0.1.4"], Profile::Bare, Err("update the host"));
        check(&[], &["plughouse:adapter/adapter@0.0.9"], Profile::Bare, Err("current SDK"));
        check(&[], &["plughouse:adapter/adapter"], Profile::Bare, Err("released SDK"));
        check(&[HTTP], &[], Profile::Bare, Err("exports no `plughouse:adapter/adapter`"));
    }

    #[test]
    fn name_moves_no_cursor_and_fills_no_screen() {
        let long = "x".repeat(SHOWN_BYTES_MAX * 2);
        let short = format!("`{}`", "x".repeat(SHOWN_BYTES_MAX));
        check(&["a\x1b[2J\nb"], OWN, Profile::Bare, Err("`a\\u{1b}[2J\\nb`"));
        check(&[&long], OWN, Profile::Bare, Err(&short));
        let version = ["plughouse:adapter/adapter@9\x1b[2J"];
        check(&[], &version, Profile::Bare, Err("contract 9\\u{1b}[2J,"));
    }

    #[test]
    fn module_and_noise_are_not_components() {
        #[track_caller]
        fn check(bytes: &[u8]) {
            assert_eq!(Surface::read(bytes).unwrap_err().code, "sandbox.component");
        }
        check(b"\0asm\x01\0\0\0");
        check(b"");
        check(b"not wasm at all");
    }
}

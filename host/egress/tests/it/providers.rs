//! The manifests of the ten providers, and their material where it lies beside the repository.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::egress::EgressCall;
use package::Manifest;

use crate::support::{Memory, Setup, get};

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
fn shared() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("PLUGHOUSE_SHARED").map_or(beside, PathBuf::from)
}

/// The providers' manifests by file name: test data of the package crate.
fn manifests() -> Vec<(String, Arc<Manifest>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = fs::read_dir(root.join("registry/package/tests/manifests/valid")).unwrap();
    let mut found: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, Arc::new(Manifest::parse(&text).unwrap()))
        })
        .collect();
    found.sort_by(|(first, _), (second, _)| first.cmp(second));
    found
}

/// A call with plausible variables and every consent, without credential.
fn call(manifest: &Arc<Manifest>, memory: &Arc<Memory>) -> Box<dyn EgressCall> {
    let mut setup = Setup::of(Arc::clone(manifest));
    let texts =
        manifest.endpoints.iter().filter_map(|(n, e)| Some((n.clone(), e.consent.clone()?)));
    setup.connection.consents = texts.collect();
    setup.connection.auth.clone_from(manifest.auth.keys().next().unwrap());
    setup.secrets = crate::support::secrets(&[
        ("access_token", "a-token-that-stands-nowhere"),
        ("access_key", "an-access-key"),
        ("secret", "a-secret-that-stands-nowhere"),
        ("key", "a-key-that-stands-nowhere"),
    ]);
    for (name, value) in [
        ("environment", "contoso.crm4.dynamics.com"),
        ("instance", "https://contoso.my.salesforce.com"),
        ("login_host", "login.salesforce.com"),
    ] {
        if manifest.variables.contains_key(name) {
            setup.connection.variables.insert(name.to_owned(), value.to_owned());
        }
    }
    setup.call(memory)
}

/// Every `https://…` of the provider's files, as it stands there.
fn links(provider: &str) -> Vec<String> {
    let folder = shared().join("providers");
    let mut files = vec![folder.join(format!("{provider}.md")), folder.join("data").join(provider)];
    let mut found = Vec::new();
    while let Some(path) = files.pop() {
        if let Ok(inside) = fs::read_dir(&path) {
            files.extend(inside.map(|file| file.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let starts = text.match_indices("https://").map(|(at, _)| &text[at..]);
            let ends = |c: char| c.is_whitespace() || c.is_control() || "\"<>`\\".contains(c);
            found.extend(starts.filter_map(|link| link.split(ends).next()).map(str::to_owned));
        }
    }
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn links_of_the_ten_providers_are_sent_as_they_stand() {
    let folder = shared().join("providers");
    if !folder.exists() {
        // Straight to stderr: what `eprintln!` says in a test that passes nobody sees.
        writeln!(std::io::stderr(), "SKIPPED: {} is not there", folder.display()).unwrap();
        return;
    }
    let mut sent = 0;
    for (provider, manifest) in manifests() {
        for link in links(&provider) {
            let memory = Memory::saying("{}");
            let call = call(&manifest, &memory);
            let Ok(target) = call.locate(&link) else { continue };
            // Hosts by pattern need an answer that names them, and POST routes a body.
            if target.endpoint.contains('@')
                || call.send(get(&target.endpoint, &target.path)).await.is_err()
            {
                continue;
            }
            let slash = if link.matches('/').count() == 2 { "/" } else { "" };
            assert_eq!(memory.uris(), [format!("{link}{slash}")], "{provider}");
            sent += 1;
        }
    }
    assert!(sent > 100, "{sent} links");
}

#[tokio::test]
async fn manifests_of_the_ten_providers_open_doors() {
    for (provider, manifest) in manifests() {
        let call = call(&manifest, &Memory::saying("{}"));
        let error = call.locate("https://169.254.169.254/latest/meta-data/").unwrap_err();
        assert_eq!(error.code, "egress.denied", "{provider}");
    }
}

//! Thresholds, key states, revocations and floors.

use std::collections::BTreeMap;

use package::statement::Verdict;
use package::trust::{TrustError, VersionRange};
use package::{Bundle, Phase, Trust, TrustFile, VerifyError};

use crate::support::{
    NAME, Refusal, admit, good, key, members, refused, release, review, trust_of, trust_text, with,
};

/// The trust file with a second key for one of the parties and this threshold.
fn two_keys(party: &str, second: &str, threshold: u32) -> String {
    let second = key(second).public();
    let header = format!("{party}]\nthreshold = 1\nkeys = [");
    let entry = format!("{{ id = \"{}\", public = \"{}\" }}, ", second.id(), second.to_base64());
    assert!(trust_text().contains(&header));
    trust_text().replace(&header, &format!("{party}]\nthreshold = {threshold}\nkeys = [{entry}"))
}

/// The trust file with a state for one key.
fn with_state(text: &str, who: &str, state: &str) -> String {
    let base64 = key(who).public().to_base64();
    text.replace(&format!("\"{base64}\""), &format!("\"{base64}\", {state}"))
}

#[track_caller]
fn admitted(bundle: &Bundle, trust: &str, phase: Phase) {
    admit(bundle.to_bytes(), &trust_of(trust), phase).unwrap();
}

#[test]
fn thresholds_count_distinct_keys() {
    let text = two_keys("publisher.acme", "acme-2", 2);
    refused(&good(), &text, |e| {
        matches!(e, VerifyError::PublisherThreshold { have: 1, need: 2, .. })
    });
    let both = with(members(), |it| {
        vec![release(it, "acme"), release(it, "acme-2"), review(it, "security", Verdict::Approved)]
    });
    admitted(&both, &text, Phase::Install);
    let joint = with(members(), |it| {
        let mut joint = release(it, "acme");
        joint.co_sign(&key("acme-2")).unwrap();
        vec![joint, review(it, "security", Verdict::Approved)]
    });
    admitted(&joint, &text, Phase::Install);
    let text = two_keys("reviewer.security", "security-2", 2);
    refused(&good(), &text, |e| matches!(e, VerifyError::ReviewThreshold { have: 1, need: 2, .. }));
    let both = with(members(), |it| {
        let two = ["security", "security-2"].map(|who| review(it, who, Verdict::Approved));
        two.into_iter().chain([release(it, "acme")]).collect()
    });
    admitted(&both, &text, Phase::Install);
}

#[test]
fn a_retired_key_is_good_for_what_is_installed_only() {
    let retired = |error: Refusal, who: &str| matches!(error, Refusal::Proof(VerifyError::KeyRetired { owner, .. }) if owner == who);
    for who in ["acme", "security"] {
        let text = with_state(&trust_text(), who, "state = \"retired\"");
        admitted(&good(), &text, Phase::Load);
        let refusal = admit(good().to_bytes(), &trust_of(&text), Phase::Install).unwrap_err();
        assert!(retired(refusal, who));
    }
}

#[test]
fn a_revoked_key_is_good_for_nothing_but_what_is_kept() {
    for who in ["acme", "security"] {
        let text = with_state(&trust_text(), who, "state = \"revoked\"");
        refused(&good(), &text, |e| matches!(e, VerifyError::KeyRevoked { .. }));
        let kept = format!("state = \"revoked\", kept = [\"{}\"]", good().digest());
        admitted(&good(), &with_state(&trust_text(), who, &kept), Phase::Load);
        let id = key(who).public().id();
        let listed = format!("{}\n[[revoked]]\nkey = \"{id}\"\nreason = \"lost\"\n", trust_text());
        refused(
            &good(),
            &listed,
            |e| matches!(e, VerifyError::KeyRevoked { reason, .. } if reason == "lost"),
        );
        admitted(&good(), &format!("{listed}kept = [\"{}\"]\n", good().digest()), Phase::Load);
    }
}

#[test]
fn a_new_key_beside_a_revoked_one_is_enough() {
    let text = with_state(&two_keys("publisher.acme", "acme-2", 1), "acme", "state = \"revoked\"");
    refused(&good(), &text, |e| matches!(e, VerifyError::KeyRevoked { .. }));
    let mut again = good();
    again.add_envelope(release(&good(), "acme-2")).unwrap();
    assert_eq!(again.digest(), good().digest());
    admitted(&again, &text, Phase::Install);
}

#[test]
fn revoked_digests_and_versions_are_refused() {
    let revoked = |line: &str| format!("{}\n[[revoked]]\n{line}\nreason = \"CVE\"\n", trust_text());
    let digest = revoked(&format!("digest = \"{}\"", good().digest()));
    refused(
        &good(),
        &digest,
        |e| matches!(e, VerifyError::DigestRevoked { reason, .. } if reason == "CVE"),
    );
    let all = revoked("package = \"acme/crm\"");
    refused(&good(), &all, |e| matches!(e, VerifyError::PackageRevoked { .. }));
    let some = revoked("package = \"acme/crm\"\nversions = \">=1.0.0, <1.2.1\"");
    refused(&good(), &some, |e| matches!(e, VerifyError::PackageRevoked { .. }));
    admitted(&good(), &revoked("package = \"acme/crm\"\nversions = \"<1.2.0\""), Phase::Install);
    admitted(&good(), &revoked("package = \"acme/other\""), Phase::Install);
}

/// Verifies the good package with what a store remembers.
fn remembered(
    text: &str,
    floors: &[(&str, &str)],
    revoked: &BTreeMap<String, String>,
) -> Option<VerifyError> {
    let floors = floors.iter().map(|(name, floor)| ((*name).to_owned(), (*floor).to_owned()));
    let file = TrustFile::parse(text).unwrap();
    let trust = Trust::new(file, &floors.collect(), revoked).unwrap();
    let results =
        [Phase::Install, Phase::Load].map(|phase| package::verify(good(), &trust, phase).err());
    assert_eq!(results[0], results[1]);
    results[0].clone()
}

#[test]
fn a_revocation_stays_when_the_file_forgets_it() {
    let id = key("acme").public().id();
    let lines = [
        format!("key = \"{id}\""),
        format!("digest = \"{}\"", good().digest()),
        "package = \"acme/crm\"".to_owned(),
        "package = \"acme/crm\"\nversions = \">1.0.0, <=1.2.0\"".to_owned(),
    ];
    for line in lines {
        let text = format!("{}\n[[revoked]]\n{line}\nreason = \"CVE\"\n", trust_text());
        let sticky = TrustFile::parse(&text).unwrap().revocations();
        assert_eq!(sticky.len(), 1);
        assert_eq!(remembered(&trust_text(), &[], &BTreeMap::new()), None);
        assert!(remembered(&trust_text(), &[], &sticky).is_some(), "{line}");
    }
    let text = with_state(&trust_text(), "acme", "state = \"revoked\"");
    let sticky = TrustFile::parse(&text).unwrap().revocations();
    assert!(matches!(
        remembered(&trust_text(), &[], &sticky),
        Some(VerifyError::KeyRevoked { .. })
    ));
}

#[test]
fn a_version_below_the_floor_is_refused() {
    let floor = |floor: &str| remembered(&trust_text(), &[(NAME, floor)], &BTreeMap::new());
    assert_eq!(floor("1.2.0"), None);
    assert_eq!(floor("1.2.0-rc.1"), None);
    assert!(
        matches!(floor("1.2.1"), Some(VerifyError::Rollback { floor, .. }) if floor.to_string() == "1.2.1")
    );
    assert!(matches!(floor("10.0.0"), Some(VerifyError::Rollback { .. })));
    assert_eq!(remembered(&trust_text(), &[("acme/other", "9.0.0")], &BTreeMap::new()), None);
}

#[test]
fn what_cannot_be_remembered_refuses_everything() {
    let trust = |floors: &[(&str, &str)], revoked: &[&str]| {
        let floors = floors.iter().map(|(name, floor)| ((*name).to_owned(), (*floor).to_owned()));
        let revoked = revoked.iter().map(|target| ((*target).to_owned(), "why".to_owned()));
        Trust::new(TrustFile::parse(&trust_text()).unwrap(), &floors.collect(), &revoked.collect())
    };
    assert!(matches!(trust(&[(NAME, "one")], &[]), Err(TrustError::Floor { .. })));
    for target in
        ["", "acme/crm", "digest:sha256:00", "key:00", "package:acme", "package:acme/crm@1"]
    {
        assert!(matches!(trust(&[], &[target]), Err(TrustError::Revocation(_))), "{target}");
    }
    assert!("".parse::<VersionRange>().is_err());
}

#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let text = trust_text();
    assert!(text.contains(from), "{text}");
    let error = TrustFile::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_broken_trust_file_is_refused_with_its_line() {
    let id = key("acme").public().id();
    let other = key("umbrella").public().id();
    check("version = 1\n", "", "trust.toml: `version` is missing in the file");
    check("version = 1", "version = 2", "trust.toml:1: version 2 is not known");
    check("review = \"required\"\n", "", "trust.toml: `review` is missing in the file");
    check(
        "review = \"required\"",
        "review = \"no\"",
        "trust.toml:2: `review` is `no`; write one of",
    );
    check("[publisher.acme]", "[publishers.acme]", "trust.toml:4: unknown key `publishers`");
    check("[publisher.acme]", "[publisher.Acme]", "trust.toml:4: `Acme` is no name");
    check("threshold = 1", "threshold = 2", "trust.toml:5: 2 signatures of 1 keys can never be");
    check("threshold = 1", "threshold = 0", "trust.toml:5: 0 signatures of 1 keys can never be");
    check("threshold = 1", "treshold = 1", "trust.toml:5: unknown key `treshold`");
    check(
        "threshold = 1",
        "namespaces = [\"acme\", \"umbrella\"]",
        "trust.toml:8: the namespace `umbrella`",
    );
    check(id.as_str(), other.as_str(), &format!("trust.toml:6: the id of this key is {id}"));
    check("MCowBQYDK2VwAyEA", "MCowBQYDK2VwAyE", "trust.toml:6: `MCow");
    check("threshold = 1", "kind = 1", "trust.toml:5: unknown key `kind`");
    check(
        "[reviewer.security]",
        "[[revoked]]\nkey = \"00\"\n[reviewer.security]",
        "trust.toml:12: `reason` is missing",
    );
    check(
        "[reviewer.security]",
        "[[revoked]]\nreason = \"x\"\n[reviewer.security]",
        "trust.toml:12: a revocation must say once",
    );
    check(
        "[reviewer.security]",
        "[registry]\nurl = \"http://x\"\nroot = \"r\"\n[reviewer.security]",
        "trust.toml:13: `http://x` is no address",
    );
}

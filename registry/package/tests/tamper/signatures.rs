//! Envelopes, statements and who has signed them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use package::envelope::{EnvelopeError, IN_TOTO};
use package::statement::{Statement, Verdict};
use package::{Bundle, BundleError, Envelope, Phase, VerifyError, trust};

use crate::support::{
    NAME, Refusal, VERSION, admit, entry, good, key, manifest_with, members, members_with, refused,
    release, review, review_payload, signed, trust_of, trust_text, unsigned, with,
};

#[test]
fn a_stripped_signature_is_missed() {
    refused(&unsigned(members()), &trust_text(), |e| *e == VerifyError::Unsigned);
    let only_review = with(members(), |it| vec![review(it, "security", Verdict::Approved)]);
    refused(&only_review, &trust_text(), |e| {
        matches!(e, VerifyError::PublisherThreshold { have: 0, .. })
    });
    let only_release = with(members(), |it| vec![release(it, "acme")]);
    refused(&only_release, &trust_text(), |e| *e == VerifyError::NoReview);
}

#[test]
fn a_key_that_nobody_trusts_signs_in_vain() {
    let forged = with(members(), |it| {
        vec![release(it, "mallory"), review(it, "mallory", Verdict::Approved)]
    });
    refused(&forged, &trust_text(), |e| {
        *e == VerifyError::UntrustedKeys { keys: vec![key("mallory").public().id()] }
    });
    let half = with(members(), |it| {
        vec![release(it, "mallory"), review(it, "security", Verdict::Approved)]
    });
    refused(&half, &trust_text(), |e| matches!(e, VerifyError::PublisherThreshold { have: 0, .. }));
    let half =
        with(members(), |it| vec![release(it, "acme"), review(it, "mallory", Verdict::Approved)]);
    refused(&half, &trust_text(), |e| *e == VerifyError::NoReview);
}

#[test]
fn changed_members_need_new_signatures() {
    let changed = unsigned(members_with("README.md", b"other"));
    let stolen = with(members_with("README.md", b"other"), |_| good().envelopes().to_vec());
    assert_ne!(changed.digest(), good().digest());
    refused(&stolen, &trust_text(), |e| matches!(e, VerifyError::OtherSubject { .. }));
    let mixed = with(members_with("README.md", b"other"), |it| {
        vec![release(it, "acme"), review(&good(), "security", Verdict::Approved)]
    });
    refused(
        &mixed,
        &trust_text(),
        |e| matches!(e, VerifyError::OtherSubject { owner, .. } if owner == "security"),
    );
}

/// The line of an envelope in the hands of somebody who may change anything but has no key.
#[track_caller]
fn line(change: impl FnOnce(&str) -> String, expected: fn(&Refusal) -> bool) {
    let bundle = good();
    let lines: Vec<String> = bundle.envelopes().iter().map(Envelope::to_line).collect();
    let body = format!("{}\n{}\n", change(&lines[0]), lines[1]);
    let plain = unsigned(members()).to_bytes();
    let bytes = [entry("attestations.jsonl", body.as_bytes()), plain].concat();
    let refusal = admit(bytes, &trust_of(&trust_text()), Phase::Install).unwrap_err();
    assert!(expected(&refusal), "{refusal:?}");
}

/// Changes the signature of a line.
fn with_signature(line: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (before, rest) = line.split_once("\"sig\":\"").unwrap();
    let (text, after) = rest.split_once('"').unwrap();
    let mut signature = STANDARD.decode(text).unwrap();
    change(&mut signature);
    format!("{before}\"sig\":\"{}\"{after}", STANDARD.encode(signature))
}

fn is_bad(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Proof(VerifyError::BadSignature { owner, .. }) if owner == "acme")
}

#[test]
fn signatures_that_do_not_hold_are_refused() {
    line(|line| with_signature(line, |it| it[0] ^= 1), is_bad);
    line(|line| with_signature(line, |it| it[40] ^= 1), is_bad);
    line(|line| with_signature(line, |it| it.fill(0)), is_bad);
    line(
        |line| {
            line.replace(
                &key("acme").public().id().to_string(),
                &key("umbrella").public().id().to_string(),
            )
        },
        |r| matches!(r, Refusal::Proof(VerifyError::BadSignature { owner, .. }) if owner == "umbrella"),
    );
    let swapped = |_: &str| {
        let text = good().envelopes()[1].to_line();
        text.replace(
            &key("security").public().id().to_string(),
            &key("acme").public().id().to_string(),
        )
    };
    line(swapped, is_bad);
}

#[test]
fn a_second_spelling_of_a_signature_is_refused() {
    // The order of the group, little-endian: S + L satisfies the equation just as S does.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let add_order = |signature: &mut Vec<u8>| {
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
    };
    line(|line| with_signature(line, add_order), is_bad);
}

#[test]
fn an_envelope_has_one_spelling() {
    fn is(refusal: &Refusal, expected: fn(&EnvelopeError) -> bool) -> bool {
        matches!(refusal, Refusal::Form(BundleError::Envelope { line: 1, cause }) if expected(cause))
    }
    let json = |r: &Refusal| is(r, |cause| matches!(cause, EnvelopeError::Json(_)));
    line(|line| line.replacen("{\"", "{\"x\":1,\"", 1), json);
    line(|line| line.replacen("{\"payloadType", "{\"payloadType\":\"a\",\"payloadType", 1), json);
    line(|line| line.replace("\"keyid\":\"", "\"keyid\":\"0"), json);
    line(|_| String::new(), json);
    line(
        |line| line.replacen("\",\"signatures", "=\",\"signatures", 1),
        |r| is(r, |cause| matches!(cause, EnvelopeError::Base64 { field: "payload", .. })),
    );
    line(
        |line| line.replace("=\"}]", "\"}]"),
        |r| is(r, |cause| matches!(cause, EnvelopeError::Base64 { field: "sig", .. })),
    );
    line(
        |line| with_signature(line, |it| it.push(0)),
        |r| is(r, |cause| *cause == EnvelopeError::Length),
    );
    let repeat = |line: &str| {
        let (_, signature) = line.split_once("\"signatures\":[").unwrap();
        let signature = signature.strip_suffix("]}").unwrap();
        line.replace("]}", &format!(",{signature}]}}"))
    };
    line(repeat, |r| is(r, |cause| matches!(cause, EnvelopeError::RepeatedKey(_))));
    let empty = |line: &str| {
        line.split("\"signatures\":[").next().unwrap().to_owned() + "\"signatures\":[]}"
    };
    line(empty, |r| is(r, |cause| *cause == EnvelopeError::Count(0)));
    line(
        |line| format!("{line}\n").repeat(17).trim_end().to_owned(),
        |r| *r == Refusal::Form(BundleError::Envelopes(18)),
    );
    let unended = [entry("attestations.jsonl", b"{}"), unsigned(members()).to_bytes()].concat();
    assert_eq!(Bundle::read(unended.into()).err(), Some(BundleError::Lines));
}

#[test]
fn another_payload_type_is_another_message() {
    let other = |r: &Refusal| matches!(r, Refusal::Proof(VerifyError::PayloadType(_)));
    line(|line| line.replace(IN_TOTO, "application/json"), other);
    // The signature covers the type: a line made for another type does not pass under ours.
    let retyped = |_: &str| {
        let payload = Statement::release(NAME, VERSION, good().digest()).to_json();
        let line = Envelope::sign(&key("acme"), "application/json", &payload).to_line();
        line.replace("application/json", IN_TOTO)
    };
    line(retyped, is_bad);
}

/// Members with one envelope of acme's over this payload, and an approval.
#[track_caller]
fn payload(payload: &[u8], expected: fn(&VerifyError) -> bool) {
    let bundle = with(members(), |it| {
        let first = Envelope::sign(&key("acme"), IN_TOTO, payload);
        vec![first, review(it, "security", Verdict::Approved)]
    });
    refused(&bundle, &trust_text(), expected);
}

#[test]
fn what_was_signed_must_be_about_this_package() {
    let digest = good().digest().to_owned();
    let statement =
        |package: &str, version: &str| Statement::release(package, version, &digest).to_json();
    payload(b"not json", |e| matches!(e, VerifyError::Statement { .. }));
    payload(&statement("acme/other", VERSION), |e| matches!(e, VerifyError::OtherRelease { .. }));
    payload(&statement("umbrella/crm", VERSION), |e| matches!(e, VerifyError::OtherRelease { .. }));
    payload(&statement(NAME, "1.2.1"), |e| matches!(e, VerifyError::OtherRelease { .. }));
    let text = String::from_utf8(statement(NAME, VERSION)).unwrap();
    let unknown = text.replace("release/v1", "release/v2");
    payload(unknown.as_bytes(), |e| matches!(e, VerifyError::PublisherThreshold { have: 0, .. }));
    let field = text.replace("\"package\":", "\"by\":\"x\",\"package\":");
    payload(field.as_bytes(), |e| matches!(e, VerifyError::Statement { .. }));
    payload(&review_payload(&digest, "security", Verdict::Approved), |e| {
        matches!(e, VerifyError::PublisherThreshold { have: 0, .. })
    });
}

#[test]
fn nobody_publishes_in_the_namespace_of_another() {
    let foreign = with(members(), |it| {
        vec![release(it, "umbrella"), review(it, "security", Verdict::Approved)]
    });
    refused(
        &foreign,
        &trust_text(),
        |e| matches!(e, VerifyError::Namespace { owner, publisher, .. } if owner == "umbrella" && publisher == "acme"),
    );
    for namespace in ["acme-evil", "acm", "acmee"] {
        let members =
            manifest_with("publisher = \"acme\"", &format!("publisher = \"{namespace}\""));
        let unknown = signed(members);
        refused(&unknown, &trust_text(), |e| matches!(e, VerifyError::UnknownPublisher(_)));
    }
}

#[test]
fn nobody_reviews_what_they_have_published() {
    let own = with(members(), |it| {
        let review = Envelope::sign(
            &key("acme"),
            IN_TOTO,
            &review_payload(it.digest(), "acme", Verdict::Approved),
        );
        vec![release(it, "acme"), review]
    });
    refused(&own, &trust_text(), |e| *e == VerifyError::SelfReview("acme".to_owned()));
    // A second key and a second role do not make a second person.
    let text = trust::with_reviewer(&trust_text(), "acme", &key("acme-2").public()).unwrap();
    let own = with(members(), |it| {
        vec![release(it, "acme"), {
            let payload = review_payload(it.digest(), "acme", Verdict::Approved);
            Envelope::sign(&key("acme-2"), IN_TOTO, &payload)
        }]
    });
    refused(&own, &text, |e| *e == VerifyError::SelfReview("acme".to_owned()));
    let both = trust::with_reviewer(&trust_text(), "acme", &key("acme").public()).unwrap_err();
    assert!(both.message.ends_with("is publisher.acme's already"), "{both}");
}

#[test]
fn a_rejection_never_counts_and_a_review_is_its_signers() {
    let rejected =
        with(members(), |it| vec![release(it, "acme"), review(it, "security", Verdict::Rejected)]);
    refused(&rejected, &trust_text(), |e| *e == VerifyError::Rejected("security".to_owned()));
    let optional = trust_text().replace("required", "optional");
    refused(&rejected, &optional, |e| *e == VerifyError::Rejected("security".to_owned()));
    let named = with(members(), |it| {
        let payload = review_payload(it.digest(), "somebody", Verdict::Approved);
        vec![release(it, "acme"), Envelope::sign(&key("security"), IN_TOTO, &payload)]
    });
    refused(&named, &trust_text(), |e| matches!(e, VerifyError::ReviewerName { .. }));
    let absent = with(members(), |it| vec![release(it, "acme")]);
    assert!(admit(absent.to_bytes(), &trust_of(&optional), Phase::Install).is_ok());
}

#[test]
fn what_is_inside_is_checked_as_well() {
    let module = |wasm: &[u8], expected| {
        refused(&signed(members_with("adapter.wasm", wasm)), &trust_text(), expected);
    };
    module(b"\0asm\x01\0\0\0", |e| *e == VerifyError::CoreModule);
    module(b"\x7fELF\x02\x01\x01\0", |e| *e == VerifyError::Precompiled);
    module(b"\0as", |e| *e == VerifyError::NoComponent);
    module(b"#!/bin/sh\n", |e| *e == VerifyError::NoComponent);
    let broken = signed(manifest_with("cursor", "cursr"));
    refused(
        &broken,
        &trust_text(),
        |e| matches!(e, VerifyError::Manifest(error) if error.line == Some(13)),
    );
    let missing = signed(manifest_with("contact.json", "contacts.json"));
    refused(&missing, &trust_text(), |e| {
        *e == VerifyError::MissingMapping("mappings/contacts.json".to_owned())
    });
}

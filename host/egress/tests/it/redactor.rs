//! The redactor: what it finds, what it leaves, and what it forgets.

use std::borrow::Cow;
use std::io::Write;
use std::sync::{Arc, Mutex};

use egress::Redactor;
use model::masking::Masking as _;
use model::{Clock, Secret};
use proptest::prelude::*;

use crate::mint::{Mint, items, setup, text};
use crate::support::{CANARY, Memory, Setup, escaped};

/// A token as identity providers make them: they all begin alike.
fn jwt(number: usize) -> String {
    format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.signature-{number:05}")
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7\n\
    -----END PRIVATE KEY-----\n";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[track_caller]
fn check(secrets: &[&str], text: &str, expected: &str) {
    let redactor = Redactor::default();
    let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
    let masked = redactor.mask(&secrets);
    assert_eq!(redactor.scrub(text), expected, "{text}");
    let untouched = matches!(redactor.scrub(text), Cow::Borrowed(_));
    assert_eq!(untouched, text == expected, "what holds nothing is not copied: {text}");
    drop(masked);
    assert_eq!(redactor.scrub(text), text, "forgotten");
}

#[test]
fn secret_is_masked_wherever_it_stands() {
    check(&[CANARY], CANARY, "[secret]");
    check(&[CANARY], &format!("a{CANARY}b {CANARY}"), "a[secret]b [secret]");
    check(&[CANARY], &format!("{CANARY}{CANARY}"), "[secret][secret]");
    check(&["päss-wörter"], "é päss-wörter é", "é [secret] é");
    check(&["one-secret", "another-one"], "one-secret, another-one", "[secret], [secret]");
}

#[test]
fn secret_is_masked_in_the_forms_that_needles_find() {
    let (basic, hex) = (
        "dXNlcjpwYXQtbmExLWM0bjRyeS0wMTIzNDU2Nzg5",
        "7061742d6e61312d63346e3472792d30313233343536373839",
    );
    // `user:` before it is three letters of the next group of base64.
    check(&[CANARY], &format!("Basic {basic}"), "Basic dXNlcjpw[secret]");
    check(&[CANARY], &format!("x{hex}"), "x[secret]");
    check(&[CANARY], &hex.to_uppercase(), "[secret]");
    check(&[CANARY], &format!("/x/{}?y", escaped(CANARY)), "/x/[secret]?y");
    check(&["a \"quoted\" one"], r#"{"a":"a \"quoted\" one"}"#, r#"{"a":"[secret]"}"#);
    check(&["slash/and+plus"], r"a\/slash\/and\u002bplus\u0022", r"a\/[secret]\u0022");
    // What stands beside it stays escaped: a line end would be another line of the log.
    let beside = format!("%0aINFO {} %41 {CANARY}%0a", escaped(CANARY));
    check(&[CANARY], &beside, "%0aINFO [secret] %41 [secret]%0a");
}

#[test]
fn ordinary_text_stays_as_it_is() {
    for text in ["", "x", "pat-na1-c4n4ry-012345678", "100%25 of %41", r"\u0041", "[secret]"] {
        check(&[CANARY], text, text);
    }
    check(&[], CANARY, CANARY);
    check(&["", "hunter2"], "hunter2", "hunter2");
}

#[test]
fn secrets_within_and_across_others_leave_no_piece() {
    check(
        &["password1", "https://user:password1@host"],
        "at https://user:password1@host/x",
        "at [secret]/x",
    );
    check(&["abcdefghij", "efghijklmn"], "..abcdefghijklmn..", "..[secret]..");
    check(&["abcdefgh", "abcdefghijkl"], "abcdefghijkl abcdefgh", "[secret] [secret]");
}

#[test]
fn tokens_that_begin_alike_are_told_apart() {
    let redactor = Redactor::default();
    let tokens: Vec<_> = (0..1000).map(|number| secret(&jwt(number))).collect();
    let _masked = redactor.mask(&tokens);
    assert_eq!(redactor.scrub(&format!("a {} b", jwt(731))), "a [secret] b");
    assert_eq!(redactor.scrub(&jwt(1000)), jwt(1000));
}

#[test]
fn key_of_several_lines_is_masked_line_by_line() {
    check(&[KEY], KEY, "[secret]");
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEF";
    check(&[KEY], &format!("bad key: {line}"), "bad key: [secret]");
    check(&[KEY], &serde_json::json!({ "key": KEY }).to_string(), r#"{"key":"[secret]"}"#);
    check(&[KEY], "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----");
}

#[test]
fn secret_of_two_is_masked_until_both_have_dropped_it() {
    let redactor = Redactor::default();
    let (one, other) = (redactor.mask(&[secret(CANARY)]), redactor.clone().mask(&[secret(CANARY)]));
    drop(one);
    assert_eq!(redactor.scrub(CANARY), "[secret]");
    drop(other);
    assert_eq!(redactor.scrub(CANARY), CANARY);
}

/// What was written, from however many writers.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[track_caller]
fn check_writes(pieces: &[&str], expected: &str) {
    let (redactor, sink) = (Redactor::default(), Sink::default());
    let _masked = redactor.mask(&[secret(CANARY)]);
    let mut writer = redactor.writer(sink.clone());
    for piece in pieces {
        writer.write_all(piece.as_bytes()).unwrap();
    }
    drop(writer);
    assert_eq!(sink.text(), expected, "{pieces:?}");
}

#[test]
fn secret_that_is_written_in_pieces_is_masked() {
    let line = format!("a {CANARY} b\n");
    for at in 0..=line.len() {
        let (one, other) = line.split_at(at);
        check_writes(&[one, other], "a [secret] b\n");
        check_writes(&["x\n", one, other, "y"], "x\na [secret] b\ny");
    }
    let letters: Vec<_> = CANARY.split("").collect();
    check_writes(&letters, "[secret]");
    check_writes(&[], "");
    check_writes(&["é", "\n\n", "z"], "é\n\nz");
}

#[test]
fn line_without_end_is_not_held_back_for_ever_and_keeps_no_secret() {
    for spelling in &spellings(CANARY) {
        let (redactor, sink) = (Redactor::default(), Sink::default());
        let _masked = redactor.mask(&[secret(CANARY)]);
        let mut writer = redactor.writer(sink.clone());
        let piece = format!("{}{spelling}", "a".repeat(997));
        for _ in 0..400 {
            let (one, other) = piece.split_at(piece.len() - 5);
            writer.write_all(one.as_bytes()).unwrap();
            writer.write_all(other.as_bytes()).unwrap();
        }
        let written = sink.text().len();
        assert!(written > 300_000, "{written} bytes were written before the end");
        drop(writer);
        assert_eq!(sink.text(), piece.replace(spelling, "[secret]").repeat(400));
    }
}

#[test]
fn log_that_passes_through_it_holds_no_secret() {
    let (redactor, sink) = (Redactor::default(), Sink::default());
    let (masker, out) = (redactor.clone(), sink.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || masker.writer(out.clone()))
        .finish();
    // While there is one subscriber alone, `tracing` asks that of the thread which comes to a line
    // first, and the other tests' threads have none.
    let second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let _masked = redactor.mask(&[secret(CANARY)]);
    tracing::warn!(token = CANARY, url = %format!("/x?q={CANARY}"), "sent {CANARY}");
    drop((guard, second));
    let text = sink.text();
    assert!(text.contains("sent [secret]") && !text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn secrets_of_a_door_are_masked_as_long_as_it_stands() {
    let (redactor, memory) = (Redactor::default(), Memory::saying("{}"));
    let gateway = memory.gateway(Clock::system()).with_redactor(redactor.clone());
    let door = Setup::new().door(&gateway).unwrap();
    assert_eq!(redactor.scrub(CANARY), "[secret]");
    drop(door);
    assert_eq!(redactor.scrub(CANARY), CANARY);
    let mint = Arc::new(Mint::living(20));
    let door = setup(&mint).door(&gateway).unwrap();
    let call = door.open(model::egress::Access::Read, crate::support::budget());
    for generation in 1..=2 {
        items(call.as_ref()).await.unwrap();
        assert_eq!(redactor.scrub(&text(generation)), "[secret]");
    }
    assert_eq!(redactor.scrub(&text(1)), "[secret]", "the one before as well");
    drop((door, call));
    assert_eq!(redactor.scrub(&text(1)), text(1));
}

#[test]
fn redactor_prints_no_secret() {
    let redactor = Redactor::default();
    let _masked = redactor.mask(&[secret(CANARY)]);
    let mut writer = redactor.writer(std::io::sink());
    writer.write_all(CANARY.as_bytes()).unwrap();
    assert!(!format!("{redactor:?} {writer:?}").contains("c4n4ry"));
}

/// A secret in the spellings that it is found in.
fn spellings(secret: &str) -> [String; 4] {
    let unicode = |letter: char| ["\\u".to_owned(), format!("{:04x}", u32::from(letter))];
    let hex: Vec<_> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let unicode = secret.chars().flat_map(unicode).collect();
    [secret.to_owned(), escaped(secret), hex.concat(), unicode]
}

proptest! {
    #[test]
    fn no_spelling_of_a_secret_passes_wherever_the_text_is_cut(
        secrets in prop::collection::vec(r#"[ab/"%\\ué]{8,12}"#, 1..5),
        parts in prop::collection::vec((0..5_usize, 0..4_usize, r#"[ab%u\\/"0-9 ]{0,6}"#), 1..8),
        cuts in prop::collection::vec(0..100_usize, 0..10),
    ) {
        let (redactor, sink) = (Redactor::default(), Sink::default());
        let _masked = redactor.mask(&secrets.iter().map(|text| secret(text)).collect::<Vec<_>>());
        let part = |(which, how, noise): &(usize, usize, String)| {
            [noise.clone(), spellings(&secrets[which % secrets.len()])[*how].clone()]
        };
        let text: String = parts.iter().flat_map(part).collect();
        let (mut writer, mut rest) = (redactor.writer(sink.clone()), text.as_bytes());
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            writer.write_all(piece).unwrap();
            rest = behind;
        }
        writer.write_all(rest).unwrap();
        drop(writer);
        for spelling in secrets.iter().flat_map(|text| spellings(text)) {
            prop_assert!(!sink.text().contains(&spelling), "{text}");
            prop_assert!(!redactor.scrub(&text).contains(&spelling), "{text}");
        }
    }
}

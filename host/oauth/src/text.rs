//! What a provider says, made fit to be shown.

/// Longest text of a provider that is passed on: a sentence or two, not a page.
const TEXT_CHARS_MAX: usize = 300;

/// Shortest word that can be a token: nobody gives out shorter ones, and few words of a sentence
/// are as long.
const TOKEN_BYTES_MIN: usize = 16;

/// Longest error code; the longest known one has half of that.
const CODE_BYTES_MAX: usize = 64;

/// The text on one line, cut, and with everything hidden that may be a token: a provider may
/// repeat in its answer what was sent to it.
pub(crate) fn shown(text: &str, secrets: &[&str]) -> String {
    let text = without(text, secrets);
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<_> = line.split_whitespace().map(word).collect();
    let shown = words.join(" ");
    match shown.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}

/// The text without the secrets, in one pass: one that stands within another leaves no piece of
/// it, and none is looked for in what hides one.
fn without(text: &str, secrets: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = secrets.iter().filter(|secret| rest.starts_with(**secret));
        let longest = found.map(|secret| secret.len()).max().filter(|length| *length > 0);
        if longest.is_some() {
            out.push_str("[hidden]");
        } else {
            out.push(first);
        }
        rest = rest.get(longest.unwrap_or(first.len_utf8())..).unwrap_or_default();
    }
    out
}

/// A word without what may be a token in it: a long run of the characters of tokens that is not
/// made of letters and `_` alone, as codes and ordinary words are.
fn word(word: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=!%".contains(c);
    let mut out = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(is_token) {
        let (before, behind) = rest.split_at(start);
        let end = behind.find(|c| !is_token(c)).unwrap_or(behind.len());
        let (run, tail) = behind.split_at(end);
        out.extend([before, if is_opaque(run) { "[hidden]" } else { run }]);
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn is_opaque(run: &str) -> bool {
    // `error_codes` and `offline.access` are words; `k3y-…` and `AbCdEf…` of that length are not.
    let part_is_word = |part: &str| {
        let lower = |b: u8| b.is_ascii_lowercase();
        let upper = |b: u8| b.is_ascii_uppercase();
        part.bytes().all(lower)
            || part.bytes().all(upper)
            || part.len() < TOKEN_BYTES_MIN && part.bytes().skip(1).all(lower)
    };
    run.len() >= TOKEN_BYTES_MIN
        && !run.split(|c: char| !c.is_ascii_alphanumeric()).all(part_is_word)
}

/// A code of a provider, if it can be one.
pub(crate) fn code(text: &str) -> Option<&str> {
    let proper = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let fits = (1..=CODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(proper);
    (fits && !is_opaque(text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text, &["hunter2"]), expected);
    }

    #[test]
    fn sentences_stay_and_tokens_go() {
        check("expired access/refresh token", "expired access/refresh token");
        check(
            "AADSTS70008: The provided  grant\r\nhas expired.",
            "AADSTS70008: The provided grant has expired.",
        );
        check("token 1//0gAbCdEfGhIjKlMn-xyz is bad", "token [hidden] is bad");
        check("(na1-1b2c3d4e-0000-4000-8000-000000000001)", "([hidden])");
        check("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln", "[hidden]");
        check("https://foo.microsoft.com/mail.read", "https://foo.microsoft.com/mail.read");
        check("password hunter2!", "password [hidden]!");
        check("unsupported_response_mode_for_this", "unsupported_response_mode_for_this");
    }

    #[test]
    fn secret_within_another_leaves_no_piece_of_it() {
        let secrets = ["pin", "pin-of-us", "n", "hid"];
        assert_eq!(shown("a pin-of-us, pin", &secrets), "a [hidden], [hidden]");
        assert_eq!(shown(&"n".repeat(64 << 10), &secrets).chars().count(), TEXT_CHARS_MAX + 1);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"wort ".repeat(100), &[]).chars().count(), TEXT_CHARS_MAX + 1);
    }

    #[test]
    fn codes_are_short_and_plain() {
        for text in ["invalid_grant", "BAD_REFRESH_TOKEN", "4735", "urn.x-y"] {
            assert_eq!(code(text), Some(text));
        }
        for text in ["", "Invalid Token!", "a b", "k3y-0123456789abcdef", &"a".repeat(65)] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}

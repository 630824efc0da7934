//! Takes the text and the links out of the small HTML that feeds put into a description.

use serde::Serialize;

/// The longest entity that is looked for: `&#x10FFFF;`.
const ENTITY_LENGTH_MAX: usize = 10;

/// A link of a description: where it leads, and its text.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// Returns the text without tags, its entities decoded and its white space folded.
pub(crate) fn text(html: &str) -> String {
    let mut raw = String::with_capacity(html.len());
    let mut rest = html;
    // One tag that never ends is enough to know that none of those behind it does: without this
    // the search for an end would begin again at every `<` of a hostile text.
    let mut tags_end = true;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, special) = rest.split_at(at);
        raw.push_str(before);
        rest = if tags_end && is_tag(special) {
            let after = after_tag(special);
            tags_end = after.is_some();
            raw.push(' ');
            after.unwrap_or(special)
        } else if let Some((character, after)) = entity(special) {
            raw.push(character);
            after
        } else {
            let (literal, after) = special.split_at(1);
            raw.push_str(literal);
            after
        };
    }
    raw.push_str(rest);
    fold(&raw)
}

/// Returns the entries of a cluster (`<ol><li>…`) or, where there is none, the whole as one.
pub(crate) fn entries(html: &str) -> Vec<&str> {
    let mut parts = html.split("<li>");
    let before = parts.next().unwrap_or_default();
    let entries: Vec<&str> =
        parts.map(|part| part.split_once("</li>").map_or(part, |(entry, _)| entry)).collect();
    if entries.is_empty() { vec![before] } else { entries }
}

/// Returns the first link of a piece of HTML.
pub(crate) fn first_link(html: &str) -> Option<Link> {
    let (_, anchor) = html.split_once("<a ")?;
    let (attributes, body) = anchor.split_once('>')?;
    let (_, value) = attributes.split_once("href=\"")?;
    let (url, _) = value.split_once('"')?;
    let (title, _) = body.split_once("</a>")?;
    Some(Link { url: text(url), title: text(title) })
}

/// Tells a tag from a `<` that is only a character.
fn is_tag(special: &str) -> bool {
    matches!(special.as_bytes(), [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'!', ..])
}

/// Returns what follows the tag at the start; `None` where it never ends.
fn after_tag(tag: &str) -> Option<&str> {
    let mut quote = None;
    let end = tag.char_indices().find(|&(_, c)| {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => return c == '>' && quote.is_none(),
        }
        false
    })?;
    tag.get(end.0 + 1..)
}

/// Decodes the entity at the start, and returns what follows it.
fn entity(special: &str) -> Option<(char, &str)> {
    special.strip_prefix('&')?;
    let end = special.bytes().take(ENTITY_LENGTH_MAX).position(|byte| byte == b';')?;
    let (name, after) = (special.get(1..end)?, special.get(end + 1..)?);
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((character, after))
}

/// Makes every run of white space, non-breaking included, one space.
fn fold(raw: &str) -> String {
    let mut folded = String::with_capacity(raw.len());
    for word in raw.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(text(html), expected);
    }

    #[test]
    fn tags_and_entities_leave_plain_text() {
        check(
            "<a href=\"https://n/1\" target=\"_blank\">Head &amp; line</a>&nbsp;&nbsp;<font color=\"#6f6f6f\">Post</font>",
            "Head & line Post",
        );
        check("a<br/>b", "a b");
        check("<a title='x > y'>z</a>", "z");
        check("&#8211; &#x41; &quot;q&quot; &apos;", "– A \"q\" '");
        check("", "");
    }

    #[test]
    fn what_only_looks_like_markup_stays() {
        check("1 < 2 & 3", "1 < 2 & 3");
        check("AT&T; &#xD800; &unknown;", "AT&T; &#xD800; &unknown;");
        check("<unclosed", "<unclosed");
        check("&é;", "&é;");
        check("&amp;lt;", "&lt;");
    }

    #[test]
    fn text_is_decoded_once() {
        check("&amp;nbsp;", "&nbsp;");
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        assert_eq!(text(&"<a".repeat(200_000)).len(), 400_000);
        assert_eq!(text(&"&a".repeat(200_000)).len(), 400_000);
    }

    #[test]
    fn cluster_has_an_entry_per_article() {
        assert_eq!(entries("<ol><li>a</li><li>b</li></ol>"), ["a", "b"]);
        assert_eq!(entries("<a>x</a>"), ["<a>x</a>"]);
        assert_eq!(entries(""), [""]);
    }

    #[test]
    fn link_is_the_first_anchor() {
        let html = "<a href=\"https://n/1?a=1&amp;b=2\" target=\"_blank\">One &amp; two</a><a href=\"x\">y</a>";
        let expected = Link { url: "https://n/1?a=1&b=2".into(), title: "One & two".into() };
        assert_eq!(first_link(html), Some(expected));
        assert_eq!(first_link("<a href=\"x\">never closed"), None);
        assert_eq!(first_link("<a>no target</a>"), None);
    }
}

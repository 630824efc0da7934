//! The text within HTML, in one pass.

use std::borrow::Cow;

use crate::ops::escape::html_unescape;

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Elements with an empty line around them.
const PARAGRAPHS: &[&str] = &["p", "h1", "h2", "h3", "h4", "h5", "h6"];

/// Elements whose content is no text for people.
const HIDDEN: &[&str] = &["script", "style", "template", "title"];

pub(super) fn of(html: &str) -> String {
    let mut text = Text { made: String::with_capacity(html.len()), breaks: 0, space: false };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        text.push(before);
        rest = if let Some((tag, after)) = Tag::read(tag) {
            text.tag(&tag, after)
        } else {
            text.push("<");
            tag.get(1..).unwrap_or_default()
        };
    }
    text.push(rest);
    text.made
}

/// What a tag says; comments and declarations have no name.
struct Tag<'h> {
    name: Cow<'h, str>,
    closes: bool,
}

impl<'h> Tag<'h> {
    /// The tag that begins here, and what follows it. What has no end takes all of the rest.
    fn read(html: &'h str) -> Option<(Self, &'h str)> {
        let inner = html.strip_prefix('<')?;
        if let Some(comment) = inner.strip_prefix("!--") {
            let after = comment.split_once("-->").map_or("", |(_, after)| after);
            return Some((Self { name: "".into(), closes: false }, after));
        }
        let closes = inner.starts_with('/');
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || (!closes && "!?".contains(c))) {
            return None;
        }
        let end = inner.find(|c: char| c.is_whitespace() || c == '>' || c == '/');
        let (name, attributes) = inner.split_at(end.unwrap_or(inner.len()));
        Some((Self { name: name.to_ascii_lowercase().into(), closes }, after(attributes)))
    }
}

/// What follows the `>` that stands in no quotation marks.
fn after(attributes: &str) -> &str {
    let mut quote = None;
    for (at, c) in attributes.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '>') => return attributes.get(at + 1..).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    ""
}

struct Text {
    made: String,
    /// Line breaks that are due before the next word.
    breaks: usize,
    space: bool,
}

impl Text {
    /// Takes a tag in, and answers with what is to be read next.
    fn tag<'h>(&mut self, tag: &Tag<'_>, rest: &'h str) -> &'h str {
        let name = tag.name.as_ref();
        if PARAGRAPHS.contains(&name) {
            self.breaks = 2;
        } else if BLOCKS.contains(&name) {
            let own = if matches!(name, "ul" | "ol") { 2 } else { 1 };
            self.breaks = self.breaks.max(own);
        } else if matches!(name, "td" | "th") {
            self.space = true;
        }
        if tag.closes {
            return rest;
        }
        if name == "li" {
            self.push("- ");
        }
        if HIDDEN.contains(&name) { hidden(name, rest) } else { rest }
    }

    fn push(&mut self, html: &str) {
        let text = html_unescape(Cow::Borrowed(html));
        // A space that may be broken, as HTML has it; others are characters.
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let word = rest.trim_start_matches(is_space);
            self.space |= word.len() < rest.len();
            let (word, after) = word.split_at(word.find(is_space).unwrap_or(word.len()));
            if !word.is_empty() {
                self.separate();
                self.made.push_str(word);
            }
            rest = after;
        }
    }

    fn separate(&mut self) {
        if !self.made.is_empty() {
            match self.breaks {
                0 if self.space => self.made.push(' '),
                breaks => self.made.extend(std::iter::repeat_n('\n', breaks)),
            }
        }
        (self.breaks, self.space) = (0, false);
    }
}

/// What follows the end tag of an element.
fn hidden<'h>(name: &str, html: &'h str) -> &'h str {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once("</") {
        let found = tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if found {
            return after(tag);
        }
        rest = tag;
    }
    ""
}

//! Markup to text and to markup, one way.

mod text;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html::push_html};

use super::{BuildError, Example, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "html_to_text",
        summary: "the text of HTML: a line for each block, an empty line around paragraphs and \
                  headings; scripts, styles and comments are left out",
        params: &[],
        types: "text → text",
        class: "one-way",
        reverse: "nothing",
        standard: Some("HTML, tokenization"),
        example: Example {
            op: r#""html_to_text""#,
            input: r#""<p>R&amp;D <b>won</b>!</p><ul><li>one<li>two</ul>""#,
            output: r#""R&D won!\n\n- one\n- two""#,
        },
        build: |_| Ok(Box::new(Markup::HtmlToText)),
    },
    Spec {
        name: "md_to_html",
        summary: "the HTML of Markdown; HTML within it is shown as text, and links lead to http, \
                  https and mailto only",
        params: &[],
        types: "text → text",
        class: "one-way",
        reverse: "nothing",
        standard: Some("CommonMark 0.31, with tables and strikethrough of GitHub"),
        example: Example {
            op: r#""md_to_html""#,
            input: r#""**won** <1>""#,
            output: r#""<p><strong>won</strong> &lt;1&gt;</p>\n""#,
        },
        build: |_| Ok(Box::new(Markup::MdToHtml)),
    },
];

#[derive(Debug)]
enum Markup {
    HtmlToText,
    MdToHtml,
}

impl Lens for Markup {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let source = source.into_text()?;
        let made = match self {
            Self::HtmlToText => text::of(&source),
            Self::MdToHtml => html(&source)?,
        };
        Fault::unless_text_fits(made.len())?;
        Ok(Value::text(made))
    }
}

/// Bytes of Markdown: the longest notes of the providers, and not the time of a megabyte of
/// nothing but brackets.
const MARKDOWN_MAX: usize = 128 << 10;

fn html(markdown: &str) -> Result<String, Fault> {
    if markdown.len() > MARKDOWN_MAX {
        let message = format!("the Markdown is longer than {MARKDOWN_MAX} bytes");
        return Err(Fault::new("mapping.text-length", message));
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: safe(dest_url), title, id })
        }
        event => event,
    });
    let mut html = String::with_capacity(markdown.len() * 3 / 2);
    push_html(&mut html, events);
    Ok(html)
}

/// The address, or nothing if a browser would run it or read a file.
fn safe(url: CowStr<'_>) -> CowStr<'_> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    // What has one of these in front of its first colon is a path.
    let is_path = |scheme: &String| scheme.contains(['/', '?', '#']);
    let scheme = scheme.filter(|scheme| !is_path(scheme));
    match scheme.as_deref() {
        None | Some("http" | "https" | "mailto") => url,
        Some(_) => CowStr::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ops::laws::get;

    #[track_caller]
    fn check(op: &str, source: &str, expected: &str) {
        let found = get(&json!(op).to_string(), &json!(source).to_string());
        assert_eq!(found, json!(expected).to_string());
    }

    #[test]
    fn html_becomes_lines() {
        for (html, text) in [
            ("", ""),
            (" a \n b ", "a b"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("<h1>a</h1>b<p>c<p>d", "a\n\nb\n\nc\n\nd"),
            ("a<!-- <p> -->b", "ab"),
            ("a<script>if (x < 1) '<p>'</SCRIPT >b", "ab"),
            ("a<style>p {}", "a"),
            ("<a title='a > b'>c</a>", "c"),
            ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
            ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
            ("a<", "a<"),
            ("a<b", "a"),
            ("a<!", "a"),
            ("a</", "a</"),
            ("\u{a0}a", "\u{a0}a"),
        ] {
            check("html_to_text", html, text);
        }
    }

    #[test]
    fn markdown_becomes_html() {
        for (markdown, html) in [
            ("# a\n\n- b\n- c", "<h1>a</h1>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>\n"),
            ("~~a~~ `b`", "<p><del>a</del> <code>b</code></p>\n"),
            ("[a](https://b.example)", "<p><a href=\"https://b.example\">a</a></p>\n"),
            ("[a](/b:c)", "<p><a href=\"/b:c\">a</a></p>\n"),
        ] {
            check("md_to_html", markdown, html);
        }
    }

    #[test]
    fn nothing_that_runs_gets_through() {
        check("md_to_html", "<script>a</script>", "&lt;script&gt;a&lt;/script&gt;");
        check("md_to_html", "a <b onclick=c>d", "<p>a &lt;b onclick=c&gt;d</p>\n");
        for scheme in ["javascript", "JavaScript", "data", "vbscript", "file"] {
            check("md_to_html", &format!("[a]({scheme}:b)"), "<p><a href=\"\">a</a></p>\n");
            check(
                "md_to_html",
                &format!("<{scheme}:b>"),
                &format!("<p><a href=\"\">{scheme}:b</a></p>\n"),
            );
        }
        check("md_to_html", "[a](&#106;avascript:b)", "<p><a href=\"\">a</a></p>\n");
    }

    #[test]
    fn long_markdown_is_refused() {
        let long = json!("a ".repeat(100_000)).to_string();
        assert_eq!(get(r#""md_to_html""#, &long), "mapping.text-length");
    }
}

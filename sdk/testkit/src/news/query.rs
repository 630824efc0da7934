//! The query language that both doors share: words, phrases, `-`, `OR` and a few operators.

use crate::news::article::Article;
use crate::time::{self, DAY_MS};

/// A query that was read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Query {
    /// Every group must have a term that occurs.
    all: Vec<Vec<String>>,
    none: Vec<String>,
    site: Option<String>,
    /// Inclusive.
    after_ms: Option<i64>,
    /// Exclusive.
    before_ms: Option<i64>,
}

impl Query {
    /// Reads a query; `when:` counts back from `now_ms`.
    ///
    /// What is malformed is ignored, as the real search does.
    pub(super) fn parse(text: &str, now_ms: i64) -> Self {
        let mut query = Self::default();
        let mut joined = false;
        for term in terms(text) {
            if term == "OR" {
                joined = true;
            } else if !matches!(term.as_str(), "AND" | "(" | ")") {
                query.add(&term, joined, now_ms);
                joined = false;
            }
        }
        query
    }

    fn add(&mut self, term: &str, joined: bool, now_ms: i64) {
        match term.split_once(':') {
            Some(("after", date)) => self.after_ms = time::parse(date),
            Some(("before", date)) => self.before_ms = time::parse(date),
            Some(("when", span)) => self.after_ms = when(span).map(|span| now_ms - span),
            Some(("site", site)) => self.site = Some(site.to_lowercase()),
            Some(("intitle" | "allintitle" | "allintext", word)) => self.require(word, joined),
            _ => match term.strip_prefix('-') {
                Some(word) => self.none.push(word.to_lowercase()),
                None => self.require(term.trim_start_matches('+'), joined),
            },
        }
    }

    fn require(&mut self, word: &str, joined: bool) {
        let word = word.to_lowercase();
        match self.all.last_mut() {
            Some(group) if joined => group.push(word),
            _ => self.all.push(vec![word]),
        }
    }

    /// Whether an article is found.
    pub(super) fn matches(&self, article: &Article) -> bool {
        let description = article.description.as_deref().unwrap_or_default();
        let text = format!("{}\n{description}", article.title).to_lowercase();
        self.all.iter().all(|group| group.iter().any(|word| text.contains(word)))
            && !self.none.iter().any(|word| text.contains(word))
            && self.site.as_ref().is_none_or(|site| article.site.ends_with(site.as_str()))
            && self.after_ms.is_none_or(|after| article.published_ms >= after)
            && self.before_ms.is_none_or(|before| article.published_ms < before)
    }
}

/// Splits at spaces, keeps phrases together and parentheses apart.
fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut term = String::new();
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => terms.push(std::mem::take(&mut term)),
            '(' | ')' if !quoted => {
                terms.extend([std::mem::take(&mut term), character.to_string()]);
            }
            other => term.push(other),
        }
    }
    terms.push(term);
    terms.retain(|term| !term.is_empty());
    terms
}

/// Reads `12h`, `7d` or `1y`.
fn when(span: &str) -> Option<i64> {
    let (number, unit) = span.split_at_checked(span.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    let unit = match unit {
        "h" => DAY_MS / 24,
        "d" => DAY_MS,
        "y" => 365 * DAY_MS,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::NEWEST_MS;

    #[test]
    fn words_phrases_and_operators_select() {
        check("acme", true);
        check("\"acme widgets\" leipzig", true);
        check("\"widgets acme\"", false);
        check("acme -leipzig", false);
        check("nobody OR acme", true);
        check("(nobody OR nothing) acme", false);
        check("site:times.example acme", true);
        check("site:other.example acme", false);
        check("after:2026-06-01 before:2026-06-02", true);
        check("before:2026-06-01", false);
        check("when:1d", true);
        check("when:soon acme", true);
    }

    #[track_caller]
    fn check(text: &str, found: bool) {
        let article = Article {
            number: 1,
            title: "Acme Widgets opens plant in Leipzig".into(),
            description: None,
            publisher: "Example Times".into(),
            site: "https://www.times.example".into(),
            source_id: None,
            published_ms: NEWEST_MS,
        };
        assert_eq!(Query::parse(text, NEWEST_MS).matches(&article), found, "{text}");
    }
}

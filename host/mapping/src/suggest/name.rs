//! How much a provider's name of a field is like ours.

use super::Candidate;
use crate::record_type::Field;

/// Fewer common words, in percent, are a coincidence.
const WORDS_SHARED_MIN: u8 = 60;

/// Words of a name that are compared: no name of ours has more.
const WORDS_MAX: usize = 32;

/// A field of ours as its names are compared.
pub(super) struct Ours<'f> {
    field: &'f Field,
    words: Vec<String>,
    name: String,
    also: Vec<String>,
}

/// A field of the provider as its names are compared.
pub(super) struct Theirs<'c> {
    pub(super) found: &'c Candidate,
    words: Vec<String>,
    name: String,
    label: String,
}

impl<'c> Theirs<'c> {
    pub(super) fn of(found: &'c Candidate) -> Self {
        let [name, label] = [&found.name, &found.label].map(|name| plain(name));
        Self { found, words: words(&found.name), name, label }
    }
}

impl<'f> Ours<'f> {
    pub(super) fn of(field: &'f Field) -> Self {
        let also = field.also.iter().map(|also| plain(also)).collect();
        Self { field, words: words(&field.name), name: plain(&field.name), also }
    }

    /// From 0 to 100, and the reason; `None` when the names have nothing in common.
    pub(super) fn likeness(&self, theirs: &Theirs<'_>) -> Option<(u8, String)> {
        let Self { field, words, name, also } = self;
        if theirs.name == *name {
            return Some((100, "the same name".to_owned()));
        }
        if field.origin.as_ref() == Some(&theirs.found.name) {
            return Some((100, "the field that it was derived from".to_owned()));
        }
        let known = also.iter().position(|also| [&theirs.name, &theirs.label].contains(&also));
        if let Some(also) = known.and_then(|at| field.also.get(at)) {
            return Some((95, format!("known as {also:?}")));
        }
        if theirs.label == *name {
            return Some((90, "the same label".to_owned()));
        }
        let shared = shared(words, &theirs.words);
        (shared >= WORDS_SHARED_MIN).then(|| (shared.min(80), "similar names".to_owned()))
    }
}

/// Letters and digits only, in lower case, without the mark of a provider's own or custom fields.
fn plain(name: &str) -> String {
    words(name).concat()
}

/// `hs_dealName__c` is `deal`, `name`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    if words.len() > 1 {
        words.retain(|word| word != "hs" && word != "c");
    }
    words.truncate(WORDS_MAX);
    words
}

/// The share of words that both have, in percent.
fn shared(a: &[String], b: &[String]) -> u8 {
    let common = a.iter().filter(|word| b.contains(word)).count();
    let all = a.len() + b.len() - common;
    u8::try_from(common * 100 / all.max(1)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        assert_eq!(words(name), expected);
    }

    #[test]
    fn names_are_taken_apart_into_words() {
        check("hs_dealName__c", &["deal", "name"]);
        check("Deal Größe (€)", &["deal", "größe"]);
        check("firstname", &["firstname"]);
        check("HTMLBody", &["htmlbody"]);
        check("c", &["c"]);
        check("", &[]);
    }
}

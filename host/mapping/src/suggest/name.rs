//! How much a provider's name of a field is like ours.

use super::Candidate;
use crate::record_type::Field;

/// Fewer common words, in percent, are a coincidence.
const WORDS_SHARED_MIN: u8 = 60;

/// From 0 to 100, and the reason; `None` when the names have nothing in common.
pub(super) fn likeness(field: &Field, found: &Candidate) -> Option<(u8, String)> {
    let (name, label) = (plain(&found.name), plain(&found.label));
    let ours = plain(&field.name);
    let known = || field.also.iter().find(|also| [&name, &label].contains(&&plain(also)));
    if name == ours {
        return Some((100, "the same name".to_owned()));
    }
    if field.origin.as_ref() == Some(&found.name) {
        return Some((100, "the field that it was derived from".to_owned()));
    }
    if let Some(also) = known() {
        return Some((95, format!("known as {also:?}")));
    }
    if label == ours {
        return Some((90, "the same label".to_owned()));
    }
    let shared = shared(&words(&field.name), &words(&found.name));
    (shared >= WORDS_SHARED_MIN).then(|| (shared.min(80), "similar names".to_owned()))
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

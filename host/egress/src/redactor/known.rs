//! The forms that are looked for, by their last bytes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use super::FORMS_MAX;
use crate::needle::SECRET_BYTES_MIN;

/// One form, without its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fingerprint {
    /// The last bytes. The first ones would not do: tokens of one kind all begin alike.
    window: u64,
    length: usize,
    hash: u64,
}

/// A form and how many have entered it.
#[derive(Debug)]
struct Form {
    fingerprint: Fingerprint,
    holders: usize,
}

/// All forms.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_window: HashMap<u64, Vec<Form>, BuildHasherDefault<Mix>>,
    forms: usize,
    longest: usize,
    key: RandomState,
    full: bool,
}

impl Known {
    /// Enters a form, unless there are too many.
    pub(super) fn add(&mut self, text: &str) -> Option<Fingerprint> {
        let fingerprint = self.fingerprint(text.as_bytes())?;
        let forms = self.by_window.entry(fingerprint.window).or_default();
        if let Some(form) = forms.iter_mut().find(|form| form.fingerprint == fingerprint) {
            form.holders += 1;
            return Some(fingerprint);
        }
        if self.forms >= FORMS_MAX {
            self.full = true;
            if forms.is_empty() {
                self.by_window.remove(&fingerprint.window);
            }
            return None;
        }
        forms.push(Form { fingerprint, holders: 1 });
        self.forms += 1;
        self.longest = self.longest.max(fingerprint.length);
        Some(fingerprint)
    }

    /// Takes one holder of a form out, and the form with the last of them.
    pub(super) fn remove(&mut self, fingerprint: &Fingerprint) {
        let Some(forms) = self.by_window.get_mut(&fingerprint.window) else { return };
        let before = forms.len();
        forms.retain_mut(|form| {
            form.holders -= usize::from(form.fingerprint == *fingerprint);
            form.holders > 0
        });
        self.forms -= before - forms.len();
        if forms.is_empty() {
            self.by_window.remove(&fingerprint.window);
        }
    }

    /// True once a form was not entered.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn is_empty(&self) -> bool {
        self.forms == 0
    }

    /// No form was ever longer.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Where forms stand, the longest of those that end together.
    pub(super) fn spans(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let windows = bytes.array_windows().enumerate();
        let span = |(at, window): (usize, &[u8; SECRET_BYTES_MIN])| {
            let end = at + SECRET_BYTES_MIN;
            Some((self.start(bytes, end, u64::from_ne_bytes(*window))?, end))
        };
        windows.filter_map(span).collect()
    }

    /// Where the longest form begins that ends here.
    fn start(&self, bytes: &[u8], end: usize, window: u64) -> Option<usize> {
        let forms = self.by_window.get(&window)?;
        let starts = forms.iter().filter_map(|Form { fingerprint, .. }| {
            let start = end.checked_sub(fingerprint.length)?;
            let found = self.key.hash_one(bytes.get(start..end)?);
            (found == fingerprint.hash).then_some(start)
        });
        starts.min()
    }

    fn fingerprint(&self, form: &[u8]) -> Option<Fingerprint> {
        let window = u64::from_ne_bytes(*form.last_chunk()?);
        Some(Fingerprint { window, length: form.len(), hash: self.key.hash_one(form) })
    }
}

/// Mixes a window: a hash for every byte of a log must cost next to nothing.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_bounded_and_those_that_were_entered_stay() {
        let mut known = Known { forms: FORMS_MAX - 1, ..Known::default() };
        let entered = known.add("entered-form").unwrap();
        assert!(!known.is_full());
        assert_eq!(known.add("one-too-many"), None);
        assert!(known.is_full() && known.by_window.len() == 1);
        assert_eq!(known.add("entered-form"), Some(entered), "it needs no room");
        assert_eq!(known.spans(b"entered-form one-too-many"), [(0, 12)]);
        known.remove(&entered);
        assert_eq!(known.spans(b"entered-form"), [(0, 12)], "it was entered twice");
        known.remove(&entered);
        assert_eq!(known.spans(b"entered-form"), []);
        assert!(known.add("one-too-many").is_some());
    }
}

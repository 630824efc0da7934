//! Guessing what was meant.

/// Tells which keys there are, the likely one first.
pub(super) fn known_keys(wrong: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "remove it".to_owned();
    }
    let hint = nearest(wrong, known).map_or(String::new(), |key| format!("did you mean `{key}`? "));
    format!("{hint}write one of {}", known.join(", "))
}

/// The word that is at most two edits away, if there is one.
pub(super) fn nearest<'w>(wrong: &str, words: &[&'w str]) -> Option<&'w str> {
    let close = words.iter().map(|word| (distance(wrong, word), *word));
    close
        .filter(|(distance, word)| *distance <= 2 && *distance < word.len())
        .min()
        .map(|best| best.1)
}

/// The Levenshtein distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.bytes().enumerate() {
        let mut corner = index;
        let mut before = index + 1;
        for (to, cell) in right.bytes().zip(row.iter_mut().skip(1)) {
            let changed = corner + usize::from(from != to);
            corner = *cell;
            before = changed.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_two_edits_away_is_guessed_and_a_stranger_is_not() {
        let words = ["origin", "hosts", "read"];
        assert_eq!(nearest("orgin", &words), Some("origin"));
        assert_eq!(nearest("host", &words), Some("hosts"));
        assert_eq!(nearest("credential", &words), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

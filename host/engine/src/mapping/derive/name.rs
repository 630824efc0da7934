//! How a derived type is called.

use mapping::RecordType;
use mapping::record_type::{Contract, Discovered, evolve};

use super::{Deriving, MappingError};

/// Hexadecimal digits that tell parts apart: a million of them hardly ever share these.
const DIGITS: usize = 12;

impl Deriving<'_> {
    /// The name of the type; an entity of which no type can be made has none.
    pub(super) fn name(&self, discovered: &[Discovered]) -> Result<String, MappingError> {
        let mut name = format!("{} {}", self.connection.id, self.entity);
        if let Some(part) = self.part {
            name.push(' ');
            name.push_str(part);
        }
        let made = evolve(None, &name, discovered, Contract::default()).record_type;
        let made = made.filter(|made| !made.fields.is_empty()).ok_or_else(|| {
            MappingError::Unsuitable(format!(
                "the account offers no fields for {self}: write its type and its schema by hand"
            ))
        })?;
        Ok(match self.part {
            Some(part) if !shows(&made.name, part) => told_apart(&made.name, part),
            _ => made.name,
        })
    }
}

/// Whether the name can be that of no other part: it ends in all of this one, and all that is
/// different are hyphens, of which no two follow each other.
fn shows(name: &str, part: &str) -> bool {
    let plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let front = name.strip_suffix(&part.replace('-', "_"));
    part.split('-').all(plain) && front.is_some_and(|front| front.ends_with('_'))
}

/// The name with a digest of the part behind it.
fn told_apart(name: &str, part: &str) -> String {
    let mut digest = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(part.as_bytes()));
    digest.truncate(DIGITS);
    let room = RecordType::NAME_BYTES_MAX - DIGITS - 1;
    let front: String = name.chars().take(room).collect();
    format!("{}_{digest}", front.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, part: &str, expected: bool) {
        assert_eq!(shows(name, part), expected, "{name} {part}");
    }

    #[test]
    fn name_that_other_parts_could_have_does_not_show_its_part() {
        check("crm_row_0a1b_77", "0a1b-77", true);
        check("crm_row_0a1b_77", "0a1b_77", false);
        check("crm_row_0a1b_77", "0a1b--77", false);
        check("crm_row_abc", "ABC", false);
        check("crm_row_abc", "abc-", false);
        check("crm_row_abc", "abcd", false);
        check("crm_row_f", "", false);
    }

    #[test]
    fn digest_tells_parts_apart_and_the_name_stays_within_its_bounds() {
        let long = "x".repeat(RecordType::NAME_BYTES_MAX);
        assert_ne!(told_apart(&long, "A"), told_apart(&long, "a"));
        assert_eq!(told_apart(&long, "A").len(), RecordType::NAME_BYTES_MAX);
        assert!(told_apart("crm_row_abc", "ABC").starts_with("crm_row_abc_"));
    }
}

//! Telephone numbers.
//!
//! Country codes, trunk prefixes and lengths are a table of our own: the libraries carry the
//! patterns of every number range of the world, some megabytes of them, to tell a number that
//! exists from one that could. Here a number is taken that could exist.

mod plans;

use std::borrow::Cow;

use plans::{PLANS, Plan};

use super::rewrite::{Rewrite, Rewritten};
use super::{BuildError, Example, Param, ParamKind, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "phone_e164",
    summary: "writes a telephone number with its country code and without punctuation",
    params: &[Param {
        name: "region",
        kind: ParamKind::Text,
        required: false,
        summary: "where numbers without a country code belong, as two letters; \
                  left out, they are refused",
    }],
    types: "text → text",
    class: "canonicalising",
    reverse: "the number with its country code",
    standard: Some("ITU-T E.164 §6; RFC 3966 §5.1.1 for what may stand between digits"),
    example: Example {
        op: r#"{"op": "phone_e164", "region": "GB"}"#,
        input: r#""020 7946 0958""#,
        output: r#""+442079460958""#,
    },
    build: |args| {
        let region = args.text("region")?;
        let find = |region: &String| {
            let found = PLANS.iter().find(|plan| plan.regions.split(' ').any(|r| r == region));
            let known = || BuildError::parameter("`region` must be a country as two capitals");
            found.filter(|_| !region.is_empty()).ok_or_else(known)
        };
        let home = region.as_ref().map(find).transpose()?;
        Ok(Box::new(Rewritten(PhoneE164 { home })))
    },
}];

/// Digits of a number with its country code: ITU-T E.164 §6.2.1.
const DIGITS_MAX: usize = 15;

/// A number with all that people put between its digits; a longer text is something else.
const SPELLING_MAX: usize = 100;

#[derive(Debug)]
struct PhoneE164 {
    home: Option<&'static Plan>,
}

impl Rewrite for PhoneE164 {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let number = self.number(&text).map_err(|why| {
            let quoted = Fault::quote(&text);
            Fault::new("mapping.phone", format!("{quoted} is no telephone number: {why}"))
        })?;
        Ok(if number == text { text } else { Cow::Owned(number) })
    }
}

impl PhoneE164 {
    fn number(&self, text: &str) -> Result<String, &'static str> {
        let (digits, plus) = digits(text)?;
        if plus {
            return international(&digits);
        }
        let home = self.home.ok_or("it has no country code, and no `region` is given")?;
        if let Some(foreign) = digits.strip_prefix(home.abroad).filter(|_| !home.abroad.is_empty())
        {
            return international(foreign);
        }
        national(home, &digits)
    }
}

/// The digits of a number, and whether a `+` stands in front of them.
fn digits(text: &str) -> Result<(String, bool), &'static str> {
    if text.len() > SPELLING_MAX {
        return Err("it is too long");
    }
    let text = text.trim();
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    let (text, plus) = match text.trim_start_matches('(').strip_prefix(['+', '\u{ff0b}']) {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut digits = String::with_capacity(DIGITS_MAX);
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '\u{ff10}'..='\u{ff19}' => digits.extend(char::from_digit(u32::from(c) - 0xff10, 10)),
            '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' => {}
            c if c.is_whitespace() => {}
            _ => return Err("it holds more than digits; an extension has no place in E.164"),
        }
    }
    Ok((digits, plus))
}

fn international(digits: &str) -> Result<String, &'static str> {
    let plan = PLANS.iter().find(|plan| digits.starts_with(plan.code));
    let plan = plan.ok_or("it begins with no country code")?;
    national(plan, digits.get(plan.code.len()..).unwrap_or_default())
}

fn national(plan: &Plan, digits: &str) -> Result<String, &'static str> {
    let possible = |digits: &str| plan.lengths.contains(&digits.len());
    // `0` is a trunk prefix that no number begins with; others are also first digits of numbers.
    let dialled = plan.trunk == "0" || !possible(digits);
    let bare = digits.strip_prefix(plan.trunk).filter(|_| dialled).unwrap_or(digits);
    let number = format!("+{}{bare}", plan.code);
    if possible(bare) && number.len() <= 1 + DIGITS_MAX {
        Ok(number)
    } else {
        Err("it has too few or too many digits for its country")
    }
}

#[cfg(test)]
mod tests {
    use super::super::rewrite::table::{check, keeps_laws, refuses};

    /// The numbers are those that the plans of their countries set aside for fiction, and the
    /// examples of ITU-T E.123.
    #[test]
    fn numbers_get_their_country_code() {
        let table = [
            ("GB", "020 7946 0958", "+442079460958"),
            ("GB", "(020) 7946-0958", "+442079460958"),
            ("GB", "+44 (0)20 7946 0958", "+442079460958"),
            ("GB", "0044 20 7946 0958", "+442079460958"),
            ("GB", "001 (212) 555-0100", "+12125550100"),
            ("US", "(212) 555-0100", "+12125550100"),
            ("CA", "1-212-555-0100", "+12125550100"),
            ("US", "011 44 20 7946 0958", "+442079460958"),
            ("DE", "(0609) 12 34 56", "+49609123456"),
            ("AU", "0011 226 07 12 34 56", "+22607123456"),
            ("AU", "(02) 5550 1234", "+61255501234"),
            ("IT", "06 698 12345", "+390669812345"),
            ("RU", "8 (800) 555-01-00", "+78005550100"),
            ("RU", "800 555 01 00", "+78005550100"),
            ("HU", "06 1 555 0100", "+3615550100"),
            ("JP", "03-5555-0100", "+81355550100"),
            ("CI", "01 23 45 67 89", "+2250123456789"),
            ("FR", "tel:+33-1-99-00-12-34", "+33199001234"),
        ];
        for (region, text, number) in table {
            let op = format!(r#"{{"op": "phone_e164", "region": "{region}"}}"#);
            check(&op, text, number);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let op = "phone_e164";
        check(op, "+800 1234 5678", "+80012345678");
        for text in
            ["", "+", "020 7946 0958", "+999 1234567", "+44 1", "+1 212 555 01000", "call me"]
        {
            refuses(op, text, "mapping.phone");
        }
        refuses(op, "+1 212 555 0100 ext. 7", "mapping.phone");
        refuses(op, &"+1".repeat(500_000), "mapping.phone");
    }

    #[test]
    fn codes_are_no_beginnings_of_each_other() {
        let plans = super::PLANS;
        for plan in plans {
            let begins = |other: &&super::Plan| other.code.starts_with(plan.code);
            assert_eq!(plans.iter().filter(begins).count(), 1, "{}", plan.code);
        }
    }

    #[test]
    fn laws_hold() {
        keeps_laws("phone_e164", "[+]1 ?[(]?[2-9][0-9]{2}[)]?[ -]?[0-9]{7}");
        keeps_laws(r#"{"op": "phone_e164", "region": "DE"}"#, "0[1-9][0-9/ -]{4,9}");
    }
}

//! Addresses of mail.

use std::borrow::Cow;

use super::rewrite::{Rewrite, Rewritten};
use super::{Example, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "email_norm",
    summary: "trims an address of mail, checks it, and writes its domain in lower case",
    params: &[],
    types: "text → text",
    class: "canonicalising",
    reverse: "the address, tidied",
    standard: Some("RFC 5321 §2.4, §4.5.3.1; RFC 5322 §3.4.1; RFC 6531"),
    example: Example {
        op: r#""email_norm""#,
        input: r#"" Ada.Lovelace@Example.COM ""#,
        output: r#""Ada.Lovelace@example.com""#,
    },
    build: |_| Ok(Box::new(Rewritten(EmailNorm))),
}];

/// Octets in front of the `@`: RFC 5321 §4.5.3.1.1.
const LOCAL_MAX: usize = 64;

/// Octets behind the `@`: RFC 5321 §4.5.3.1.2.
const DOMAIN_MAX: usize = 255;

/// Octets between two points of a domain: RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

/// What an atom may hold besides letters, digits and characters beyond ASCII: RFC 5322 §3.2.3.
const ATOM: &str = "!#$%&'*+-/=?^_`{|}~";

/// The case in front of the `@` is kept: RFC 5321 §2.4 leaves its meaning to the server. Quoted
/// names and addresses in brackets are refused: no service takes them.
#[derive(Debug)]
struct EmailNorm;

impl Rewrite for EmailNorm {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let address = text.trim();
        let refuse = |why| {
            let quoted = Fault::quote(address);
            Err(Fault::new("mapping.email", format!("{quoted} is no address of mail: {why}")))
        };
        let Some((local, domain)) = address.rsplit_once('@') else {
            return refuse("there is no `@`");
        };
        if local.len() > LOCAL_MAX || domain.len() > DOMAIN_MAX {
            return refuse("it is longer than 64 octets before or 255 behind the `@`");
        }
        if !local.split('.').all(is_atom) {
            return refuse("what is in front of the `@` is empty or holds other characters");
        }
        let domain = domain.to_lowercase();
        if domain.len() > DOMAIN_MAX || !domain.split('.').all(is_label) {
            return refuse("what is behind the `@` is no domain");
        }
        let tidied = format!("{local}@{domain}");
        Ok(if tidied == text { text } else { Cow::Owned(tidied) })
    }
}

fn is_atom(atom: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ATOM.contains(c) || is_beyond_ascii(c);
    !atom.is_empty() && atom.chars().all(allowed)
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_beyond_ascii(c);
    let edges = !label.starts_with('-') && !label.ends_with('-');
    !label.is_empty() && label.len() <= LABEL_MAX && edges && label.chars().all(allowed)
}

/// Whether it may stand in names beyond ASCII, as far as that is told without a table of Unicode.
pub(super) fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::super::rewrite::table::{check, keeps_laws, refuses};

    const OP: &str = "email_norm";

    #[test]
    fn addresses_keep_their_name_and_lower_their_domain() {
        check(OP, "ada@example.com", "ada@example.com");
        check(OP, "\tAda@EXAMPLE.com\n", "Ada@example.com");
        check(OP, "a+b_c{d}@xn--bcher-kva.example", "a+b_c{d}@xn--bcher-kva.example");
        check(OP, "jörg@BÜCHER.example", "jörg@bücher.example");
        check(OP, "root@localhost", "root@localhost");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "@", "a@", "@b", "a b@c.d", "a@b..c", ".a@b.c", "a@-b.c", "a@b@c.d"] {
            refuses(OP, text, "mapping.email");
        }
        refuses(OP, "Ada <ada@example.com>", "mapping.email");
        refuses(OP, "a@[192.0.2.1]", "mapping.email");
        refuses(OP, &("a".repeat(65) + "@b.c"), "mapping.email");
        refuses(OP, &"a@".repeat(500_000), "mapping.email");
    }

    #[test]
    fn laws_hold() {
        keeps_laws(OP, " ?[a-cA-C.é]{1,4}@[a-cA-CİÉ.-]{1,6} ?");
    }
}

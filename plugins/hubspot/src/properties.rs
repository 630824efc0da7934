//! Which properties a read asks for, and how many of them fit into one request.

use std::collections::HashSet;

use crate::object::Object;

/// HubSpot refuses longer URLs (414); connectors in the field stop at this many characters of
/// property names.
const URL_LENGTH_MAX: usize = 15_000;

/// HubSpot refuses search bodies of more than 3,000 characters; the rest is for filters and sorts,
/// which take less than 500.
const SEARCH_LENGTH_MAX: usize = 2_500;

/// Distinct property names in the order asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Properties(Vec<String>);

impl Properties {
    /// The fields asked for, or the default set where none are.
    ///
    /// A name that HubSpot cannot have is left out: it would be ignored there, and must not
    /// reach a query.
    pub(crate) fn select(object: Object, fields: &[String]) -> Self {
        if fields.is_empty() {
            return Self(object.default_properties().iter().map(|&name| name.to_owned()).collect());
        }
        let mut seen = HashSet::with_capacity(fields.len());
        let names: Vec<String> =
            fields.iter().filter(|name| is_name(name) && seen.insert(*name)).cloned().collect();
        if names.is_empty() { Self::id_only() } else { Self(names) }
    }

    /// Only what identifies a record: the cheapest read.
    pub(crate) fn id_only() -> Self {
        Self(vec!["hs_object_id".to_owned()])
    }

    /// The names.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The names as one query value.
    pub(crate) fn joined(&self) -> String {
        self.0.join(",")
    }

    /// Tells whether a listing may name them in its URL.
    pub(crate) fn fit_url(&self) -> bool {
        // A comma is three characters once encoded.
        self.length(3) <= URL_LENGTH_MAX
    }

    /// Tells whether a search may name them in its body.
    pub(crate) fn fit_search(&self) -> bool {
        // Two quotes and a comma.
        self.length(3) <= SEARCH_LENGTH_MAX
    }

    fn length(&self, extra: usize) -> usize {
        self.0.iter().map(|name| name.len() + extra).sum()
    }
}

/// Property names are lower-case ASCII letters, digits and underscores; HubSpot's own are short.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 250
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(fields: &[&str]) -> Vec<String> {
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        Properties::select(Object::Contact, &fields).0
    }

    fn many(count: usize, length: usize) -> Properties {
        Properties((0..count).map(|i| format!("{i:0length$}")).collect())
    }

    #[test]
    fn asked_for_fields_are_read_and_no_others() {
        assert_eq!(select(&["email", "phone", "email"]), ["email", "phone"]);
        assert_eq!(select(&["a&limit=1", "E-Mail", "", "x"]), ["x"]);
        assert_eq!(select(&["E-Mail"]), ["hs_object_id"]);
    }

    #[test]
    fn default_set_is_read_where_nothing_is_asked_for() {
        let names = select(&[]);
        assert!(names.iter().any(|name| name == "email"), "{names:?}");
        for object in Object::ALL {
            let names = Properties::select(object, &[]);
            assert!(names.names().iter().any(|name| name == object.modified()), "{object:?}");
            assert!(names.names().iter().all(|name| is_name(name)), "{object:?}");
            assert!(names.fit_search(), "{object:?}");
        }
    }

    #[test]
    fn lists_are_measured_as_they_are_sent() {
        assert!(many(1_000, 12).fit_url());
        assert!(!many(1_001, 12).fit_url());
        assert!(many(100, 22).fit_search());
        assert!(!many(101, 22).fit_search());
    }
}

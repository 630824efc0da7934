//! Record types together: names are unique, references lead somewhere, nothing holds itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use super::{RecordType, parse};
use crate::Diagnostic;
use crate::diagnostic::Report;

/// A set of record types that refer to nothing outside of it.
#[derive(Clone, Debug, Default)]
pub struct Types(BTreeMap<String, RecordType>);

/// Records within records: what is deeper cannot be shown.
const EMBEDDED_MAX: usize = 8;

static BUILT_IN: LazyLock<Types> = LazyLock::new(|| {
    let json: Json = serde_json::from_str(include_str!("built_in.json")).unwrap_or_default();
    let Json::Array(items) = json else { return Types::default() };
    let mut report = Report::default();
    // A test reads the file with every check.
    let types = items.into_iter().filter_map(|item| parse::read(item, "", &mut report));
    Types(types.map(|found| (found.name.clone(), found)).collect())
});

impl Types {
    /// Types of one set: a tenant has tens of them.
    pub const COUNT_MAX: usize = 1_000;

    /// The types of Plughouse: `c_company`, `c_contact`, `c_document`, `c_note`,
    /// `c_opportunity`.
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// These types and some more, which may refer to all of them and to each other.
    pub fn with(
        mut self,
        more: impl IntoIterator<Item = RecordType>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut report = Report::default();
        for found in more {
            let name = found.name.clone();
            if name.starts_with("c_") {
                let message = format!("`{name}`: names that begin with c_ belong to Plughouse");
                report.error("type.name", "/name", message);
            } else if self.0.insert(name.clone(), found).is_some() {
                report.error("type.duplicate", "/name", format!("there are two types `{name}`"));
            }
        }
        if self.0.len() > Self::COUNT_MAX {
            let message = format!("{} types; at most {} are kept", self.0.len(), Self::COUNT_MAX);
            report.error("type.size", "", message);
        } else {
            self.check(&mut report);
        }
        if report.refuses() { Err(report.into_list()) } else { Ok(self) }
    }

    /// These types with this one, which may be a new version of one of them.
    pub fn with_version(&self, found: RecordType) -> Result<Self, Vec<Diagnostic>> {
        let built_in = Self::built_in();
        let stays =
            |known: &&RecordType| known.name != found.name && built_in.get(&known.name).is_none();
        let own: Vec<_> = self.iter().filter(stays).cloned().collect();
        built_in.with(own.into_iter().chain([found]))
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<&RecordType> {
        self.0.get(name)
    }

    /// All types, by name.
    pub fn iter(&self) -> impl Iterator<Item = &RecordType> {
        self.0.values()
    }

    fn check(&self, report: &mut Report) {
        for found in self.0.values() {
            for (position, field) in found.fields.iter().enumerate() {
                let Some(name) = field.kind.named() else { continue };
                if !self.0.contains_key(name) {
                    let message =
                        format!("`{}.{}`: there is no type `{name}`", found.name, field.name);
                    report.error("type.unknown", &format!("/fields/{position}/kind"), message);
                }
            }
        }
        let mut seen = BTreeMap::new();
        for name in self.0.keys() {
            self.depth(name, &mut Vec::new(), &mut seen, report);
        }
    }

    /// How deep records stand in one of this type; recursion goes through each type once, at most
    /// [`COUNT_MAX`](Self::COUNT_MAX) deep.
    fn depth<'t>(
        &'t self,
        name: &'t str,
        within: &mut Vec<&'t str>,
        seen: &mut BTreeMap<&'t str, usize>,
        report: &mut Report,
    ) -> usize {
        if let Some(&depth) = seen.get(name) {
            return depth;
        }
        if let Some(start) = within.iter().position(|outer| *outer == name) {
            let mut cycle = within.get(start..).unwrap_or_default().to_vec();
            cycle.push(name);
            let message = format!(
                "a type cannot hold itself: {}; write ref: where a record is only named",
                cycle.join(" → ")
            );
            report.error("type.cycle", "", message);
            return 0;
        }
        within.push(name);
        let fields = self.0.get(name).into_iter().flat_map(|found| &found.fields);
        let mut deepest = 0;
        for inner in fields.filter_map(|field| field.kind.embedded()) {
            deepest = deepest.max(1 + self.depth(inner, within, seen, report));
        }
        if deepest > EMBEDDED_MAX {
            let message = format!("`{name}` holds records deeper than {EMBEDDED_MAX} levels");
            report.error("type.depth", "", message);
            deepest = 0;
        }
        within.pop();
        seen.insert(name, deepest);
        deepest
    }
}

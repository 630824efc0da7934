//! Record types made of what a provider says of its fields.

use std::collections::BTreeSet;

use super::{Contract, Field, FieldKind, RecordType};
use crate::Kind;

/// A field as a provider describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Discovered {
    /// The provider's name.
    pub name: String,
    /// What a person reads.
    pub label: String,
    /// `text`, `integer`, `decimal`, `boolean`, `date`, `date-time`, `choice`, `choices`,
    /// `reference`, `list`, `object`; all other words are any type.
    pub kind: String,
    /// A record without it is refused.
    pub required: bool,
}

impl Discovered {
    /// A field with a longer name, in bytes, is passed over, as one with control characters is: a
    /// type of as many fields as there may be still fits [`RecordType::TEXT_BYTES_MAX`].
    pub const NAME_BYTES_MAX: usize = 400;

    pub(super) fn is_usable(&self) -> bool {
        self.name.len() <= Self::NAME_BYTES_MAX && !self.name.contains(char::is_control)
    }

    pub(super) fn field_kind(&self) -> FieldKind {
        let list = |item| FieldKind::List(Box::new(FieldKind::Plain(item)));
        match self.kind.as_str() {
            "text" | "choice" | "reference" => FieldKind::Plain(Kind::Text),
            "integer" => FieldKind::Plain(Kind::Integer),
            "decimal" => FieldKind::Plain(Kind::Decimal),
            "boolean" => FieldKind::Plain(Kind::Bool),
            "date" => FieldKind::Plain(Kind::Date),
            "date-time" => FieldKind::Plain(Kind::DateTime),
            "object" => FieldKind::Plain(Kind::Object),
            "choices" => list(Kind::Text),
            "list" => list(Kind::Any),
            _ => FieldKind::Plain(Kind::Any),
        }
    }
}

/// The first version of a type with these fields, as many as a type may have; `None` when there is
/// no field that it could have.
pub fn derive(name: &str, discovered: &[Discovered], contract: Contract) -> Option<RecordType> {
    let mut names = BTreeSet::new();
    let usable = discovered.iter().filter(|found| found.is_usable());
    let fields = usable.take(RecordType::FIELDS_MAX);
    let fields: Vec<_> = fields.map(|found| field(found, &mut names)).collect();
    if fields.is_empty() {
        return None;
    }
    let mut name = identifier(name, RecordType::NAME_BYTES_MAX);
    if name.starts_with("c_") {
        // Those belong to Plughouse.
        name = identifier(&format!("x_{name}"), RecordType::NAME_BYTES_MAX);
    }
    Some(RecordType {
        name,
        version: 1,
        summary: String::new(),
        fields,
        identity: Vec::new(),
        contract,
    })
}

/// The field of a discovered one, under a name that none has yet.
pub(super) fn field(found: &Discovered, names: &mut BTreeSet<String>) -> Field {
    let label = if found.label.trim().is_empty() { &found.name } else { &found.label };
    let mut name = identifier(label, RecordType::NAME_BYTES_MAX);
    let mut count = 1;
    while !names.insert(name.clone()) {
        count += 1;
        let suffix = format!("_{count}");
        name = identifier(label, RecordType::NAME_BYTES_MAX - suffix.len()) + &suffix;
    }
    Field {
        name,
        kind: found.field_kind(),
        required: found.required,
        pii: false,
        summary: String::new(),
        also: Vec::new(),
        origin: Some(found.name.clone()),
        gone: false,
    }
}

/// Characters of a label that are looked at: others are no more than decoration.
const LABEL_CHARS_MAX: usize = 200;

/// A name of lower-case ASCII letters, digits and underscores: `Deal Größe (€)` is `deal_gr_e`.
fn identifier(label: &str, bytes_max: usize) -> String {
    let mut name = String::new();
    for c in label.chars().take(LABEL_CHARS_MAX) {
        if name.len() >= bytes_max {
            break;
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return name.to_owned();
    }
    format!("f_{name}").chars().take(bytes_max).collect::<String>().trim_end_matches('_').to_owned()
}

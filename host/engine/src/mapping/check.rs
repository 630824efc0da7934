//! What is wrong with a text, before it is saved.

use mapping::{
    Compiled, Diagnostic, Program, RecordType, Schema, Severity, Source, Types, compile,
};
use model::schema::SchemaKind;
use serde_json::Value as Json;

/// A text that was looked at.
#[derive(Debug, Default)]
pub struct Checked {
    /// How it is called, where that can be read.
    pub name: Option<String>,
    /// Everything that is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The conversion schema, where it is well-formed.
    pub schema: Option<Schema>,
    /// The same checked against the types, where it fits them.
    pub program: Option<Program>,
    /// The types with this version of one, where it is a record type that fits the others.
    pub types: Option<Types>,
}

impl Checked {
    /// Whether it cannot be used.
    pub fn is_refused(&self) -> bool {
        self.diagnostics.iter().any(|found| found.severity == Severity::Error)
    }
}

/// Checks a text as saving it does.
pub fn check(kind: SchemaKind, text: &str, types: &Types) -> Checked {
    let refused = |diagnostics| Checked { diagnostics, ..Checked::default() };
    match kind {
        SchemaKind::RecordType => match RecordType::parse(text) {
            Ok(found) => {
                let name = Some(found.name.clone());
                let with = types.with_version(found);
                let (types, diagnostics) =
                    with.map_or_else(|found| (None, found), |types| (Some(types), Vec::new()));
                Checked { name, diagnostics, types, ..Checked::default() }
            }
            Err(diagnostics) => refused(diagnostics),
        },
        SchemaKind::Conversion => match Schema::parse(text) {
            Ok(schema) => conversion(schema, types),
            Err(diagnostics) => refused(diagnostics),
        },
    }
}

fn conversion(schema: Schema, types: &Types) -> Checked {
    let (program, diagnostics) = match compile(&schema, types, &Source::default()) {
        Ok(Compiled { program, warnings }) => (Some(program), warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    let name = Some(schema.name().to_owned());
    Checked { name, diagnostics, schema: Some(schema), program, types: None }
}

/// Sources of a schema that none of these records has. A list of them is no error: providers leave
/// out what is empty.
pub fn not_seen(schema: &Schema, payloads: &[Json]) -> Vec<String> {
    let sources = schema.fields().iter().flat_map(|field| &field.from);
    let mut sources: Vec<_> = sources.filter(|pointer| !pointer.is_empty()).collect();
    sources.sort_unstable();
    sources.dedup();
    let seen = |pointer: &str| payloads.iter().any(|payload| payload.pointer(pointer).is_some());
    sources.into_iter().filter(|pointer| !seen(pointer)).cloned().collect()
}

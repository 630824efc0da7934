//! The reference table of the operations, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Param, ParamKind, Spec, all};

/// The table in Markdown: a section per operation.
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "| Operation | Types | Class | Gives | Goes back as |\n|---|---|---|---|---|\n",
    );
    for spec in all() {
        let Spec { name, types, class, summary, reverse, .. } = spec;
        line(&mut out, &[&format!("[`{name}`](#{name})"), types, class, summary, reverse]);
    }
    for spec in all() {
        section(&mut out, spec);
    }
    out
}

/// The table as JSON: a list of operations.
pub fn reference_json() -> Json {
    all().map(entry).collect()
}

fn section(out: &mut String, spec: &Spec) {
    let Spec { name, summary, types, class, reverse, standard, example, params, .. } = spec;
    let text = format!("\n### `{name}`\n\n{types}, {class}: {summary}. Goes back as: {reverse}.\n");
    out.push_str(&text);
    if let Some(standard) = standard {
        write(out, format_args!("\nFollows {standard}.\n"));
    }
    if !params.is_empty() {
        out.push_str("\n| Parameter | Is | |\n|---|---|---|\n");
        for Param { name, kind, required, summary } in *params {
            let needed = if *required { "" } else { " (optional)" };
            let kind = format!("{}{needed}", kind_words(*kind));
            line(out, &[&format!("`{name}`"), &kind, summary]);
        }
    }
    let (op, input, output) = (example.op, example.input, example.output);
    write(out, format_args!("\n`{op}`: `{input}` → `{output}`\n"));
}

fn line(out: &mut String, cells: &[&str]) {
    out.push('|');
    for cell in cells {
        write(out, format_args!(" {} |", cell.replace('|', "\\|")));
    }
    out.push('\n');
}

/// Writing to a string does not fail.
fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok());
}

fn kind_words(kind: ParamKind) -> String {
    match kind {
        ParamKind::Text => "text".to_owned(),
        ParamKind::Count => "a whole number from 0".to_owned(),
        ParamKind::Decimal => "a number, also as text".to_owned(),
        ParamKind::Bool => "`true` or `false`".to_owned(),
        ParamKind::Json => "any JSON".to_owned(),
        ParamKind::Texts => "a list of texts".to_owned(),
        ParamKind::Table => "an object of texts".to_owned(),
        ParamKind::Ops => "a list of operations".to_owned(),
        ParamKind::Choice(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
    }
}

fn entry(spec: &Spec) -> Json {
    let param = |param: &Param| {
        json!({
            "name": param.name,
            "kind": kind_words(param.kind),
            "required": param.required,
            "summary": param.summary,
        })
    };
    let example = [spec.example.op, spec.example.input, spec.example.output];
    let [op, input, output] =
        example.map(|json| serde_json::from_str::<Json>(json).unwrap_or_default());
    json!({
        "name": spec.name,
        "summary": spec.summary,
        "types": spec.types,
        "class": spec.class,
        "reverse": spec.reverse,
        "standard": spec.standard,
        "params": spec.params.iter().map(param).collect::<Json>(),
        "example": {"op": op, "input": input, "output": output},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_in_both_tables() {
        let (markdown, json) = (reference_markdown(), reference_json());
        assert_eq!(json.as_array().map(Vec::len), Some(all().count()));
        for spec in all() {
            assert!(markdown.contains(&format!("\n### `{}`\n", spec.name)), "{}", spec.name);
        }
        for entry in json.as_array().unwrap() {
            assert!(!entry["example"]["op"].is_null(), "{entry}");
        }
    }

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_head() {
        let mut cells = 0;
        for line in reference_markdown().replace("\\|", "").lines() {
            let found = line.matches('|').count();
            assert!(cells == 0 || found == 0 || found == cells, "{line}");
            cells = found;
        }
    }
}

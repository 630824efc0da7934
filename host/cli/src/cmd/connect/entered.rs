//! What a person enters on the command line.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use engine::connect::{NewConnection, QuestionKind, methods, questions};
use model::Secret;
use package::manifest::Manifest;

use crate::terminal::Terminal;

/// Reads `NAME=VALUE`s.
pub(super) fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>> {
    texts
        .iter()
        .map(|text| {
            let (name, value) =
                text.split_once('=').with_context(|| format!("write '{text}' as NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Reads `NAME=SOURCE`s.
pub(super) fn secrets(texts: &[String], terminal: &Terminal) -> Result<Vec<(String, Secret)>> {
    texts
        .iter()
        .map(|text| {
            // The text is not repeated in errors: somebody may have written the secret itself.
            let (name, source) = text
                .split_once('=')
                .context("write --secret NAME=@FILE, NAME=env:VAR or NAME=-")?;
            let value = terminal.secret(source).with_context(|| format!("read secret '{name}'"))?;
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// Fills the fields of the method that have no value yet from a JSON object with values of the
/// same names, as providers give key files out.
pub(super) fn take_json(manifest: &Manifest, new: &mut NewConnection, text: &Secret) -> Result<()> {
    // What serde has to say may hold parts of the text.
    let object: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text.expose()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow::anyhow!("--secret-json is no JSON object (line {line}, column {column})")
        })?;
    let Some(method) = method(manifest, new) else { return Ok(()) };
    let mut found = false;
    for name in fields(manifest, &method) {
        let Some(serde_json::Value::String(value)) = object.get(&name) else { continue };
        found = true;
        if !new.fields.iter().any(|(given, _)| *given == name) {
            new.fields.push((name, Secret::new(value.clone())));
        }
    }
    if !found {
        let wanted: Vec<_> = fields(manifest, &method).collect();
        bail!("--secret-json holds none of the fields of `{method}`: {}", wanted.join(", "));
    }
    Ok(())
}

/// The method that was named, or the only one.
fn method(manifest: &Manifest, new: &NewConnection) -> Option<String> {
    match (&new.auth, methods(manifest).as_slice()) {
        (Some(method), _) => Some(method.clone()),
        (None, [only]) => Some((*only).to_owned()),
        (None, _) => None,
    }
}

fn fields(manifest: &Manifest, method: &str) -> impl Iterator<Item = String> {
    let questions = questions(manifest, method).into_iter();
    questions.filter(|q| matches!(q.kind, QuestionKind::Field { .. })).map(|q| q.name)
}

/// What the package asks for, as flags.
pub(super) fn usage(manifest: &Manifest) -> String {
    let mut lines = vec!["the package takes:".to_owned()];
    for method in methods(manifest) {
        lines.push(format!("  --auth {method}"));
        for question in questions(manifest, method) {
            let flag = match &question.kind {
                QuestionKind::Field { secret: true } => format!("--secret {}=…", question.name),
                QuestionKind::Field { secret: false } => format!("--set {}=…", question.name),
                QuestionKind::Variable { default, .. } => match default {
                    Some(value) => format!("--set {}={value}", question.name),
                    None => format!("--set {}=…", question.name),
                },
                QuestionKind::Consent => format!("--accept {}", question.name),
            };
            lines.push(format!("    {flag:30} {}", question.label));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_on_the_command_line_is_refused_and_not_repeated() {
        let error = secrets(&["token=hunter2".to_owned()], &Terminal::Process).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("env:VAR") && !text.contains("hunter2"), "{text}");
    }

    const MANIFEST: &str = r#"
        [adapter]
        id = "desk"
        name = "Desk"
        version = "0.1.0"
        contract = "0.1"
        publisher = "acme"
        license = "Apache-2.0"
        summary = "Reads a desk."
        [auth.login]
        kind = "key"
        fields = { user = { label = "User" }, token = { label = "Token", secret = true } }
        basic = { user = "{user}", password = "{token}" }
        [endpoint.api]
        origin = "https://desk.example"
        credential = "account"
        read = ["GET /items"]
        [entity.item]
        cursor = "scan"
    "#;

    fn new(variables: &[&str]) -> NewConnection {
        let variables: Vec<_> = variables.iter().map(ToString::to_string).collect();
        NewConnection {
            tenant: "main".parse().unwrap(),
            id: "desk".parse().unwrap(),
            auth: None,
            variables: pairs(&variables).unwrap(),
            fields: Vec::new(),
            consents: Vec::new(),
            overrides: BTreeMap::new(),
        }
    }

    #[test]
    fn key_file_fills_the_fields_of_its_names() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let take = |text: &str| {
            let mut new = new(&[]);
            let taken = take_json(&manifest, &mut new, &Secret::new(text.to_owned()));
            taken.map(|()| new.fields).map_err(|error| format!("{error:#}"))
        };
        let fields = take(r#"{"type": "x", "user": "ann", "token": "hunter2\n"}"#).unwrap();
        let fields: Vec<_> = fields.iter().map(|(n, s)| (n.as_str(), s.expose())).collect();
        assert_eq!(fields, [("token", "hunter2\n"), ("user", "ann")]);
        for (text, said) in [
            ("hunter2", "is no JSON object (line 1"),
            (r#""hunter2""#, "is no JSON object"),
            (r#"{"hunter2": "x"}"#, "holds none of the fields of `login`: token, user"),
        ] {
            let error = take(text).unwrap_err();
            assert!(error.contains(said) && !error.contains("hunter2"), "{error}");
        }
    }
}

//! What a person must be asked to connect an account.

use package::manifest::Manifest;

use super::entered;

/// Something to ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The name under which the answer is given.
    pub name: String,
    /// What the person reads.
    pub label: String,
    /// What the answer is.
    pub kind: QuestionKind,
}

/// What an answer is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QuestionKind {
    /// A field of the auth method; it must be answered.
    Field {
        /// Whether the answer must not be seen.
        secret: bool,
    },
    /// A variable.
    Variable {
        /// The value without an answer.
        default: Option<String>,
        /// The closed set of answers; empty means any.
        choices: Vec<String>,
    },
    /// An endpoint that stays shut until its text, the label, is accepted.
    Consent,
}

/// The auth methods of a package.
pub fn methods(manifest: &Manifest) -> Vec<&str> {
    manifest.auth.keys().map(String::as_str).collect()
}

/// Everything to ask for this method: its fields, then variables, then consents.
pub fn questions(manifest: &Manifest, method: &str) -> Vec<Question> {
    let mut questions = Vec::new();
    if let Some(fields) = manifest.auth.get(method).and_then(entered) {
        questions.extend(fields.iter().map(|(name, field)| Question {
            name: name.clone(),
            label: field.label.clone(),
            kind: QuestionKind::Field { secret: field.secret },
        }));
    }
    let ask = manifest.variables.iter().filter_map(|(name, v)| Some((name, v, v.ask.as_ref()?)));
    questions.extend(ask.map(|(name, variable, label)| Question {
        name: name.clone(),
        label: label.clone(),
        kind: QuestionKind::Variable {
            default: variable.default.clone(),
            choices: variable.choices.clone(),
        },
    }));
    let texts = manifest.endpoints.iter().filter_map(|(name, e)| Some((name, e.consent.as_ref()?)));
    questions.extend(texts.map(|(name, text)| Question {
        name: name.clone(),
        label: text.clone(),
        kind: QuestionKind::Consent,
    }));
    questions
}

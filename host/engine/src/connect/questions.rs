//! What a person must be asked to connect an account.

use package::manifest::{Auth, Manifest};

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

/// The auth methods of a package that this host can do.
pub fn methods(manifest: &Manifest) -> Vec<&str> {
    let works = |auth: &Auth| match auth {
        Auth::Key(_) | Auth::None => true,
        Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_) => false,
    };
    manifest.auth.iter().filter(|(_, auth)| works(auth)).map(|(name, _)| name.as_str()).collect()
}

/// Everything to ask for this method: its fields, then variables, then consents.
pub fn questions(manifest: &Manifest, method: &str) -> Vec<Question> {
    let mut questions = Vec::new();
    if let Some(Auth::Key(key)) = manifest.auth.get(method) {
        questions.extend(key.fields.iter().map(|(name, field)| Question {
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

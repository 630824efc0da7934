//! Why there is no schema to map with.

use std::fmt;

use mapping::Diagnostic;
use model::store::StoreError;

/// Diagnostics shown in one message; a person corrects a few and tries again.
const SHOWN_MAX: usize = 10;

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Its text, or that of a record type, is wrong.
    #[error("{what} is refused{}", Shown(diagnostics))]
    Refused {
        /// Which text.
        what: String,
        /// What is wrong with it.
        diagnostics: Vec<Diagnostic>,
    },
    /// A version of a type with which a schema in use would not compile any more.
    #[error("{schema}, would not fit this type any more{}", Shown(diagnostics))]
    InUse {
        /// The schema, and what it maps.
        schema: String,
        /// What would be wrong with it.
        diagnostics: Vec<Diagnostic>,
    },
    /// It is not what it is used for.
    #[error("{0}")]
    Unsuitable(String),
    /// The provider was asked for its fields and gave none.
    #[error("ask the provider for its fields: {0}")]
    Provider(#[from] model::Error),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MappingError {
    /// A text is wrong.
    pub fn refused(what: impl Into<String>, diagnostics: Vec<Diagnostic>) -> Self {
        Self::Refused { what: what.into(), diagnostics }
    }
}

/// A line for each diagnostic.
struct Shown<'a>(&'a [Diagnostic]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(SHOWN_MAX).try_for_each(|found| write!(f, "\n  {found}"))?;
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

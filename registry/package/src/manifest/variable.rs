//! `[variable.NAME]`: what a connection knows that is not secret.

use crate::pointer::Pointer;
use crate::words::words;

/// A value of the connection that the guest may read and templates may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Variable {
    /// The label under which the user is asked.
    pub ask: Option<String>,
    /// Where every token answer holds the value.
    pub token: Option<Pointer>,
    /// Whether `check()` may set it.
    pub check: bool,
    /// The value when nobody gave one.
    pub default: Option<String>,
    /// What the value must look like.
    pub shape: Shape,
    /// Endings of which a host must have one.
    pub suffix: Vec<String>,
    /// The closed set of values; empty means any.
    pub choices: Vec<String>,
}

words! {
    /// What the value of a variable must look like.
    Shape {
        /// Any text of one line.
        Text = "text",
        /// A host name.
        Host = "host",
        /// `https://host[:443]` without a path.
        Origin = "origin",
        /// One value per line.
        List = "list",
    }
}

impl Variable {
    /// Checks a value against shape, suffixes and choices; the text says what is wanted.
    pub fn check(&self, _name: &str, _value: &str) -> Result<(), String> {
        todo!()
    }
}

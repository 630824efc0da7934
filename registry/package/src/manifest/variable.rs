//! `[variable.NAME]`: what a connection knows that is not secret.

use super::adapter::is_line;
use crate::document::{Decode, FileError, Item, Table};
use crate::host::{HostPattern, check_name};
use crate::pointer::Pointer;
use crate::words::words;

/// Longest value: a list of queries or sites fits, a file does not.
const VALUE_BYTES_MAX: usize = 16 * 1024;

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
    pub enum Shape {
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
    pub fn check(&self, name: &str, value: &str) -> Result<(), String> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("`{name}` is longer than {VALUE_BYTES_MAX} bytes"));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            let choices = self.choices.join(", ");
            return Err(format!("`{name}` is `{value}`, which is none of {choices}"));
        }
        match self.shape {
            Shape::Text if value.contains(char::is_control) => {
                Err(format!("`{name}` holds a line break or another control character"))
            }
            Shape::List if value.contains(|c: char| c.is_control() && c != '\n') => {
                Err(format!("`{name}` holds a control character; write one entry per line"))
            }
            Shape::Text | Shape::List => Ok(()),
            Shape::Host => self.check_host(name, value),
            Shape::Origin => {
                let host = value.strip_prefix("https://");
                let host = host.map(|host| host.strip_suffix(":443").unwrap_or(host));
                let host = host.filter(|host| check_name(host).is_ok());
                let host = host.ok_or_else(|| {
                    format!(
                        "`{name}` is `{value}`; an origin is written https://host, without a path"
                    )
                })?;
                self.check_host(name, host)
            }
        }
    }

    fn check_host(&self, name: &str, host: &str) -> Result<(), String> {
        check_name(host).map_err(|error| format!("`{name}` is `{host}`: {error}"))?;
        let host = host.to_ascii_lowercase();
        let proper = self.suffix.is_empty()
            || self.suffix.iter().any(|end| host.len() > end.len() && host.ends_with(end));
        if proper {
            return Ok(());
        }
        Err(format!(
            "the host of `{name}` is `{host}`; it must end in {}",
            self.suffix.join(" or ")
        ))
    }
}

impl Decode for Variable {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let variable = Self {
            ask: table.optional("ask")?,
            token: table.optional("token")?,
            check: table.or("check", false)?,
            default: table.optional("default")?,
            shape: table.or("shape", Shape::Text)?,
            suffix: table.or("suffix", Vec::new())?,
            choices: table.or("choices", Vec::new())?,
        };
        variable.check_rules(&table)?;
        table.finish()?;
        Ok(variable)
    }
}

impl Variable {
    fn check_rules(&self, table: &Table<'_>) -> Result<(), FileError> {
        let sourced = self.ask.is_some() || self.token.is_some() || self.default.is_some();
        if !sourced && !self.check {
            let message = format!("{} never gets a value", table.name());
            return Err(table.complain(message, "write one of ask, token, check, default"));
        }
        if self.ask.as_ref().is_some_and(|label| !is_line(label)) {
            let help = "write the label that the user sees";
            return Err(table.complain_at("ask", "`ask` is not one line of text", help));
        }
        let host = matches!(self.shape, Shape::Host | Shape::Origin);
        if host && self.suffix.is_empty() && self.choices.is_empty() {
            let message = format!("any {} would be accepted", self.shape);
            let help = "add suffix = [\".example.com\"] or choices = [\"…\"]";
            return Err(table.complain_at("shape", message, help));
        }
        if !host && !self.suffix.is_empty() {
            let message = format!("`suffix` says nothing about the shape {}", self.shape);
            return Err(table.complain_at(
                "suffix",
                message,
                "write shape = \"host\" or remove it",
            ));
        }
        if let Some(suffix) = self.suffix.iter().find(|suffix| !is_suffix(suffix)) {
            let message = format!("`{suffix}` is no suffix of a provider's hosts");
            let help = "write a dot and at least two labels in lower case, as in \".example.com\"";
            return Err(table.complain_at("suffix", message, help));
        }
        for choice in &self.choices {
            self.check("choice", choice).map_err(|message| {
                table.complain_at("choices", message, "write only values of the shape")
            })?;
        }
        if let Some(default) = &self.default {
            self.check("default", default).map_err(|message| {
                table.complain_at("default", message, "write a value that the variable may have")
            })?;
        }
        Ok(())
    }
}

fn is_suffix(text: &str) -> bool {
    text.strip_prefix('.').is_some_and(|name| HostPattern::parse(name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(shape: Shape, suffix: &[&str], choices: &[&str]) -> Variable {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Variable {
            ask: None,
            token: None,
            check: true,
            default: None,
            shape,
            suffix: owned(suffix),
            choices: owned(choices),
        }
    }

    #[track_caller]
    fn check(variable: &Variable, value: &str, expected: Option<&str>) {
        assert_eq!(variable.check("v", value).err().as_deref(), expected);
    }

    #[test]
    fn hosts_and_origins_stay_below_their_suffixes() {
        let host = variable(Shape::Host, &[".salesforce.com", ".force.com"], &[]);
        check(&host, "login.salesforce.com", None);
        check(&host, "My.Force.com", None);
        let wanted = "it must end in .salesforce.com or .force.com";
        check(&host, "evil.com", Some(&format!("the host of `v` is `evil.com`; {wanted}")));
        check(
            &host,
            "evilsalesforce.com",
            Some(&format!("the host of `v` is `evilsalesforce.com`; {wanted}")),
        );
        assert!(host.check("v", "login.salesforce.com/x").is_err());
        assert!(host.check("v", "login.salesforce.com:8443").is_err());
        assert!(host.check("v", "salesforce.com").is_err());
        let origin = variable(Shape::Origin, &[".zoom.us"], &[]);
        check(&origin, "https://api.zoom.us", None);
        check(&origin, "https://api.zoom.us:443", None);
        let wanted = "an origin is written https://host, without a path";
        for value in [
            "http://api.zoom.us",
            "https://api.zoom.us/",
            "https://api.zoom.us:8443",
            "https://u@api.zoom.us",
            "api.zoom.us",
        ] {
            check(&origin, value, Some(&format!("`v` is `{value}`; {wanted}")));
        }
    }

    #[test]
    fn texts_lists_and_choices_are_held_to_their_shape() {
        check(&variable(Shape::Text, &[], &[]), "a b", None);
        assert!(variable(Shape::Text, &[], &[]).check("v", "a\nb").is_err());
        check(&variable(Shape::List, &[], &[]), "a\nb", None);
        assert!(variable(Shape::List, &[], &[]).check("v", "a\r").is_err());
        let choice = variable(Shape::Host, &[], &["a.example.com", "b.example.com"]);
        check(&choice, "b.example.com", None);
        check(
            &choice,
            "c.example.com",
            Some("`v` is `c.example.com`, which is none of a.example.com, b.example.com"),
        );
    }
}

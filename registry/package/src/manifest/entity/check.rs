//! Cross checks of `[entity.NAME]`.

use std::collections::BTreeSet;

use super::{Cursor, Deletes, Entity, Full, Write};
use crate::document::FileError;
use crate::manifest::reference::{Context, one_of};

/// Largest page and batch: beyond it the budget of a call ends first.
const COUNT_MAX: u32 = 10_000;

pub(in crate::manifest) fn check(context: &Context<'_>) -> Result<(), FileError> {
    for (name, entity) in &context.manifest.entities {
        let subject = Subject { context, name, entity };
        subject.form()?;
        subject.references()?;
        subject.reading()?;
        subject.deletions()?;
        subject.writing()?;
    }
    Ok(())
}

struct Subject<'a> {
    context: &'a Context<'a>,
    name: &'a str,
    entity: &'a Entity,
}

impl Subject<'_> {
    fn wrong(
        &self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<(), FileError> {
        Err(self.context.complain(&["entity", self.name, key], message, help))
    }

    fn writes_key(&self, key: &str) -> bool {
        self.context.document.writes(&["entity", self.name, key])
    }

    fn form(&self) -> Result<(), FileError> {
        let entity = self.entity;
        if entity.record_type.as_ref().is_some_and(|name| !is_record_type(name)) {
            let help = "write a lower-case letter, then at most 63 letters, digits and `_`";
            return self.wrong("type", "`type` is no record type", help);
        }
        if entity.mapping.as_ref().is_some_and(|path| !is_mapping(path)) {
            let help = "write a member of the package, as in \"mappings/contact.json\"";
            return self.wrong("mapping", "`mapping` is no mapping file", help);
        }
        for (key, count) in [("page", entity.page), ("batch", entity.batch)] {
            if !(1..=COUNT_MAX).contains(&count) {
                let help = format!("write a number from 1 to {COUNT_MAX}");
                return self.wrong(key, format!("`{key}` is {count}"), help);
            }
        }
        self.unique("deletes", &entity.deletes)?;
        self.unique("yields", &entity.yields)?;
        self.unique("writes", &entity.writes)
    }

    fn unique<T: Ord>(&self, key: &str, values: &[T]) -> Result<(), FileError> {
        if values.iter().collect::<BTreeSet<_>>().len() == values.len() {
            return Ok(());
        }
        self.wrong(key, format!("`{key}` names one thing twice"), "keep it once")
    }

    fn references(&self) -> Result<(), FileError> {
        self.exists("per", self.entity.per.as_deref())?;
        self.exists("with", self.entity.with.as_deref())?;
        for other in &self.entity.yields {
            self.exists("yields", Some(other))?;
            let with = self.context.manifest.entities.get(other).and_then(|to| to.with.as_deref());
            if other == self.name || with.is_some_and(|with| with != self.name) {
                let message = format!("`{other}` is not brought by `{}`", self.name);
                let help =
                    format!("write with = \"{}\" in [entity.{other}], or remove it", self.name);
                return self.wrong("yields", message, help);
            }
        }
        self.parents()?;
        let Some(with) = &self.entity.with else { return Ok(()) };
        let parent = self.context.manifest.entities.get(with);
        if !parent.is_some_and(|parent| parent.yields.iter().any(|name| name == self.name)) {
            let help = format!("write yields = [\"{}\"] in [entity.{with}]", self.name);
            let message = format!("`{with}` does not bring `{}`", self.name);
            return self.wrong("with", message, help);
        }
        for key in ["per", "dynamic", "cursor", "full", "window", "yields", "min_interval"] {
            if self.writes_key(key) {
                let message =
                    format!("`{key}` is decided by `{with}`, whose pull brings this entity");
                return self.wrong(key, message, "remove it, or remove `with`");
            }
        }
        Ok(())
    }

    fn exists(&self, key: &str, other: Option<&str>) -> Result<(), FileError> {
        let entities = &self.context.manifest.entities;
        match other {
            Some(other) if !entities.contains_key(other) => {
                let known: Vec<&str> = entities.keys().map(String::as_str).collect();
                self.wrong(key, format!("there is no entity `{other}`"), one_of(&known))
            }
            _ => Ok(()),
        }
    }

    /// Follows `per` upwards; a circle would never begin.
    fn parents(&self) -> Result<(), FileError> {
        let entities = &self.context.manifest.entities;
        let parent = |name: &String| entities.get(name).and_then(|entity| entity.per.as_ref());
        let chain = std::iter::successors(self.entity.per.as_ref(), |name| parent(name));
        if chain.take(entities.len()).any(|name| name == self.name) {
            let message = format!("`{}` is read once per record of itself", self.name);
            return self.wrong("per", message, "name a parent that does not depend on it");
        }
        if self.entity.per.is_some() && self.entity.dynamic {
            let message = "`part` cannot name both a parent record and an instance";
            return self.wrong("dynamic", message, "write one of per, dynamic");
        }
        Ok(())
    }

    fn reading(&self) -> Result<(), FileError> {
        let entity = self.entity;
        let windowed = entity.cursor == Cursor::Window;
        if entity.full == Full::Windows && (entity.window.is_none() || !windowed) {
            let message = "reading window by window needs to know the windows";
            let help = "add cursor = \"window\" and window = { step = \"30d\" }";
            return self.wrong("full", message, help);
        }
        if !windowed && entity.with.is_none() {
            for key in ["window", "lag", "lookback"] {
                if self.writes_key(key) {
                    let message =
                        format!("`{key}` means nothing with cursor = \"{}\"", entity.cursor);
                    let help = "write cursor = \"window\", or remove it";
                    return self.wrong(key, message, help);
                }
            }
        }
        let spans = [
            ("history", entity.history),
            ("kept", entity.kept),
            ("min_interval", entity.min_interval),
        ];
        match spans.iter().find(|(_, span)| span.is_some_and(|span| span.is_zero())) {
            Some((key, _)) => {
                self.wrong(key, format!("`{key}` is no time at all"), "write 1s or more")
            }
            None => Ok(()),
        }
    }

    fn deletions(&self) -> Result<(), FileError> {
        let entity = self.entity;
        let has = |kind| entity.deletes.contains(&kind);
        let fed = entity.cursor == Cursor::Feed || entity.with.is_some();
        if has(Deletes::Feed) && !fed {
            let message = format!("there is no feed with cursor = \"{}\"", entity.cursor);
            return self.wrong("deletes", message, "write cursor = \"feed\", or remove \"feed\"");
        }
        if has(Deletes::Absence) && entity.full == Full::Windows {
            let message = "without a complete scan nothing can be absent";
            return self.wrong("deletes", message, "write full = \"scan\", or remove \"absence\"");
        }
        if self.context.manifest.webhook.is_none() {
            let help = "add [webhook], or remove it";
            if has(Deletes::Webhook) {
                return self.wrong("deletes", "there is no [webhook] to bring deletions", help);
            }
            if entity.webhook {
                return self.wrong("webhook", "there is no [webhook] to bring hints", help);
            }
        }
        if self.writes_key("kept") && !has(Deletes::Feed) && !has(Deletes::List) {
            let message = "`kept` means nothing without a feed or list of deletions";
            return self.wrong(
                "kept",
                message,
                "add \"feed\" or \"list\" to deletes, or remove it",
            );
        }
        Ok(())
    }

    fn writing(&self) -> Result<(), FileError> {
        let creates = self.entity.writes.contains(&Write::Create);
        let updates = self.entity.writes.iter().any(|write| *write != Write::Create);
        let rules = [
            ("batch", creates || updates, "any of create, update, delete"),
            ("conditional", creates || updates, "update or delete"),
            ("create_key", creates, "create"),
        ];
        for (key, meant, wanted) in rules {
            if self.writes_key(key) && !meant {
                let message = format!("`{key}` means nothing when `writes` lacks {wanted}");
                return self.wrong(key, message, format!("add {wanted} to writes, or remove it"));
            }
        }
        Ok(())
    }
}

fn is_record_type(text: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(proper)
}

fn is_mapping(path: &str) -> bool {
    let inside = path.strip_prefix("mappings/").and_then(|name| name.strip_suffix(".json"));
    inside.is_some_and(|name| !name.is_empty()) && crate::bundle::is_member(path)
}

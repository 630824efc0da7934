//! The part of the provider's record that changes.

use std::collections::HashMap;

use plughouse_scan::pointer::{index, unescape};
use serde_json::value::RawValue;

use crate::Fault;

/// What has to change at the provider.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Patch {
    /// A JSON object of the provider's paths that change, nested as in its record; `{}` when
    /// nothing does. A list is there as a whole when anything in it changes.
    pub json: String,
    /// Those paths, as JSON Pointers.
    pub paths: Vec<String>,
}

impl Patch {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

/// A patch as it grows; the names of an object stand in the order in which they came.
#[derive(Debug)]
pub(super) enum Node<'j> {
    Raw(String),
    Object(Vec<(String, Self)>, Base<'j>),
    List(Vec<Self>),
}

/// What the provider's object has, once it was looked at; of equal names, the last one counts.
type Base<'j> = HashMap<String, &'j RawValue>;

impl<'j> Node<'j> {
    /// A patch of nothing yet.
    pub(super) fn new() -> Self {
        Self::Object(Vec::new(), Base::new())
    }

    /// Puts a JSON text at a pointer. `base` is the provider's JSON at the node, if there is any:
    /// the other elements of a list come from there.
    pub(super) fn set(
        &mut self,
        pointer: &str,
        base: Option<&'j RawValue>,
        json: String,
    ) -> Result<(), Fault> {
        let Some(rest) = pointer.strip_prefix('/') else {
            *self = Self::Raw(json);
            return Ok(());
        };
        let (segment, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let name = unescape(segment).ok_or_else(|| no_place(&format!("no `{segment}`")))?;
        self.open(base)?;
        match self {
            Self::List(items) => {
                let found = index(&name).and_then(|index| items.get_mut(index));
                let item = found.ok_or_else(|| no_place(&format!("no element `{name}`")))?;
                // An element is whole already.
                item.set(rest, None, json)
            }
            Self::Object(members, known) => {
                // Of equal names, the last one is read.
                let position = members.iter().rposition(|(member, _)| *member == name);
                if position.is_none() && base.is_none() && name.bytes().all(|b| b.is_ascii_digit())
                {
                    return Err(no_place(&format!("no list with an element `{name}`")));
                }
                let at = position.unwrap_or_else(|| {
                    members.push((name.clone(), Self::new()));
                    members.len() - 1
                });
                // Null is as good as none.
                let base = known.get(&name).copied().filter(|base| base.get() != "null");
                match members.get_mut(at) {
                    Some((_, inner)) => inner.set(rest, base, json),
                    None => Ok(()),
                }
            }
            Self::Raw(_) => Err(no_place("a value")),
        }
    }

    /// Makes a node that can be entered: of a list, and of what stands in one, all of it.
    fn open(&mut self, base: Option<&'j RawValue>) -> Result<(), Fault> {
        if let (Self::Object(members, known), Some(base)) = (&mut *self, base)
            && members.is_empty()
            && base.get().starts_with('{')
        {
            let members = crate::schema::members(base.get()).map_err(|e| unreadable(&e))?;
            *known = members.into_iter().collect();
            return Ok(());
        }
        let whole = match (&*self, base) {
            (Self::Raw(json), _) => json.as_str(),
            (Self::Object(members, _), Some(base)) if members.is_empty() => base.get(),
            _ => return Ok(()),
        };
        match whole.as_bytes().first() {
            Some(b'[') => {
                let items: Vec<&RawValue> =
                    serde_json::from_str(whole).map_err(|e| unreadable(&e))?;
                let raw = |item: &&RawValue| Self::Raw(item.get().to_owned());
                *self = Self::List(items.iter().map(raw).collect());
            }
            Some(b'{') => {
                let members = crate::schema::members(whole).map_err(|e| unreadable(&e))?;
                let raw =
                    |(name, value): (String, &RawValue)| (name, Self::Raw(value.get().to_owned()));
                *self = Self::Object(members.into_iter().map(raw).collect(), Base::new());
            }
            Some(b'n') => *self = Self::new(),
            _ => return Err(no_place("a value that is neither object nor list")),
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Raw(json) => out.push_str(json),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members, _) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    crate::Value::text(name.as_str()).write(out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

#[cold]
fn no_place(found: &str) -> Fault {
    let message = format!("the provider's record has {found} where the path leads through");
    Fault::new("mapping.path", message)
}

#[cold]
fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::new("mapping.json", format!("the provider's record cannot be changed: {error}"))
}

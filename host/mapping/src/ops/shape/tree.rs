//! Objects built from names that spell where their values stand.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::{Fault, Value};

/// Objects within objects that a name may spell: as deep as the scanner reads.
const DEPTH_MAX: usize = plughouse_scan::DEPTH_MAX;

/// The nodes, parents before children; the first one is the whole.
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    places: HashMap<(usize, String), usize>,
}

struct Node<'a> {
    name: String,
    parent: usize,
    has_children: bool,
    value: Option<Value<'a>>,
    /// Children that are built, the last one first.
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Tree<'a> {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::new("", 0)], places: HashMap::new() }
    }

    /// Puts a value where its name says; refuses a place that is taken.
    pub(super) fn insert(
        &mut self,
        name: &str,
        separator: &str,
        value: Value<'a>,
    ) -> Result<(), Fault> {
        let conflict = || {
            let name = Fault::quote(name);
            Fault::conflict(format!("{name} would be an object and another value at once"))
        };
        let mut at = 0;
        for (depth, step) in name.split(separator).enumerate() {
            if depth >= DEPTH_MAX {
                let message = format!("a name spells more than {DEPTH_MAX} objects in each other");
                return Err(Fault::new("mapping.depth", message));
            }
            at = self.child(at, step).ok_or_else(conflict)?;
        }
        match self.nodes.get_mut(at) {
            Some(node) if !node.has_children && node.value.is_none() => node.value = Some(value),
            _ => return Err(conflict()),
        }
        Ok(())
    }

    /// The child of this name, a new one if need be; what is a value already has none.
    fn child(&mut self, parent: usize, name: &str) -> Option<usize> {
        let next = self.nodes.len();
        let node = self.nodes.get_mut(parent).filter(|node| node.value.is_none())?;
        node.has_children = true;
        let at = *self.places.entry((parent, name.to_owned())).or_insert(next);
        if at == next {
            self.nodes.push(Node::new(name, parent));
        }
        Some(at)
    }

    /// The whole object.
    pub(super) fn into_value(mut self) -> Value<'a> {
        let mut whole = Value::Missing;
        while let Some(mut node) = self.nodes.pop() {
            node.members.reverse();
            let value = node.value.unwrap_or(Value::Object(node.members));
            match self.nodes.get_mut(node.parent) {
                Some(parent) => parent.members.push((Cow::Owned(node.name), value)),
                None => whole = value,
            }
        }
        whole
    }
}

impl Node<'_> {
    fn new(name: &str, parent: usize) -> Self {
        let (name, members) = (name.to_owned(), Vec::new());
        Self { name, parent, has_children: false, value: None, members }
    }
}

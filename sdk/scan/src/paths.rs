//! JSON Pointers compiled into a tree, so that one pass serves all of them.

use std::ops::Range;

use crate::picks::{Picks, Scratch};
use crate::pointer::{index, unescape};
use crate::{DEPTH_MAX, Error, PointerError};

/// Compiled pointers: some into the text, and some into each element of one list of it.
///
/// Compiling allocates; do it once and scan many texts.
#[derive(Clone, Debug)]
pub struct Paths {
    pub(crate) nodes: Vec<Node>,
    /// The root of every element of the list, or [`NOWHERE`] without a list.
    pub(crate) element: usize,
    /// By pointer, in the order in which they were given.
    pub(crate) text_slots: Vec<usize>,
    pub(crate) element_slots: Vec<usize>,
}

/// The node of values that nobody asked for.
pub(crate) const NOWHERE: usize = 0;
pub(crate) const ROOT: usize = 1;

#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    children: Vec<Child>,
    /// A bit per child's name: most keys of a text are nobody's and end here.
    names: u64,
    /// Where the span of this value goes.
    pub(crate) slot: Option<usize>,
    /// The slots of this value and of all below it.
    pub(crate) slots: Range<usize>,
    pub(crate) list: bool,
    /// Whether the list is this value or below it.
    pub(crate) holds_list: bool,
    /// Whether it belongs to the elements of the list.
    pub(crate) in_element: bool,
}

#[derive(Clone, Debug)]
struct Child {
    name: String,
    index: Option<usize>,
    node: usize,
}

/// One of 64 bits by which most unequal names differ.
pub(crate) fn name_bit(name: &[u8]) -> u64 {
    let byte = |byte: Option<&u8>| byte.copied().map_or(0, usize::from);
    1 << ((name.len() + byte(name.first()) * 5 + byte(name.last()) * 11) % 64)
}

impl Node {
    pub(crate) fn opens(&self) -> bool {
        self.list || !self.children.is_empty()
    }

    /// The child of a name. `hint` is where it is looked for first: most objects of a list have
    /// their members in the same order.
    #[inline]
    pub(crate) fn by_name(&self, name: &[u8], hint: &mut usize) -> usize {
        let named = |child: &Child| child.name.as_bytes() == name;
        let position = match self.children.get(*hint) {
            Some(child) if named(child) => Some(*hint),
            _ if self.names & name_bit(name) == 0 => None,
            _ => self.children.iter().position(named),
        };
        let Some((position, child)) = position.and_then(|at| Some((at, self.children.get(at)?)))
        else {
            return NOWHERE;
        };
        *hint = position + 1;
        child.node
    }

    pub(crate) fn by_index(&self, index: usize) -> usize {
        self.children.iter().find(|child| child.index == Some(index)).map_or(NOWHERE, |c| c.node)
    }
}

impl Paths {
    /// Compiles pointers (RFC 6901) into the text; `""` is the whole of it.
    pub fn new<P: AsRef<str>>(pointers: impl IntoIterator<Item = P>) -> Result<Self, PointerError> {
        let nodes = vec![Node::default(), Node::default()];
        let mut paths =
            Self { nodes, element: NOWHERE, text_slots: Vec::new(), element_slots: Vec::new() };
        paths.text_slots = paths.compile(ROOT, pointers)?;
        Ok(paths)
    }

    /// Adds a list: the array at `list`, and pointers into each of its elements.
    ///
    /// There can be one list, and no pointer of [`Paths::new`] may lead into it.
    pub fn with_list<P: AsRef<str>>(
        mut self,
        list: &str,
        pointers: impl IntoIterator<Item = P>,
    ) -> Result<Self, PointerError> {
        if self.element != NOWHERE {
            return Err(PointerError::new(list, "would be a second list; scan its elements apart"));
        }
        let at = self.insert(ROOT, list)?;
        self.element = self.nodes.len();
        self.nodes.push(Node { in_element: true, ..Node::default() });
        if let Some(node) = self.nodes.get_mut(at) {
            if !node.children.is_empty() {
                let reason = "is the list, and another pointer leads into it";
                return Err(PointerError::new(list, reason));
            }
            node.list = true;
        }
        self.element_slots = self.compile(self.element, pointers)?;
        // The list may have come between two nodes of the text.
        self.number(ROOT, &mut 0);
        Ok(self)
    }

    /// Reads a text and leaves in `scratch` what was found.
    ///
    /// # Errors
    /// The whole text is checked, whatever is asked of it; see [`ErrorKind`](crate::ErrorKind).
    pub fn scan<'s, 'j>(
        &'s self,
        json: &'j [u8],
        scratch: &'s mut Scratch,
    ) -> Result<Picks<'s, 'j>, Error> {
        scratch.read(self, json)?;
        Ok(Picks::new(self, scratch, json))
    }

    fn compile<P: AsRef<str>>(
        &mut self,
        root: usize,
        pointers: impl IntoIterator<Item = P>,
    ) -> Result<Vec<usize>, PointerError> {
        let mut places = Vec::new();
        for pointer in pointers {
            let at = self.insert(root, pointer.as_ref())?;
            if let Some(node) = self.nodes.get_mut(at) {
                node.slot = Some(0);
            }
            places.push(at);
        }
        self.number(root, &mut 0);
        let slot = |&at: &usize| self.nodes.get(at).and_then(|node| node.slot).unwrap_or_default();
        Ok(places.iter().map(slot).collect())
    }

    /// The node of a pointer, made if it is not there.
    fn insert(&mut self, root: usize, pointer: &str) -> Result<usize, PointerError> {
        let mut at = root;
        for (depth, name) in segments(pointer)?.into_iter().enumerate() {
            if depth == DEPTH_MAX {
                return Err(PointerError::new(pointer, "is deeper than any text may be"));
            }
            at = self.child(at, name);
        }
        Ok(at)
    }

    fn child(&mut self, parent: usize, name: String) -> usize {
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(parent) else {
            return NOWHERE;
        };
        if let Some(child) = node.children.iter().find(|child| child.name == name) {
            return child.node;
        }
        node.names |= name_bit(name.as_bytes());
        node.children.push(Child { index: index(&name), name, node: fresh });
        let in_element = node.in_element;
        self.nodes.push(Node { in_element, ..Node::default() });
        fresh
    }

    /// Numbers the slots below `at` in depth-first order, so that those of a subtree are a range;
    /// recursion is as deep as pointers are, at most [`DEPTH_MAX`].
    fn number(&mut self, at: usize, next: &mut usize) -> bool {
        let first = *next;
        let Some(node) = self.nodes.get_mut(at) else {
            return false;
        };
        if let Some(slot) = &mut node.slot {
            *slot = *next;
            *next += 1;
        }
        let mut holds_list = node.list;
        let children: Vec<usize> = node.children.iter().map(|child| child.node).collect();
        for child in children {
            holds_list |= self.number(child, next);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.slots = first..*next;
            node.holds_list = holds_list;
        }
        holds_list
    }
}

/// The names of a pointer, unescaped.
fn segments(pointer: &str) -> Result<Vec<String>, PointerError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(names) = pointer.strip_prefix('/') else {
        return Err(PointerError::new(pointer, "must be empty or begin with `/`"));
    };
    let refused = || PointerError::new(pointer, "has a `~` that is neither `~0` nor `~1`");
    names.split('/').map(|step| unescape(step).ok_or_else(refused)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pointer: &str, expected: Result<&[&str], &str>) {
        let found = segments(pointer).map_err(|error| error.to_string());
        let expected = expected.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(found, expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn pointers_are_split_as_rfc_6901_says() {
        check("", Ok(&[]));
        check("/", Ok(&[""]));
        check("/a/b", Ok(&["a", "b"]));
        check("/a~1b/m~0n/~01", Ok(&["a/b", "m~n", "~1"]));
        check("/@odata.nextLink", Ok(&["@odata.nextLink"]));
        check("a", Err("the pointer `a` must be empty or begin with `/`"));
        check("/~2", Err("the pointer `/~2` has a `~` that is neither `~0` nor `~1`"));
        check("/~", Err("the pointer `/~` has a `~` that is neither `~0` nor `~1`"));
        check("/~~10", Err("the pointer `/~~10` has a `~` that is neither `~0` nor `~1`"));
    }

    #[test]
    fn a_list_is_one_and_nobody_else_leads_into_it() {
        let into = Paths::new(["/results/0/id"]).unwrap().with_list("/results", ["/id"]);
        assert!(into.unwrap_err().to_string().contains("leads into it"));
        let twice = Paths::new(["/x"]).unwrap().with_list("/a", ["/id"]).unwrap();
        assert!(twice.with_list("/b", ["/id"]).unwrap_err().to_string().contains("second list"));
    }

    #[test]
    fn pointers_deeper_than_any_text_are_refused() {
        assert!(Paths::new(["/a".repeat(DEPTH_MAX)]).is_ok());
        assert!(Paths::new(["/a".repeat(DEPTH_MAX + 1)]).is_err());
    }
}

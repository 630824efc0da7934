//! What a pass found.

use crate::cursor::Key;
use crate::paths::{NOWHERE, Node, Paths, ROOT};
use crate::token::{Span, Token, unescape};
use crate::walk::{Visit, walk};
use crate::{ELEMENTS_MAX, Error, ErrorKind};

/// The memory of a pass; keep it to scan the next text without allocating.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The slots of the text, then those of each element.
    spans: Vec<Span>,
    elements: Vec<Span>,
    listed: bool,
}

/// No value is empty.
const NONE: Span = Span { offset: 0, len: 0 };

impl Scratch {
    pub(crate) fn read(&mut self, paths: &Paths, json: &[u8]) -> Result<(), Error> {
        self.spans.clear();
        self.elements.clear();
        self.listed = false;
        let slots = |root| paths.nodes.get(root).map_or(0, |node: &Node| node.slots.len());
        let width = slots(paths.element);
        let mut picker = Picker { paths, width, row: 0, text: slots(ROOT), found: self };
        picker.found.spans.resize(picker.text, NONE);
        walk(json, &mut picker)
    }
}

struct Picker<'p> {
    paths: &'p Paths,
    /// Slots of an element.
    width: usize,
    /// Where those of the current element begin.
    row: usize,
    /// Slots of the text.
    text: usize,
    found: &'p mut Scratch,
}

impl<'p> Picker<'p> {
    fn node(&self, place: usize) -> Option<&'p Node> {
        self.paths.nodes.get(place)
    }

    fn base(&self, node: &Node) -> usize {
        if node.in_element { self.row } else { 0 }
    }

    /// Forgets what an equal key before this one has left.
    fn clear(&mut self, node: &Node) {
        let base = self.base(node);
        let slots = base + node.slots.start..base + node.slots.end;
        self.found.spans.get_mut(slots).unwrap_or_default().fill(NONE);
        if node.holds_list {
            self.found.elements.clear();
            self.found.spans.truncate(self.text);
            self.found.listed = false;
        }
    }
}

impl Visit for Picker<'_> {
    type Place = usize;

    fn root(&mut self) -> usize {
        ROOT
    }

    fn opens(&self, place: usize) -> bool {
        self.node(place).is_some_and(Node::opens)
    }

    fn member(&mut self, place: usize, key: Key<'_>, hint: &mut usize) -> usize {
        let Some(node) = self.node(place) else {
            return NOWHERE;
        };
        let found = if key.escaped {
            let name = unescape(key.raw).unwrap_or_default();
            node.by_name(name.as_bytes(), hint)
        } else {
            node.by_name(key.raw, hint)
        };
        // A value without picks below it overwrites its own slot.
        if let Some(node) = self.node(found).filter(|node| node.opens()) {
            self.clear(node);
        }
        found
    }

    fn element(&mut self, place: usize, index: usize) -> Result<usize, ErrorKind> {
        let Some(node) = self.node(place) else {
            return Ok(NOWHERE);
        };
        if !node.list {
            return Ok(node.by_index(index));
        }
        if index == ELEMENTS_MAX {
            return Err(ErrorKind::TooMany);
        }
        self.row = self.found.spans.len();
        self.found.spans.resize(self.row + self.width, NONE);
        self.found.elements.push(NONE);
        Ok(self.paths.element)
    }

    fn leave(&mut self, place: usize, span: Span, first: u8) {
        if place == NOWHERE {
            return;
        }
        let Some(node) = self.node(place) else {
            return;
        };
        if node.list {
            self.found.listed = first == b'[';
        }
        if place == self.paths.element
            && let Some(element) = self.found.elements.last_mut()
        {
            *element = span;
        }
        if let Some(slot) = node.slot {
            let slot = self.base(node) + slot;
            if let Some(pick) = self.found.spans.get_mut(slot) {
                *pick = span;
            }
        }
    }
}

/// What was found in a text.
#[derive(Clone, Copy, Debug)]
pub struct Picks<'s, 'j> {
    paths: &'s Paths,
    found: &'s Scratch,
    json: &'j [u8],
}

impl<'s, 'j> Picks<'s, 'j> {
    pub(crate) fn new(paths: &'s Paths, found: &'s Scratch, json: &'j [u8]) -> Self {
        Self { paths, found, json }
    }

    /// The value at a pointer of [`Paths::new`], by its position there.
    #[inline]
    pub fn get(&self, pointer: usize) -> Option<Token<'j>> {
        self.slot(0, *self.paths.text_slots.get(pointer)?)
    }

    /// The elements of the list; `None` when there is no array at its pointer.
    pub fn list(&self) -> Option<Elements<'s, 'j>> {
        self.found.listed.then_some(Elements { picks: *self, next: 0 })
    }

    #[inline]
    fn slot(&self, base: usize, slot: usize) -> Option<Token<'j>> {
        let span = *self.found.spans.get(base + slot)?;
        (span != NONE).then(|| Token::new(self.json, span))
    }
}

/// The elements of a list, in their order.
#[derive(Clone, Debug)]
pub struct Elements<'s, 'j> {
    picks: Picks<'s, 'j>,
    next: usize,
}

impl<'s, 'j> Iterator for Elements<'s, 'j> {
    type Item = Element<'s, 'j>;

    fn next(&mut self) -> Option<Self::Item> {
        let picks = self.picks;
        let span = *picks.found.elements.get(self.next)?;
        let row = |root: usize| picks.paths.nodes.get(root).map_or(0, |node| node.slots.len());
        let base = row(ROOT) + self.next * row(picks.paths.element);
        self.next += 1;
        Some(Element { picks, base, span })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.picks.found.elements.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Elements<'_, '_> {}

/// An element of a list.
#[derive(Clone, Copy, Debug)]
pub struct Element<'s, 'j> {
    picks: Picks<'s, 'j>,
    base: usize,
    span: Span,
}

impl<'j> Element<'_, 'j> {
    /// The whole element.
    pub fn token(&self) -> Token<'j> {
        Token::new(self.picks.json, self.span)
    }

    /// The value at a pointer of [`Paths::with_list`], by its position there.
    pub fn get(&self, pointer: usize) -> Option<Token<'j>> {
        self.picks.slot(self.base, *self.picks.paths.element_slots.get(pointer)?)
    }
}

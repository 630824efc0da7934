//! The pass over objects and arrays that somebody is interested in.

use crate::cursor::{Cursor, Key};
use crate::{DEPTH_MAX, Error, ErrorKind, SIZE_MAX, Span};

/// What a pass reports to.
pub(crate) trait Visit {
    /// What the visitor knows of a value before it is read.
    type Place: Copy;

    /// The place of the whole text.
    fn root(&mut self) -> Self::Place;

    /// Whether the members or elements of the value at `place` are reported.
    fn opens(&self, place: Self::Place) -> bool;

    /// A member of the object at `place`. `hint` starts at 0 for each object and is the visitor's.
    fn member(&mut self, place: Self::Place, key: Key<'_>, hint: &mut usize) -> Self::Place;

    /// An element of the array at `place`.
    fn element(&mut self, place: Self::Place, index: usize) -> Result<Self::Place, ErrorKind>;

    /// The value at `place` has been read.
    fn leave(&mut self, place: Self::Place, span: Span, first: u8);
}

struct Frame<P> {
    place: P,
    start: usize,
    object: bool,
    /// The index of the element of an array; the visitor's hint of an object.
    next: usize,
}

/// Reads the whole input and reports to `visit`.
pub(crate) fn walk<V: Visit>(json: &[u8], visit: &mut V) -> Result<(), Error> {
    if json.len() > SIZE_MAX {
        return Err(Error::new(ErrorKind::TooLarge, SIZE_MAX));
    }
    let mut cursor = Cursor::new(json);
    let mut stack = Vec::new();
    let mut place = visit.root();
    cursor.space();
    loop {
        let first = cursor.peek();
        if matches!(first, b'{' | b'[') && visit.opens(place) {
            if let Some(inner) = open(&mut cursor, visit, &mut stack, place)? {
                place = inner;
                continue;
            }
        } else {
            let start = cursor.at();
            cursor.skip(stack.len())?;
            visit.leave(place, Span::new(start, cursor.at()), first);
        }
        let Some(next) = proceed(&mut cursor, visit, &mut stack)? else {
            return cursor.end();
        };
        place = next;
    }
}

/// Enters the container that starts here; `None` when it is empty and left again.
fn open<V: Visit>(
    cursor: &mut Cursor<'_>,
    visit: &mut V,
    stack: &mut Vec<Frame<V::Place>>,
    place: V::Place,
) -> Result<Option<V::Place>, Error> {
    if stack.len() == DEPTH_MAX {
        return Err(cursor.error(ErrorKind::TooDeep));
    }
    let (start, first) = (cursor.at(), cursor.peek());
    let object = first == b'{';
    cursor.advance();
    cursor.space();
    if cursor.peek() == if object { b'}' } else { b']' } {
        cursor.advance();
        visit.leave(place, Span::new(start, cursor.at()), first);
        return Ok(None);
    }
    let mut frame = Frame { place, start, object, next: 0 };
    let inner = child(cursor, visit, &mut frame)?;
    stack.push(frame);
    Ok(Some(inner))
}

/// Reports the member (after reading its key) or element that starts here.
fn child<V: Visit>(
    cursor: &mut Cursor<'_>,
    visit: &mut V,
    frame: &mut Frame<V::Place>,
) -> Result<V::Place, Error> {
    if frame.object {
        let key = cursor.key()?;
        return Ok(visit.member(frame.place, key, &mut frame.next));
    }
    let index = frame.next;
    frame.next += 1;
    visit.element(frame.place, index).map_err(|kind| Error::new(kind, cursor.at()))
}

/// Goes on behind a value, to the next one or, with `None`, to the end of the text.
fn proceed<V: Visit>(
    cursor: &mut Cursor<'_>,
    visit: &mut V,
    stack: &mut Vec<Frame<V::Place>>,
) -> Result<Option<V::Place>, Error> {
    while let Some(frame) = stack.last_mut() {
        cursor.space();
        match (cursor.peek(), frame.object) {
            (b',', _) => {
                cursor.advance();
                cursor.space();
                return child(cursor, visit, frame).map(Some);
            }
            (b'}', true) | (b']', false) => cursor.advance(),
            _ => return Err(cursor.error(ErrorKind::Comma)),
        }
        let first = if frame.object { b'{' } else { b'[' };
        visit.leave(frame.place, Span::new(frame.start, cursor.at()), first);
        stack.pop();
    }
    Ok(None)
}

/// Looks at nothing.
pub(crate) struct Blind;

impl Visit for Blind {
    type Place = ();

    fn root(&mut self) {}

    fn opens(&self, (): ()) -> bool {
        false
    }

    fn member(&mut self, (): (), _: Key<'_>, _: &mut usize) {}

    fn element(&mut self, (): (), _: usize) -> Result<(), ErrorKind> {
        Ok(())
    }

    fn leave(&mut self, (): (), _: Span, _: u8) {}
}

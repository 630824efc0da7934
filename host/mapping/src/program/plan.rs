//! What is left of a schema when it is run.

use plughouse_scan::Paths;

use super::copy::{SHORT, push_short};
use crate::{Chain, Class, Direction, Fault, Issue, Kind, Value};

/// The parts of a program, put together by the compiler.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) digest: u64,
    /// All sources; other numbers of paths are positions here.
    pub(crate) sources: Paths,
    /// The field maps, in the order of the schema.
    pub(crate) maps: Vec<Map>,
    /// The fields of a record, in the order of the record type.
    pub(crate) outputs: Vec<Output>,
    /// The fields of a record that are written back; [`Target::doc`] is a position here.
    pub(crate) targets: Paths,
    pub(crate) link: Option<Get>,
}

/// Sources and operations.
#[derive(Debug)]
pub(crate) struct Get {
    pub(crate) paths: Vec<Path>,
    pub(crate) chain: Chain,
    /// The type of the view, as far as it is known before it is read.
    pub(crate) view: Kind,
}

/// A place in the provider's record.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) pointer: String,
    pub(crate) slot: usize,
}

/// A field map.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) get: Get,
    pub(crate) targets: Vec<Target>,
    pub(crate) fallback: Fallback,
    pub(crate) direction: Direction,
}

/// A field that a field map gives a value.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// The type that its values have.
    pub(crate) kind: Kind,
    /// The position among [`Plan::targets`], if it is written back.
    pub(crate) doc: usize,
}

/// What stands for a value that does not fit.
#[derive(Debug)]
pub(crate) enum Fallback {
    Skip,
    Reject,
    Value(Value<'static>),
}

/// A field of the record that comes out.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) key: Key,
    pub(crate) map: usize,
    pub(crate) part: usize,
    pub(crate) required: bool,
    /// The token at this path is copied.
    pub(crate) copy: Option<(usize, Verbatim)>,
}

/// `,"name":`
#[derive(Debug)]
pub(crate) struct Key {
    short: Option<[u8; SHORT]>,
    whole: Box<[u8]>,
}

impl Key {
    /// The key of a name that needs no escapes.
    pub(crate) fn new(name: &str) -> Self {
        let whole = format!(",\"{name}\":").into_bytes().into_boxed_slice();
        let mut short = [0; SHORT];
        let fits = short.get_mut(..whole.len()).map(|start| start.copy_from_slice(&whole));
        Self { short: fits.map(|()| short), whole }
    }

    #[inline]
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        match &self.short {
            Some(short) => push_short(short, self.whole.len(), out),
            None => out.extend_from_slice(&self.whole),
        }
    }
}

/// Which tokens are copied as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verbatim {
    Any,
    Bool,
    Integer,
    Number,
    Text,
    List,
    Object,
}

impl Verbatim {
    /// For values of a type that a token shows; `None` for types that only a value shows.
    pub(crate) fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Any => Self::Any,
            Kind::Bool => Self::Bool,
            Kind::Integer => Self::Integer,
            Kind::Decimal => Self::Number,
            Kind::Text => Self::Text,
            Kind::List(item) if **item == Kind::Any => Self::List,
            Kind::Object => Self::Object,
            Kind::List(_) | Kind::Tuple(_) | Kind::Date | Kind::DateTime | Kind::Money => {
                return None;
            }
        })
    }
}

impl Map {
    pub(crate) fn class(&self) -> Class {
        match self.direction {
            Direction::Both => self.get.chain.class(),
            Direction::In => Class::OneWay,
        }
    }

    #[cold]
    pub(crate) fn issue(
        &self,
        part: usize,
        op: Option<(usize, &'static str)>,
        fault: Fault,
    ) -> Issue {
        let name = self.targets.get(part).map_or("", |target| &target.name);
        let mut issue = self.get.issue(name, fault);
        issue.op = op;
        issue
    }
}

impl Get {
    pub(crate) fn issue(&self, field: &str, fault: Fault) -> Issue {
        let path = self.paths.first().map_or("", |path| &path.pointer);
        Issue::new(field, path, fault)
    }
}

//! Static types.

use std::fmt;

use crate::ops::BuildError;

/// The type of a value. Every value may be missing or null besides; what must be there is a matter
/// of the record type.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Not known before it is read.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// An exact decimal number.
    Decimal,
    /// Text.
    Text,
    /// A day of the calendar.
    Date,
    /// An instant with the offset it was written in.
    DateTime,
    /// An amount and its currency.
    Money,
    /// Values of one type.
    List(Box<Self>),
    /// A fixed number of values: those of a field map with several sources or targets.
    Tuple(Vec<Self>),
    /// Named values of any type.
    Object,
}

impl Kind {
    /// Whether a value of this type may stand where `wanted` is expected, as far as is known
    /// before it is read.
    pub fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Any, _) | (_, Self::Any) | (Self::Integer, Self::Decimal) => true,
            (Self::List(a), Self::List(b)) => a.fits(b),
            (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.fits(b))
            }
            (Self::Tuple(a), Self::List(b)) => a.iter().all(|a| a.fits(b)),
            (a, b) => a == b,
        }
    }

    /// This type for an operation that takes any list and gives one like it.
    pub(crate) fn list(&self) -> Result<Self, BuildError> {
        let any = Self::List(Box::new(Self::Any));
        self.must_fit(&any)?;
        Ok(if matches!(self, Self::List(_)) { self.clone() } else { any })
    }

    /// The type of the items, for an operation that takes any list.
    pub(crate) fn item(&self) -> Result<Self, BuildError> {
        match self.list()? {
            Self::List(item) => Ok(*item),
            _ => Ok(Self::Any),
        }
    }

    /// Refuses a source of this type for an operation that takes `wanted`.
    pub(crate) fn must_fit(&self, wanted: &Self) -> Result<(), BuildError> {
        if self.fits(wanted) { Ok(()) } else { Err(BuildError::kind(wanted, self)) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Money => "money",
            Self::Object => "object",
            Self::List(item) => return write!(f, "list of {item}"),
            Self::Tuple(items) => {
                let names: Vec<_> = items.iter().map(Self::to_string).collect();
                return write!(f, "({})", names.join(", "));
            }
        };
        f.write_str(name)
    }
}

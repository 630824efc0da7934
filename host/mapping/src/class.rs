//! How far a mapping can be reversed.

/// How far an operation, or a chain of them, can be reversed; a chain is as its weakest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Both ways without loss.
    Bijective,
    /// Both ways; what goes back is tidied.
    Canonicalising,
    /// Both ways; going back needs the value that the provider last sent.
    NeedsBase,
    /// One way; the field is never written back.
    OneWay,
}

#[cfg(test)]
impl Class {
    /// The name in the specifications of operations.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bijective => "bijective",
            Self::Canonicalising => "canonicalising",
            Self::NeedsBase => "needs-base",
            Self::OneWay => "one-way",
        }
    }
}

//! The second wall: where no request may go, whatever the manifest says.
//!
//! Host names and literal addresses are judged before anything is looked up, because a resolver
//! never sees a literal; looked-up addresses are judged all together, because a name that leads to
//! one forbidden address is not to be trusted with the others.

mod address;
mod name;

pub use address::Nat64;
pub(crate) use address::Ranges;
pub(crate) use name::{Host, NameError};

//! Between the contract's types and the model's. What comes from a guest is checked on the way.

pub(crate) mod inward;
pub(crate) mod outward;
pub(crate) mod page;

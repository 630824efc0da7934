//! The host's side of the contract's imports.

mod host;
mod http;
mod state;

use crate::bindings::types;
use crate::context::Imports;

impl types::Host for Imports<'_> {}

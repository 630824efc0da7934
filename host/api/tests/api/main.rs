//! The API over the real store and the real vault, asked in memory.
#![cfg(test)]

mod support;
mod unknown;

//! The scheduler over the real store, with a clock that a test moves.
#![cfg(test)]

mod edit;
mod lead;
mod steps;
mod ticks;
mod world;

//! A run against a scripted adapter and the real store.
#![cfg(test)]

mod faults;
mod lanes;
mod pages;
mod provider;
mod resume;
mod runs;
mod store;
mod world;

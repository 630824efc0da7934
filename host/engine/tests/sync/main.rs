//! A run against a scripted adapter and the real store.
#![cfg(test)]

mod absence;
mod consistency;
mod faults;
mod lanes;
mod pages;
mod paging;
mod provider;
mod resume;
mod runs;
mod store;
mod world;

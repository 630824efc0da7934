//! A run against a scripted adapter and the real store.
#![cfg(test)]

mod absence;
mod consistency;
mod derived;
mod faults;
mod lanes;
mod mapped;
mod pages;
mod paging;
mod parts;
mod provider;
mod replays;
mod resume;
mod runs;
mod schemas;
mod store;
mod world;

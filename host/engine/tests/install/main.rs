//! Packages on their way in, with real signatures, a real component and the real store.
#![cfg(test)]

mod approval;
mod component;
mod incoming;
mod loading;
mod mapping;
mod release;
mod world;

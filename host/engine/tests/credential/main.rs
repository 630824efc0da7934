//! Credentials over the real store and the real vault, against a simulated provider.
#![cfg(test)]

mod apps;
mod canary;
mod crash;
mod enter;
mod figures;
mod flow;
mod provider;
mod refresh;
mod review;
mod revoke;
mod storm;
mod tap;
mod world;

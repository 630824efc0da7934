//! The workers, against the real store and against queues in memory.
#![cfg(test)]

mod breakers;
mod export;
mod fair;
mod figures;
mod full;
mod inbound;
mod leases;
mod memory;
mod packages;
mod replays;
mod shutdown;
mod stops;
mod suspects;
mod trace;
mod world;

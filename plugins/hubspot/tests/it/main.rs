//! The adapter against a simulated account, against faults, and against what HubSpot has sent.
//!
//! Every module says `cfg(test)`: clippy grants to helpers what it grants to tests only there.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod vendor;

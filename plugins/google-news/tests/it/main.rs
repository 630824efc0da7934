//! The adapter against simulated news, against faults, and against what the sources have sent.
//!
//! Every module says `cfg(test)`: clippy grants to helpers what it grants to tests only there.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod newsapi;
#[cfg(test)]
mod rss;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vendor;

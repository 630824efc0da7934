//! The door as its users see it: through the port, against memory and against real sockets.

#![cfg(test)]

mod access;
mod corpus;
mod faults;
mod health;
mod limits;
mod links;
mod mint;
mod outbound;
mod policy;
mod providers;
mod redactor;
mod redirects;
mod secrets;
mod support;
mod tokenless;
mod tokens;

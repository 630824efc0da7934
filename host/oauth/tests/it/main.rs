//! Requests as the providers want them, and answers as they give them.

#![cfg(test)]

mod answers;
mod assertions;
mod callbacks;
mod hostile;
mod peer;
mod providers;
mod refusals;
mod requests;
mod starting;
mod support;

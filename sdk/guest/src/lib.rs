//! What a Plughouse adapter is written with.

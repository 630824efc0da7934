//! The `plughouse` command.

fn main() {}

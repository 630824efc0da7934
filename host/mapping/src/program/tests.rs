//! Records through programs.

//! The vocabulary of the host: plain data, pure rules, and the ports to the outside.

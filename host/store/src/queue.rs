//! The durable queues.

mod port;

//! The embedded store: records, checkpoints, runs, events and sealed secrets on redb.

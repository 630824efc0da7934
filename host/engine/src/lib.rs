//! What the host does with adapters: install them, sync with them.

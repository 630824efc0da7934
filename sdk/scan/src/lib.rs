//! A validating JSON scanner that picks paths and returns spans.

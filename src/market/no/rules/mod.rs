//! The rules of the Norwegian messages.

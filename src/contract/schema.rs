//! The compiled schemas.

//! The whole program over HTTP alone.

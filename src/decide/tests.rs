//! What deciding promises.

//! How many files this process may hold open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files as far as the system lets us. Every visitor, pooled connection and health check is an
/// open file, and the usual limit of 1024 is there for programs that still use `select`.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, wanted)
    {
        tracing::warn!(%error, "The limit of open files could not be raised");
    }
}

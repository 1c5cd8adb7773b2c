//! Calls that are held: never answered, and counted for as long as their callers are there.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt as _;

use super::faults::{Moment, Route};
use super::server::Shared;

/// A call that is held. It is counted as waiting until this is dropped, as the server does when the caller
/// has gone.
struct Holding {
    simulator: Shared,
    what: (Route, Moment),
}

impl Holding {
    fn new(simulator: &Shared, what: (Route, Moment)) -> Self {
        let mut world = simulator.lock();
        let calls = world.held.entry(what).or_default();
        calls.times += 1;
        calls.waiting += 1;
        drop(world);
        Self { simulator: Arc::clone(simulator), what }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(calls) = self.simulator.lock().held.get_mut(&self.what) {
            calls.waiting = calls.waiting.saturating_sub(1);
        }
    }
}

/// Holds a call before it is carried out, and never returns. What it brought is read and forgotten: the
/// server notices that a caller has gone only when nothing more is to be read from it.
pub(super) async fn before(simulator: &Shared, route: Route, body: Body) -> Response {
    let _holding = Holding::new(simulator, (route, Moment::Before));
    let mut brought = body.into_data_stream();
    while let Some(Ok(_)) = brought.next().await {}
    std::future::pending().await
}

/// Holds a call that has been carried out, and never returns.
pub(super) async fn after(simulator: &Shared, route: Route) -> Response {
    let _holding = Holding::new(simulator, (route, Moment::After));
    std::future::pending().await
}

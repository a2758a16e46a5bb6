//! How many requests a piece of work costs others, through however many hands it goes. Must not know who is asked, nor why.

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

tokio::task_local! {
    /// Of the work that this task does, not of a connection: several syncs, looks and answers share one.
    static SENT: Sent;
}

#[derive(Default)]
struct Sent {
    graphql: AtomicU64,
    rest: AtomicU64,
}

/// Requests that were sent, whatever came of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Requests {
    pub graphql: u64,
    pub rest: u64,
}

impl Requests {
    /// One over GraphQL.
    pub const GRAPHQL: Self = Self { graphql: 1, rest: 0 };
    /// One of any other kind.
    pub const REST: Self = Self { graphql: 0, rest: 1 };

    /// Counts them for the work that goes on; where nobody counts, nothing happens.
    pub(crate) fn note(self) {
        // Outside of `count_requests` there is nothing to add to.
        let _ = SENT.try_with(|sent| {
            sent.graphql.fetch_add(self.graphql, Ordering::Relaxed);
            sent.rest.fetch_add(self.rest, Ordering::Relaxed);
        });
    }
}

impl fmt::Display for Requests {
    /// ` (20 GraphQL and 0 REST requests)`; nothing where nobody was asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { graphql: 0, rest: 0 } => Ok(()),
            Self { graphql, rest } => write!(f, " ({graphql} GraphQL and {rest} REST requests)"),
        }
    }
}

/// Does the work and counts its requests, also where it fails. Tasks that it spawns are not counted.
///
/// Callers put large work on the heap (`Box::pin`): in a build without optimisation it would be copied through the stack.
pub async fn count_requests<T>(work: impl Future<Output = T>) -> (T, Requests) {
    let counted = async {
        let done = work.await;
        let sent =
            |sent: &Sent| Requests { graphql: sent.graphql.load(Ordering::Relaxed), rest: sent.rest.load(Ordering::Relaxed) };
        (done, SENT.with(sent))
    };
    let (done, requests) = SENT.scope(Sent::default(), counted).await;
    // Work inside of other work costs that, too.
    requests.note();
    (done, requests)
}

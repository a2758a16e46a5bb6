//! The address that comes with a command or a press, and how often it may still be used.
//! Must not be kept: whoever takes over after a restart posts to the person instead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use url::Url;

/// Slack refuses a sixth message, …
const USES: u8 = 5;

/// … and one after 30 minutes; a minute less, since the address was given before we saw it.
const GOOD_FOR: Duration = Duration::from_secs(29 * 60);

/// An address for answers to one act. Copies count together.
/// <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>
#[derive(Debug, Clone)]
pub struct ResponseUrl {
    url: Url,
    left: Arc<AtomicU8>,
    until: Instant,
}

impl ResponseUrl {
    /// What came with an act that has just come in; `None` where there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        Some(Self { url, left: Arc::new(AtomicU8::new(USES)), until: Instant::now() + GOOD_FOR })
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address, for one message; `None` once Slack would refuse it.
    pub(super) fn spend(&self) -> Option<&Url> {
        if Instant::now() >= self.until {
            return None;
        }
        let take_one = |left: u8| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).ok().map(|_| &self.url)
    }
}

impl PartialEq for ResponseUrl {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for ResponseUrl {}

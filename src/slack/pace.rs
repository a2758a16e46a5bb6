//! How fast calls may leave: Slack's tiers for each method, one message a second a channel, and what Slack itself
//! said with `Retry-After`. Must not wait, nor keep anything over a restart: Slack's own answer is the last word.
//! <https://docs.slack.dev/apis/web-api/rate-limits>

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use crate::chat::Urgency;

/// What Slack allows of one method.
#[derive(Debug, Clone, Copy)]
struct Tier {
    per_minute: NonZeroU32,
    /// At once, after a rest.
    burst: NonZeroU32,
}

const fn tier(per_minute: u32, burst: u32) -> Tier {
    let (Some(per_minute), Some(burst)) = (NonZeroU32::new(per_minute), NonZeroU32::new(burst)) else {
        panic!("a tier allows something")
    };
    Tier { per_minute, burst }
}

/// Slack's tiers promise at least so many calls a minute, and bursts of a size that they do not name.
const TIER_2: Tier = tier(20, 5);
const TIER_3: Tier = tier(50, 10);
const TIER_4: Tier = tier(100, 30);
/// "Several hundred messages a minute" for a workspace.
const POSTS: Tier = tier(300, 60);
/// Burst and a minute's refill together: never more than 50 within any minute.
const UPDATES: Tier = tier(40, 10);

/// The methods that are called often, by <https://docs.slack.dev/reference/methods>; any other is taken for a rare one.
const METHODS: [(&str, Tier); 15] = [
    ("auth.test", TIER_4),
    ("chat.postEphemeral", TIER_4),
    ("chat.postMessage", POSTS),
    ("chat.unfurl", TIER_3),
    ("chat.update", UPDATES),
    ("conversations.history", TIER_3),
    ("conversations.info", TIER_3),
    ("conversations.list", TIER_2),
    ("conversations.open", TIER_3),
    ("dnd.info", TIER_3),
    ("users.info", TIER_4),
    ("views.open", TIER_4),
    ("views.publish", TIER_4),
    ("views.push", TIER_4),
    ("views.update", TIER_4),
];

/// Answers to several people in one channel may leave together; Slack allows "short bursts".
const ANSWERS_AT_ONCE: NonZeroU32 = NonZeroU32::new(3).expect("three is not none");

/// The part of a method's calls that news may use, in percent: the rest is for whoever waits.
const NEWS_PERCENT: u32 = 70;

/// Channels remembered before those that rest are forgotten.
const MOST_CHANNELS: usize = 10_000;

/// Slack gave no time with its refusal.
const UNNAMED_REST: Duration = Duration::from_secs(5);

/// Whatever Slack says, or a proxy before it: an hour of silence is enough before it is asked again.
const LONGEST_REST: Duration = Duration::from_secs(3_600);

/// How many calls may still leave, in one process for one workspace.
pub(super) struct Pace {
    methods: HashMap<&'static str, Arc<Method>>,
    others: Mutex<HashMap<String, Arc<Method>>>,
    /// Posts by channel: of all, and of news.
    posts: DefaultKeyedRateLimiter<String>,
    news: DefaultKeyedRateLimiter<String>,
    times: NonZeroU32,
    /// Until when Slack wants no call of a method.
    resting: Mutex<HashMap<String, Instant>>,
}

struct Method {
    all: DefaultDirectRateLimiter,
    news: DefaultDirectRateLimiter,
}

impl Method {
    fn of(tier: Tier, times: NonZeroU32) -> Arc<Self> {
        let share = |all: NonZeroU32| NonZeroU32::new(all.get() * NEWS_PERCENT / 100).unwrap_or(NonZeroU32::MIN);
        let quota = |per_minute: NonZeroU32, burst: NonZeroU32| {
            Quota::per_minute(per_minute.saturating_mul(times)).allow_burst(burst.saturating_mul(times))
        };
        Arc::new(Self {
            all: RateLimiter::direct(quota(tier.per_minute, tier.burst)),
            news: RateLimiter::direct(quota(share(tier.per_minute), share(tier.burst))),
        })
    }
}

impl Pace {
    /// So many times as fast as Slack allows: once, but for stories of a day that are told in seconds.
    pub fn new(times: NonZeroU32) -> Self {
        let a_second = Quota::per_second(times);
        Self {
            methods: METHODS.into_iter().map(|(name, tier)| (name, Method::of(tier, times))).collect(),
            others: Mutex::default(),
            posts: RateLimiter::keyed(a_second.allow_burst(ANSWERS_AT_ONCE.saturating_mul(times))),
            news: RateLimiter::keyed(a_second),
            times,
            resting: Mutex::default(),
        }
    }

    /// Counts a call that leaves now, or says how long it must wait.
    pub fn admit(&self, method: &str, channel: Option<&str>, urgency: Urgency) -> Result<(), Duration> {
        if let Some(rest) = self.rest(method) {
            return Err(rest);
        }
        let now = DefaultClock::default().now();
        let limits = self.method(method);
        match urgency {
            Urgency::Asked => {}
            Urgency::Told => limits.news.check().map_err(|not_until| not_until.wait_time_from(now))?,
        }
        limits.all.check().map_err(|not_until| not_until.wait_time_from(now))?;
        let Some(channel) = channel else { return Ok(()) };
        let channel = channel.to_owned();
        match urgency {
            Urgency::Asked => {}
            Urgency::Told => self.news.check_key(&channel).map_err(|not_until| not_until.wait_time_from(now))?,
        }
        self.posts.check_key(&channel).map_err(|not_until| not_until.wait_time_from(now))?;
        if self.posts.len() > MOST_CHANNELS {
            self.posts.retain_recent();
            self.news.retain_recent();
        }
        Ok(())
    }

    /// Slack wants no call of this method for so long. Returns what is kept to.
    pub fn hold(&self, method: &str, retry_after: Option<Duration>) -> Duration {
        let rest = Self::rest_of(retry_after);
        let mut resting = self.resting.lock().expect("nothing panics while it holds this lock");
        let until = Instant::now() + rest;
        let known = resting.entry(method.to_owned()).or_insert(until);
        *known = until.max(*known);
        rest
    }

    /// How long to rest where Slack said so.
    pub fn rest_of(retry_after: Option<Duration>) -> Duration {
        retry_after.unwrap_or(UNNAMED_REST).min(LONGEST_REST)
    }

    fn rest(&self, method: &str) -> Option<Duration> {
        let mut resting = self.resting.lock().expect("nothing panics while it holds this lock");
        let left = resting.get(method)?.saturating_duration_since(Instant::now());
        if left.is_zero() {
            resting.remove(method);
            return None;
        }
        Some(left)
    }

    fn method(&self, method: &str) -> Arc<Method> {
        if let Some(known) = self.methods.get(method) {
            return Arc::clone(known);
        }
        let mut others = self.others.lock().expect("nothing panics while it holds this lock");
        Arc::clone(others.entry(method.to_owned()).or_insert_with(|| Method::of(TIER_2, self.times)))
    }
}

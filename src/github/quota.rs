//! The quotas that GitHub documents and no header tells, kept to on our side. Must not wait: it says for how long.
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>

use std::{num::NonZeroU32, time::Duration};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use http::Method;

use super::budget::Resource;

/// GitHub counts a request that changes something for so many.
const WRITE_POINTS: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
const READ_POINTS: NonZeroU32 = NonZeroU32::MIN;

/// What a request costs of the documented quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Read,
    Change,
    /// Makes something that people see; GitHub allows few of them.
    Creation,
}

impl Cost {
    pub(super) fn of_method(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => Self::Read,
            Method::POST => Self::Creation,
            _ => Self::Change,
        }
    }
}

/// Each allows half at once and the other half spread over its time, so that no stretch of that length sees more than all.
#[derive(Debug)]
pub(super) struct Quotas {
    rest_points: DefaultDirectRateLimiter,
    graphql_points: DefaultDirectRateLimiter,
    creations_a_minute: DefaultDirectRateLimiter,
    creations_an_hour: DefaultDirectRateLimiter,
}

impl Quotas {
    pub(super) fn new(minute: Duration) -> Self {
        let half = |all: u32| NonZeroU32::new(all / 2).expect("a half of more than one");
        let within = |time: Duration, all: u32| {
            let half = half(all);
            // A period of nothing is none; there is no such minute.
            let one = (time / half.get()).max(Duration::from_nanos(1));
            RateLimiter::direct(Quota::with_period(one).expect("it is longer than nothing").allow_burst(half))
        };
        Self {
            rest_points: within(minute, 900),
            graphql_points: within(minute, 2_000),
            creations_a_minute: within(minute, 80),
            creations_an_hour: within(minute * 60, 500),
        }
    }

    /// Counts a request on each quota that it touches, those in `paid` excepted; gives the wait where one is used up.
    pub(super) fn pay(&self, resource: Resource, cost: Cost, paid: &mut usize) -> Option<Duration> {
        let points = if cost == Cost::Read { READ_POINTS } else { WRITE_POINTS };
        let of_points = match resource {
            Resource::Graphql => &self.graphql_points,
            Resource::Core | Resource::Search | Resource::Sbom => &self.rest_points,
            // Few, and of another account; and what is none of the API's.
            Resource::App | Resource::Elsewhere => return None,
        };
        let one = NonZeroU32::MIN;
        let all = [(of_points, points), (&self.creations_a_minute, one), (&self.creations_an_hour, one)];
        let touched = if cost == Cost::Creation { 3 } else { 1 };
        for (quota, amount) in &all[..touched][*paid..] {
            match quota.check_n(*amount) {
                Ok(Ok(())) => *paid += 1,
                Ok(Err(until)) => return Some(until.wait_time_from(DefaultClock::default().now())),
                Err(_) => unreachable!("a request costs less than any quota allows at once"),
            }
        }
        None
    }
}

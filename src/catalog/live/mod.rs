//! What stands beside the catalog and changes by the minute: who is on call, what happened lately, which team a
//! conversation belongs to, whether chat reaches us. Pure values that are replaced whole; must not know where they are read.

mod channel;
mod hearing;
mod link;
mod measures;
mod on_call;
mod recent;
mod said;

use std::sync::Arc;

use super::lookup::Taste;

pub use channel::ChannelTeams;
pub use hearing::{Gateway, Hearing, HearingState, Sockets};
pub use link::{Coverage, DeadLink, LinkHealth, NamedIn, Undescribed};
pub use measures::{Counted, Measures, Share};
pub use on_call::{HTTP, Named, OnCall, OnCallPerson, PAGERDUTY, Provider, Says, ScheduleKey, Shift};
pub use recent::{Happened, LATELY, NEWS_KEEP, NewsOf, NewsRead, Recent, RecentEvent};
pub use said::{DayOne, Estimate, Judged, NotFound, Step, Verdict};

/// All of it as it was at one moment.
#[derive(Debug, Clone, Default)]
pub struct Live {
    pub on_call: Arc<OnCall>,
    pub recent: Arc<Recent>,
    pub channels: Arc<ChannelTeams>,
    /// Sources that can be asked what happened lately where no webhook tells.
    pub news_sources: Arc<Vec<String>>,
    pub hearing: Arc<Hearing>,
    /// What is asked for often, and what counts how much in the order of answers.
    pub taste: Arc<Taste>,
    /// Which links are dead, which repositories have docs, what people have said of entries.
    pub coverage: Arc<Coverage>,
    /// What went well in the last month; `None` where it was never read.
    pub measures: Arc<Option<Measures>>,
}

//! Whether chat reaches us: what is connected, and when something was last heard.

use chrono::{DateTime, Utc};

/// Chat as it was at one moment; what is not said otherwise is Slack's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hearing {
    /// The sockets; `None` where Socket Mode is not set up.
    pub sockets: Option<Sockets>,
    /// Whether signed requests are taken.
    pub by_http: bool,
    /// To the second.
    pub last_event_at: Option<DateTime<Utc>>,
    /// Slack said that the app may no longer act: what it called that, and when.
    pub revoked: Option<(String, DateTime<Utc>)>,
    /// Discord's gateway; `None` where it is not set up.
    pub discord: Option<Gateway>,
}

/// The one connection that is kept to Discord.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gateway {
    /// Since when there is none; `None` while there is.
    pub down_since: Option<DateTime<Utc>>,
    /// Connections that were opened, or went on, in place of lost ones.
    pub reconnects: u64,
    /// Why the last try failed; gone once one succeeds.
    pub fault: Option<String>,
    /// To the second.
    pub last_event_at: Option<DateTime<Utc>>,
    /// Why the commands that Discord shows are not ours; gone once they are.
    pub not_registered: Option<String>,
}

/// Connections that we keep to the platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sockets {
    pub wanted: usize,
    pub open: usize,
    /// Since when none is open; `None` while one is.
    pub down_since: Option<DateTime<Utc>>,
    /// Connections that were opened in place of lost ones.
    pub reconnects: u64,
    /// Why the last try failed; gone once one succeeds.
    pub fault: Option<String>,
}

/// How well it is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HearingState {
    NotSetUp,
    /// Over sockets, or HTTP would be answered: whether Slack calls there is up to it.
    Hearing,
    /// Nothing can arrive.
    Deaf,
}

impl Hearing {
    pub fn state(&self) -> HearingState {
        match (&self.sockets, self.by_http) {
            (None, false) => HearingState::NotSetUp,
            _ if self.revoked.is_some() => HearingState::Deaf,
            (Some(sockets), _) if sockets.open == 0 => HearingState::Deaf,
            (Some(_), _) | (None, true) => HearingState::Hearing,
        }
    }

    /// Why nothing arrives.
    pub fn fault(&self) -> Option<String> {
        if self.state() != HearingState::Deaf {
            return None;
        }
        if let Some((what, _)) = &self.revoked {
            return Some(format!("Slack says {what}: install the app again, and set its new bot token"));
        }
        let sockets = self.sockets.as_ref()?;
        Some(sockets.fault.clone().unwrap_or_else(|| "no socket is open yet".to_owned()))
    }
}

impl Gateway {
    pub fn state(&self) -> HearingState {
        if self.down_since.is_some() { HearingState::Deaf } else { HearingState::Hearing }
    }

    /// Why nothing arrives.
    pub fn fault(&self) -> Option<&str> {
        self.down_since.map(|_| self.fault.as_deref().unwrap_or("the gateway is not connected yet"))
    }

    pub fn opened(&mut self) {
        self.down_since = None;
        self.fault = None;
    }

    pub fn closed(&mut self, now: DateTime<Utc>) {
        self.down_since.get_or_insert(now);
    }
}

impl Sockets {
    pub fn opened(&mut self) {
        self.open += 1;
        self.down_since = None;
        self.fault = None;
    }

    pub fn closed(&mut self, now: DateTime<Utc>) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            self.down_since.get_or_insert(now);
        }
    }
}

//! Messages that Steward posts of itself, kept in memory for the pages that are open.
//! Must not keep conversations: what a person typed lives in their page only.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::chat::{Mark, Reply};

use super::is_conversation;

/// A page that was asleep longer than this many messages misses the oldest.
const KEPT_PER_CHANNEL: usize = 100;

/// One channel a person acted as; the one silent for longest makes room.
const CHANNELS: usize = 500;

/// Marks remembered; a round has one for each team.
const MARKS: usize = 10_000;

/// Messages that were posted to playground channels. Clones share them.
#[derive(Debug, Clone)]
pub struct Board(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Tells cursors of an earlier process from ours: numbers start again with each.
    era: u32,
    channels: Mutex<HashMap<String, VecDeque<Arc<Posted>>>>,
    /// What messages with a mark can be replaced by, the oldest first.
    marked: Mutex<VecDeque<(Mark, String)>>,
    /// The newest number. Feeds wait on it and read the channel afterwards, so a slow one cannot miss a message.
    newest: watch::Sender<u64>,
    closed: CancellationToken,
}

/// One posted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Rises by one with each message of the board, whatever its channel.
    pub number: u64,
    /// The number under which it was posted first; another one where it has taken that one's place.
    pub first: u64,
    /// The shared channel it was posted in; `None` in a conversation with one person.
    pub shared: Option<String>,
    pub reply: Reply,
}

/// The messages of one conversation and of all shared channels, one after the other, as they are posted.
#[derive(Debug)]
pub struct Feed {
    board: Board,
    channel: String,
    last: u64,
    newest: watch::Receiver<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(Inner {
            era: rand::random(),
            channels: Mutex::default(),
            marked: Mutex::default(),
            newest: watch::Sender::new(0),
            closed: CancellationToken::new(),
        }))
    }
}

impl Board {
    /// Adds a message to a channel, in the place of an earlier one where that is still there, and wakes the feeds that
    /// follow it. Gives what it can be replaced by.
    pub fn post(&self, channel: &str, reply: &Reply, replaces: Option<&str>) -> String {
        let mut channels = self.channels();
        let number = *self.0.newest.borrow() + 1;
        let messages = channels.entry(channel.to_owned()).or_default();
        let first = replaces.and_then(|replaces| self.parse_cursor(replaces));
        messages.retain(|posted| Some(posted.first) != first);
        let first = first.unwrap_or(number);
        if messages.len() == KEPT_PER_CHANNEL {
            messages.pop_front();
        }
        let shared = (!is_conversation(channel)).then(|| channel.to_owned());
        messages.push_back(Arc::new(Posted { number, first, shared, reply: reply.clone() }));
        if channels.len() > CHANNELS {
            let age = |messages: &VecDeque<Arc<Posted>>| messages.back().map_or(0, |posted| posted.number);
            let silent = channels.iter().min_by_key(|(_, messages)| age(messages)).map(|(name, _)| name.clone());
            silent.and_then(|name| channels.remove(&name));
        }
        self.0.newest.send_replace(number);
        self.cursor(first)
    }

    /// Adds a message with a mark, unless one with that mark was added before.
    pub fn post_once(&self, channel: &str, reply: &Reply, mark: &Mark) -> String {
        let mut marked = self.0.marked.lock().expect("nothing panics while it holds this lock");
        if let Some((_, posted)) = marked.iter().find(|(known, _)| known == mark) {
            return posted.clone();
        }
        let posted = self.post(channel, reply, None);
        if marked.len() == MARKS {
            marked.pop_front();
        }
        marked.push_back((mark.clone(), posted.clone()));
        posted
    }

    /// What the message with this mark can be replaced by.
    pub fn find_marked(&self, mark: &Mark) -> Option<String> {
        let marked = self.0.marked.lock().expect("nothing panics while it holds this lock");
        marked.iter().find(|(known, _)| known == mark).map(|(_, posted)| posted.clone())
    }

    /// What a channel holds now, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<Arc<Posted>> {
        self.channels().get(channel).into_iter().flatten().cloned().collect()
    }

    /// A place in the stream of messages, to go on from later with [`Board::follow`].
    pub fn cursor(&self, number: u64) -> String {
        format!("{:08x}-{number}", self.0.era)
    }

    /// The place after all that was posted so far.
    pub fn newest_cursor(&self) -> String {
        self.cursor(*self.0.newest.borrow())
    }

    /// Follows a conversation, and the channels that all share, from a cursor on: from now without one, from the start with one of an earlier process.
    pub fn follow(&self, channel: &str, since: Option<&str>) -> Feed {
        let newest = self.0.newest.subscribe();
        let now = *newest.borrow();
        let last = since.map_or(now, |cursor| self.parse_cursor(cursor).unwrap_or(0));
        Feed { board: self.clone(), channel: channel.to_owned(), last, newest }
    }

    /// Ends all feeds, now and later, so that open pages do not hold up a stop.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    fn parse_cursor(&self, cursor: &str) -> Option<u64> {
        let (era, number) = cursor.split_once('-')?;
        (u32::from_str_radix(era, 16).ok()? == self.0.era).then_some(())?;
        number.parse().ok()
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Arc<Posted>>>> {
        self.0.channels.lock().expect("nothing panics while it holds this lock")
    }
}

impl Feed {
    /// Waits for the next message; `None` once the board is closed.
    pub async fn next(&mut self) -> Option<Arc<Posted>> {
        loop {
            if self.board.0.closed.is_cancelled() {
                return None;
            }
            // Seen before the channel is read: a message posted in between wakes the wait below.
            self.newest.borrow_and_update();
            if let Some(posted) = self.unread() {
                self.last = posted.number;
                return Some(posted);
            }
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                () = self.board.0.closed.cancelled() => return None,
            }
        }
    }

    fn unread(&self) -> Option<Arc<Posted>> {
        let channels = self.board.channels();
        let followed = channels.iter().filter(|(name, _)| **name == self.channel || !is_conversation(name));
        let unread = followed.filter_map(|(_, messages)| messages.iter().find(|posted| posted.number > self.last));
        unread.min_by_key(|posted| posted.number).cloned()
    }
}

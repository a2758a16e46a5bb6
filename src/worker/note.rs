//! The job that tells an author of a mistake on a default branch: whom, where, and in which words.
//! Must not decide what is a mistake, and says each thing once.

use sha2::{Digest, Sha256};

use super::{Worker, jobs::job};
use crate::{
    catalog::{Catalog, Entry, Kind},
    chat::{Block, Button, Card, ListItem, ListStyle, Message, Platform, Reply, Status, Text, Tone},
    github::write::Written,
    hygiene::round::platform_of,
    reach::{channel_of, personal_address},
    store::{AuthorNote, BrokenPlace, NoteAbout, Standing},
    sync::Source,
};

/// Ties a User to an account on GitHub, as Backstage has it.
const GITHUB_LOGIN: &str = "github.com/user-login";

job!(TellAuthorJob(AuthorNote) = TELL_AUTHOR, |worker, job| worker.tell_author(&job.work));

/// Who reads a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Author,
    Team,
}

impl Worker {
    /// In chat where the author is known there, else where the owning team is, else beside the commit.
    async fn tell_author(&self, note: &AuthorNote) -> Result<(), String> {
        let catalog = self.app.catalog.load();
        let kept = kept_entries(&catalog, note);
        let person =
            note.author.as_deref().and_then(|login| find_person(&catalog, login)).and_then(|person| self.account(person));
        let author = person.map(|(platform, to)| (platform, to, Reader::Author));
        let told = author.or_else(|| {
            let owner = kept.iter().find_map(|entry| entry.entity.owner())?;
            let (channel, _) = channel_of(&catalog, owner)?;
            let platform = platform_of(&self.app)?;
            let to = if platform == Platform::Slack { channel.slack_id.unwrap_or(channel.name) } else { channel.name };
            Some((platform, to, Reader::Team))
        });
        let count = |place: &'static str| metrics::counter!("steward_author_notes_total", "place" => place).increment(1);
        if let Some((platform, to, reader)) = told {
            count(match reader {
                Reader::Author => "author",
                Reader::Team => "team",
            });
            let message = Message::new(platform, to, reply(note, reader, !kept.is_empty()));
            return self.app.store.enqueue_message(message).await.map_err(|error| error.to_string());
        }
        let source = self.sources.iter().find(|source| source.id() == note.source);
        let (Some(Source::Github(github)), Some(commit)) = (source, &note.commit) else { return Ok(()) };
        let about = serde_json::to_vec(&note.about).map_err(|error| error.to_string())?;
        let mark = hex::encode(&Sha256::digest(about)[..8]);
        let text = markdown(note, !kept.is_empty());
        let told = github.writer().comment_on_commit(&note.repository, commit, &text, &mark).await;
        count(match told.map_err(|error| error.to_string())? {
            Written::Done => "commit",
            Written::Nothing => "told_before",
            Written::NotAllowed => "not_allowed",
        });
        Ok(())
    }

    /// Where somebody is reached directly.
    fn account(&self, person: &Entry) -> Option<(Platform, String)> {
        let platform = platform_of(&self.app)?;
        Some((platform, personal_address(platform, &person.entity)?))
    }
}

/// The User with this GitHub login; without such an annotation, the one of this name.
fn find_person<'c>(catalog: &'c Catalog, login: &str) -> Option<&'c Entry> {
    let users = || catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::User);
    let is_tied = |entry: &&std::sync::Arc<Entry>| {
        entry.entity.annotation(GITHUB_LOGIN).is_some_and(|known| known.trim().eq_ignore_ascii_case(login))
    };
    let named = || {
        // A name with another login beside it is somebody else's.
        users().find(|entry| {
            entry.entity.annotation(GITHUB_LOGIN).is_none() && entry.entity.entity_ref.name().eq_ignore_ascii_case(login)
        })
    };
    users().find(is_tied).or_else(named).map(|entry| &**entry)
}

/// Entities that the files of the note declare, as they are served now.
fn kept_entries<'c>(catalog: &'c Catalog, note: &AuthorNote) -> Vec<&'c Entry> {
    let is_of = |path: &str| match &note.about {
        NoteAbout::Broken(places) => places.iter().any(|place| place.path == path),
        NoteAbout::Claimed(claimed) => claimed.path == path,
    };
    let claims = catalog.parts().claims.iter().filter(|entry| {
        let origin = &entry.origin;
        *origin.source == *note.source && origin.repository_id == note.repository_id && is_of(&origin.path)
    });
    claims.map(|entry| &**entry).collect()
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn since(note: &AuthorNote, reader: Reader) -> String {
    let commit = note.commit.as_deref().map(short);
    match (commit, &note.author, reader) {
        (Some(commit), _, Reader::Author) => format!(" since your commit {commit}"),
        (Some(commit), Some(author), Reader::Team) => format!(" since commit {commit} by {author}"),
        (Some(commit), None, Reader::Team) => format!(" since commit {commit}"),
        (None, _, _) => String::new(),
    }
}

fn kept_sentence(is_kept: bool) -> &'static str {
    if is_kept {
        "The last good version goes on answering until it is mended."
    } else {
        "Until it is mended, what it declares is not in the catalog."
    }
}

/// The file at the commit, at its line.
fn address(note: &AuthorNote, path: &str, line: Option<usize>) -> Option<String> {
    let (url, commit) = (note.url.as_ref()?, note.commit.as_ref()?);
    let line = line.map(|line| format!("#L{line}")).unwrap_or_default();
    Some(format!("{url}/blob/{commit}/{path}{line}"))
}

fn place(broken: &BrokenPlace) -> String {
    match broken.line {
        Some(line) => format!("{}:{line}", broken.path),
        None => broken.path.clone(),
    }
}

fn reply(note: &AuthorNote, reader: Reader, is_kept: bool) -> Reply {
    let mut card = Card { tone: Tone::Warning, ..Card::default() };
    let lead = match &note.about {
        NoteAbout::Broken(places) => {
            let items = places.iter().map(|broken| ListItem::new(Text::new().code(place(broken)).say(": ").say(&broken.message)));
            card.body.push(Block::List { style: ListStyle::Bullets, items: items.collect() });
            let first = places.first();
            let example = format!("steward lint {}", first.map(|broken| broken.path.as_str()).unwrap_or_default());
            card.body.push(Block::Paragraph(Text::plain(kept_sentence(is_kept)).say(" To check before a push: ").code(example)));
            if let Some(url) = first.and_then(|broken| address(note, &broken.path, broken.line)) {
                card.buttons.push(Button::open("Open the file", url));
            }
            let what = if places.len() == 1 { "a descriptor" } else { "descriptors" };
            Text::plain(format!("The catalog cannot read {what} in ")).bold(&note.repository).say(since(note, reader)).say(".")
        }
        NoteAbout::Claimed(claimed) => {
            let whose = match claimed.standing {
                Standing::Yours => "Yours answers: its repository is the older one.",
                Standing::Theirs => "The other one answers: its repository is the older one.",
            };
            let how = "If they are two things, give one another metadata.name; if they are one, remove it from one file.";
            card.body.push(Block::Paragraph(Text::plain(format!("{whose} {how} It heals by itself then."))));
            if let Some(url) = address(note, &claimed.path, None) {
                card.buttons.push(Button::open("Open your file", url));
            }
            if let Some(url) = &claimed.other_url {
                card.buttons.push(Button::open("Open the other", url));
            }
            let (own, other) =
                (format!("{}/{}", note.repository, claimed.path), format!("{}/{}", claimed.other_repository, claimed.other_path));
            Text::new().code(&claimed.entity_ref).say(" is declared by two files: ").code(own).say(" and ").code(other).say(".")
        }
    };
    let mut reply = Reply::new(Status::Answered, "catalog", lead);
    reply.cards.push(card);
    reply
}

/// The same for GitHub. What stands in a file is code there, so that it can neither mention anybody nor become a link.
fn markdown(note: &AuthorNote, is_kept: bool) -> String {
    let quote = crate::sync::quote_code;
    match &note.about {
        NoteAbout::Broken(places) => {
            let mut text = "The catalog cannot read what this commit changes:\n\n".to_owned();
            for broken in places {
                text.push_str(&format!("- {}: {}\n", quote(&place(broken)), quote(&broken.message)));
            }
            let example =
                quote(&format!("steward lint {}", places.first().map(|broken| broken.path.as_str()).unwrap_or_default()));
            text.push_str(&format!("\n{} {example} checks it before a push.", kept_sentence(is_kept)));
            text
        }
        NoteAbout::Claimed(claimed) => {
            let own = quote(&format!("{}/{}", note.repository, claimed.path));
            let other = quote(&format!("{}/{}", claimed.other_repository, claimed.other_path));
            let whose = match claimed.standing {
                Standing::Yours => "The one here answers",
                Standing::Theirs => "The other one answers",
            };
            format!(
                "{} is declared by two files: {own} and {other}. {whose}: its repository is the older one.\n\nIf they are two things, \
                 give one another `metadata.name`; if they are one, remove it from one file. It heals by itself then.",
                quote(&claimed.entity_ref)
            )
        }
    }
}

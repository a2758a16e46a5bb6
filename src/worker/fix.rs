//! The queue's handlers for fixes and for findings that are handed over, and the loop that follows open pull requests where
//! no webhook tells of them. Must not do their work: hygiene does.

use std::time::Duration;

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{Worker, jobs::job};
use crate::{
    catalog::{EntityRef, FileRole, FilesWanted, RepositoryKey},
    chat::{DeliveryError, Message, Platform},
    commands::hygiene::{
        asking_message, places_of_hand_over,
        progress::{progress, said},
    },
    github::GithubSource,
    hygiene::{
        fix::{
            owners::{CODE_OWNERS, owners_of},
            propose::{Trouble, edit_files, patch, propose},
        },
        guess::{Clues, guess},
    },
    store::{Fix, FixId, FixNews, FixState, HandOverId, Job, JobContext, OfPull, StoreError},
    sync::Source,
};

/// Between looks at the pull requests that are open: a webhook is quicker, and few are open.
const FOLLOW_EVERY: Duration = Duration::from_secs(5 * 60);

/// What could not be proposed for so long is given up; whoever asked is told.
pub(super) const GIVE_UP: TimeDelta = TimeDelta::hours(12);

job!(ProposeFixJob(FixId) = PROPOSE_FIX, |worker, job| worker.propose_fix(job));

job!(ShowFixJob(FixId) = SHOW_FIX, |worker, job| worker.show_fix(job.work));

job!(FollowFixJob(OfPull) = FOLLOW_FIX, |worker, job| worker.follow_fix(&job.work));

job!(AskHandOverJob(HandOverId) = ASK_HAND_OVER, |worker, job| worker.ask_hand_over(job));

impl Worker {
    /// Makes the pull request that was asked for. `Err` makes the queue try again later.
    async fn propose_fix(&self, job: JobContext<FixId>) -> Result<(), String> {
        let id = job.work;
        let store = &self.app.store;
        let Some(fix) = store.load_fix(id).await.map_err(told)?.filter(|fix| fix.state == FixState::Intended) else {
            return Ok(());
        };
        if fix.posted.is_none() {
            store.enqueue_job(Job::ShowFix(id)).await.map_err(told)?;
        }
        let source = self.sources.iter().find(|source| source.id() == fix.source);
        let news = match source {
            Some(Source::Github(github)) => match self.propose_on(github, &fix).await? {
                Ok(news) => news,
                Err(reason) => FixNews::Failed { reason },
            },
            Some(Source::Directory { directory, .. }) => {
                let reason = self.show_in_folder(directory, &fix).await?;
                FixNews::Failed { reason }
            }
            Some(_) | None => FixNews::Failed {
                reason: format!(
                    "{} is not read from GitHub, so nothing can be proposed there; please change it where it is kept",
                    fix.repository
                ),
            },
        };
        store.note_fix(id, &news, self.app.clock.now()).await.map_err(told)?;
        let result = match &news {
            FixNews::Opened { url, .. } => format!("proposed: {url}"),
            FixNews::Failed { reason } => format!("not proposed: {reason}"),
            FixNews::Merged | FixNews::Closed => "proposed".to_owned(),
        };
        let done = if matches!(news, FixNews::Failed { .. }) { "failed" } else { "opened" };
        metrics::counter!("steward_hygiene_fixes_total", "result" => done).increment(1);
        store.finish_action(job.audit_id, self.app.clock.now(), &result, None).await.map_err(told)
    }

    /// The inner `Err` is for people.
    async fn propose_on(&self, github: &GithubSource, fix: &Fix) -> Result<Result<FixNews, String>, String> {
        let mut fix = fix.clone();
        if let Err(reason) = self.describe(Some(github), &mut fix).await? {
            return Ok(Err(reason));
        }
        let fix = &fix;
        let said = said(&self.app.catalog.load(), fix);
        let proposed = propose(github, fix, &said, &self.app.custom_kinds).await;
        if let Some(patch) = &proposed.patch {
            self.app.store.note_fix_patch(fix.id, patch).await.map_err(told)?;
        }
        match proposed.pull {
            Ok(pull) => Ok(Ok(FixNews::Opened { number: pull.number, url: pull.html_url })),
            Err(Trouble::Refused(reason)) => Ok(Err(reason)),
            Err(Trouble::Later(reason)) if self.app.clock.now() - fix.created_at > GIVE_UP => Ok(Err(reason)),
            Err(Trouble::Later(reason)) => Err(reason),
        }
    }

    /// A folder on this disk has nobody to propose to: the change is shown. Gives the reason, for people.
    async fn show_in_folder(&self, directory: &crate::directory::DirectorySource, fix: &Fix) -> Result<String, String> {
        let patterns = fix.files.iter().map(|file| (file.path.clone(), FileRole::Descriptor)).collect();
        let repository = RepositoryKey { id: fix.repository_id, node_id: None, full_name: Some(fix.repository.clone()) };
        let wanted = FilesWanted { repository, head: String::new(), patterns };
        let found = directory.load_files(&[wanted]);
        let text = |path: &str| {
            let file = found.iter().flat_map(|found| &found.files).find(|file| file.path == path)?;
            match &file.contents {
                crate::catalog::Contents::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
                crate::catalog::Contents::Unreadable(_) => None,
            }
        };
        let mut described = fix.clone();
        if let Err(reason) = self.describe(None, &mut described).await? {
            return Ok(reason);
        }
        match edit_files(&described.files, &self.app.custom_kinds, text) {
            Ok(edited) if edited.is_empty() => Ok("it is right by now: nothing would change".to_owned()),
            Ok(edited) => {
                self.app.store.note_fix_patch(fix.id, &patch(&edited)).await.map_err(told)?;
                Ok(format!(
                    "{} is a folder and not on GitHub, so it cannot be proposed there. This is the change",
                    fix.repository
                ))
            }
            Err(trouble) => Ok(trouble.to_string()),
        }
    }

    /// Draws the one message of a fix as it stands now: posts it where it was asked for, or changes it.
    async fn show_fix(&self, id: FixId) -> Result<(), String> {
        let Some(fix) = self.app.store.load_fix(id).await.map_err(told)? else { return Ok(()) };
        let platform = fix.account.platform;
        if platform == Platform::Terminal {
            return Ok(());
        }
        let reply = progress(&self.app.catalog.load(), &fix);
        let directly = || Message::new(platform, &fix.account.id, reply.clone()).asked();
        let message = match (&fix.posted, &fix.place) {
            (Some(posted), _) => Message::replacing(platform, posted.clone(), reply.clone()),
            (None, Some(place)) => Message::new(platform, &place.channel_id, reply.clone()).asked(),
            (None, None) => directly(),
        };
        let sent = match self.app.outbox.deliver(&message).await {
            // Steward is no member there: whoever asked is told in their own conversation.
            Err(DeliveryError::Refused { .. }) if fix.posted.is_none() && fix.place.is_some() => {
                self.app.outbox.deliver(&directly()).await
            }
            sent => sent,
        };
        match sent {
            Ok(Some(posted)) if fix.posted.is_none() => self.app.store.note_fix_posted(id, &posted).await.map_err(told),
            Ok(_) => Ok(()),
            Err(fault @ (DeliveryError::Limited { .. } | DeliveryError::Unreachable { .. })) => Err(fault.to_string()),
            Err(fault @ (DeliveryError::NoDoor(_) | DeliveryError::Refused { .. })) => {
                warn!(%fault, fix = id.0, "nobody can be shown how a fix goes; /hygiene shows it");
                Ok(())
            }
        }
    }

    /// Looks at a pull request that may be a fix.
    async fn follow_fix(&self, of: &OfPull) -> Result<(), String> {
        let store = &self.app.store;
        let found = store.find_fix_of_pull(&of.source, of.repository_id, of.number).await.map_err(told)?;
        let Some(id) = found else { return Ok(()) };
        let Some(fix) = store.load_fix(id).await.map_err(told)? else { return Ok(()) };
        let Some(Source::Github(github)) = self.sources.iter().find(|source| source.id() == of.source) else { return Ok(()) };
        let maker = github.connection().maker(None).map_err(|error| error.to_string())?;
        let news = match maker.load_pull(&fix.repository, of.number).await.map_err(|error| error.to_string())? {
            Some(pull) if pull.is_open() => return Ok(()),
            Some(pull) if pull.merged_at.is_some() => FixNews::Merged,
            Some(_) | None => FixNews::Closed,
        };
        if store.note_fix(id, &news, self.app.clock.now()).await.map_err(told)? {
            let result = if news == FixNews::Merged { "merged" } else { "closed" };
            metrics::counter!("steward_hygiene_fixes_total", "result" => result).increment(1);
            info!(fix = id.0, result, "a fix is at its end");
        }
        Ok(())
    }

    /// Has every open pull request looked at.
    pub async fn follow_fixes(&self) -> Result<(), StoreError> {
        for fix in self.app.store.load_open_fixes().await? {
            let Some(number) = fix.number else {
                // The queue has given up long before.
                if self.app.clock.now() - fix.created_at > GIVE_UP * 2 {
                    let reason = "it could not be proposed for a day".to_owned();
                    self.app.store.note_fix(fix.id, &FixNews::Failed { reason }, self.app.clock.now()).await?;
                }
                continue;
            };
            let of = OfPull { source: fix.source, repository_id: fix.repository_id, number };
            self.app.store.enqueue_job(Job::FollowFix(of)).await?;
        }
        Ok(())
    }

    /// The same every few minutes, until told to stop.
    pub(super) async fn keep_following_fixes(&self, stop: &tokio_util::sync::CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(FOLLOW_EVERY) => {}
            }
            match self.follow_fixes().await {
                Ok(()) | Err(StoreError::Away(_) | StoreError::Claimed) => {}
                Err(StoreError::Failed(fault)) => warn!(fault = format!("{fault:#}"), "open fixes could not be followed"),
            }
        }
    }

    /// Where nobody could be guessed from what is stored, the repository's CODEOWNERS may say who it is.
    async fn ask_code_owners(&self, id: HandOverId) -> Result<(), String> {
        let store = &self.app.store;
        let hand_over = store.load_hand_over(id).await.map_err(told)?;
        let Some(hand_over) = hand_over.filter(|found| found.to.is_none() && found.state.is_open()) else { return Ok(()) };
        let catalog = self.app.catalog.load();
        let entity = hand_over.key.split_once(':').and_then(|(_, entity)| EntityRef::parse(entity, None, "default").ok());
        let Some(entry) = entity.and_then(|entity| catalog.find(&entity)) else { return Ok(()) };
        let origin = &entry.origin;
        let Some(Source::Github(github)) = self.sources.iter().find(|source| source.id() == &*origin.source) else {
            return Ok(());
        };
        let mut code_owners = Vec::new();
        for place in CODE_OWNERS {
            // An extra: without it those are asked who settle what nobody takes.
            let Ok(Some(text)) = github.writer().load_file(&origin.repository, place, "HEAD").await else { continue };
            code_owners = owners_of(&String::from_utf8_lossy(&text), &origin.path);
            break;
        }
        let not: Vec<EntityRef> = hand_over.from.iter().cloned().collect();
        let recent = self.app.live.load().recent;
        let clues = Clues { recent: &recent, code_owners: &code_owners, not: &not, now: self.app.clock.now() };
        match guess(&catalog, entry, &clues).first().filter(|_| !code_owners.is_empty()) {
            Some(best) => store.redirect_hand_over(id, &best.owner, &best.evidence).await.map(|_| ()).map_err(told),
            None => Ok(()),
        }
    }

    /// Asks those to whom a finding was handed.
    async fn ask_hand_over(&self, job: JobContext<HandOverId>) -> Result<(), String> {
        let store = &self.app.store;
        self.ask_code_owners(job.work).await?;
        let Some(hand_over) = store.load_hand_over(job.work).await.map_err(told)?.filter(|found| found.state.is_open()) else {
            return Ok(());
        };
        let catalog = self.app.catalog.load();
        let mut asked = 0;
        if let Some(message) = asking_message(&catalog, &hand_over) {
            for platform in self.app.outbox.platforms() {
                let Some(place) = places_of_hand_over(&self.app, &catalog, platform, &hand_over).into_iter().next() else {
                    continue;
                };
                store.enqueue_message(Message::new(platform, place, message.clone())).await.map_err(told)?;
                asked += 1;
            }
        }
        let result = if asked > 0 { "asked" } else { "nobody could be reached" };
        if asked == 0 {
            warn!(hand_over = job.work.0, "those to whom a finding was handed cannot be reached; /hygiene shows it");
        }
        store.finish_action(job.audit_id, self.app.clock.now(), result, None).await.map_err(told)
    }
}

fn told(error: StoreError) -> String {
    error.to_string()
}

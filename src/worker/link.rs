//! The steps of `/link`: a code for the person, then short questions until they have entered it.
//! Must not keep GitHub's token: it serves to ask who its owner is, once.

use chrono::TimeDelta;
use tracing::warn;

use super::{Worker, jobs::job};
use crate::{
    catalog::people::AccountKind,
    chat::{Block, Button, Card, Message, Reply, Status, Text},
    github::{DeviceCode, DeviceError, DeviceFlow, Proof},
    settings::SourceSettings,
    store::{JobContext, LinkOutcome, LinkStep, LinkWait, NewLink},
};

/// Whatever GitHub says, it is not asked more often, …
const SHORTEST_PAUSE_SECS: u64 = 1;
/// … nor left waiting longer …
const LONGEST_PAUSE_SECS: u64 = 60;
/// … nor for more than an hour in all; its codes are good for a quarter of one.
const LONGEST_CODE_SECS: u64 = 3_600;

job!(LinkJob(LinkStep) = LINK, |worker, job| worker.run_link(job));

impl Worker {
    async fn run_link(&self, job: JobContext<LinkStep>) -> Result<(), String> {
        let JobContext { audit_id, work: step } = job;
        let app = &self.app;
        let now = app.clock.now();
        let Some(flow) = self.device_flow() else {
            return self.fail_link(audit_id, &step, "not set up", "/link is not set up here any more.".into()).await;
        };
        let asked = match (&step.waiting, flow) {
            (_, Err(error)) => Err(error),
            (None, Ok(flow)) => match flow.begin().await {
                Ok(code) => {
                    let lasts = code.expires_in.min(LONGEST_CODE_SECS);
                    let message = to_asker(&step, code_reply(&code, lasts / 60));
                    let waiting = LinkWait {
                        device_code: code.device_code,
                        interval_secs: code.interval,
                        expires_at: now + seconds(lasts),
                        next_at: now + pause(code.interval),
                    };
                    let step = LinkStep { waiting: Some(waiting), ..step };
                    return app.store.go_on_linking(audit_id, step, Some(message)).await.map_err(|error| error.to_string());
                }
                Err(error) => Err(error),
            },
            (Some(waiting), Ok(_)) if now >= waiting.expires_at => Ok(Proof::Expired),
            (Some(waiting), Ok(flow)) => flow.ask(&waiting.device_code, waiting.interval_secs).await,
        };
        match asked {
            Ok(Proof::Pending { interval_secs }) => {
                let waiting = step.waiting.clone().map(|waiting| LinkWait {
                    interval_secs,
                    next_at: now + pause(interval_secs),
                    ..waiting
                });
                let step = LinkStep { waiting, ..step };
                app.store.go_on_linking(audit_id, step, None).await.map_err(|error| error.to_string())
            }
            Ok(Proof::Proved { login, github_id }) => {
                let message = to_asker(&step, self.linked_reply(&login));
                let outcome = LinkOutcome::Linked(NewLink { account: step.account.clone(), login, github_id });
                app.store.finish_link(audit_id, now, &outcome, message).await.map_err(|error| error.to_string())
            }
            Ok(Proof::Expired) => {
                let said = "The code has expired; nothing was tied. Say /link for another one.";
                self.fail_link(audit_id, &step, "expired", said.into()).await
            }
            Ok(Proof::Denied) => {
                let said = "You refused it on GitHub; nothing was tied.";
                self.fail_link(audit_id, &step, "denied", said.into()).await
            }
            // While GitHub waits for the person a stumble is no end: the next step asks again.
            Err(DeviceError::Passing(why)) if step.waiting.is_some() => {
                warn!(fault = why, "GitHub could not be asked whether a code was entered; trying again");
                let waiting = step.waiting.clone().map(|waiting| {
                    let next_at = now + pause(waiting.interval_secs);
                    LinkWait { next_at, ..waiting }
                });
                app.store.go_on_linking(audit_id, LinkStep { waiting, ..step }, None).await.map_err(|error| error.to_string())
            }
            Err(error @ DeviceError::Passing(_)) => Err(error.to_string()),
            Err(error) => {
                warn!(%error, "an account could not be tied");
                let said = format!("Your account was not tied: {error}. Nothing was changed; tell whoever runs Steward.");
                self.fail_link(audit_id, &step, &error.to_string(), said.into()).await
            }
        }
    }

    /// Of the first source that says by which App people prove their login.
    fn device_flow(&self) -> Option<Result<DeviceFlow, DeviceError>> {
        self.app.settings.sources.iter().find_map(|source| match source {
            SourceSettings::Github(github) => {
                let client_id = github.auth.device_client_id()?;
                Some(DeviceFlow::new(&github.api_url, client_id))
            }
            SourceSettings::Directory(_) | SourceSettings::Url(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {
                None
            }
        })
    }

    async fn fail_link(&self, audit_id: Option<i64>, step: &LinkStep, result: &str, said: Text) -> Result<(), String> {
        let message = to_asker(step, Reply::new(Status::Error, "link", said));
        let outcome = LinkOutcome::Failed(result.to_owned());
        let now = self.app.clock.now();
        self.app.store.finish_link(audit_id, now, &outcome, message).await.map_err(|error| error.to_string())
    }

    fn linked_reply(&self, login: &str) -> Reply {
        let catalog = self.app.catalog.load();
        let person = catalog.find_person_by_account(AccountKind::Github, login).and_then(|person| catalog.find(person));
        let lead = Text::plain("Your account is tied to the GitHub login ").bold(login);
        let lead = match person {
            Some(person) => lead.say(": the catalog knows you as ").bold(person.entity.label()).say("."),
            None => lead.say(". The catalog knows nobody of that login yet; your team can write it into your User entry."),
        };
        let mut reply = Reply::new(Status::Answered, "link", lead);
        if let Some(person) = person {
            reply.refs = vec![person.entity.entity_ref.to_string()];
            reply.buttons.push(Button::say("What is known of you", format!("whois {}", person.entity.entity_ref)));
        }
        reply
    }
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(secs).unwrap_or(i64::MAX / 1_000))
}

fn pause(interval_secs: u64) -> TimeDelta {
    seconds(interval_secs.clamp(SHORTEST_PAUSE_SECS, LONGEST_PAUSE_SECS))
}

/// For nobody else's eyes.
fn to_asker(step: &LinkStep, reply: Reply) -> Message {
    let account = &step.account;
    let to = step.place.as_ref().map_or_else(|| account.id.clone(), |place| place.channel_id.clone());
    Message::new(account.platform, to, reply).only_to(account.id.clone())
}

fn code_reply(code: &DeviceCode, minutes: u64) -> Reply {
    let lead = Text::plain("Enter the code ").code(code.user_code.as_str()).say(" at ");
    let lead = lead.link(code.verification_uri.as_str(), code.verification_uri.as_str());
    let mut reply = Reply::new(Status::Answered, "link", lead.say(format!(" within {minutes} minutes.")));
    let said = "It is yours alone: whoever enters it ties their login to your account. Steward keeps the login and nothing else.";
    reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], ..Card::default() });
    reply.buttons.push(Button::open("Open GitHub", code.verification_uri.clone()));
    reply
}

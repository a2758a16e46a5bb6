//! Forms that somebody fills in at Discord, step by step; kept in the database, so that any replica can go on. Must not
//! check answers: the command does.

use std::collections::BTreeMap;

use tokio::time::timeout;
use tracing::warn;

use super::{ANSWER_WITHIN, Door};
use crate::{
    chat::{Act, Form, Reply, Response},
    discord::{
        Answer,
        form::{Sitting, Touch, Touched, input_index, render_modal, render_step},
        render::{render_post, render_words},
        wire::{DiscordMessage, EPHEMERAL, Modal},
    },
    error::UserError,
    store::{KeptSitting, SittingId, StoreError},
};

/// Presses at the same time on the same step: one of them is done first, and the others on what it left.
const TRIES: usize = 3;

/// What came along with a touch.
pub(super) enum Given<'g> {
    Nothing,
    Chosen(&'g [String]),
    Written(&'g [(String, String)]),
}

/// What becomes of a step.
enum Turn {
    /// It is shown as it is now.
    Shown,
    Modal,
    /// The page is sent, or left for the one before.
    Sent(Act),
    Cancelled,
}

/// What is to be shown then.
enum Turned {
    Shown(DiscordMessage),
    Modal {
        modal: Modal,
        /// The step once more, where it is too late for a modal.
        otherwise: DiscordMessage,
    },
}

impl Door<'_> {
    /// Opens a form: its first step, or why it cannot be.
    pub(super) async fn open(&self, form: Form) -> DiscordMessage {
        let command = form.id.clone();
        let mut sitting = Sitting::new(form);
        self.look_up(&mut sitting).await;
        let account = &self.incoming.account;
        match self.app.store.open_sitting(account, &written(&sitting), self.app.clock.now()).await {
            Ok(SittingId(id)) => render_step(id, &sitting),
            Err(fault) => away(&command, &fault),
        }
    }

    /// What was pressed, chosen or written in a step.
    pub(super) async fn touch(&self, touch: Touch, given: Given<'_>) {
        let mut turned = Box::pin(self.turn(touch, given));
        match timeout(ANSWER_WITHIN, &mut turned).await {
            Ok(Turned::Shown(message)) => {
                self.answer(Answer::Update(message)).await;
            }
            Ok(Turned::Modal { modal, otherwise: _ }) => {
                self.answer(Answer::Modal(modal)).await;
            }
            Err(_) => {
                let is_ours = self.answer(Answer::UpdateLater).await;
                let (Turned::Shown(message) | Turned::Modal { modal: _, otherwise: message }) = turned.await;
                if is_ours {
                    self.complete(&message).await;
                }
            }
        }
    }

    async fn turn(&self, touch: Touch, given: Given<'_>) -> Turned {
        let id = SittingId(touch.sitting);
        for _ in 0..TRIES {
            let kept = match self.app.store.load_sitting(id, &self.incoming.account).await {
                Ok(kept) => kept,
                Err(fault) => return Turned::Shown(away("", &fault)),
            };
            let Some((mut sitting, revision)) = kept.and_then(read) else { return Turned::Shown(gone()) };
            match take(&mut sitting, touch, &given) {
                Turn::Modal => {
                    let modal = render_modal(touch.sitting, &sitting);
                    sitting.note = Some("That took a moment: press once more.".to_owned());
                    let otherwise = render_step(touch.sitting, &sitting);
                    return match modal {
                        Some(modal) => Turned::Modal { modal, otherwise },
                        None => Turned::Shown(otherwise),
                    };
                }
                Turn::Cancelled => {
                    self.close(id).await;
                    return Turned::Shown(alone(render_words("Cancelled. Nothing was changed.")));
                }
                Turn::Sent(act) => {
                    let response = self.pending(act).await;
                    return Turned::Shown(self.turn_page(id, response).await);
                }
                Turn::Shown => {
                    self.look_up(&mut sitting).await;
                    match self.app.store.save_sitting(id, revision, &written(&sitting), self.app.clock.now()).await {
                        Ok(true) => return Turned::Shown(render_step(touch.sitting, &sitting)),
                        Ok(false) => {}
                        Err(fault) => return Turned::Shown(away(&sitting.form.id, &fault)),
                    }
                }
            }
        }
        Turned::Shown(gone())
    }

    /// The next page in the place of the last, or the reply that ends the form.
    async fn turn_page(&self, id: SittingId, response: Response) -> DiscordMessage {
        match response {
            Response::Reply(reply) => {
                self.close(id).await;
                alone(render_post(&reply))
            }
            Response::Form(form) => {
                let command = form.id.clone();
                let mut sitting = Sitting::new(*form);
                self.look_up(&mut sitting).await;
                match self.keep(id, &sitting).await {
                    Ok(true) => render_step(id.0, &sitting),
                    Ok(false) => gone(),
                    Err(fault) => away(&command, &fault),
                }
            }
            Response::Choices(_) => gone(),
        }
    }

    /// Whatever was kept before: another replica that did the same wrote the same.
    async fn keep(&self, id: SittingId, sitting: &Sitting) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(kept) = self.app.store.load_sitting(id, &self.incoming.account).await? else { return Ok(false) };
            if self.app.store.save_sitting(id, kept.revision, &written(sitting), self.app.clock.now()).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn close(&self, id: SittingId) {
        if let Err(error) = self.app.store.close_sitting(id).await {
            warn!(%error, "a form that is done with stays until it is too old");
        }
    }

    /// Asks the command what the questions of the step offer.
    async fn look_up(&self, sitting: &mut Sitting) {
        for search in sitting.wanted() {
            let act = Act::Complete {
                form: sitting.form.id.clone(),
                subject: sitting.form.state.subject.clone(),
                field: search.field.clone(),
                typed: search.typed.clone(),
            };
            let choices = match self.pending(act).await {
                Response::Choices(choices) => choices,
                Response::Reply(_) | Response::Form(_) => Vec::new(),
            };
            sitting.found(search, choices);
        }
    }
}

/// Takes what was done over into the sitting; a press that comes late changes nothing.
fn take(sitting: &mut Sitting, touch: Touch, given: &Given<'_>) -> Turn {
    let Touch { sitting: _, page, step, what } = touch;
    sitting.note = None;
    match (what, given) {
        (Touched::Cancel, _) => return Turn::Cancelled,
        _ if page != sitting.form.page || step != sitting.step => {}
        (Touched::Write, _) => return Turn::Modal,
        (Touched::Choose(index), Given::Chosen(values)) => sitting.choose(index, values),
        (Touched::Written, Given::Written(inputs)) => {
            let inputs: BTreeMap<usize, String> =
                inputs.iter().filter_map(|(id, text)| Some((input_index(id)?, text.clone()))).collect();
            sitting.write(&inputs);
        }
        (Touched::Next, _) => {
            let missing = sitting.missing();
            if !missing.is_empty() {
                sitting.note = Some(format!("Still to be answered: {}.", missing.join(", ")));
            } else if sitting.is_last_step() {
                return Turn::Sent(Act::Submit(sitting.submission()));
            } else {
                sitting.step += 1;
            }
        }
        (Touched::Back, _) if sitting.step > 0 => sitting.step -= 1,
        (Touched::Back, _) if sitting.form.page > 0 => return Turn::Sent(Act::Back(sitting.submission())),
        // A menu or a modal without what it has to bring.
        (Touched::Choose(_) | Touched::Written | Touched::Back, _) => {}
    }
    Turn::Shown
}

fn written(sitting: &Sitting) -> serde_json::Value {
    serde_json::to_value(sitting).expect("texts under text keys are JSON")
}

/// `None` where another version wrote it otherwise.
fn read(kept: KeptSitting) -> Option<(Sitting, i32)> {
    Some((serde_json::from_value(kept.sitting).ok()?, kept.revision))
}

fn gone() -> DiscordMessage {
    let error = UserError::new("The answers of this form are gone: it was sent already, or opened more than two days ago.")
        .next("Open it again.");
    alone(render_post(&Reply::fault("", &error)))
}

fn away(command: &str, fault: &StoreError) -> DiscordMessage {
    warn!(error = %fault, "a form could not be kept");
    let error = UserError::new("A form needs the database, which cannot be reached now.")
        .kept("Nothing was changed.")
        .next("Try again in a minute.");
    alone(render_post(&Reply::fault(command, &error)))
}

fn alone(message: DiscordMessage) -> DiscordMessage {
    DiscordMessage { flags: Some(EPHEMERAL), ..message }
}

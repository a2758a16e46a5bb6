//! Workflows that are started, labels, webhooks, and words to people in chat.

use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

use super::{
    doing::{Doing, Trouble, failed},
    outside::object,
};
use crate::{
    catalog::{EntityRef, RelationType},
    chat::{Message, Reply, Status, Text},
    github::make::{MakeError, NewHook},
};

/// Where a group's channel and a person's account are written.
const CHANNELS: [&str; 2] = ["steward.dev/channel", "slack.com/channel"];
const SLACK_ID: &str = "steward.dev/slack-id";
/// Groups above a group that are looked at for a channel.
const HIGHEST: usize = 10;

impl Doing<'_> {
    pub(super) async fn dispatch(&mut self) -> Result<Map<String, Json>, Trouble> {
        let there = self.there()?;
        let target = there.full_name();
        let (workflow, reference) = (self.number_or_text("workflowId"), self.text("branchOrTagName").unwrap_or_default());
        let intent = self.intend("dispatch", &format!("{target} {workflow}"), json!({ "ref": reference })).await?;
        if let Some(result) = intent.done() {
            return Ok(object(result.clone()));
        }
        let unknown = |said: &str| {
            let said = format!(
                "whether {workflow} of {target} was started is not known ({said}); look at its runs on GitHub, then retry or mark it as done"
            );
            Err(Trouble::Unknown(said))
        };
        if intent.is_inherited && self.is_taken_over() {
            return unknown("the run was cut off at that moment");
        }
        let (inputs, wants) = (&self.input["workflowInputs"], self.is("returnWorkflowRunDetails").unwrap_or(false));
        match self.again_on_new(|| there.maker.dispatch(&target, &workflow, reference, inputs, wants)).await? {
            Ok(started) => {
                let mut output = Map::new();
                if let Some(id) = started.workflow_run_id {
                    output.insert("workflowRunId".to_owned(), json!(id));
                    output.insert("workflowRunUrl".to_owned(), json!(started.run_url));
                    output.insert("workflowRunHtmlUrl".to_owned(), json!(started.html_url));
                }
                self.done(&intent, &Json::Object(output.clone())).await?;
                self.say(format!("started {workflow} of {target}"));
                Ok(output)
            }
            Err(MakeError::Unsure { said }) => unknown(&said),
            Err(error) => self.not_done(&intent, format!("{workflow} of {target} was not started: {error}")).await,
        }
    }

    fn number_or_text(&self, key: &str) -> String {
        self.input[key].as_str().map_or_else(|| self.input[key].to_string(), str::to_owned)
    }

    pub(super) async fn label(&mut self) -> Result<Map<String, Json>, Trouble> {
        let there = self.there()?;
        let target = there.full_name();
        let number = self.input["number"].as_f64().unwrap_or_default() as i64;
        let labels = self.texts("labels");
        let intent = self.intend("labels", &format!("{target} {number}"), json!({ "labels": labels })).await?;
        if intent.done().is_some() {
            return Ok(Map::new());
        }
        match self.again_on_new(|| there.maker.add_labels(&target, number, &labels)).await? {
            Ok(()) => {
                self.done(&intent, &json!({})).await?;
                Ok(Map::new())
            }
            Err(error) => self.not_done(&intent, format!("{target}#{number} got no labels: {error}")).await,
        }
    }

    pub(super) async fn add_webhook(&mut self) -> Result<Map<String, Json>, Trouble> {
        let there = self.there()?;
        let (target, maker) = (there.full_name(), &there.maker);
        let url = self.text("webhookUrl").unwrap_or_default();
        let intent = self.intend("webhook", &format!("{target} {url}"), json!({ "url": url })).await?;
        if intent.done().is_some() {
            return Ok(Map::new());
        }
        let secret = self.text("webhookSecret").map(|secret| SecretString::from(secret.to_owned()));
        let mut events = self.texts("events");
        if events.is_empty() {
            events.push("push".to_owned());
        }
        let new = NewHook {
            url,
            secret: secret.as_ref(),
            events: &events,
            is_active: self.is("active").unwrap_or(true),
            content_type: self.text("contentType").unwrap_or("form"),
            is_insecure: self.is("insecureSsl").unwrap_or(false),
        };
        let made = self.again_on_new(|| async {
            if let Some(id) = maker.find_hook(&target, url).await? {
                return Ok(id);
            }
            match maker.create_hook(&target, &new).await {
                // The next attempt looks first.
                Err(MakeError::Unsure { said }) => Err(MakeError::NotNow { said, wait: None }),
                other => other,
            }
        });
        match made.await? {
            Ok(id) => {
                self.done(&intent, &json!({ "id": id })).await?;
                self.say(format!("{target} tells {url}"));
                Ok(Map::new())
            }
            Err(error @ MakeError::NotNow { .. }) => failed(format!("{target} may or may not tell {url}: {error}")),
            Err(error) => self.not_done(&intent, format!("{target} got no webhook: {error}")).await,
        }
    }

    /// A message is put into the queue, which delivers it once.
    pub(super) async fn notify(&mut self) -> Result<Map<String, Json>, Trouble> {
        let (to, words) = (self.text("channel").unwrap_or_default(), self.text("message").unwrap_or_default());
        let Some(channel) = self.find_channel(to) else {
            return failed(format!(
                "{to} is neither a channel, as in #payments, nor a group or person of the catalog with one; give the group the \
                 annotation steward.dev/channel"
            ));
        };
        let intent = self.intend("message", to, json!({ "channel": channel })).await?;
        if intent.done().is_some() {
            return Ok(Map::new());
        }
        let reply = Reply::new(Status::Answered, "new", Text::plain(words.to_owned()));
        let message = Message::new(self.run.account.platform, channel.as_str(), reply);
        if let Err(error) = self.bench.app.store.enqueue_message(message).await {
            return Err(super::doing::Stop::Store(error).into());
        }
        self.done(&intent, &json!({})).await?;
        self.say(format!("told {to}"));
        Ok(Map::new())
    }

    fn find_channel(&self, written: &str) -> Option<String> {
        if written.starts_with('#') {
            return Some(written.to_owned());
        }
        let catalog = self.bench.app.catalog.load();
        let named = |kind: &str| EntityRef::parse(written, Some(kind), "default").ok();
        let entries = ["group", "user"].into_iter().filter_map(named).filter_map(|named| catalog.find(&named));
        let Some(entry) = entries.into_iter().next() else {
            // An id of the platform.
            return (!written.is_empty() && !written.contains([':', '/', ' '])).then(|| written.to_owned());
        };
        let mut at = entry.entity.entity_ref.clone();
        for _ in 0..HIGHEST {
            let entity = &catalog.find(&at)?.entity;
            let own = CHANNELS.iter().chain([&SLACK_ID]).find_map(|key| entity.annotation(key)).map(str::trim);
            if let Some(own) = own.filter(|own| !own.is_empty()) {
                return Some(own.to_owned());
            }
            at = entity.targets(RelationType::ChildOf).next()?.clone();
        }
        None
    }
}

//! What changed lately where no webhook tells: asked of GitHub by whoever asks Steward, shown when it has come.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use steward::{
    chat::{Account, Act, Platform, Reply, Request, Response},
    cli::ask::{Colour, render_text},
    commands::{answer::late, respond},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    bot::{Bot, morning},
    fake_github::Fault,
};

const SHOP: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: cart, title: Cart }
spec: { type: service, lifecycle: production, owner: team-a, dependsOn: [component:ledger] }
";

const LEDGER: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ledger, title: Ledger }
spec: { type: service, lifecycle: production, owner: team-a }
";

fn nodes(kind: &str, nodes: Value) -> Value {
    json!({ "__typename": format!("{kind}Connection"), "nodes": nodes })
}

fn merged(title: &str, hours: i64) -> Value {
    let at = morning() - TimeDelta::hours(hours);
    let author = json!({ "__typename": "User", "login": "ada" });
    json!({
        "__typename": "PullRequest", "number": 12, "title": title, "url": "https://github.com/acme/cart/pull/12",
        "mergedAt": at, "author": author,
    })
}

fn deployed(state: &str, hours: i64) -> Value {
    let at = morning() - TimeDelta::hours(hours);
    json!({
        "__typename": "Deployment", "databaseId": 77, "environment": "production", "description": null,
        "ref": { "__typename": "Ref", "name": "v1.2.3" }, "creator": { "__typename": "User", "login": "ada" },
        "latestStatus": { "__typename": "DeploymentStatus", "state": state, "createdAt": at, "logUrl": null, "environmentUrl": null },
    })
}

fn ran(headline: &str, conclusion: &str, hours: i64) -> Value {
    let at = morning() - TimeDelta::hours(hours);
    let run = json!({
        "__typename": "WorkflowRun", "databaseId": 5, "url": "https://github.com/acme/ledger/actions/runs/5",
        "workflow": { "__typename": "Workflow", "name": "CI" },
    });
    let suite =
        json!({ "__typename": "CheckSuite", "conclusion": conclusion, "updatedAt": at, "creator": null, "workflowRun": run });
    let foreign =
        json!({ "__typename": "CheckSuite", "conclusion": "FAILURE", "updatedAt": at, "creator": null, "workflowRun": null });
    let suites = nodes("CheckSuite", json!([suite, foreign, null]));
    nodes("CommitHistory", json!([{ "__typename": "Commit", "messageHeadline": headline, "checkSuites": suites }]))
}

/// Nobody tells of this shop; the fake is asked.
struct Shop {
    bot: Bot,
    stop: CancellationToken,
    live: JoinHandle<()>,
}

impl Shop {
    async fn open() -> Self {
        let bot = Bot::of_descriptors(&[("cart", SHOP), ("ledger", LEDGER)]).await;
        bot.github.model(|model| {
            let empty = |kind: &str| nodes(kind, json!([]));
            for name in ["cart", "ledger"] {
                model.change(name, |repo| {
                    let history = json!({ "__typename": "CommitHistoryConnection", "nodes": [] });
                    repo.news =
                        json!({ "pullRequests": empty("PullRequest"), "deployments": empty("Deployment"), "history": history });
                });
            }
        });
        bot.sync().await;
        bot.worker.read_recent().await.expect("the store can be read");
        let (worker, stop) = (Arc::clone(&bot.worker), CancellationToken::new());
        let token = stop.clone();
        let live = tokio::spawn(async move { worker.keep_news(&token).await });
        bot.until("sources are known", async |app| !app.live.load().news_sources.is_empty()).await;
        bot.github.reset_counts();
        Self { bot, stop, live }
    }

    fn give(&self, repository: &str, field: &str, value: Value) {
        self.bot.github.model(|model| model.change(repository, |repo| repo.news[field] = value));
    }

    fn request(line: &str) -> Request {
        let account = Account { platform: Platform::Playground, id: "ana".to_owned(), name: "Ana".to_owned() };
        Request { account, place: None, act: Act::Say { line: line.to_owned() }, delivery: None }
    }

    /// The first answer, and what it becomes.
    async fn asked(&self, line: &str) -> (Reply, Option<Reply>) {
        let Response::Reply(first) = respond(self.bot.app(), Self::request(line)).await else { panic!("a reply was expected") };
        let late = late::complete(self.bot.app(), Self::request(line), &first).await;
        (first, late)
    }

    async fn close(self) {
        self.stop.cancel();
        self.live.await.expect("the loops end");
        self.bot.halt().await;
    }
}

fn text(reply: &Reply) -> String {
    render_text(&Response::Reply(reply.clone()), 400, Colour::Off)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_gets_what_github_knows_afterwards() {
    let shop = Shop::open().await;
    shop.give("cart", "pullRequests", nodes("PullRequest", json!([merged("Round half to even", 4), null])));
    shop.give("cart", "deployments", nodes("Deployment", json!([deployed("SUCCESS", 3)])));
    shop.give("ledger", "history", ran("Nightly", "FAILURE", 2));
    let (first, late) = shop.asked("/owner cart").await;
    assert!(text(&first).contains("GitHub is being asked what was deployed"), "{}", text(&first));
    let late = text(&late.expect("the answer is completed"));
    assert!(late.contains("3 h ago: deployed to production: v1.2.3 by ada"), "{late}");
    assert!(late.contains("4 h ago: merged: Round half to even <"), "{late}");
    assert!(late.contains("2 h ago, Ledger: run failed: Nightly"), "{late}");
    assert!(!late.contains("not known") && !late.contains("being asked"), "{late}");
    assert_eq!(shop.bot.github.counts().graphql, 1, "one question for the service and what it depends on");
    // Whoever asks next has it at once, and nothing is asked twice.
    let (again, nothing) = shop.asked("/owner cart").await;
    assert!(text(&again).contains("Round half to even") && nothing.is_none(), "{}", text(&again));
    assert_eq!(shop.bot.github.counts().graphql, 1);
    // After some minutes it may have changed.
    shop.bot.pass(TimeDelta::minutes(11));
    shop.give("cart", "deployments", nodes("Deployment", json!([deployed("FAILURE", 0)])));
    let (_, late) = shop.asked("/owner cart").await;
    assert!(text(&late.expect("it is asked anew")).contains("deployment to production failed"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_only_after_github_said_so() {
    let shop = Shop::open().await;
    let (first, late) = shop.asked("/owner cart").await;
    assert!(!text(&first).contains("Nothing changed"), "{}", text(&first));
    assert!(text(&late.expect("the answer is completed")).contains("Nothing changed in the last 72 h"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_may_not_see_takes_nothing_else_with_it() {
    let shop = Shop::open().await;
    shop.give("cart", "forbidden", json!("pullRequests"));
    shop.give("cart", "deployments", nodes("Deployment", json!([deployed("SUCCESS", 3)])));
    let (_, late) = shop.asked("/owner cart").await;
    let late = text(&late.expect("the answer is completed"));
    assert!(late.contains("deployed to production: v1.2.3"), "{late}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_github_that_is_away_is_said_so() {
    let shop = Shop::open().await;
    shop.bot.github.plan([Some(Fault::Status(401))]);
    let (_, late) = shop.asked("/owner cart").await;
    let late = text(&late.expect("the answer says why"));
    assert!(late.contains("What was deployed, merged and failed is not known now: GitHub"), "{late}");
    shop.close().await;
}

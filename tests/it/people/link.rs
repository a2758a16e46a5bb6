//! `/link`: a chat account tied to a GitHub login that its owner proves.

use sqlx::Row;
use steward::{app::App, chat::Does};

use super::*;
use crate::{
    bot::Bot,
    cluster::{connect, new_database},
};

const GRACE: &str = "\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: grace.hopper, annotations: { github.com/user-login: Grace } }
spec: { profile: { displayName: Grace Hopper }, memberOf: [platform] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: platform }
spec: { type: team, children: [] }
";

async fn bot(client_id: Option<&str>) -> Bot {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let github = FakeGithub::start("acme").await;
    github.add_repository("org", &[("catalog-info.yaml", GRACE)]);
    github.model(|model| {
        let device = &mut model.device;
        (device.login, device.id, device.client_id) = ("Grace".to_owned(), 77, "Iv23liAcme".to_owned());
    });
    let text = format!(
        "sources: [{{ type: github, id: acme, org: acme, api_url: \"{}\", auth: {{ token: x, client_id: \"{}\" }} }}]",
        github.url,
        client_id.unwrap_or_default()
    );
    let settings = steward::settings::check_text("steward.yaml", &text, &|_| None).unwrap();
    let bot = Bot::with_settings(github, new_database().await, settings).await;
    bot.sync().await;
    bot
}

async fn results(bot: &Bot) -> Vec<(String, Option<String>)> {
    let mut connection = connect(&bot.database).await;
    let rows = sqlx::query("select command, result from audit order by id").fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn is_linked(app: &App, login: &str) -> bool {
    app.catalog.load().parts().links.iter().any(|link| link.login == login)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ties_the_account_to_the_login_and_remove_unties_it() {
    let bot = bot(Some("Iv23liAcme")).await;
    bot.github.model(|model| model.device.errors.extend(["authorization_pending", "slow_down", "authorization_pending"]));
    let answer = bot.say_as("visitor", "/link").await;
    assert!(answer.contains("for your eyes only"), "{answer}");
    let messages = bot.messages(&Bot::conversation("visitor"), 2).await;
    assert_eq!(messages[0].lead.to_plain(), "Enter the code WDJB-MJHT at https://github.com/login/device within 15 minutes.");
    assert_eq!(messages[0].buttons[0].does, Does::Open("https://github.com/login/device".to_owned()));
    let told = messages[1].lead.to_plain();
    assert_eq!(told, "Your account is tied to the GitHub login Grace: the catalog knows you as Grace Hopper.");
    assert_eq!(bot.github.model(|model| model.device.questions), 4);
    bot.until("the tie is known", async |app| is_linked(app, "Grace")).await;
    assert_eq!(results(&bot).await, [("link".to_owned(), Some("linked to Grace".to_owned()))]);
    let catalog = bot.app().catalog.load();
    assert_eq!(catalog.find_person_by_account(AccountKind::Playground, "visitor"), Some(&user("grace.hopper")));
    assert!(bot.say_as("visitor", "/catalog").await.contains("/catalog sync"), "she is of the admins");
    assert!(bot.say_as("visitor", "/whois grace hopper").await.contains("proved with /link on 2026-11-21"));
    assert!(bot.say_as("visitor", "/link").await.contains("has been tied to the GitHub login Grace since"));

    assert!(bot.say_as("visitor", "/link remove").await.contains("no longer tied to the GitHub login Grace"));
    bot.until("the tie is gone", async |app| !is_linked(app, "Grace")).await;
    assert!(!bot.say_as("visitor", "/catalog").await.contains("/catalog sync"));
    assert!(bot.say_as("visitor", "/link remove").await.contains("there is nothing to untie"));
    assert_eq!(results(&bot).await[1], ("link remove".to_owned(), Some("removed".to_owned())));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_nobody_enters_or_that_is_refused_ties_nothing() {
    for (error, wanted) in [("expired_token", "has expired"), ("access_denied", "You refused it")] {
        let bot = bot(Some("Iv23liAcme")).await;
        bot.github.model(|model| model.device.errors.extend(["authorization_pending", error]));
        bot.say_as("visitor", "/link").await;
        let messages = bot.messages(&Bot::conversation("visitor"), 2).await;
        assert!(messages[1].lead.to_plain().contains(wanted), "{:?}", messages[1].lead);
        assert!(results(&bot).await[0].1.is_some());
        assert_eq!(bot.app().catalog.load().parts().links, []);
        bot.halt().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_set_up_is_said_with_what_to_do() {
    let without = bot(None).await;
    let answer = without.say_as("visitor", "/link").await;
    assert!(answer.contains("auth.client_id"), "{answer}");
    assert_eq!(results(&without).await, []);
    without.halt().await;

    let wrong = bot(Some("Iv1.other")).await;
    wrong.say_as("visitor", "/link").await;
    let messages = wrong.messages(&Bot::conversation("visitor"), 1).await;
    assert!(messages[0].lead.to_plain().contains("GitHub does not know the client id"), "{:?}", messages[0].lead);
    wrong.halt().await;

    let disabled = bot(Some("Iv23liAcme")).await;
    disabled.github.model(|model| model.device.disabled = true);
    disabled.say_as("visitor", "/link").await;
    let messages = disabled.messages(&Bot::conversation("visitor"), 1).await;
    assert!(messages[0].lead.to_plain().contains("enable it in the App's settings"), "{:?}", messages[0].lead);
    disabled.halt().await;
}

//! Who is on call: asked of PagerDuty or any JSON, kept through outages and restarts, and woken from chat.

use chrono::TimeDelta;
use expect_test::expect;
use steward::{
    chat::{Response, Status},
    settings::{HttpOnCallSettings, OnCallSettings, PagerDutySettings, Settings},
    store::load_on_call_from_disk,
};

use crate::{
    bot::Bot,
    cluster::new_database,
    fake_github::FakeGithub,
    fake_pagerduty::{FakePagerDuty, TOKEN},
    fake_web::{FakeWeb, Page},
    shop::check,
};

const ORG: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-a, title: Team A, annotations: { steward.dev/channel: '#team-a', pagerduty.com/service-id: PTEAMA1 } }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ana, annotations: { steward.dev/slack-id: U0ANA } }
spec: { memberOf: [team-a], profile: { displayName: Ana Silva, email: ana@example.com } }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: money }
spec: { owner: team-a }
";

const SHOP: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: payments, annotations: { pagerduty.com/service-id: PPAY001 } }
spec: { type: service, lifecycle: production, owner: team-a, system: money }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: mail, annotations: { pagerduty.com/integration-key: 5ec2e70000000000000000000000cafe } }
spec: { type: service, lifecycle: production, owner: team-b }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: cart }
spec: { type: service, lifecycle: production, owner: team-a, dependsOn: [component:payments] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: lonely }
spec: { type: service, lifecycle: production, owner: team-b }
";

async fn bot_with(on_call: OnCallSettings) -> Bot {
    let github = FakeGithub::start("acme").await;
    github.add_repository("org", &[("catalog-info.yaml", ORG)]);
    github.add_repository("shop", &[("catalog-info.yaml", SHOP)]);
    let bot = Bot::with_settings(github, new_database().await, Settings { on_call, ..Settings::default() }).await;
    bot.sync().await;
    bot.worker.read_on_call().await;
    bot
}

async fn pagerduty() -> FakePagerDuty {
    let fake = FakePagerDuty::start().await;
    fake.service("PPAY001", "Payments", "0000", "EPAY");
    fake.service("PMAIL01", "Mail", "5ec2e70000000000000000000000cafe", "EMAIL");
    fake.service("PTEAMA1", "Team A", "1111", "EPAY");
    fake.duty("EPAY", 1, "ana", Some("2026-11-20T08:00:00Z"), Some("2026-11-22T08:00:00Z"));
    fake.duty("EPAY", 1, "ben", Some("2026-11-22T08:00:00Z"), Some("2026-11-29T08:00:00Z"));
    fake.duty("EPAY", 1, "ana", Some("2026-11-29T08:00:00Z"), Some("2026-12-06T08:00:00Z"));
    fake.duty("EPAY", 2, "kim", None, None);
    fake.duty("EMAIL", 1, "kim", None, None);
    fake
}

fn of(fake: &FakePagerDuty) -> OnCallSettings {
    let pagerduty =
        PagerDutySettings { token: TOKEN.into(), api_url: fake.url.clone(), from: Some("steward@example.com".to_owned()) };
    OnCallSettings { pagerduty: Some(pagerduty), http: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn now_next_and_whom_it_escalates_to_are_told() {
    let fake = pagerduty().await;
    let bot = bot_with(of(&fake)).await;
    check(
        &bot.say("/oncall payments").await,
        expect![[r#"
            Ana Silva is on call for payments until 2026-11-22 08:00 UTC.

              Now       Ana Silva
              Then      kim
              Until     2026-11-22 08:00 UTC
              Next      ben
              Write to  ana@example.com
              Channel   #team-a
              Schedule  Payments <https://acme.pagerduty.com/service-directory/PPAY001>, named by itself
            PagerDuty answered just now

            → Page on-call  /page component:default/payments
            → Owner         /owner component:default/payments
            → Refresh       /oncall component:default/payments
            → Schedule      https://acme.pagerduty.com/service-directory/PPAY001

            Read from acme/shop@aa1fe25, synced just now
        "#]],
    );
    check(
        &bot.say("/owner payments").await,
        expect![[r#"
            payments is owned by Team A: #team-a, on call Ana Silva.

            payments component:payments
              Owner    Team A
              Channel  #team-a
              On call  Ana Silva until 2026-11-22 08:00 UTC, next ben; escalates to kim
              People   Ana Silva
              Type     service, production
              Part of  money
              Depends on: nothing known
              Used by: cart
            → Page on-call     /page component:default/payments
            → Blast radius     /deps component:default/payments
            → Attach incident  /incident component:default/payments
            → Refresh          /owner component:default/payments
            → Owner's page     /owner group:default/team-a
            → Wrong owner?     /report component:default/payments
            → Source           https://github.com/acme/shop/blob/aa1fe253561facee20386f0de8e72db5a55c7273/catalog-info.yaml

            Read from acme/shop@aa1fe25, synced just now
        "#]],
    );
    let reply = bot.ask("guest", "/oncall payments").await;
    let told = format!("{reply:?}");
    assert!(told.contains("U0ANA"), "the person of the catalog is meant, so that Slack can mention them: {told}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedule_is_its_own_else_its_systems_else_its_owners() {
    let fake = pagerduty().await;
    let bot = bot_with(of(&fake)).await;
    let cart = bot.say("/oncall cart").await;
    assert!(cart.contains("Ana Silva is on call") && cart.contains("named by its owner Team A"), "{cart}");
    let team = bot.say("/oncall team-a").await;
    assert!(team.contains("Ana Silva is on call for Team A"), "{team}");
    let lonely = bot.say("/oncall lonely").await;
    assert!(lonely.contains("pagerduty.com/service-id") && lonely.contains("No on-call schedule"), "{lonely}");
    let (mail, reply) = (bot.say("/oncall mail").await, bot.ask("guest", "/oncall mail").await);
    assert!(mail.contains("kim is on call for mail"), "{mail}");
    assert!(!format!("{reply:?}").contains("5ec2e7"), "a key that can send events is never shown: {reply:?}");
    assert_eq!(bot.ask("guest", "/oncall lonely").await.status, Status::NotFound);
    let asked = fake.model().asked.clone();
    let duties: Vec<&String> = asked.iter().filter(|path| path.starts_with("/oncalls")).collect();
    assert_eq!(duties.len(), 1, "all policies in one question: {duties:?}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_of_the_provider_keeps_the_last_answer_with_its_age() {
    let fake = pagerduty().await;
    let bot = bot_with(of(&fake)).await;
    bot.pass(TimeDelta::minutes(40));
    for _ in 0..3 {
        fake.fail(500, &[]);
    }
    bot.worker.read_on_call().await;
    let answer = bot.say("/oncall payments").await;
    assert!(answer.contains("Ana Silva is on call"), "{answer}");
    assert!(answer.contains("As of 40 min ago") && answer.contains("(500)"), "{answer}");
    let kept = load_on_call_from_disk(bot.folder.path()).expect("a copy on disk");
    assert_eq!(&kept, &*bot.app().live.load().on_call, "a restart knows the same");
    bot.worker.read_on_call().await;
    assert!(!bot.say("/oncall payments").await.contains("As of"), "it heals by itself");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_is_waited_out_where_it_is_short() {
    let fake = pagerduty().await;
    fake.fail(429, &[("ratelimit-limit", "960"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "0")]);
    let bot = bot_with(of(&fake)).await;
    assert!(bot.say("/oncall payments").await.contains("Ana Silva is on call"));
    fake.fail(429, &[("ratelimit-reset", "50")]);
    let before = fake.model().asked.len();
    bot.worker.read_on_call().await;
    assert_eq!(fake.model().asked.len(), before + 1, "a long one is left to the next round");
    assert!(bot.say("/oncall payments").await.contains("Ana Silva is on call"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_service_is_told_as_such() {
    let fake = pagerduty().await;
    fake.model().services.remove(0);
    let bot = bot_with(of(&fake)).await;
    let answer = bot.say("/oncall payments").await;
    assert!(answer.contains("is not known") && answer.contains("PagerDuty has no service"), "{answer}");
    assert!(bot.say("/oncall mail").await.contains("kim is on call"), "the others are not touched by it");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_says_who_is_woken_and_is_written_down() {
    let fake = pagerduty().await;
    let bot = bot_with(of(&fake)).await;
    let guest = bot.ask("guest", "/page payments").await;
    assert_eq!(guest.status, Status::Refused, "nobody unknown wakes anybody");
    let form = bot.open_form("ana", "/page payments").await;
    assert!(form.intro.to_plain().starts_with("This wakes Ana Silva for payments through PagerDuty"), "{:?}", form.intro);
    let Response::Form(again) = bot.submit("ana", &form, &[("what", " ")]).await else { panic!("it is asked what is wrong") };
    assert!(again.fields.iter().any(|field| field.error.is_some()));
    let Response::Reply(reply) = bot.submit("ana", &form, &[("what", "no payment goes through")]).await else {
        panic!("a reply")
    };
    assert!(reply.lead.to_plain().starts_with("Waking Ana Silva for payments."), "{:?}", reply.lead);
    let told = bot.messages(&Bot::conversation("ana"), 1).await;
    assert!(told[0].lead.to_plain().starts_with("ana was paged for payments"), "{:?}", told[0].lead);
    bot.pass(TimeDelta::seconds(3));
    bot.submit("ana", &form, &[("what", "no payment goes through")]).await;
    bot.messages(&Bot::conversation("ana"), 2).await;
    {
        let model = fake.model();
        assert_eq!(model.incidents.len(), 1);
        let incident = &model.incidents[0];
        assert_eq!(incident["title"], "payments: no payment goes through");
        assert_eq!(incident["service"]["id"], "PPAY001");
    }
    bot.worker.read_recent().await.expect("the store can be read");
    let card = bot.say("/owner payments").await;
    assert!(card.contains("Open incident payments: no payment goes through"), "{card}");
    let cart = bot.say("/owner cart").await;
    assert!(cart.contains("payments: open incident"), "what depends on it shows it too: {cart}");
    let form = bot.open_form("ana", "/incident payments close").await;
    let answers: Vec<(String, String)> =
        form.fields.iter().filter_map(|field| Some((field.name.clone(), field.value.as_ref()?.as_text().to_owned()))).collect();
    let answers: Vec<(&str, &str)> = answers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let Response::Reply(reply) = bot.submit("ana", &form, &answers).await else { panic!("a reply") };
    assert_eq!(reply.status, Status::Answered);
    bot.until("the card shows it no more", async |app| {
        bot.worker.read_recent().await.expect("the store can be read");
        app.live.load().recent.open_incidents("component:default/payments").is_empty()
    })
    .await;
    assert!(!bot.say("/owner payments").await.contains("Open incident"));
    let history = bot.say("/history payments").await;
    assert!(history.contains("incident, over 21 November"), "{history}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_fails_says_so_at_once() {
    let fake = pagerduty().await;
    let bot = bot_with(of(&fake)).await;
    let form = bot.open_form("ana", "/page payments").await;
    fake.fail(403, &[]);
    bot.submit("ana", &form, &[("what", "all is dark")]).await;
    let told = bot.messages(&Bot::conversation("ana"), 1).await;
    let said = told[0].lead.to_plain();
    assert!(said.starts_with("Nobody was woken for payments") && said.contains("Reach them by other means"), "{said}");
    assert!(fake.model().incidents.is_empty());
    let without = OnCallSettings {
        pagerduty: Some(PagerDutySettings { token: TOKEN.into(), api_url: fake.url.clone(), from: None }),
        http: None,
    };
    bot.halt().await;
    let bot = bot_with(without).await;
    let reply = bot.ask("ana", "/page payments").await;
    assert_eq!(reply.status, Status::Refused);
    assert!(reply.lead.to_plain().contains("on_call.pagerduty.from"), "{:?}", reply.lead);
    assert!(!bot.say("/owner payments").await.contains("Page on-call"), "a button that only refuses is none");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_json_over_http_will_do() {
    let web = FakeWeb::start().await;
    let answer = r#"{ "shift": { "people": [{ "name": "Ana at home", "mail": "ana@example.com" }], "ends": "2026-11-21T18:00:00+01:00" },
                     "following": [{ "name": "Ben" }] }"#;
    web.text("/rota/PPAY001", answer);
    web.set("/rota/PTEAMA1", Page::Status(404));
    let http = HttpOnCallSettings {
        annotation: "pagerduty.com/service-id".to_owned(),
        url: format!("{}/rota/{{{{ value }}}}", web.url),
        headers: [("Authorization".to_owned(), "Bearer rota-token".into())].into(),
        now: "$.shift.people[*].name".to_owned(),
        next: Some("$.following[*].name".to_owned()),
        email: Some("$.shift.people[*].mail".to_owned()),
        next_email: None,
        until: Some("$.shift.ends".to_owned()),
        page: Some("https://rota.example.com/{{ value }}".to_owned()),
        page_url: Some(format!("{}/wake/{{{{ value }}}}", web.url)),
    };
    let bot = bot_with(OnCallSettings { pagerduty: None, http: Some(http) }).await;
    check(
        &bot.say("/oncall payments").await,
        expect![[r#"
            Ana Silva is on call for payments until 2026-11-21 17:00 UTC.

              Now       Ana Silva
              Until     2026-11-21 17:00 UTC
              Next      Ben
              Write to  ana@example.com
              Channel   #team-a
              Schedule  the on-call provider <https://rota.example.com/PPAY001>, named by itself
            the on-call provider answered just now

            → Page on-call  /page component:default/payments
            → Owner         /owner component:default/payments
            → Refresh       /oncall component:default/payments
            → Schedule      https://rota.example.com/PPAY001

            Read from acme/shop@aa1fe25, synced just now
        "#]],
    );
    assert!(web.asked().iter().all(|asked| asked.authorization.as_deref() == Some("Bearer rota-token")));
    assert!(bot.say("/oncall team-a").await.contains("404"));
    web.text("/wake/PPAY001", r#"{ "url": "https://rota.example.com/wakes/1" }"#);
    let form = bot.open_form("ana", "/page payments").await;
    bot.submit("ana", &form, &[("what", "all is dark")]).await;
    let told = bot.messages(&Bot::conversation("ana"), 1).await;
    assert!(told[0].lead.to_plain().starts_with("Whoever is on call was paged for payments"), "{:?}", told[0].lead);
    bot.halt().await;
}

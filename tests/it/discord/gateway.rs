//! Discord from the gateway's first word: commands, completion, buttons, words, and a form to its end.

use std::sync::Arc;

use axum::body::Body;
use serde_json::{Value, json};
use steward::{
    catalog::EntityRef,
    chat::{Audience, DeliveryError, Mark, Message, Platform, Reply, Status, Text},
    discord::DiscordClient,
    door::discord::listen,
    http::{Doors, router},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    bot::Bot,
    cluster::new_database,
    fake_discord::{BOT_ID, CHANNEL, FakeDiscord, TOKEN, check::words, person::Where},
    runs::desk::organisation,
};

const ADA: &str = "204118836450197504";
const STRANGER: &str = "204118836450197999";

const PEOPLE: &str = r#"apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ada, annotations: { steward.dev/discord-id: "204118836450197504" } }
spec: { memberOf: [team-a] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: payments-api }
spec: { type: service, lifecycle: production, owner: team-a }
"#;

const TEMPLATE: &str = "
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: service, title: A service }
spec:
  type: service
  owner: team-a
  parameters:
  - title: About it
    required: [name, owner, tier]
    properties:
      name: { type: string, title: Name, pattern: '^[a-z-]+$' }
      owner: { type: string, title: Owner, ui:field: OwnerPicker, ui:options: { catalogFilter: { kind: Group } } }
      tier: { type: string, title: Tier, enum: [gold, silver], enumNames: [Gold, Silver] }
      about: { type: string, title: About }
      language: { type: string, title: Language, enum: [rust, go] }
      public: { type: boolean, title: Public }
  - title: Where
    required: [repoUrl]
    properties:
      repoUrl: { type: string, title: Repository, ui:field: RepoUrlPicker, ui:options: { allowedHosts: [github.com], allowedOwners: [acme] } }
  steps:
  - { id: fetch, name: Fill in, action: 'fetch:template', input: { url: ./skeleton, values: { name: '${{ parameters.name }}', owner: '${{ parameters.owner }}', tier: '${{ parameters.tier }}' } } }
  - { id: publish, name: Publish, action: 'publish:github', input: { repoUrl: '${{ parameters.repoUrl }}', repoVisibility: internal } }
  - { id: register, name: Register, action: 'catalog:register', input: { repoContentsUrl: '${{ steps.publish.output.repoContentsUrl }}' } }
";

const SKELETON: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: '${{ values.name }}', description: 'tier ${{ values.tier }}' }
spec: { type: service, lifecycle: production, owner: '${{ values.owner }}' }
";

/// Steward at a fake Discord.
struct Bench {
    discord: Arc<FakeDiscord>,
    bot: Bot,
    stop: CancellationToken,
    door: JoinHandle<()>,
}

impl Bench {
    async fn start() -> Self {
        let discord = FakeDiscord::start().await;
        let client = DiscordClient::connect(&discord.address, &TOKEN.into()).unwrap();
        let github = organisation("").await;
        github.add_repository("people", &[("catalog-info.yaml", PEOPLE)]);
        github.add_repository("templates", &[("catalog-info.yaml", TEMPLATE), ("skeleton/catalog-info.yaml", SKELETON)]);
        let bot = Bot::with_discord(github, new_database().await, client).await;
        bot.sync().await;
        bot.until("the template is read", async |app| app.live.templates().iter().next().is_some()).await;
        let stop = CancellationToken::new();
        let (app, stopped) = (Arc::clone(&bot.worker.app), stop.clone());
        let door = tokio::spawn(async move { listen(app, &stopped).await });
        discord.until_ready().await;
        Self { discord: Arc::new(discord), bot, stop, door }
    }

    /// Closes the door, and opens another.
    async fn take_over(&mut self) {
        let before = self.discord.model().identified;
        self.stop.cancel();
        self.stop = CancellationToken::new();
        let (app, stopped) = (Arc::clone(&self.bot.worker.app), self.stop.clone());
        let closed = std::mem::replace(&mut self.door, tokio::spawn(async move { listen(app, &stopped).await }));
        closed.await.unwrap();
        self.discord.until("the other is connected", |model| (model.identified > before).then_some(())).await;
    }

    async fn finish(self) {
        self.stop.cancel();
        self.door.await.unwrap();
        self.discord.assert_well();
        self.bot.halt().await;
    }

    /// Presses, and sees what comes of it.
    async fn press(&self, message: &Value, label: &str) -> Value {
        self.discord.shown(&self.discord.press(ADA, message, label)).await
    }

    async fn choose(&self, message: &Value, menu: &str, labels: &[&str]) -> Value {
        self.discord.shown(&self.discord.choose(ADA, message, menu, labels)).await
    }

    /// Presses what opens the modal, and sends it.
    async fn write(&self, message: &Value, label: &str, answers: &[(&str, &str)]) -> Value {
        let modal = self.discord.modal(&self.discord.press(ADA, message, label)).await;
        self.discord.shown(&self.discord.send_modal(ADA, message, &modal, answers)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_completion_buttons_and_words_are_answered_each_once() {
    let bench = Bench::start().await;
    let discord = &bench.discord;

    let owner = discord.shown(&discord.command(ADA, "owner", &[("name", json!("payments-api"))])).await;
    assert!(words(&owner).contains("team-a"), "{owner:#}");
    assert_eq!(owner["flags"], 64, "a personal answer is seen by its asker alone");

    let offered = discord.complete(ADA, "owner", "name", "pay").await;
    assert_eq!(offered[0]["value"], "payments-api", "{offered:?}");
    assert_eq!(discord.complete(ADA, "new", "template", "serv").await[1]["value"], "service");
    assert!(discord.complete(ADA, "help", "command", "ow").await.iter().any(|choice| choice["value"] == "owner"));

    let help = discord.shown(&discord.command(ADA, "help", &[("command", json!("owner"))])).await;
    assert!(words(&help).contains("/owner"), "{help:#}");
    let found = discord.shown(&discord.command(ADA, "find", &[("words", json!("payments"))])).await;
    let label = crate::fake_discord::check::parts(&found)[0]["label"].as_str().unwrap().to_owned();
    let pressed = bench.press(&found, &label).await;
    assert_eq!(pressed["id"], found["id"], "a personal answer takes the place of a personal one");

    // What has to be confirmed is asked about, and then done.
    let asked = json!({ "type": 1, "components": [{ "type": 2, "style": 4, "label": "Help", "custom_id": "?help" }] });
    let mut message = found.clone();
    message["components"] = json!([asked]);
    let question = bench.press(&message, "Help").await;
    assert!(words(&question).contains("**Help** – are you sure?"), "{question:#}");
    let done = bench.press(&question, "Yes, do it").await;
    assert!(words(&done).contains("/owner"), "{done:#}");

    // Words: a mention is answered below them, a message to the bot where it stands, others not at all.
    let id = discord.say(ADA, Where::Channel, &format!("<@{BOT_ID}> who owns payments-api?"), Value::Null);
    let told = discord.until("the mention is answered", |model| model.messages.get(CHANNEL).and_then(|all| all.last().cloned()));
    let told = told.await;
    assert!(words(&told).contains("team-a"), "{told:#}");
    assert_eq!(told["message_reference"]["message_id"], id.as_str());
    discord.say(STRANGER, Where::Direct, "owner payments-api", Value::Null);
    let direct = FakeDiscord::conversation(STRANGER);
    discord.until("the stranger is answered", |model| model.messages.get(&direct).cloned()).await;
    discord.say(ADA, Where::Channel, "nobody in particular owns payments-api", Value::Null);
    let author = json!({ "author": { "id": "204118836450198000", "username": "other", "discriminator": "0", "bot": true } });
    discord.say(ADA, Where::Channel, &format!("<@{BOT_ID}> owner payments-api"), author);

    // A connection that breaks goes on where it was; what happened meanwhile is heard, once.
    discord.cut();
    let missed = discord.command(ADA, "oncall", &[("name", json!("payments-api"))]);
    discord.shown(&missed).await;
    assert_eq!(discord.until("it is resumed", |model| (model.resumed > 0).then_some(model.identified)).await, 1);
    bench
        .bot
        .until("the gateway is noted as open", async |app| {
            app.live.hearing().discord.as_ref().is_some_and(|gateway| gateway.down_since.is_none() && gateway.reconnects == 1)
        })
        .await;
    let after = discord.shown(&discord.command(ADA, "owner", &[("name", json!("payments-api"))])).await;
    assert!(words(&after).contains("team-a"));
    assert_eq!(discord.told(CHANNEL).len(), 1, "bots and what is said to others are not answered");
    assert_eq!(discord.model().registrations, 1);

    // Whether it hears is told; a lost connection that does not come back would be seen.
    let health = router(Arc::clone(&bench.bot.worker.app), Doors::default());
    let health = health.oneshot(axum::http::Request::get("/healthz/chat").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(health.status(), 200);
    let body = axum::body::to_bytes(health.into_body(), usize::MAX).await.unwrap();
    let health: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&health["discord"]["state"], &health["discord"]["commands"]), (&json!("hearing"), &Value::Null), "{health:#}");
    let catalog = discord.shown(&discord.command(ADA, "catalog", &[])).await;
    assert!(words(&catalog).contains("Discord: connected; last heard"), "{}", words(&catalog));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_is_asked_for_in_steps_and_ends_in_the_catalog() {
    let mut bench = Bench::start().await;
    let discord = Arc::clone(&bench.discord);
    let form = discord.shown(&discord.command(ADA, "new", &[("template", json!("service"))])).await;
    assert!(words(&form).starts_with("**A service** – page 1 of 3, step 1 of 2"), "{}", words(&form));

    // Nothing is passed over that has to be answered.
    let told = bench.press(&form, "Next").await;
    assert!(words(&told).contains("Still to be answered: Name, Owner, Tier."), "{}", words(&told));
    let written =
        bench.write(&told, "Fill in…", &[("Name", "orders"), ("About", "Takes *orders*"), ("Search: Owner", "team-a")]).await;
    assert!(words(&written).contains("→ `orders`"), "{}", words(&written));
    assert!(words(&written).contains("→ `Takes *orders*`"), "{}", words(&written));
    let chosen = bench.choose(&written, "Tier", &["Gold"]).await;
    assert!(words(&chosen).contains("→ `Gold`"), "{}", words(&chosen));
    let second = bench.press(&chosen, "Next").await;
    assert!(words(&second).contains("step 2 of 2"), "{}", words(&second));

    // Back keeps what was answered; an old message presses nothing that was moved on.
    let back = bench.press(&second, "Back").await;
    assert!(words(&back).contains("→ `orders`") && words(&back).contains("→ `Gold`"), "{}", words(&back));
    let stale = bench.press(&second, "Back").await;
    assert!(words(&stale).contains("step 1 of 2"), "{}", words(&stale));
    let second = bench.press(&stale, "Next").await;
    let stranger = discord.shown(&discord.press(STRANGER, &second, "Next")).await;
    assert!(words(&stranger).contains("are gone"), "nobody goes on with another's form: {}", words(&stranger));

    let place = bench.press(&second, "Next").await;
    assert!(words(&place).contains("page 2 of 3"), "{}", words(&place));
    // A name that cannot be is told where it is asked.
    let wrong = bench.write(&place, "Fill in…", &[("Repository: name", "not a name")]).await;
    let wrong = bench.press(&wrong, "Next").await;
    assert!(words(&wrong).contains("⚠️") && words(&wrong).contains("page 2 of 3"), "{}", words(&wrong));
    let place = bench.write(&wrong, "Fill in…", &[("Repository: name", "orders")]).await;

    // Another replica takes over, which remembers nothing; the form is where it was.
    bench.take_over().await;
    let plan = bench.press(&place, "Next").await;
    assert!(words(&plan).contains("Make the repository acme/orders, internal"), "{}", words(&plan));
    let begun = bench.press(&plan, "Create").await;
    assert!(crate::fake_discord::check::parts(&begun).iter().all(|part| part["label"] != "Create"), "{begun:#}");
    let done = discord.until("the run is done", |model| {
        let all = model.messages.values().flatten();
        all.into_iter().find(|message| words(message).contains("is done")).cloned()
    });
    let done = done.await;
    assert!(words(&done).contains("✓ Publish"), "{}", words(&done));
    let orders = EntityRef::new("component", "default", "orders");
    let catalog = bench.bot.app().catalog.load();
    let entry = catalog.find(&orders).unwrap();
    assert!(entry.entity.owner().is_some_and(|owner| owner.name() == "team-a"));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_discord_waits_follows_and_two_replicas_answer_once() {
    let bench = Bench::start().await;
    let discord = &bench.discord;
    // Another replica hears everything too.
    let (app, stopped) = (Arc::clone(&bench.bot.worker.app), bench.stop.clone());
    let other = tokio::spawn(async move { listen(app, &stopped).await });
    discord.until("both are connected", |model| (model.identified == 2).then_some(())).await;
    let owner = discord.shown(&discord.command(ADA, "owner", &[("name", json!("payments-api"))])).await;
    assert!(words(&owner).contains("team-a"), "{owner:#}");
    discord.say(ADA, Where::Channel, &format!("<@{BOT_ID}> who owns payments-api?"), Value::Null);
    discord.until("the mention is answered", |model| model.messages.get(CHANNEL).cloned()).await;

    let form = discord.shown(&discord.command(ADA, "new", &[("template", json!("service"))])).await;
    let mut database = crate::cluster::connect(&bench.bot.database).await;
    sqlx::raw_sql("begin; lock table runs, form_sittings in access exclusive mode").execute(&mut database).await.unwrap();
    let (slow, step) = (discord.command(ADA, "tasks", &[]), discord.press(ADA, &form, "Next"));
    let (first, in_time) = discord.first(&slow).await;
    assert!(in_time && first == json!({ "type": 5, "data": { "flags": 64 } }), "{first}");
    let (first, in_time) = discord.first(&step).await;
    assert!(in_time && first == json!({ "type": 6 }), "{first}");
    sqlx::raw_sql("commit").execute(&mut database).await.unwrap();
    let tasks = discord.shown(&slow).await;
    assert!(!words(&tasks).trim().is_empty(), "{tasks:#}");
    let is_later = |message: &Value| words(message).contains("Still to be answered");
    let find = |model: &crate::fake_discord::Model| model.interactions[&step].shown.clone().filter(is_later);
    discord.until("the step is shown", find).await;
    assert_eq!(discord.told(CHANNEL).len(), 1, "one of two answers a mention");
    bench.finish().await;
    other.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_is_away_is_told_of_and_keeps_nobody_from_stopping() {
    // Nothing listens there.
    let client = DiscordClient::connect("http://127.0.0.1:1", &TOKEN.into()).unwrap();
    let bot = Bot::with_discord(organisation("").await, new_database().await, client).await;
    let stop = CancellationToken::new();
    let (app, stopped) = (Arc::clone(&bot.worker.app), stop.clone());
    let door = tokio::spawn(async move { listen(app, &stopped).await });
    bot.until("it is noted that nothing is heard", async |app| {
        let hearing = app.live.hearing();
        hearing.discord.as_ref().is_some_and(|gateway| gateway.down_since.is_some() && gateway.not_registered.is_some())
    })
    .await;
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(10), door).await.expect("it stops").unwrap();
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_sent_replaced_found_again_and_brought_to_people() {
    let discord = FakeDiscord::start().await;
    let client = DiscordClient::connect(&discord.address, &TOKEN.into()).unwrap();
    let reply =
        |words: &str| Reply { audience: Audience::Everyone, ..Reply::new(Status::Answered, "hygiene", Text::plain(words)) };
    let mark = Mark { kind: "steward_round".to_owned(), values: [("round".to_owned(), "1".to_owned())].into() };
    let since = crate::bot::morning();
    let news = Message::new(Platform::Discord, CHANNEL, reply("News")).marked(mark.clone());
    assert_eq!(client.find_marked(CHANNEL, None, &mark, since).await.unwrap(), None);
    let posted = client.send(&news).await.unwrap().unwrap();
    assert_eq!(client.send(&news).await.unwrap().unwrap(), posted, "the same message twice is one");
    assert_eq!(client.find_marked(CHANNEL, None, &mark, since).await.unwrap().as_ref(), Some(&posted));
    let other = Mark { kind: "steward_round".to_owned(), values: [("round".to_owned(), "2".to_owned())].into() };
    assert_eq!(client.find_marked(CHANNEL, None, &other, since).await.unwrap(), None);
    client.send(&Message::replacing(Platform::Discord, posted, reply("Newer"))).await.unwrap();
    assert_eq!(words(&discord.told(CHANNEL)[0]), "Newer");

    let personal = Message::new(Platform::Discord, ADA, reply("For you"));
    client.send(&personal).await.unwrap();
    client.send(&Message::new(Platform::Discord, CHANNEL, reply("For you too")).only_to(ADA)).await.unwrap();
    let told: Vec<String> = discord.told(&FakeDiscord::conversation(ADA)).iter().map(words).collect();
    assert_eq!(told, ["For you", "For you too"]);
    let nowhere = client.send(&Message::new(Platform::Discord, "#general", reply("x"))).await;
    assert!(matches!(nowhere, Err(DeliveryError::Refused { .. })), "{nowhere:?}");
    assert_eq!(client.identity().await.unwrap().username, "steward");
    discord.assert_well();
}

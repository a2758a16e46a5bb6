//! A template of the sample organisation from chat to a catalogued repository, and `/tasks` over what was run.

use steward::{
    catalog::EntityRef,
    chat::{Does, Form, Reply, Status},
};

use crate::bot::{Bot, form, reply};

fn lines(reply: &Reply) -> Vec<String> {
    let buttons = reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons));
    let said = buttons.filter_map(|button| if let Does::Say(line) = &button.does { Some(line.clone()) } else { None });
    said.collect()
}

/// Fills in the service's form up to its last page.
pub async fn fill_in(bot: &Bot, login: &str, name: &str) -> Form {
    let first = bot.open_form(login, "new typescript-service").await;
    // As they are written in the template, whatever the store does with them.
    let names: Vec<&str> = first.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["name", "description", "owner", "system", "lifecycle"]);
    let about = [
        ("name", name),
        ("description", "Keeps wish lists and who gave what"),
        ("owner", "team-checkout"),
        ("system", "system:default/checkout"),
        ("lifecycle", "experimental"),
    ];
    let needs = form(bot.submit(login, &first, &about).await);
    let sizes = form(bot.submit(login, &needs, &[("port", "8080"), ("database", "postgres"), ("events", "no")]).await);
    let place = form(bot.submit(login, &sizes, &[("databaseSize", "large")]).await);
    form(bot.submit(login, &place, &[("repoUrl#repo", name)]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_for_in_chat_and_stands_in_the_catalog_seconds_later() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    bot.until("the templates are read", async |app| app.live.templates().iter().count() == 3).await;
    assert!(bot.say_as("julia.novak", "tasks").await.starts_with("Neither you nor your teams have run a template yet."));

    let last = fill_in(&bot, "julia.novak", "gift-registry").await;
    let told = last.intro.to_plain();
    assert!(told.contains("Make the repository acme/gift-registry, internal"), "{told}");
    let begun = reply(bot.submit("julia.novak", &last, &[]).await);
    assert_eq!(begun.status, Status::Answered, "{}", begun.lead.to_plain());
    assert_eq!(lines(&begun), ["tasks 1"]);

    let entity = EntityRef::new("component", "default", "gift-registry");
    bot.until("the service is in the catalog", async |app| app.catalog.load().find(&entity).is_some()).await;
    bot.until("the run is done", async |_| bot.say_as("julia.novak", "tasks 1").await.contains("is done")).await;
    let shown = bot.say_as("julia.novak", "tasks 1").await;
    assert!(shown.contains("✓ Make the repository") && shown.contains("– Leave the database out: left out"), "{shown}");
    assert!(shown.contains("Next: Write the first test"), "{shown}");
    let list = bot.say_as("julia.novak", "tasks").await;
    assert!(list.contains("1 TypeScript service: acme/gift-registry is done"), "{list}");
    assert!(bot.say_as("julia.novak", "tasks failed").await.starts_with("No run of yours or your teams has failed."));
    assert!(bot.say_as("julia.novak", "tasks log 1").await.contains("wrote 18 files"));
    assert!(bot.say_as("julia.novak", "tasks all").await.starts_with("Only admins"));
    assert!(bot.say_as("julia.novak", "tasks 7").await.starts_with("There is no run 7."));
    let refused = bot.ask("julia.novak", "tasks retry 1").await;
    assert_eq!(refused.status, Status::Refused);
    assert!(refused.lead.to_plain().starts_with("Run 1 is done, so this cannot be done now."), "{}", refused.lead.to_plain());
    assert!(bot.say_as("guest", "tasks cancel 1").await.starts_with("Only people whom the catalog knows may call a run off."));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_somebody_has_to_agree_to_waits_for_them_and_not_for_who_asked() {
    let bot = Bot::of_sample_organisation().await;
    let path = "typescript-service/template.yaml";
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org/software-templates").join(path);
    let text = std::fs::read_to_string(fixture).unwrap();
    let approved = "metadata:\n  annotations: { steward.dev/approvers: 'group:default/team-billing' }\n";
    bot.github.push_file("software-templates", path, text.replacen("metadata:\n", approved, 1));
    bot.sync().await;
    bot.until("the templates are read", async |app| app.live.templates().iter().count() == 3).await;

    let last = fill_in(&bot, "julia.novak", "gift-registry").await;
    assert!(last.intro.to_plain().contains(" must agree before it begins."), "{}", last.intro.to_plain());
    let waits = reply(bot.submit("julia.novak", &last, &[]).await);
    assert!(
        waits.lead.to_plain().contains("waits for") && waits.lead.to_plain().contains("to agree."),
        "{}",
        waits.lead.to_plain()
    );
    let plan = bot.say_as("ben.carter", "tasks 1").await;
    assert!(
        plan.contains("Make the repository acme/gift-registry, internal") && plan.contains("Size of the database: Large"),
        "{plan}"
    );
    // Who asked is of the approvers too, and still cannot decide alone.
    let own = bot.ask("julia.novak", "tasks approve 1").await;
    assert!(own.lead.to_plain().starts_with("You asked for run 1 yourself"), "{}", own.lead.to_plain());
    let stranger = bot.ask("ben.carter", "tasks approve 1").await;
    assert!(stranger.lead.to_plain().starts_with("Only "), "{}", stranger.lead.to_plain());
    assert!(bot.say_as("ben.carter", "tasks cancel 1").await.starts_with("Only whoever asked for run 1"));
    assert!(bot.github.model(|model| model.find_repo("gift-registry").is_none()));
    let agreed = bot.ask("omar.haddad", "tasks approve 1").await;
    assert_eq!(agreed.lead.to_plain(), "You agreed to run 1; it begins.");
    bot.until("the run is done", async |_| bot.say_as("omar.haddad", "tasks 1").await.contains("is done")).await;
    let again = bot.ask("omar.haddad", "tasks decline 1").await;
    assert_eq!(again.status, Status::Refused);
    bot.halt().await;
}

//! The team of a conversation: what is left out means it, who may give it, and where it is kept.

use expect_test::expect;
use secrecy::SecretString;
use steward::{
    catalog::EntityRef,
    chat::{Account, Act, Place, Platform, Reply, Request, Response, Status},
    commands::respond,
    store::{Database, load_channels_from_disk},
};

use crate::{
    bot::Bot,
    fake_github::FakeGithub,
    shop::{check, shop},
    world,
};

fn at(channel_id: &str, channel_name: Option<&str>) -> Option<Place> {
    Some(Place { channel_id: channel_id.to_owned(), channel_name: channel_name.map(str::to_owned) })
}

/// Somebody in a channel of Slack, over the shop.
fn in_channel(channel_id: &str, channel_name: Option<&str>) -> world::Bot {
    let mut bot = shop().bot();
    bot.account = Account { platform: Platform::Slack, id: "U0000GUEST".to_owned(), name: "guest".to_owned() };
    bot.place = at(channel_id, channel_name);
    bot
}

#[test]
fn in_the_channel_of_a_team_a_command_without_a_name_means_it() {
    let bot = in_channel("C0123ABCD", Some("team-payments"));
    check(
        &[
            bot.reply("owner").lead.to_plain(),
            bot.reply("find").lead.to_plain(),
            bot.reply("owner ledger").lead.to_plain(),
            bot.reply("channel").lead.to_plain(),
        ]
        .join("\n"),
        expect![[r#"
            In this channel: Team Payments. Team Payments: reach them in #team-payments.
            In this channel: Team Payments. 5 entries fit “team-payments”.
            ledger is owned by Team Ledger: #money (of Money).
            Here, commands without a name mean Team Payments group:team-payments, whose entry names this channel."#]],
    );
    assert_eq!(bot.refs("owner"), ["group:default/team-payments"]);
    // The name is written with and without #, and an id counts as well.
    assert_eq!(in_channel("C0123ABCD", Some("Team-Checkout")).refs("owner"), ["group:default/team-checkout"]);
    let mut world = shop();
    world.group("team-stock").annotate("steward.dev/channel", "C0STOCK99");
    let mut by_id = world.bot();
    by_id.account.platform = Platform::Slack;
    by_id.place = at("C0STOCK99", Some("renamed-since"));
    assert_eq!(by_id.refs("owner"), ["group:default/team-stock"]);
}

#[test]
fn elsewhere_the_name_is_asked_for() {
    for bot in [in_channel("C0123ABCD", Some("random")), in_channel("C0123ABCD", None), shop().bot()] {
        for line in ["owner", "find"] {
            let reply = bot.reply(line);
            assert_eq!(reply.status, Status::NotFound, "{line}");
            assert!(reply.lead.to_plain().starts_with("Say "), "{}", reply.lead.to_plain());
        }
    }
    let told = in_channel("C0123ABCD", Some("random")).reply("owner").lead.to_plain();
    assert!(told.contains("In the channel of a team it may be left out"), "{told}");
    // Two teams that claim one channel: neither is taken for meant.
    let mut world = shop();
    world.group("team-stock").display_name("Stock").annotate("steward.dev/channel", "#team-payments");
    let mut bot = world.bot();
    bot.place = at("#team-payments", None);
    assert_eq!(bot.reply("owner").status, Status::NotFound);
    assert!(bot.reply("channel").lead.to_plain().contains("several teams name this channel"), "{}", bot.say("channel"));
}

async fn said_in(bot: &Bot, who: &str, channel: &str, line: &str) -> Reply {
    let account = Account { platform: Platform::Playground, id: who.to_owned(), name: who.to_owned() };
    let place = at(channel, None);
    let act = Act::Say { line: line.to_owned() };
    match respond(bot.app(), Request { account, place, act, delivery: None }).await {
        Response::Reply(reply) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// Two people of different teams, an admin, and a second replica over the same database.
const TEAMS: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-a, title: Team A, annotations: { steward.dev/channel: '#team-a' } }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: squad-a, title: Squad A }
spec: { type: team, parent: team-a, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-b, title: Team B }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: platform }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ana }
spec: { memberOf: [squad-a] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ben }
spec: { memberOf: [team-b] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: root }
spec: { memberOf: [platform] }
";

async fn lead(bot: &Bot, who: &str, channel: &str, line: &str) -> String {
    said_in(bot, who, channel, line).await.lead.to_plain()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_in_the_team_and_admins_give_a_channel_its_team() {
    let bot = Bot::of_descriptors(&[("org", TEAMS)]).await;
    bot.sync().await;
    for who in ["guest", "ben"] {
        let refused = said_in(&bot, who, "#war-room", "channel team-a").await;
        assert_eq!(refused.status, Status::Refused, "{who}");
        assert!(refused.lead.to_plain().contains("Team A"), "it says who may: {}", refused.lead.to_plain());
    }
    // Somebody in a team below it is in it.
    assert_eq!(
        lead(&bot, "ana", "#war-room", "channel team-a").await,
        "From now on, commands without a name mean Team A in this channel: /owner, for one."
    );
    assert!(
        lead(&bot, "guest", "#war-room", "owner").await.starts_with("In this channel: Team A. Team A: reach them in #team-a")
    );
    assert!(lead(&bot, "ana", "#war-room", "channel team-a").await.contains("already"));
    // What was said goes before what an entry declares, and only there.
    assert!(lead(&bot, "root", "#team-a", "channel team-b").await.starts_with("From now on"));
    assert!(lead(&bot, "guest", "#team-a", "owner").await.starts_with("In this channel: Team B."));
    // A team may be taken away by its own people, not by others.
    assert_eq!(said_in(&bot, "ana", "#team-a", "channel none").await.status, Status::Refused);
    assert_eq!(lead(&bot, "ben", "#team-a", "channel none").await, "Nobody says any more whose channel this is.");
    assert!(lead(&bot, "guest", "#team-a", "owner").await.starts_with("In this channel: Team A."));
    assert!(lead(&bot, "ana", "#team-a", "channel none").await.contains("their entry does"));
    // A slip is offered, not done.
    assert_eq!(said_in(&bot, "ana", "#other", "channel team-aa").await.status, Status::NotFound);
    // Each change and each denial is in the audit log.
    let log = bot.say_as("root", "/audit").await;
    for line in ["channel set group:team-a, done", "channel set group:team-b, done", "channel set group:team-a, denied"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_hears_of_it_and_a_restart_without_the_database_knows_it() {
    let bot = Bot::of_descriptors(&[("org", TEAMS)]).await;
    bot.sync().await;
    let Database::Given(url) = &*bot.database else { panic!("a database of the test's own") };
    let other = Bot::start(FakeGithub::start("acme").await, Database::Given(SecretString::clone(url))).await;
    other.until("it has the catalog", async |app| !app.catalog.load().is_empty()).await;
    lead(&bot, "ana", "#war-room", "channel team-a").await;
    let knows = async |app: &steward::app::App| app.live.load().channels.find("playground", "#war-room").is_some();
    other.until("the other replica hears of it", knows).await;
    let team = EntityRef::parse("group:default/team-a", None, "default").unwrap();
    for replica in [&bot, &other] {
        let kept = load_channels_from_disk(replica.folder.path());
        assert_eq!(kept.find("playground", "#war-room"), Some(&team));
    }
    lead(&bot, "ana", "#war-room", "channel none").await;
    other.until("and that it is over", async |app| app.live.load().channels.teams.is_empty()).await;
    other.until("on disk as well", async |app| load_channels_from_disk(&app.settings.data_dir).teams.is_empty()).await;
    other.halt().await;
    bot.halt().await;
}

#[test]
fn a_broken_copy_on_disk_is_no_copy() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("channels.json"), "[{\"platform\":\"sl").unwrap();
    assert!(load_channels_from_disk(folder.path()).teams.is_empty());
}

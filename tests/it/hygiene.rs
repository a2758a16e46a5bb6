//! What an owner does with a finding: see it, fix it by a pull request, leave it alone, hand it over.

mod alone;
mod broken;
mod first;
mod fix;
mod hand_over;
mod show;
mod shown;
mod undescribed;

use chrono::TimeDelta;
use sqlx::Row;
use steward::chat::{Block, Card, Does, Form, Reply, Response, Span, Text};

use crate::{
    bot::{Bot, form, reply},
    cluster::{connect, new_database},
    fake_github::FakeGithub,
};

const ORG: &str = r##"apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: platform, title: Platform, annotations: {steward.dev/channel: '#platform'}}
spec: {type: team, children: [], members: [pat]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-cart, title: Team Cart, annotations: {steward.dev/channel: '#cart'}}
spec: {type: team, children: [], members: [ana]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-shop, title: Team Shop, annotations: {steward.dev/channel: '#shop'}}
spec: {type: team, children: [], members: [bo]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ana, annotations: {github.com/user-login: ana-s, steward.dev/github-id: '4711'}}
spec: {memberOf: [team-cart], profile: {displayName: Ana Silva}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: bo}
spec: {memberOf: [team-shop], profile: {displayName: Bo Larsen}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: pat}
spec: {memberOf: [platform], profile: {displayName: Pat Reed}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop, title: Shop, description: Where people buy.}
spec: {owner: team-shop}
"##;

/// With a comment, quotes and an order of its own, all of which are its author's.
const CART: &str = r#"# Ours since 2019; ask before you change the name.
apiVersion: "backstage.io/v1alpha1"
kind: Component
metadata:
    name: cart   # not basket
    title: 'Cart'
    annotations:
        backstage.io/techdocs-ref: dir:.
spec:
    owner: team-cart
    type: service

    lifecycle: "production"
    system: shop
"#;

const WISHES: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: wishes, title: Wishes, description: Keeps wish lists., annotations: {backstage.io/techdocs-ref: 'dir:.'}}
spec: {owner: team-cart, type: library, lifecycle: soon, system: shop}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: wishes-jobs, title: Wish jobs, description: Cleans up wish lists.}
spec: {owner: team-cart, type: worker, lifecycle: soon, system: shop}
";

const CODE_OWNERS: &str = "* @acme/shop-people\n/catalog-info.yaml @ana-s @bo-l @acme/cart-people\n/docs/ @writer\n";

pub fn repositories(github: &FakeGithub) {
    github.add_repository("org", &[("catalog-info.yaml", ORG)]);
    github.add_repository("cart", &[("catalog-info.yaml", CART), ("CODEOWNERS", CODE_OWNERS)]);
    github.add_repository("wishes", &[("catalog-info.yaml", WISHES)]);
}

/// Waits for the first Tuesday, on which an admin lets rounds go, and holds the first.
pub async fn begin_rounds(bot: &Bot) {
    bot.pass(TimeDelta::days(3) + TimeDelta::hours(1));
    bot.worker.hold_round().await.unwrap();
    let begun = bot.say_as("pat", "hygiene begin").await;
    assert!(begun.starts_with("Rounds are held from now on"), "{begun}");
    bot.worker.hold_round().await.unwrap();
}

pub async fn shop() -> Bot {
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    let bot = Bot::start(github, new_database().await).await;
    bot.sync().await;
    bot
}

fn said(response: Response) -> String {
    reply(response).lead.to_plain()
}

/// What the buttons of a reply say.
pub fn lines(reply: &Reply) -> Vec<String> {
    let buttons = reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons));
    let said = buttons.filter_map(|button| if let Does::Say(line) = &button.does { Some(line.clone()) } else { None });
    said.collect()
}

fn field_names(form: &Form) -> Vec<&str> {
    form.fields.iter().map(|field| field.name.as_str()).collect()
}

/// Command, subject and result of each audit line.
async fn audited(bot: &Bot) -> Vec<(String, String, Option<String>)> {
    let mut connection = connect(&bot.database).await;
    let rows = sqlx::query("select command, subject, result from audit order by id");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// Title, last paragraph and what the buttons do.
pub fn outline(card: &Card) -> String {
    let title = card.title.0.iter().map(|span| match span {
        Span::Strike(text) => format!("~{text}~"),
        other => Text(vec![other.clone()]).to_plain(),
    });
    let body = card.body.iter().filter_map(|block| match block {
        Block::Paragraph(text) => Some(text.to_plain()),
        _ => None,
    });
    let buttons = card.buttons.iter().map(|button| match &button.does {
        Does::Say(line) => line.split(' ').nth(1).unwrap_or_default().to_owned(),
        Does::Open(url) => url.clone(),
    });
    let (body, buttons): (Vec<String>, Vec<String>) = (body.collect(), buttons.collect());
    format!("{} | {} | {}", title.collect::<String>(), body.last().map_or("", String::as_str), buttons.join(" "))
}

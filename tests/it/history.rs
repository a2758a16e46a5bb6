//! What changed, when and by which commit: through owners, renames, moves, and after the end.

use chrono::TimeDelta;
use expect_test::expect;

use crate::{
    bot::Bot,
    shop::{check, shop},
};

fn component(name: &str, owner: &str, more: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  lifecycle: production\n  owner: {owner}\n{more}"
    )
}

const TEAMS: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-a, title: Team A }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-b, title: Team B }
spec: { type: team, children: [] }
";

async fn bot_with(descriptor: &str) -> Bot {
    let bot = Bot::of_descriptors(&[("org", TEAMS), ("shop", descriptor)]).await;
    bot.sync().await;
    bot
}

/// The answer with commits as they are in the fake, which are made of its clock: shown as `COMMIT`.
async fn answer(bot: &Bot, line: &str) -> String {
    let commits: Vec<String> = bot.github.model(|model| {
        let all = model.repos.iter().flat_map(|repo| &repo.commits);
        all.map(|commit| commit.sha[..7].to_owned()).collect()
    });
    let mut text = bot.say(line).await;
    for commit in commits {
        text = text.replace(&commit, "COMMIT");
    }
    text
}

async fn push(bot: &Bot, descriptor: &str) {
    bot.github.push_file("shop", "catalog-info.yaml", descriptor);
    bot.sync().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_says_who_owned_it_since_when() {
    let bot = bot_with(&component("cart", "team-a", "")).await;
    check(
        &answer(&bot, "/history cart").await,
        expect![[r#"
        cart has been owned by Team A since 1 January at least; no earlier owner is known.

        Changes component:cart
          - 1 January: first seen (COMMIT
            <https://github.com/acme/shop/commit/COMMIT3561facee20386f0de8e72db5a55c7273> by ada)

        → Owner  /owner component:default/cart

        Read from acme/shop@COMMIT, synced just now
    "#]],
    );
    push(&bot, &component("cart", "team-b", "  system: shop\n  dependsOn: [resource:db, resource:cache]\n")).await;
    push(&bot, &component("cart", "team-b", "  system: shop\n  dependsOn: [resource:db, component:mail]\n")).await;
    check(
        &answer(&bot, "/history cart").await,
        expect![[r#"
        cart has been owned by Team B since 1 January (was Team A).

        Changes component:cart
          - 1 January: depends on component:mail; no longer on resource:cache (COMMIT
            <https://github.com/acme/shop/commit/COMMIT0de6af9ad63af974e40275c8a2069dcdf> by ada)
          - 1 January: owner Team A → Team B; system none → system:shop; depends on resource:db,
            resource:cache (COMMIT
            <https://github.com/acme/shop/commit/COMMIT44ed16ee635cb9b28561f7cf104d299b2> by ada)
          - 1 January: first seen (COMMIT
            <https://github.com/acme/shop/commit/COMMIT3561facee20386f0de8e72db5a55c7273> by ada)

        → Owner  /owner component:default/cart

        Read from acme/shop@COMMIT, synced just now
    "#]],
    );
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_goes_on_through_renames_and_moves() {
    let bot = bot_with(&component("basket", "team-a", "")).await;
    push(&bot, &component("cart", "team-b", "")).await;
    bot.github.rename("shop", "store");
    bot.sync().await;
    // To another repository, changed on the way.
    bot.github.remove_file("store", "catalog-info.yaml");
    bot.github.add_repository("carts", &[("catalog-info.yaml", &component("cart", "team-b", "  system: shop\n"))]);
    bot.sync().await;
    check(
        &answer(&bot, "/history cart").await,
        expect![[r#"
        cart has been owned by Team B since 1 January (was Team A).

        Changes component:cart
          - 1 January: moved, was in acme/store/catalog-info.yaml; system none → system:shop (COMMIT
            <https://github.com/acme/carts/commit/COMMITdfe1df54b4e010caf446d71231753cc4a> by ada)
          - 1 January: renamed, was component:basket; owner Team A → Team B (COMMIT
            <https://github.com/acme/store/commit/COMMIT44ed16ee635cb9b28561f7cf104d299b2> by ada)
          - 1 January: first seen (COMMIT
            <https://github.com/acme/store/commit/COMMIT3561facee20386f0de8e72db5a55c7273> by ada)

        → Owner  /owner component:default/cart

        Read from acme/carts@COMMIT, synced just now
    "#]],
    );
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_still_answers() {
    let bot = bot_with(&component("cart", "team-a", "")).await;
    push(&bot, &component("cart", "team-b", "")).await;
    bot.github.delete("shop");
    bot.sync().await;
    for line in ["/history cart", "/history component:default/cart", "/history component:cart", "/history Cart"] {
        assert!(bot.say(line).await.starts_with("cart was removed on 21 November; its last owner was Team B."), "{line}");
    }
    assert!(bot.say("/history nothing-such").await.contains("Nothing in the catalog is called “nothing-such”"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_changes_are_a_button_away() {
    let bot = bot_with(&component("cart", "team-a", "")).await;
    for at in 0..12 {
        push(&bot, &component("cart", "team-a", &format!("  system: s{at}\n"))).await;
    }
    let first = bot.say("/history cart").await;
    assert!(first.contains("1 to 10 of 13") && first.contains("system system:s10 → system:s11"), "{first}");
    assert!(first.contains("/history component:default/cart page 2"), "{first}");
    let second = bot.say("/history component:default/cart page 2").await;
    assert!(second.contains("11 to 13 of 13") && second.contains("first seen") && !second.contains("system:s10"), "{second}");
    assert_eq!(bot.say("/history cart page 99").await, second, "there is no page behind the last");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_and_what_is_declared_twice_is_told() {
    let bot = bot_with(&component("cart", "team-a", "")).await;
    push(&bot, "# nothing any more\n").await;
    assert!(bot.say("/history cart").await.starts_with("cart was removed on 1 January; its last owner was Team A."));
    bot.pass(TimeDelta::days(1));
    push(&bot, &component("cart", "team-b", "")).await;
    bot.github.add_repository("rival", &[("catalog-info.yaml", &component("cart", "team-a", ""))]);
    bot.sync().await;
    let told = answer(&bot, "/history cart").await;
    let lines: Vec<&str> = told.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert_eq!(
        lines,
        [
            "1 January: also declared by acme/rival/catalog-info.yaml (COMMIT",
            "1 January: back in the catalog; owner Team A → Team B (COMMIT",
            "1 January: gone from the catalog (COMMIT",
            "1 January: first seen (COMMIT",
        ]
    );
    assert!(told.starts_with("cart has been owned by Team B since 1 January (was Team A)."), "{told}");
    bot.halt().await;
}

#[test]
fn without_a_store_history_says_what_is_missing_and_what_answers() {
    check(
        &shop().bot().say("/history payments-api"),
        expect![[r#"
        History is kept in PostgreSQL, which cannot be reached now. Who owns it now can
        be answered:

        → Owner  /owner component:default/payments-api
    "#]],
    );
}

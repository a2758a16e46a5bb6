//! Not ours: guessed with evidence, asked, declined, settled.

use expect_test::expect;
use steward::chat::Value;

use super::{field_names, lines, said, shop};
use crate::shop::check;

const NOT_OURS: &str = "hygiene notours runbook-missing:component:default/cart";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_theirs_is_asked_of_whom_it_may_be_and_settled_when_it_comes_back() {
    let bot = shop().await;
    let opened = bot.open_form("ana", NOT_OURS).await;
    check(
        &opened.intro.to_plain(),
        expect![
            "Cart: no runbook. A guess: it may be of Team Shop (owner of the system Shop, which it belongs to). Whoever is named is asked, and may say no."
        ],
    );
    assert_eq!(opened.fields[0].value, Some(Value::Text("group:default/team-shop".to_owned())));
    let asked = said(bot.submit("ana", &opened, &[("owner", "group:default/team-shop"), ("note", "They run it.")]).await);
    assert_eq!(asked, "Thank you. Team Shop are asked whether Cart is theirs. Meanwhile you are not asked about it.");
    let message = bot.messages("#shop", 1).await.pop().unwrap();
    check(
        &steward::cli::ask::render_text(&steward::chat::Response::Reply(message.clone()), 100, steward::cli::ask::Colour::Off),
        expect![[r#"
            Does Cart belong to Team Shop? Ana Silva, for Team Cart, says that it is not theirs, and that it may
            be yours.

              A guess, from this: owner of the system Shop, which it belongs to; Ana Silva says: They run it.
              Open there: no runbook. At 3 a.m. somebody who has never seen it has to start from nothing.
            → It is ours     /hygiene accept 1
            → Not us either  /hygiene decline 1
            → The entry      /owner component:default/cart
        "#]],
    );
    let told = bot.say_as("ana", "hygiene cart").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("no runbook, handed by Ana Silva to Team Shop, who were asked 2026-11-21 09:00 UTC"), "{told}");
    // One question at a time.
    let twice = bot.open_form("ana", NOT_OURS).await;
    let twice = said(bot.submit("ana", &twice, &[("owner", "platform")]).await);
    assert_eq!(twice, "Somebody has handed this on already, and it is not answered yet: Cart.");

    let decline = lines(&message).into_iter().find(|line| line.starts_with("hygiene decline")).unwrap();
    let stranger = bot.ask("ana", &decline).await.lead.to_plain();
    assert_eq!(stranger, "Team Shop were asked; only they and admins may answer. Nothing was changed.");
    let declined = bot.ask("bo", &decline).await.lead.to_plain();
    assert_eq!(declined, "Thank you. Cart goes to those who settle what nobody takes.");
    assert_eq!(bot.ask("bo", &decline).await.lead.to_plain(), "Bo Larsen has declined it already.");

    let escalated = bot.messages("#platform", 1).await.pop().unwrap();
    let lead = escalated.lead.to_plain();
    assert_eq!(lead, "Whose is Cart? Ana Silva, for Team Cart, says that it is not theirs, and nobody has taken it.");
    let settle = lines(&escalated).into_iter().find(|line| line.starts_with("hygiene accept")).unwrap();
    let form = bot.open_form("pat", &settle).await;
    assert_eq!(field_names(&form), ["owner", "runbook", "description"]);
    let begun = said(bot.submit("pat", &form, &[("owner", "team-shop")]).await);
    assert_eq!(begun, "A change of Cart is being proposed to acme/cart. How it goes on is shown here.");
    bot.until("it is proposed", async |_| bot.github.model(|model| model.made.pulls.len() == 1)).await;
    let title = bot.github.model(|model| model.made.pulls[0]["title"].clone());
    assert_eq!(title, "Set owner of Cart");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_it_gets_the_form_with_themselves_as_owner() {
    let bot = shop().await;
    let opened = bot.open_form("ana", NOT_OURS).await;
    bot.submit("ana", &opened, &[("owner", "team-shop")]).await;
    let message = bot.messages("#shop", 1).await.pop().unwrap();
    let form = bot.open_form("bo", &lines(&message)[0]).await;
    assert_eq!(form.fields[0].value, Some(Value::Text("group:default/team-shop".to_owned())));
    // Who has closed it finds it again.
    let form = bot.open_form("bo", &lines(&message)[0]).await;
    bot.submit("bo", &form, &[("owner", "group:default/team-shop")]).await;
    bot.until("it is proposed", async |_| bot.github.model(|model| model.made.pulls.len() == 1)).await;
    bot.github.end_pull("cart", 1, true);
    bot.sync().await;
    let shown = bot.say_as("bo", "hygiene").await;
    assert!(shown.contains("Cart: no runbook"), "it is theirs now: {shown}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_guessed_codeowners_are_asked() {
    let bot = shop().await;
    let lone = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: lone}\nspec: {owner: team-cart, type: library, lifecycle: production}\n";
    bot.github.add_repository("lone", &[("catalog-info.yaml", lone), (".github/CODEOWNERS", "* @acme/team-shop\n")]);
    bot.sync().await;
    let opened = bot.open_form("ana", "hygiene notours description-missing:component:default/lone").await;
    assert_eq!(opened.fields[0].value, None);
    let asked = said(bot.submit("ana", &opened, &[]).await);
    assert_eq!(
        asked,
        "Thank you. The code owners of its repository are asked whose lone is, or else those who settle such things. Meanwhile you are not asked about it."
    );
    let message = bot.messages("#shop", 1).await.pop().unwrap();
    let shown = format!("{:?}", message.cards);
    assert!(shown.contains("A guess, from this: named in CODEOWNERS of acme/lone."), "{shown}");
    bot.halt().await;
}

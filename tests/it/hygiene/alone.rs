//! Snooze and exempt: a finding is left alone, by whoever may say so, and comes back by itself.

use chrono::TimeDelta;
use steward::chat::Value;

use super::{audited, form, lines, reply, said, shop};

const KEY: &str = "runbook-missing:component:default/cart";

#[tokio::test(flavor = "multi_thread")]
async fn a_snoozed_finding_is_set_aside_and_comes_back_by_itself() {
    let bot = shop().await;
    let opened = bot.open_form("ana", &format!("hygiene snooze {KEY}")).await;
    let past = form(bot.submit("ana", &opened, &[("span", "date"), ("until", "2026-11-20")]).await);
    assert_eq!(past.fields[1].error.as_deref(), Some("Choose a day that is still to come."));
    let far = form(bot.submit("ana", &opened, &[("span", "date"), ("until", "2028-01-01")]).await);
    assert_eq!(far.fields[1].error.as_deref(), Some("A year is the most: 2027-11-21 at the latest."));
    let done = said(bot.submit("ana", &opened, &[("span", "week"), ("reason", "We move it next week.")]).await);
    assert_eq!(done, "Snoozed until 28 November: Cart, no runbook. Then it comes back by itself.");

    let shown = bot.say_as("ana", "hygiene cart").await;
    assert!(shown.starts_with("Cart: 1 finding is open"), "{shown}");
    let told = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("Cart: no runbook, snoozed until 2026-11-28 09:00 UTC by Ana Silva: We move it next week."), "{told}");
    bot.pass(TimeDelta::days(8));
    let shown = bot.say_as("ana", "hygiene cart").await;
    assert!(shown.starts_with("Cart: 2 findings are open"), "{shown}");
    assert!(!shown.contains("snoozed"), "{shown}");
    let line = ("hygiene snooze".to_owned(), "component:default/cart".to_owned(), Some("written down".to_owned()));
    assert_eq!(audited(&bot).await, [line]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snoozed_finding_can_be_woken_by_its_owners_and_by_nobody_else() {
    let bot = shop().await;
    let opened = bot.open_form("ana", &format!("hygiene snooze {KEY}")).await;
    bot.submit("ana", &opened, &[("span", "month")]).await;
    let wake = format!("hygiene wake {KEY}");
    assert!(lines(&bot.ask("ana", "hygiene cart").await).contains(&wake));
    let stranger = bot.ask("bo", &wake).await.lead.to_plain();
    assert_eq!(stranger, "Only people of Team Cart and admins may have it count again. Nothing was changed.");
    assert!(bot.say("hygiene wake x").await.starts_with("Only people whom the catalog knows"));
    assert_eq!(bot.ask("ana", &wake).await.lead.to_plain(), "Counts again: no runbook of Cart.");
    assert!(bot.say_as("ana", "hygiene cart").await.starts_with("Cart: 2 findings are open"));
    let stranger = bot.ask("bo", &format!("hygiene snooze {KEY}")).await.lead.to_plain();
    assert_eq!(stranger, "Only people of Team Cart and admins may leave it alone. Nothing was changed.");
    for key in [KEY, "description-missing:component:default/cart"] {
        let opened = bot.open_form("ana", &format!("hygiene snooze {key}")).await;
        bot.submit("ana", &opened, &[("span", "month")]).await;
    }
    let shown = bot.say_as("ana", "hygiene cart").await;
    assert!(shown.starts_with("Nothing else is open for Cart. 2 findings are left alone for now, or with others."), "{shown}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_waits_for_an_admin_and_ends_within_a_year() {
    let bot = shop().await;
    let opened = bot.open_form("ana", &format!("hygiene exempt {KEY}")).await;
    assert!(opened.intro.to_plain().ends_with("An admin has to agree; they are asked when you send this."));
    let empty = form(bot.submit("ana", &opened, &[("until", "2027-05-01")]).await);
    assert!(empty.fields[0].error.is_some(), "a reason is asked for");
    let asked = said(bot.submit("ana", &opened, &[("reason", "It \"only\" shows a page."), ("until", "2027-05-01")]).await);
    assert_eq!(asked, "The admins are asked whether Cart may be exempt. Until one agrees it stays open.");
    let message = bot.messages("#platform", 1).await.pop().unwrap();
    assert_eq!(message.lead.to_plain(), "Ana Silva asks that Cart be exempt until 1 May 2027: no runbook.");
    assert!(bot.say_as("ana", "hygiene cart").await.starts_with("Cart: 2 findings are open"));

    let granting = bot.open_form("pat", &lines(&message)[0]).await;
    assert_eq!(granting.fields[0].value, Some(Value::Text("It 'only' shows a page.".to_owned())));
    assert_eq!(granting.fields[1].value, Some(Value::Text("2027-05-01".to_owned())));
    let values = [("reason", "It 'only' shows a page."), ("until", "2027-05-01")];
    let granted = reply(bot.submit("pat", &granting, &values).await);
    assert_eq!(granted.lead.to_plain(), "Exempt until 1 May 2027: Cart, no runbook. Then it comes back by itself.");
    let shown = bot.say_as("ana", "hygiene cart").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("exempt until 2027-05-01 00:00 UTC by Ana Silva, approved by Pat Reed: It 'only' shows a page."),
        "{shown}"
    );
    bot.pass(TimeDelta::days(200));
    let shown = bot.say_as("ana", "hygiene cart").await;
    assert!(shown.contains("Cart: no runbook\n") && !shown.contains("exempt until"), "{shown}");
    bot.halt().await;
}

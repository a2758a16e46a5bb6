//! The form that tells a team what is wrong, page by page.

use expect_test::expect;
use steward::chat::{Act, FormState, Response, Status, Submission, Value};

use crate::shop::{check, shop};

fn submission(page: usize, state: FormState, values: &[(&str, Value)]) -> Submission {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Submission { form: "report".to_owned(), page, state, values }
}

fn form_of(response: Response) -> steward::chat::Form {
    match response {
        Response::Form(form) => *form,
        other => panic!("a form was expected, not {other:?}"),
    }
}

#[test]
fn report_asks_two_pages_and_keeps_the_answers_on_the_way() {
    let bot = shop().bot().by("kim.lee");
    let first = form_of(bot.respond("report payments-api"));
    assert_eq!((first.page, first.pages, first.state.subject.as_str()), (0, 2, "component:default/payments-api"));
    assert_eq!(first.fields[1].label, "Who owns it, if you know");

    // Whoever knows that the owner is wrong need not know the right one.
    let what = |what: &str| ("what", Value::Text(what.to_owned()));
    assert_eq!(form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("owner")])))).page, 1);
    let unknown = ("right_owner", Value::Text("group:default/nobody".to_owned()));
    let again = form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("owner"), unknown]))));
    assert!(again.fields[1].error.as_deref().is_some_and(|error| error.contains("No team is called")));
    assert_eq!(form_of(bot.act(Act::Submit(submission(0, first.state.clone(), &[what("lifecycle")])))).page, 1);

    let ledger = ("right_owner", Value::Text("group:default/team-ledger".to_owned()));
    let second = form_of(bot.act(Act::Submit(submission(0, first.state, &[what("owner"), ledger]))));
    assert_eq!(second.page, 1);
    check(
        &second.intro.to_plain(),
        expect![
            "This goes to Team Payments in #team-payments: Kim Lee says of Payments API component:payments-api: its owner is wrong; the right one is Team Ledger."
        ],
    );

    let note = ("note", Value::Text("We took it over in May.".to_owned()));
    let back = form_of(bot.act(Act::Back(submission(1, second.state.clone(), std::slice::from_ref(&note)))));
    assert_eq!(back.fields[1].value, Some(Value::Text("group:default/team-ledger".to_owned())));
    assert!(back.state.values.contains_key("note"), "what was typed on the page that was left is kept");

    // No database in this test: the end is a clear refusal.
    let Response::Reply(end) = bot.act(Act::Submit(submission(1, second.state, &[note]))) else { panic!("the end is a reply") };
    assert_eq!(end.status, Status::Refused);
    assert!(end.lead.to_plain().starts_with("Your report was not sent."));
}

#[test]
fn the_forms_state_stays_under_slacks_limit() {
    let bot = shop().bot();
    let form = form_of(bot.respond("report payments-api"));
    let note = Value::Text("ß".repeat(500));
    let values = [("what", Value::Text("other".to_owned())), ("note", note)];
    let form = form_of(bot.act(Act::Back(submission(1, form.state, &values))));
    assert!(serde_json::to_string(&form.state).unwrap().len() < 3_000);
}

#[test]
fn typeahead_offers_teams_the_askers_own_first() {
    let bot = shop().bot().by("kim.lee");
    let choices = |typed: &str| {
        let act = Act::Complete {
            form: "report".to_owned(),
            subject: String::new(),
            field: "right_owner".to_owned(),
            typed: typed.to_owned(),
        };
        match bot.act(act) {
            Response::Choices(choices) => choices.into_iter().map(|choice| choice.label).collect::<Vec<_>>(),
            other => panic!("choices were expected, not {other:?}"),
        }
    };
    assert_eq!(choices(""), ["Money", "Team Ledger", "Team Checkout", "Team Payments"]);
    assert_eq!(choices("paym"), ["Team Payments"]);
    assert_eq!(choices("Team Ledger"), ["Team Ledger"]);
}

#[test]
fn a_team_may_be_named_as_people_name_it_but_not_the_one_that_owns_it_already() {
    let mut world = shop();
    world.group("team-stock").display_name("Stock");
    let bot = world.bot();
    let state = form_of(bot.respond("report payments-api")).state;
    let chosen = |owner: &str| {
        let values = [("what", Value::Text("owner".to_owned())), ("right_owner", Value::Text(owner.to_owned()))];
        form_of(bot.act(Act::Submit(submission(0, state.clone(), &values))))
    };
    for owner in ["Stock", " stock", "team-stock", "team stock", "group:team-stock"] {
        let next = chosen(owner);
        assert_eq!(next.page, 1, "{owner}");
        assert!(next.intro.to_plain().ends_with("the right one is Stock."), "{}", next.intro.to_plain());
    }
    for (owner, error) in [
        ("Sto", "No team is called “Sto”. Choose one from the list."),
        ("Ana Silva", "No team is called “Ana Silva”. Choose one from the list."),
        ("Team Payments", "Team Payments is the owner already. Choose another team."),
    ] {
        let again = chosen(owner);
        assert_eq!((again.page, again.fields[1].error.as_deref()), (0, Some(error)), "{owner}");
    }
}

#[test]
fn a_report_about_what_nobody_owns_goes_to_whom_one_would_ask_else_to_the_catch_all() {
    let mut world = shop();
    world.component("reviews").owner("user:default/karen.white").system("payments");
    world.component("stray").owner("user:default/karen.white");
    let intro = |bot: &crate::world::Bot, name: &str| {
        let state = form_of(bot.respond(&format!("report {name}"))).state;
        let values = [("what", Value::Text("lifecycle".to_owned()))];
        form_of(bot.act(Act::Submit(submission(0, state, &values)))).intro.to_plain()
    };
    let mut bot = world.bot();
    assert!(intro(&bot, "reviews").starts_with("This goes to Team Payments in #team-payments: "), "{}", intro(&bot, "reviews"));
    let nobody = "No channel is known here for whoever answers for it, so this is kept in the audit log alone: ";
    assert!(intro(&bot, "stray").starts_with(nobody), "{}", intro(&bot, "stray"));
    bot.app.settings.hygiene.catch_all = Some("#platform".to_owned());
    let said = "This goes to those who look after the catalog in #platform: ";
    assert!(intro(&bot, "stray").starts_with(said), "{}", intro(&bot, "stray"));
    assert!(intro(&bot, "reviews").contains("#team-payments"));
}

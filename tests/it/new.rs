//! `/new`: templates listed, a form filled in page by page, what will happen, and what is said of wrong answers.

mod corpus;

use expect_test::expect;
use serde_json::Value as Json;
use steward::{
    catalog::EntityRef,
    chat::{Act, FieldKind, Form, Response, Submission, Value},
    template::shelf::{Shelf, Shelved},
};

use crate::{
    bot::form,
    shop::{check, shop},
    world::{Bot, World},
};

const SERVICE: &str = r"
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: typescript-service
  title: TypeScript service
  description: An HTTP service with tests, CI and alerts.
  tags: [typescript, service]
spec:
  owner: group:default/team-payments
  type: service
  parameters:
  - title: About the service
    required: [name, owner]
    properties:
      name: {type: string, title: Name, pattern: '^[a-z][a-z0-9-]*$', ui:help: Short and plain}
      owner: {type: string, title: Owner, ui:field: OwnerPicker, ui:options: {catalogFilter: {kind: Group}}}
      database: {type: string, title: Database, enum: [none, postgres], enumNames: [None, PostgreSQL], default: none}
      public: {type: boolean, title: Reached from the internet}
    dependencies:
      database:
        oneOf:
        - properties: {database: {enum: [none]}}
        - properties:
            database: {enum: [postgres]}
            size: {type: string, title: Size, enum: [small, large], ui:widget: radio}
          required: [size]
  - title: Where it goes
    required: [repoUrl]
    properties:
      repoUrl: {type: string, title: Repository, ui:field: RepoUrlPicker, ui:options: {allowedHosts: [github.com], allowedOwners: [acme]}}
      odd: {type: string, title: Colour, ui:field: ColourPicker}
  steps:
  - {id: fetch, name: Skeleton, action: 'fetch:template', input: {url: ./skeleton, values: {name: '${{ parameters.name }}'}}}
  - {id: publish, name: Publish, action: 'publish:github', input: {repoUrl: '${{ parameters.repoUrl }}', repoVisibility: internal}}
  - {id: register, name: Register, action: 'catalog:register', input: {repoContentsUrl: '${{ steps.publish.output.repoContentsUrl }}', catalogInfoPath: /catalog-info.yaml}}
  - {id: open, name: Open, action: 'github:actions:dispatch', if: '${{ parameters.public }}', input: {repoUrl: '${{ parameters.repoUrl }}', workflowId: expose.yaml, branchOrTagName: main}}
";

/// A bot with these templates in its catalog.
pub fn bot_with(mut world: World, templates: &[&str]) -> Bot {
    let mut shelved = Vec::new();
    for text in templates {
        let document: Json = serde_yaml::from_str(text).unwrap();
        let metadata = &document["metadata"];
        let name = metadata["name"].as_str().unwrap();
        let thing = world.add("template", name);
        for key in ["title", "description", "tags"] {
            if !metadata[key].is_null() {
                thing.metadata(key, metadata[key].clone());
            }
        }
        if let Some(owner) = document["spec"]["owner"].as_str() {
            thing.owner(owner);
        }
        let full = EntityRef::new("template", "default", name);
        shelved.push(Shelved::read(full, document, Some((*text).to_owned())).into());
    }
    let bot = world.bot();
    bot.app.live.set_templates(Shelf::new(shelved));
    bot
}

fn open(bot: &Bot, line: &str) -> Form {
    form(bot.respond(line))
}

fn send(bot: &Bot, form: &Form, answers: &[(&str, &str)]) -> Response {
    bot.act(Act::Submit(submission(form, answers)))
}

fn submission(form: &Form, answers: &[(&str, &str)]) -> Submission {
    let values = answers.iter().map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned()))).collect();
    Submission { form: form.id.clone(), page: form.page, state: form.state.clone(), values }
}

/// A page in lines: its place, what stands above, each question with what is in it and what is wrong.
fn read(form: &Form) -> String {
    let mut lines =
        vec![format!("{} ({} of {}) [{}]", form.title, form.page + 1, form.pages, form.submit), form.intro.to_plain()];
    for field in &form.fields {
        let kind = match &field.kind {
            FieldKind::Line { .. } => "line".to_owned(),
            FieldKind::Paragraph { .. } => "paragraph".to_owned(),
            FieldKind::Number { .. } => "number".to_owned(),
            FieldKind::Date => "date".to_owned(),
            FieldKind::Lookup { kinds, .. } => format!("look-up of {}", kinds.join(", ")),
            FieldKind::Select { choices }
            | FieldKind::MultiSelect { choices }
            | FieldKind::Radio { choices }
            | FieldKind::Checkboxes { choices } => {
                choices.iter().map(|choice| choice.label.clone()).collect::<Vec<_>>().join("|")
            }
        };
        let value = field.value.as_ref().map(|value| format!(" = {}", value.as_text())).unwrap_or_default();
        let help = field.help.as_ref().map(|help| format!(" -- {help}")).unwrap_or_default();
        let error = field.error.as_ref().map(|error| format!(" !! {error}")).unwrap_or_default();
        lines.push(format!("{}: {} <{kind}>{value}{help}{error}", field.name, field.label));
    }
    lines.join("\n")
}

#[test]
fn a_form_is_asked_page_by_page_and_ends_with_what_will_happen() {
    let bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    let first = open(&bot, "new typescript-service");
    check(
        &read(&first),
        expect![[r#"
        TypeScript service (1 of 3) [Next]
        An HTTP service with tests, CI and alerts.
        About the service
        name: Name <line> -- Short and plain.
        owner: Owner <look-up of group>
        database: Database <None|PostgreSQL> = none
        public: Reached from the internet <Yes|No> = no"#]],
    );
    let second =
        form(send(&bot, &first, &[("name", "shop"), ("owner", "team-payments"), ("database", "postgres"), ("public", "yes")]));
    check(
        &read(&second),
        expect![[r#"
        TypeScript service (2 of 4) [Next]

        size: Size <small|large>"#]],
    );
    let third = form(send(&bot, &second, &[("size", "large")]));
    check(
        &read(&third),
        expect![[r#"
        TypeScript service (3 of 4) [Next]
        Where it goes
        repoUrl#repo: Repository: name <line> -- In github.com/acme.
        odd: Colour <line> -- ColourPicker is not known here; it is asked for by its type."#]],
    );
    let last = form(send(&bot, &third, &[("repoUrl#repo", "shop")]));
    check(
        &read(&last),
        expect![[r#"
        TypeScript service (4 of 4) [Create]
        What will happen
        1. Fill in the template's files
        2. Make the repository acme/shop, internal, and put the files into it
        3. Register it in the catalog
        4. Start the workflow expose.yaml of acme/shop

        Your answers
        Name: shop
        Owner: Team Payments
        Database: PostgreSQL
        Reached from the internet: Yes
        Size: large
        Repository: acme/shop"#]],
    );
    // No database in this test: the end is a clear refusal.
    let Response::Reply(end) = send(&bot, &last, &[]) else { panic!("the end is a reply") };
    assert!(end.lead.to_plain().starts_with("Nothing was started."), "{}", end.lead.to_plain());
}

#[test]
fn what_is_hidden_by_a_changed_answer_is_not_asked_and_not_kept() {
    let bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    let first = open(&bot, "new typescript-service");
    let about = |database| [("name", "shop"), ("owner", "group:default/team-payments"), ("database", database), ("public", "no")];
    let second = form(send(&bot, &first, &about("postgres")));
    let third = form(send(&bot, &second, &[("size", "large")]));
    let again = form(bot.act(Act::Back(submission(&third, &[("repoUrl#repo", "kept")]))));
    assert_eq!(
        (again.page, again.fields[0].name.as_str(), again.fields[0].value.as_ref().unwrap().as_text()),
        (1, "size", "large")
    );
    let first = form(bot.act(Act::Back(submission(&again, &[]))));
    assert_eq!(first.fields[2].value.as_ref().unwrap().as_text(), "postgres");
    let place = form(send(&bot, &first, &about("none")));
    assert_eq!((place.page, place.pages), (1, 3));
    assert_eq!(place.fields[0].value.as_ref().unwrap().as_text(), "kept", "what was typed on the page that was left is kept");
    let last = form(send(&bot, &place, &[("repoUrl#repo", "shop")]));
    let told = last.intro.to_plain();
    assert!(!told.contains("Size") && !told.contains("workflow"), "{told}");
    assert!(!serde_json::to_string(&last.state).unwrap().contains("large"));
}

#[test]
fn a_wrong_answer_is_told_with_what_to_write_instead() {
    let bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    let first = open(&bot, "new typescript-service");
    let told = |answers: &[(&str, &str)]| {
        let again = form(send(&bot, &first, answers));
        assert_eq!(again.page, 0);
        again.fields.iter().filter_map(|field| Some(format!("{}: {}", field.name, field.error.as_ref()?))).collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), ["name: Please fill this in.", "owner: Choose one from the list."]);
    let wrong = told(&[("name", "My Shop!"), ("owner", "nobody"), ("database", "oracle")]);
    assert_eq!(
        wrong,
        [
            "name: “My Shop!” does not fit. Write it such as my-shop.",
            "owner: No team is called “nobody”. Choose one from the list.",
            "database: Choose one of those that are offered.",
        ]
    );
    // What was written stays there to be mended.
    let again = form(send(&bot, &first, &[("name", "My Shop!")]));
    assert_eq!(again.fields[0].value.as_ref().unwrap().as_text(), "My Shop!");
}

#[test]
fn typeahead_knows_the_templates_filter_and_the_askers_own_come_first() {
    let bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    let first = open(&bot, "new typescript-service");
    let offered = |typed: &str| {
        let (field, typed) = ("owner".to_owned(), typed.to_owned());
        let act = Act::Complete { form: first.id.clone(), subject: first.state.subject.clone(), field, typed };
        match bot.act(act) {
            Response::Choices(choices) => choices.into_iter().map(|choice| choice.label).collect::<Vec<_>>(),
            other => panic!("choices were expected, not {other:?}"),
        }
    };
    assert_eq!(offered(""), ["Money", "Team Ledger", "Team Checkout", "Team Payments"]);
    assert_eq!(offered("paym"), ["Team Payments"]);
    assert!(offered("kim").is_empty(), "people own nothing here");
}

#[test]
fn names_begin_as_the_organisations_rule_says_and_are_held_against_it() {
    let mut bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    bot.app.settings.scaffolder.naming.default = Some("{{ owner }}-{{ name }}".to_owned());
    bot.app.settings.scaffolder.naming.pattern = Some("team-[a-z-]+".to_owned());
    bot.app.settings.scaffolder.naming.explanation = Some("Names begin with the team".to_owned());
    let first = open(&bot, "new typescript-service");
    let place = form(send(&bot, &first, &[("name", "shop"), ("owner", "team-payments"), ("database", "none"), ("public", "no")]));
    let field = &place.fields[0];
    assert_eq!(field.value.as_ref().unwrap().as_text(), "team-payments-shop");
    assert_eq!(field.help.as_deref(), Some("In github.com/acme. Names begin with the team."));
    let error = |name: &str| form(send(&bot, &place, &[("repoUrl#repo", name)])).fields[0].error.clone().unwrap();
    assert_eq!(error("Team shop"), "Use letters, digits, -, _ and ., at most 100 of them: team-shop, for instance.");
    assert_eq!(error("Team-Shop"), "Names here follow a rule: write team-shop, for instance.");
    assert_eq!(error("shop"), "Names begin with the team");
}

#[test]
fn templates_are_listed_narrowed_down_and_told_why_they_cannot_be_run() {
    let broken = SERVICE
        .replace("name: typescript-service", "name: old-service")
        .replace("title: TypeScript service", "title: Old service");
    let broken = broken.replace("publish:github", "publish:gitlab");
    let library =
        SERVICE.replace("name: typescript-service", "name: python-library").replace("TypeScript service", "Python library");
    let library = library.replace("[typescript, service]", "[python]");
    let bot = bot_with(shop(), &[SERVICE, &broken, &library]).by("ana.silva");
    check(
        &bot.say("new"),
        expect![[r#"
            2 templates to start from.

            Python library
              An HTTP service with tests, CI and alerts.
            → Start  /new template:default/python-library
            by Team Payments · python

            TypeScript service
              An HTTP service with tests, CI and alerts.
            → Start  /new template:default/typescript-service
            by Team Payments · typescript, service

            One template cannot be run
              - Old service cannot be run: line 35: the action publish:gitlab is not known
                here; did you mean publish:github?
        "#]],
    );
    assert_eq!(bot.refs("new python"), ["template:default/python-library"]);
    check(
        &bot.say("new cobol"),
        expect![[r#"
        No template fits “cobol”. There are 2.

        → All templates  /new
    "#]],
    );
    assert_eq!(open(&bot, "new \"Python library\"").state.subject, "template:default/python-library");
    assert!(bot.say("new old-service").starts_with("Old service cannot be run: line"));
    assert!(!bot.by("kim.lee").say("new").contains("cannot be run"), "others cannot mend it");
}

#[test]
fn who_may_not_run_a_template_does_not_see_it_and_cannot_open_it() {
    let mut bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    assert!(bot.reply("new").cards.iter().any(|card| card.buttons.iter().any(|button| button.label == "Start")));
    bot.app.settings.access.rules.push(steward::settings::AccessRule {
        command: "template:default/typescript-service".to_owned(),
        allow: vec!["group:default/team-ledger".to_owned()],
        approvers: Vec::new(),
    });
    bot.account.id = "nobody".to_owned();
    assert!(
        bot.say("new typescript-service").starts_with("Only Team Ledger may run this template."),
        "{}",
        bot.say("new typescript-service")
    );
    assert!(bot.say("new").starts_with("There is one template, and you cannot run it."), "{}", bot.say("new"));
    bot.app.settings.access.rules.clear();
    let guest = bot.reply("new");
    assert!(guest.cards.iter().all(|card| card.buttons.is_empty()));
    assert!(guest.lead.to_plain().contains("/link"), "{}", guest.lead.to_plain());
}

#[test]
fn the_rule_that_decides_on_a_template_says_who_must_agree() {
    let mut bot = bot_with(shop(), &[SERVICE]).by("kim.lee");
    let rule = |command: &str, approvers: &[&str]| steward::settings::AccessRule {
        command: command.to_owned(),
        allow: vec!["members".to_owned()],
        approvers: approvers.iter().map(|one| (*one).to_owned()).collect(),
    };
    let told = |bot: &Bot| {
        let first = open(bot, "new typescript-service");
        let about = [("name", "shop"), ("owner", "team-payments"), ("database", "none"), ("public", "no")];
        let place = form(send(bot, &first, &about));
        form(send(bot, &place, &[("repoUrl#repo", "shop")])).intro.to_plain()
    };
    assert!(!told(&bot).contains("must agree"));
    bot.app.settings.access.rules = vec![rule("new", &["group:default/team-ledger"])];
    assert!(told(&bot).contains("Team Ledger must agree before it begins."), "{}", told(&bot));
    // One of its own decides alone.
    bot.app.settings.access.rules.push(rule("template:default/typescript-service", &[]));
    assert!(!told(&bot).contains("must agree"));
}

#[test]
fn without_templates_it_says_what_to_do() {
    let bot = shop().bot().by("kim.lee");
    check(
        &bot.say("new"),
        expect![[r#"
        There is no template yet. Write a descriptor of kind Template
        (scaffolder.backstage.io/v1beta3) into any repository that is read: it is found
        by the next sync and stands here.
    "#]],
    );
}

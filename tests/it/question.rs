//! Plain questions as people type them, and the command line each is read as; and talk that is no question.

use steward::{
    chat::{CommandSet, Phrase},
    commands,
};

fn definitions() -> CommandSet {
    commands::load_definitions().unwrap()
}

/// The best reading: its line; `known?` before it where it needs a name that the catalog knows, `this` where it points at something.
fn read(commands: &CommandSet, text: &str) -> String {
    let question = commands.read_question(text);
    match question.sure().or_else(|| question.readings.first()) {
        Some(reading) if reading.if_known => format!("known? {}", reading.line),
        Some(reading) if reading.points => format!("{} this", reading.line),
        Some(reading) => reading.line.clone(),
        None => "-".to_owned(),
    }
}

fn check_table(table: &[(&str, &str)]) {
    let commands = definitions();
    let wrong: Vec<String> = table
        .iter()
        .map(|(text, line)| (text, line, read(&commands, text)))
        .filter(|(_, line, read)| read != **line)
        .map(|(text, line, read)| format!("{text:?}\n    is read as {read}\n    and means  {line}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are misread:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn every_phrase_of_every_command_can_be_read() {
    for command in definitions().0 {
        for phrase in &command.phrases {
            Phrase::parse(phrase, &command).unwrap();
        }
    }
}

#[test]
fn a_phrase_that_names_shared_words_which_are_not_there_says_so() {
    let commands = definitions();
    let owner = commands.find("owner").unwrap();
    let fault = Phrase::parse("who <ownz> {name}", owner).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the phrase \"who <ownz> {name}\" names <ownz>, which commands/phrases/words.yaml does not have"
    );
    assert!(Phrase::parse("who <owns {name}", owner).is_err());
}

#[test]
fn questions_about_who_is_on_call() {
    check_table(&[
        ("who's on call for payments right now", "oncall payments"),
        ("who is on call for payments-api?", "oncall payments-api"),
        ("whos oncall for checkout tonight", "oncall checkout"),
        ("Hey, who's on-call for the ledger service?", "oncall ledger service"),
        ("who is the on call engineer for payments-api", "oncall payments-api"),
        ("who do I page for payments-api", "oncall payments-api"),
        ("who gets paged if ledger goes down", "oncall ledger"),
        ("who has the pager for team-payments", "oncall team-payments"),
        ("on call for checkout please", "oncall checkout"),
        ("who's next on call for checkout?", "oncall checkout"),
        ("show me the on-call schedule of payments", "oncall payments"),
        ("is anyone on call for search?", "oncall search"),
        ("who is payments-api's on-call", "oncall payments-api"),
        ("when does the current on-call shift for payments end?", "oncall payments"),
        ("payments-api oncall", "known? oncall payments-api"),
        ("who is on call?", "oncall"),
        ("who should I wake up for checkout", "oncall checkout"),
    ]);
}

#[test]
fn a_phrase_that_cannot_be_read_says_why() {
    let commands = definitions();
    let fault = |command: &str, phrase: &str| Phrase::parse(phrase, commands.find(command).unwrap()).unwrap_err().to_string();
    assert_eq!(fault("owner", "who (owns {name}"), "the phrase \"who (owns {name}\" opens ( and does not close it");
    assert_eq!(
        fault("owner", "who owns {thing}"),
        "the phrase \"who owns {thing}\" names {thing}, which is no argument of /owner"
    );
    assert_eq!(fault("owner", "who owns name)"), "the phrase \"who owns name)\" closes a bracket that it did not open");
    assert_eq!(fault("link", "tie my account"), "the phrase \"tie my account\" is about a command that takes no name");
}

#[test]
fn who_owns_it() {
    check_table(&[
        ("who owns payments-api?", "owner payments-api"),
        ("Who owns payments-api", "owner payments-api"),
        ("who owns the payments api", "owner payments api"),
        ("WHO OWNS PAYMENTS-API???", "owner PAYMENTS-API"),
        ("hey @steward, whose is the ledger?", "owner ledger"),
        ("<@U0BOT> who owns `payments-api`?", "owner payments-api"),
        ("who owns \u{201c}payments api\u{201d}?", "owner payments api"),
        ("who\u{2019}s the owner of payments-api?", "owner payments-api"),
        ("whos the owner of payments-api", "owner payments-api"),
        ("who's responsible for the checkout service right now?", "owner checkout service"),
        ("hi all, does anyone know who owns image-resizer? thanks!", "owner image-resizer"),
        ("hey team, quick question: who owns fraud-scoring?", "owner fraud-scoring"),
        ("can someone tell me who maintains search-frontend please", "owner search-frontend"),
        ("could you please tell me who owns the ledger repo?", "owner ledger"),
        ("good morning! who is in charge of invoicing?", "owner invoicing"),
        ("sorry, dumb question, who looks after kafka-main these days?", "owner kafka-main"),
        ("which team owns postgres-checkout", "owner postgres-checkout"),
        ("what team is responsible for gift-cards", "owner gift-cards"),
        ("which team does loyalty-service belong to?", "owner loyalty-service"),
        ("whose service is notification-service?", "owner notification-service"),
        ("who do I talk to about accounts?", "owner accounts"),
        ("who should i ask about feature-flags", "owner feature-flags"),
        ("Who can I contact regarding warehouse-sync, please?", "owner warehouse-sync"),
        ("who to ping for label-printer pls", "owner label-printer"),
        ("owner of api-gateway", "owner api-gateway"),
        ("the owner of api-gateway?", "owner api-gateway"),
        ("what's the owning team for eks-prod?", "owner eks-prod"),
        ("payments-api's owner?", "owner payments-api"),
        ("who is payments-api's owner", "owner payments-api"),
        ("what's the slack channel for checkout?", "owner checkout"),
        ("how do i reach the team behind cart", "owner cart"),
        ("how can we contact the owners of currency-rates?", "owner currency-rates"),
        ("where do i report a bug in mobile-bff?", "owner mobile-bff"),
        ("tell me who the owner of mobile-bff is", "owner mobile-bff"),
        ("i need to know who owns observability asap", "owner observability"),
        ("I'm looking for the owner of email-templates", "owner email-templates"),
        ("just wondering who owns experiments", "owner experiments"),
        ("any idea who owns acmectl?", "owner acmectl"),
        ("who the hell owns legacy-sso", "owner legacy-sso"),
        ("who actually owns kafka-ui nowadays?", "owner kafka-ui"),
        ("woh owns payments-api", "owner payments-api"),
        ("who onws payments-api?", "owner payments-api"),
        ("who owns <https://github.com/acme/payments-api|github.com/acme/payments-api>?", "owner github.com/acme/payments-api"),
        ("who owns https://github.com/acme/payments-api?", "owner https://github.com/acme/payments-api"),
        ("who owns component:default/payments-api", "owner component:default/payments-api"),
        ("who owns orders.placed.v1?", "owner orders.placed.v1"),
        ("does catalog-service have an owner", "owner catalog-service"),
        ("is kafka-ui owned by anyone?", "owner kafka-ui"),
        (":wave: hello! who owns cdn? :pray:", "owner cdn"),
        ("who owns cdn 🙏", "owner cdn"),
        ("umm so who built the design-system", "owner design-system"),
        ("who owns payments-api in prod?", "owner payments-api"),
        ("who works on data-warehouse?", "owner data-warehouse"),
        ("who owns this?", "owner this"),
        ("whose is it", "owner this"),
        ("payments-api owner", "known? owner payments-api"),
        ("payments-api?", "known? owner payments-api"),
        ("what is snowflake?", "known? owner snowflake"),
    ]);
}

#[test]
fn what_depends_on_what() {
    check_table(&[
        ("what depends on postgres-checkout-prod", "deps postgres-checkout-prod up"),
        ("What depends on the ledger ?", "deps ledger up"),
        ("who depends on identity-service?", "deps identity-service up"),
        ("which services depend on kafka-main?", "deps kafka-main up"),
        ("does anything depend on mail-relay?", "deps mail-relay up"),
        ("is anyone still relying on legacy-sso", "deps legacy-sso up"),
        ("what breaks if kafka goes down", "deps kafka up"),
        ("what breaks when kafka is down?", "deps kafka up"),
        ("what breaks with redis-cart", "deps redis-cart"),
        ("what would break if vault was gone?", "deps vault up"),
        ("what happens if postgres-payments fails?", "deps postgres-payments up"),
        ("what happens when card-vault goes down?", "deps card-vault up"),
        ("who is affected if snowflake is unavailable", "deps snowflake up"),
        ("what else is affected by vault?", "deps vault up"),
        ("blast radius of kafka-main", "deps kafka-main up"),
        ("what's the blast radius of eks-prod please", "deps eks-prod up"),
        ("show me the consumers of ledger-grpc", "deps ledger-grpc up"),
        ("what needs redis-sessions?", "deps redis-sessions up"),
        ("can I safely restart redis-sessions?", "deps redis-sessions up"),
        ("is it safe to delete lake-raw?", "deps lake-raw up"),
        ("what does checkout need", "deps checkout down"),
        ("what does payments-api depend on?", "deps payments-api down"),
        ("what services does mobile-bff call?", "deps mobile-bff down"),
        ("what can take down checkout", "deps checkout down"),
        ("dependencies of cart", "deps cart"),
        ("show me all dependencies of search-frontend, thanks", "deps search-frontend"),
        ("checkout's dependencies?", "deps checkout"),
        ("waht depends on vault", "deps vault up"),
        ("what depnds on vault", "deps vault up"),
        ("what breaks if it goes down?", "deps up this"),
    ]);
}

#[test]
fn runbooks() {
    check_table(&[
        ("runbook for checkout", "runbook checkout"),
        ("runbook of the ledger", "runbook ledger"),
        ("the runbook for checkout please", "runbook checkout"),
        ("where's the runbook for payments-api?", "runbook payments-api"),
        ("where can I find the runbook for payments-api", "runbook payments-api"),
        ("is there a runbook for cart?", "runbook cart"),
        ("do we have a playbook for kafka-main", "runbook kafka-main"),
        ("can you show me the runbook of inventory", "runbook inventory"),
        ("pls give me the runbook for image-resizer asap!!", "runbook image-resizer"),
        ("I need the runbook for identity-service now", "runbook identity-service"),
        ("show me payments-api's runbook", "runbook payments-api"),
        ("open the payments-api runbook", "runbook payments-api"),
        ("does search-frontend have a runbook?", "runbook search-frontend"),
        ("docs of ledger", "docs ledger"),
        ("where are the docs for loyalty-service?", "docs loyalty-service"),
        ("how do I restart payments-api", "runbook payments-api restart"),
        ("how do we roll back checkout?", "runbook checkout roll back"),
        ("hey, how can i failover postgres-payments right now?", "runbook postgres-payments failover"),
        ("how to redeploy event-collector", "runbook event-collector redeploy"),
        ("how do I restart the payments api", "runbook \"payments api\" restart"),
        ("how do i debug warehouse-sync", "runbook warehouse-sync"),
        ("restart steps for label-printer", "runbook label-printer restart"),
        ("what's the rollback procedure for checkout?", "runbook checkout rollback"),
        ("what do I do when kafka-main is down?", "runbook kafka-main"),
        ("ledger is down, what do we do", "runbook ledger"),
        ("runbok for checkout", "runbook checkout"),
        ("payments-api runbook", "known? runbook payments-api"),
        ("kafka-main is down!", "known? runbook kafka-main"),
    ]);
}

#[test]
fn people_teams_and_what_they_own() {
    check_table(&[
        ("who is Anna", "known? whois Anna"),
        ("who's anna.kowalski?", "known? whois anna.kowalski"),
        ("who is <@U012AB3CD>?", "known? whois <@U012AB3CD>"),
        ("who is in team-payments", "whois team-payments"),
        ("who's in team-payments?", "whois team-payments"),
        ("who is on team checkout", "whois team checkout"),
        ("members of team-search", "whois team-search"),
        ("who are the people in team-risk?", "whois team-risk"),
        ("who leads team-sre?", "whois team-sre"),
        ("who is the lead of team-sre", "whois team-sre"),
        ("what team is Priya on?", "whois Priya"),
        ("does mei.tanaka still work here?", "whois mei.tanaka"),
        ("what's the github login of jonas.weber", "whois jonas.weber"),
        ("what does team-payments own", "whois team-payments"),
        ("which services does team-payments own?", "whois team-payments"),
        ("list services of team checkout", "whois team checkout"),
        ("can you list all the services owned by team-search?", "whois team-search"),
        ("show me everything owned by team-ledger", "whois team-ledger"),
        ("what belongs to team-mobile?", "whois team-mobile"),
        ("how many services does team-platform own?", "whois team-platform"),
    ]);
}

#[test]
fn the_past() {
    check_table(&[
        ("when did the owner of payments-api change", "history payments-api"),
        ("when did payments-api change owner?", "history payments-api"),
        ("when did payments-api's owner change?", "history payments-api"),
        ("who owned ledger before?", "history ledger"),
        ("who used to own kafka-ui", "history kafka-ui"),
        ("previous owner of gift-cards?", "history gift-cards"),
        ("what changed in checkout recently?", "history checkout"),
        ("what happened to legacy-sso?", "history legacy-sso"),
        ("history of payments-api", "history payments-api"),
        ("show me the recent changes to cart", "history cart"),
        ("when was label-printer created?", "history label-printer"),
        ("when did we deprecate payments-v1?", "history payments-v1"),
        ("who changed the owner of invoicing?", "history invoicing"),
    ]);
}

#[test]
fn packages() {
    check_table(&[
        ("who uses log4j-core < 2.17", "uses log4j-core < 2.17"),
        ("who uses log4j-core <2.17?", "uses log4j-core <2.17"),
        ("who uses log4j-core &lt; 2.17", "uses log4j-core < 2.17"),
        ("who still uses lodash?", "uses lodash"),
        ("which services use log4j-core below 2.17", "uses log4j-core <2.17"),
        ("who ships openssl older than 3.0.7?", "uses openssl <3.0.7"),
        ("are we using left-pad?", "uses left-pad"),
        ("are we vulnerable to log4j-core", "uses log4j-core"),
        ("does anyone use npm:@babel/core", "uses npm:@babel/core"),
        ("what components use the package requests?", "uses requests"),
        ("who is on spring-boot version 2.7.1", "uses spring-boot =2.7.1"),
        ("where do we use moment", "uses moment"),
    ]);
}

#[test]
fn searching_and_the_rest() {
    check_table(&[
        ("find me redis", "find redis"),
        ("search for invoices", "find invoices"),
        ("is there a service for gift cards?", "find gift cards"),
        ("do we have a service that handles refunds?", "find refunds"),
        ("anything about loyalty points?", "find loyalty points"),
        ("where is the label printer", "find label printer"),
        ("which service sends emails?", "find emails"),
        ("what can you do?", "help"),
        ("hi! what can you do", "help"),
        ("how does this work?", "help"),
        ("who are you?", "help"),
        ("how do I link my github account", "link"),
        ("what is broken in the catalog?", "catalog"),
        ("how fresh is the catalog", "catalog"),
        ("payments-api has the wrong owner", "report payments-api"),
    ]);
}

#[test]
fn one_question_among_the_lines_of_an_alert() {
    check_table(&[
        (
            "[FIRING:1] HighErrorRate payments-api\nvalue: 12.5 %\nseverity: critical\nwho owns payments-api?",
            "owner payments-api",
        ),
        ("Everything is slow since 3 am.\n\nwhat depends on redis-sessions?\n\nThanks,\nJo", "deps redis-sessions up"),
        ("we see 5xx on checkout. who owns it?", "owner this"),
        ("Hi there. Something is off with the emails. Where is the runbook for mail-relay?", "runbook mail-relay"),
        ("payments-api is throwing 500s, who owns payments-api?", "owner payments-api"),
        ("CPU > 90 % on eks-prod - who owns eks-prod", "owner eks-prod"),
    ]);
}

#[test]
fn talk_is_no_look_up() {
    let commands = definitions();
    for text in [
        "thanks!",
        "thank you so much :tada:",
        "good morning everyone",
        "lol",
        "ok",
        "who is coming to lunch?",
        "who wants coffee?",
        "what time is it?",
        "what are we having for dinner?",
        "how are you?",
        "that depends on what you mean",
        "it depends on the weather",
        "who owns the thing that we talked about yesterday?",
        "I think we should deploy this tomorrow",
        "whoever broke the build owes us cake",
        "why is the sky blue",
        "nice work on the release :rocket:",
        "let's meet at three",
        "can you do me a favour?",
        "no idea what you are talking about",
        "he said he would fix it",
        "the team did great last night",
        "we owned that quarter!",
        "what a day",
        "is it friday yet?",
        "who knows",
        "do you like music",
        "our owner is a cat person",
    ] {
        let question = commands.read_question(text);
        assert_eq!(question.sure(), None, "{text}");
        assert!(commands.parse_line(text).is_err(), "{text}");
    }
}

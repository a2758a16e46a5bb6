//! Single descriptors at addresses: of the configuration, added from chat, and none from inside of the network.

use steward::{
    chat::{Response, Status},
    web::{Get, Web, WebError, check_address},
};
use url::Url;

use crate::{
    bot::{Bot, Places},
    fake_web::{FakeWeb, Page},
};

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

const PLATFORM: &str = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: platform\nspec:\n  type: team\n  \
                        children: []\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: ana\nspec:\n  \
                        memberOf: [platform]\n";

async fn of_targets(web: &FakeWeb, paths: &[&str]) -> Bot {
    let targets = paths.iter().map(|path| web.address(path)).collect();
    Bot::with_places(&[("people", PLATFORM)], Places { targets, ..Places::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn target_is_read_with_what_it_names() {
    let web = FakeWeb::start().await;
    let location =
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  target: ./more/search.yaml\n";
    web.text("/a/catalog-info.yaml", location);
    web.text("/a/more/search.yaml", component("search", "team-a"));
    let bot = of_targets(&web, &["/a/catalog-info.yaml"]).await;
    let summary = bot.sync().await;
    assert_eq!(summary.sources[1].errors, []);
    let answer = bot.say("/owner search").await;
    assert!(answer.contains("team-a") && answer.contains(&web.address("/a/more/search.yaml")), "{answer}");
    assert_eq!(bot.sync().await.sources[1].changed, 0);
    web.text("/a/more/search.yaml", component("search", "team-b"));
    bot.sync().await;
    assert!(bot.say("/owner search").await.contains("team-b"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_that_is_away_keeps_what_it_was_and_says_why() {
    let web = FakeWeb::start().await;
    let address = web.text("/search.yaml", component("search", "team-a"));
    let bot = of_targets(&web, &["/search.yaml"]).await;
    bot.sync().await;
    web.set("/search.yaml", Page::Status(404));
    for _ in 0..2 {
        let summary = bot.sync().await;
        assert_eq!((summary.sources[1].removed, summary.sources[1].failed), (0, false));
        assert_eq!(summary.sources[1].errors.len(), 1);
        assert_eq!(summary.sources[1].errors[0].location, address);
        assert_eq!(summary.sources[1].errors[0].message, "the server says there is no such page (404)");
    }
    let answer = bot.say("/owner search").await;
    assert!(answer.contains("team-a") && answer.contains("no such page"), "{answer}");
    assert!(bot.say("/catalog").await.contains(&address));
    web.text("/search.yaml", component("search", "team-a"));
    assert_eq!(bot.sync().await.sources[1].errors, []);
    let answer = bot.say("/owner search").await;
    assert!(answer.contains("team-a") && !answer.contains("no such page"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptor_is_added_from_chat_and_taken_out_again() {
    let web = FakeWeb::start().await;
    web.text("/first.yaml", component("first", "team-a"));
    let text = format!("{}---\n{}---\nkind: Nothing\n", component("second", "platform"), component("third", "platform"));
    let address = web.text("/second.yaml", text);
    let bot = of_targets(&web, &["/first.yaml"]).await;
    bot.sync().await;
    let said = bot.say_as("ana", &format!("/catalog add {address}")).await;
    assert!(said.contains("You will be told"), "{said}");
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert_eq!(messages[0].lead.to_plain(), format!("{address} is in the catalog: 2 entities were found."));
    assert_eq!(messages[0].refs, ["component:default/second", "component:default/third"]);
    let told = format!("{:?}", messages[0].cards);
    assert!(told.contains("/second.yaml:19: "), "the error is told with its line: {told}");
    assert!(bot.say("/owner second").await.contains("platform"));
    // It is read with every sync from now on.
    web.text("/second.yaml", component("second", "team-c"));
    bot.sync().await;
    assert!(bot.say("/owner second").await.contains("team-c"));
    bot.say_as("ana", &format!("/catalog remove-url {address}")).await;
    let messages = bot.messages(&Bot::conversation("ana"), 2).await;
    assert_eq!(messages[1].lead.to_plain(), format!("{address} is no longer read; 1 entity went with it."));
    assert!(bot.say("/owner second").await.contains("was removed on"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_what_was_never_added_changes_nothing() {
    let bot = Bot::of_descriptors(&[("people", PLATFORM)]).await;
    bot.sync().await;
    bot.say_as("ana", "/catalog remove-url https://example.com/catalog-info.yaml").await;
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert!(messages[0].lead.to_plain().contains("was never added from chat"), "{:?}", messages[0]);
    let sources: Vec<_> = bot.app().catalog.load().parts().sources.keys().cloned().collect();
    assert_eq!(sources, ["acme"], "a source without addresses is none");
    // What is read once in half an hour is not old after some minutes.
    bot.pass(chrono::TimeDelta::minutes(80));
    assert!(!bot.say("/catalog").await.contains("stale"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_no_entity_is_not_added() {
    let web = FakeWeb::start().await;
    web.text("/first.yaml", component("first", "team-a"));
    let address = web.text("/page.html", "<html>\n\tnothing</html>");
    let bot = of_targets(&web, &["/first.yaml"]).await;
    bot.sync().await;
    bot.say_as("ana", &format!("/catalog add {address}")).await;
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert_eq!(messages[0].status, Status::Refused);
    assert!(messages[0].lead.to_plain().contains("was not added: it holds no valid entity"));
    assert!(format!("{:?}", messages[0].cards).contains("line "));
    assert_eq!(bot.app().store.load_locations("extra").await.unwrap(), Vec::<String>::new());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_on_github_is_added_through_the_source_s_connection() {
    let bot = Bot::of_descriptors(&[("people", PLATFORM)]).await;
    bot.github.add_repository("hidden", &[("deep/service.yaml", &component("service", "team-a"))]);
    let summary = bot.sync().await;
    assert_eq!(summary.sources.len(), 1, "the source for addresses is not told of while it is empty");
    let form = bot.open_form("ana", "/catalog add").await;
    let Response::Form(again) = bot.submit("ana", &form, &[("url", "catalog-info.yaml")]).await else { panic!("a form") };
    assert!(again.fields[0].error.as_deref().is_some_and(|error| error.starts_with("That is not an address")));
    let address = "https://github.com/acme/hidden/blob/main/deep/service.yaml";
    let Response::Reply(reply) = bot.submit("ana", &again, &[("url", address)]).await else { panic!("a reply") };
    assert_eq!(reply.status, Status::Answered);
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert_eq!(messages[0].lead.to_plain(), format!("{address} is in the catalog: 1 entity was found."));
    let answer = bot.say("/owner service").await;
    assert!(answer.contains("team-a") && answer.contains(address), "{answer}");
    let Response::Reply(reply) = bot.submit("guest", &form, &[("url", address)]).await else { panic!("a reply") };
    assert_eq!(reply.status, Status::Refused, "a form that was kept opens no door");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_of_the_network_is_not_read() {
    let secret = FakeWeb::start().await;
    secret.text("/meta-data", component("secret", "team-a"));
    let web = FakeWeb::start().await;
    web.text("/first.yaml", component("first", "team-a"));
    web.set("/leads-inside.yaml", Page::LeadsTo(secret.address("/meta-data")));
    let location = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: sly\nspec:\n  targets:\n    - {}\n    - {}\n    - {}\n",
        secret.address("/meta-data"),
        secret.address("/meta-data").replace("127.0.0.1", "localhost"),
        web.address("/leads-inside.yaml"),
    );
    let targets = vec![web.address("/first.yaml")];
    let places = Places { targets, ..Places::default() };
    let bot = Bot::with_places(&[("people", PLATFORM), ("sly", &location)], places).await;
    let summary = bot.sync().await;
    let errors = &summary.sources[0].errors;
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors.iter().all(|error| error.message.contains("inside of the network")), "{errors:?}");
    for line in [secret.address("/meta-data"), "http://169.254.169.254/latest/meta-data".to_owned()] {
        let said = bot.say_as("ana", &format!("/catalog add {line}")).await;
        assert!(said.contains("Nothing was added") && said.contains("inside of the network"), "{said}");
    }
    let said = bot.say("/catalog add https://example.com/catalog-info.yaml").await;
    assert!(said.contains("Only admins"), "{said}");
    assert_eq!(secret.asked(), []);
    bot.halt().await;
}

#[test]
fn addresses_inside_are_known_however_they_are_written() {
    let inside = [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://169.254.169.254/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://x.localhost/",
        "http://metadata.google.internal/",
        "http://intranet/",
        "http://printer.local/",
        "http://user:word@example.com/",
        "http://user@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
    ];
    for address in inside {
        let url: Url = address.parse().unwrap();
        assert!(matches!(check_address(&url), Err(WebError::NotAllowed { .. })), "{address}");
    }
    for address in ["https://example.com/x", "http://93.184.215.14/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"] {
        assert!(check_address(&address.parse().unwrap()).is_ok(), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn name_that_leads_inside_is_refused_when_it_is_looked_up() {
    // No dot ending that is known to be inside, and yet it is: this machine's own name for itself by /etc/hosts or DNS.
    let _provider = FakeWeb::start().await;
    let web = Web::default();
    let url: Url = "http://ip6-localhost.localhost:1/".parse().unwrap();
    let get = Get { url: &url, bearer: None, accept: "*/*", max_bytes: 10 };
    assert!(matches!(web.get(&get).await, Err(WebError::NotAllowed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold() {
    let fake = FakeWeb::start().await;
    let trusted: Url = fake.url.parse().unwrap();
    let web = Web::new([&trusted]);
    let read = async |path: &str, max_bytes: usize| {
        let url: Url = fake.address(path).parse().unwrap();
        web.get(&Get { url: &url, bearer: Some(&"token".into()), accept: "*/*", max_bytes }).await
    };
    fake.set("/long", Page::Long(101));
    assert!(matches!(read("/long", 100).await, Err(WebError::TooLong { max_bytes: 100 })));
    assert_eq!(read("/long", 101).await.unwrap().len(), 101);
    for at in 0..6 {
        fake.set(&format!("/hop{at}"), Page::LeadsTo(format!("/hop{}", at + 1)));
    }
    fake.text("/hop6", "there");
    assert!(matches!(read("/hop0", 100).await, Err(WebError::TooManyRedirects)));
    assert_eq!(read("/hop1", 100).await.unwrap(), b"there");
    fake.set("/broken", Page::Status(503));
    let before = fake.asked().len();
    assert!(matches!(read("/broken", 100).await, Err(WebError::Status { status: 503, .. })));
    assert_eq!(fake.asked().len() - before, 3, "it is tried again");
    let other = FakeWeb::start().await;
    other.text("/page", "elsewhere");
    fake.set("/away", Page::LeadsTo(other.address("/page")));
    let web = Web::new([&trusted, &other.url.parse().unwrap()]);
    let url: Url = fake.address("/away").parse().unwrap();
    let get = Get { url: &url, bearer: Some(&"token".into()), accept: "*/*", max_bytes: 100 };
    assert_eq!(web.get(&get).await.unwrap(), b"elsewhere");
    assert_eq!(fake.asked().last().unwrap().authorization.as_deref(), Some("Bearer token"));
    assert_eq!(other.asked()[0].authorization, None, "the token stays with its host");
}

//! A running Backstage is read for migration: what has a file counts, the rest answers from there and is counted.

use serde_json::{Value, json};

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

/// As Backstage gives it, with what it keeps in it for itself.
fn entity(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": kind,
        "metadata": {
            "namespace": "default", "name": name, "uid": "0d3f", "etag": "e7a1", "generation": 1,
            "annotations": { "backstage.io/managed-by-location": format!("url:https://github.com/acme/{name}/tree/main/catalog-info.yaml") },
        },
        "spec": { "type": "service", "lifecycle": "production", "owner": "team-old", "targets": ["./never-read.yaml"] },
        "relations": [{ "type": "ownedBy", "targetRef": "group:default/team-old", "target": { "kind": "group" } }],
        "status": { "items": [] },
    })
}

async fn with_backstage(web: &FakeWeb) -> Bot {
    let places = Places { backstage: Some(web.url.clone()), ..Places::default() };
    Bot::with_places(&[("basket", &component("basket", "team-new"))], places).await
}

fn serve_pages(web: &FakeWeb, first: &[Value], second: &[Value]) {
    let total = first.len() + second.len();
    let page = json!({ "items": first, "totalItems": total, "pageInfo": { "nextCursor": "abc=" } });
    web.text("/api/catalog/entities/by-query?limit=500", page.to_string());
    let page = json!({ "items": second, "totalItems": total, "pageInfo": { "prevCursor": "x" } });
    web.text("/api/catalog/entities/by-query?limit=500&cursor=abc%3D", page.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_answer_from_there_until_a_file_declares_them() {
    let web = FakeWeb::start().await;
    serve_pages(&web, &[entity("Component", "basket"), entity("Location", "generated-1")], &[entity("Component", "search")]);
    let bot = with_backstage(&web).await;
    let summary = bot.sync().await;
    assert_eq!(summary.sources[1].errors, []);
    assert_eq!(summary.sources[1].entities, 2, "locations are not taken over");
    assert!(web.asked().iter().all(|asked| asked.authorization.as_deref() == Some("Bearer backstage-token")));
    let answer = bot.say("/owner basket").await;
    assert!(answer.contains("team-new") && !answer.contains("claim"), "the file counts, and it is no conflict: {answer}");
    let answer = bot.say("/owner search").await;
    assert!(answer.contains("team-old") && answer.contains("/catalog/default/component/search"), "{answer}");
    assert!(bot.say("/catalog").await.contains("1 entity only in Backstage"));
    assert!(!bot.say("/catalog").await.contains("Claimed by more than one"));
    let told = summary.to_string();
    assert!(told.contains("Only in Backstage, in no file yet: 1 entity (1 Component)\n  component:default/search\n"), "{told}");
    bot.github.add_repository("search", &[("catalog-info.yaml", &component("search", "team-new"))]);
    let summary = bot.sync().await;
    assert!(!summary.to_string().contains("Only in Backstage"));
    assert!(bot.say("/owner search").await.contains("team-new"));
    assert!(!bot.say("/catalog").await.contains("only in Backstage"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_backstage_is_read_by_offset() {
    let web = FakeWeb::start().await;
    let all: Vec<Value> = (0..501).map(|at| entity("Component", &format!("service-{at}"))).collect();
    web.text("/api/catalog/entities?offset=0&limit=500", json!(all[..500]).to_string());
    web.text("/api/catalog/entities?offset=500&limit=500", json!(all[500..]).to_string());
    let bot = with_backstage(&web).await;
    let summary = bot.sync().await;
    assert_eq!((summary.sources[1].entities, summary.sources[1].api_requests.rest), (501, 3));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_lose_nothing() {
    let web = FakeWeb::start().await;
    serve_pages(&web, &[entity("Component", "pay")], &[entity("Component", "search")]);
    let bot = with_backstage(&web).await;
    bot.sync().await;
    let second = "/api/catalog/entities/by-query?limit=500&cursor=abc%3D";
    let empty = json!({ "items": [], "totalItems": 0, "pageInfo": {} }).to_string();
    let short = json!({ "items": [], "totalItems": 2, "pageInfo": {} }).to_string();
    for fault in [Page::Status(500), Page::Status(401), Page::Text("<html>".to_owned()), Page::Text(short)] {
        web.set(second, fault.clone());
        let summary = bot.sync().await;
        let source = &summary.sources[1];
        assert!(source.failed && source.removed == 0 && source.errors.len() == 1, "{fault:?}: {source:?}");
        assert!(bot.say("/owner search").await.contains("team-old"));
    }
    web.text("/api/catalog/entities/by-query?limit=500", empty);
    let summary = bot.sync().await;
    assert!(summary.sources[1].failed && summary.sources[1].errors[0].message.contains("gave no entities"));
    serve_pages(&web, &[entity("Component", "pay")], &[]);
    let summary = bot.sync().await;
    assert_eq!((summary.sources[1].failed, summary.sources[1].removed), (false, 1));
    bot.halt().await;
}

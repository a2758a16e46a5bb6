//! An identity provider that speaks SCIM 2.0.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use steward::people::{ScimConfig, ScimWaits};

use super::*;

const TOKEN: &str = "scim-token";

/// A service with state; it stops when dropped.
struct FakeScim {
    url: String,
    state: Arc<Mutex<Lists>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Lists {
    users: Vec<Value>,
    groups: Vec<Value>,
    /// The most it gives at once, whatever is asked for.
    most: usize,
    faults: Vec<u16>,
    requests: u64,
    /// It counts more than it gives.
    loses: usize,
}

impl FakeScim {
    async fn start(users: Vec<Value>, groups: Vec<Value>) -> Self {
        let state = Arc::new(Mutex::new(Lists { users, groups, most: 50, ..Lists::default() }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, server }
    }

    fn source(&self, token: &str) -> Source {
        let waits = ScimWaits { first: Duration::from_millis(1), announced_second: Duration::from_millis(1) };
        let config = ScimConfig { url: self.url.clone(), token: token.into(), waits };
        let _ = rustls::crypto::ring::default_provider().install_default();
        Source::People(PeopleSource::of_scim("idp".to_owned(), config).unwrap())
    }
}

impl Drop for FakeScim {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Window {
    start_index: usize,
    count: usize,
}

async fn answer(State(state): State<Arc<Mutex<Lists>>>, uri: Uri, Query(window): Query<Window>, headers: HeaderMap) -> Response {
    let mut lists = state.lock().unwrap();
    lists.requests += 1;
    if headers["authorization"] != format!("Bearer {TOKEN}") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(status) = lists.faults.pop() {
        return (StatusCode::from_u16(status).unwrap(), [("retry-after", "2")]).into_response();
    }
    let all = if uri.path() == "/scim/v2/Users" { &lists.users } else { &lists.groups };
    let given = all.len().saturating_sub(lists.loses);
    let resources: Vec<&Value> = all[..given].iter().skip(window.start_index - 1).take(window.count.min(lists.most)).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": all.len(), "startIndex": window.start_index, "itemsPerPage": resources.len(), "Resources": resources,
    });
    ([("content-type", "application/scim+json")], body.to_string()).into_response()
}

fn person(index: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": format!("uuid-{index}"),
        "userName": format!("user{index}@acme.example"),
        "name": { "givenName": "User", "familyName": index.to_string() },
        "active": index != 7,
        "emails": [{ "value": format!("user{index}@acme.example"), "primary": true, "type": "work" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": format!("e{index}"), "manager": { "value": "uuid-0" },
        },
    })
}

async fn service(people: usize) -> FakeScim {
    let members: Vec<Value> = (0..people).map(|index| json!({ "value": format!("uuid-{index}") })).collect();
    let groups = vec![
        json!({ "id": "g1", "displayName": "Payments", "members": members }),
        json!({ "id": "g2", "displayName": "Money", "members": [{ "value": "g1", "type": "Group" }] }),
    ];
    FakeScim::start((0..people).map(person).collect(), groups).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_groups_come_page_by_page_over_faults() {
    let scim = service(230).await;
    scim.state.lock().unwrap().faults = vec![503, 429];
    let parts = read(&scim.source(TOKEN)).await.unwrap();
    assert_eq!(parts.broken, []);
    assert_eq!(scim.state.lock().unwrap().requests, 5 + 1 + 2);
    let catalog = Catalog::build(parts);
    assert_eq!(members(&catalog, "payments").len(), 229, "one has left");
    assert_eq!(catalog.groups_of(&user("e1")), [group("money"), group("payments")]);
    let entity = &catalog.find(&user("e7")).unwrap().entity;
    assert_eq!(steward::catalog::left(entity), Some("yes"));
    assert_eq!((entity.label(), entity.annotation("steward.dev/manager")), ("User 7", Some("user:default/e0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_cut_short_a_wrong_token_and_an_empty_list_change_nothing() {
    let scim = service(60).await;
    scim.state.lock().unwrap().loses = 5;
    let error = read(&scim.source(TOKEN)).await.unwrap_err();
    assert!(error.contains("Users counts 60 and brought 55; nothing was changed"), "{error}");
    let error = read(&scim.source("other")).await.unwrap_err();
    assert!(error.contains("refuses the token") && !error.contains("other"), "{error}");
    let empty = FakeScim::start(Vec::new(), Vec::new()).await;
    assert!(read(&empty.source(TOKEN)).await.unwrap_err().contains("it lists nobody"));
}

//! Some server on the web: pages that can be set, changed and broken, and what was asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::task::JoinHandle;

/// What a page answers.
#[derive(Debug, Clone)]
pub enum Page {
    Text(String),
    Status(u16),
    LeadsTo(String),
    /// So many bytes.
    Long(usize),
    /// To GET alone; HEAD is not known here.
    NoHead,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    pub authorization: Option<String>,
}

#[derive(Default)]
struct Pages {
    pages: HashMap<String, Page>,
    asked: Vec<Asked>,
}

pub struct FakeWeb {
    pub url: String,
    pages: Arc<Mutex<Pages>>,
    server: JoinHandle<()>,
}

impl FakeWeb {
    pub async fn start() -> Self {
        // One of two providers in the tree has to be chosen; production does it in `main`.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pages: Arc<Mutex<Pages>> = Arc::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&pages));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self { url, pages, server }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("no test panics while it holds this lock")
    }

    /// Sets what a path (with its query, if any) answers; gives its address.
    pub fn set(&self, path: &str, page: Page) -> String {
        self.pages().pages.insert(path.to_owned(), page);
        self.address(path)
    }

    pub fn text(&self, path: &str, text: impl Into<String>) -> String {
        self.set(path, Page::Text(text.into()))
    }

    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.pages().asked.clone()
    }
}

impl Drop for FakeWeb {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(pages): State<Arc<Mutex<Pages>>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let is_head = request.method() == axum::http::Method::HEAD;
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut pages = pages.lock().expect("no test panics while it holds this lock");
    pages.asked.push(Asked { path: path.clone(), authorization });
    match pages.pages.get(&path) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Page::Text(text)) => text.clone().into_response(),
        Some(Page::Status(status)) => StatusCode::from_u16(*status).expect("a status").into_response(),
        Some(Page::LeadsTo(to)) => (StatusCode::FOUND, [("location", to.clone())]).into_response(),
        Some(Page::NoHead) if is_head => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Some(Page::NoHead) => "here".into_response(),
        Some(Page::Long(length)) => "a".repeat(*length).into_response(),
    }
}

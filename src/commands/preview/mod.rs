//! What is shown below an address that somebody posts: of a repository, who owns what is in it.
//! Must not wait for anything: a preview that comes late is no help.

use crate::{
    app::App,
    catalog::{Catalog, Entry},
    chat::{Account, Act, Place, Reply, Request, Response, Status},
};

/// The addresses of which something is known, each as it was written, with what is shown below it.
pub async fn preview(app: &App, account: &Account, place: Option<&Place>, urls: &[String]) -> Vec<(String, Reply)> {
    let catalog = app.catalog.load();
    let mut previews = Vec::new();
    for url in urls {
        let Some(entry) = entry_at(&catalog, url) else { continue };
        let act = Act::Say { line: format!("owner {}", entry.entity.entity_ref) };
        let request = Request { account: account.clone(), place: place.cloned(), act, delivery: None };
        if let Response::Reply(reply) = super::respond(app, request).await
            && reply.status == Status::Answered
        {
            // Buttons of a preview would be pressed by people who asked for nothing.
            previews.push((url.clone(), Reply { buttons: Vec::new(), ..reply }));
        }
    }
    previews
}

/// The first entity of the repository that the address leads into.
fn entry_at<'a>(catalog: &'a Catalog, url: &str) -> Option<&'a Entry> {
    let url = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let leads_into = |repository: &str| {
        let repository = repository.trim_end_matches('/').trim_end_matches(".git");
        url.get(..repository.len()).is_some_and(|start| start.eq_ignore_ascii_case(repository))
            && matches!(url.as_bytes().get(repository.len()), None | Some(b'/'))
    };
    let entries = catalog.entries().iter().map(AsRef::as_ref);
    entries.into_iter().find(|entry: &&Entry| entry.origin.repository_url.as_deref().is_some_and(leads_into))
}

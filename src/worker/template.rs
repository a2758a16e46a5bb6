//! Templates are read when they are loaded, not when somebody wants to use one: what cannot be run is known before.
//! Must not judge one: `template` does.

use std::sync::Arc;

use tracing::warn;

use super::Worker;
use crate::{
    store::{StoreError, StoredTemplate},
    template::shelf::{Shelf, Shelved},
};

impl Worker {
    /// Reads the templates that have changed, once the catalog has.
    pub(super) async fn follow_templates(&self) -> Result<(), StoreError> {
        let catalog = self.app.catalog.load();
        let this = Some((catalog.parts().database.clone(), catalog.version()));
        if *self.templates_of.lock().expect("nothing panics while it holds this lock") == this {
            return Ok(());
        }
        // Two files may declare one template: the catalog knows which of them counts.
        let counts = |stored: &StoredTemplate| {
            catalog.find(&stored.entity_ref).is_some_and(|entry| {
                let origin = &entry.origin;
                *origin.source == *stored.source && origin.repository_id == stored.repository_id && *origin.path == *stored.path
            })
        };
        let stored = self.app.store.load_templates().await?;
        let before = self.app.live.templates();
        let read = |stored: StoredTemplate| match before.find(&stored.entity_ref) {
            Some(known) if known.document == stored.document && known.text == stored.text => Arc::clone(known),
            Some(_) | None => Arc::new(Shelved::read(stored.entity_ref, stored.document, stored.text)),
        };
        let shelf = tokio::task::block_in_place(|| Shelf::new(stored.into_iter().filter(counts).map(read)));
        for shelved in shelf.iter() {
            let Err(refusals) = &shelved.read else { continue };
            let is_known = before.find(&shelved.entity_ref).is_some_and(|known| known.read.as_ref().err() == Some(refusals));
            if let Some(first) = refusals.first().filter(|_| !is_known) {
                let (template, refusal) = (shelved.entity_ref.as_str(), first.to_string());
                warn!(template, refusal, "a template cannot be run");
            }
        }
        let all = shelf.iter().count();
        let refused = shelf.iter().filter(|shelved| shelved.read.is_err()).count();
        metrics::gauge!("steward_templates").set(all as f64);
        metrics::gauge!("steward_templates_refused").set(refused as f64);
        self.app.live.set_templates(shelf);
        *self.templates_of.lock().expect("nothing panics while it holds this lock") = this;
        Ok(())
    }
}

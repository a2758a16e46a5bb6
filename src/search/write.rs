//! Keeps the index current: compares catalogs, replaces what differs, commits at once so that readers never see a gap.
//! Must not ask the store: documents are handed in.

use std::{collections::HashSet, sync::Arc};

use tantivy::{Index, IndexWriter, Term, directory::MmapDirectory, schema::Schema};

use super::{Open, SearchError, SearchIndex, State, fields::Fields, open_folder, passage::passages};
use crate::catalog::{Catalog, Entry, Page, RelationType, Runbook, wants::is_mkdocs};

/// What the writer may hold in memory before it writes a segment; the library's least.
const WRITER_BYTES: usize = 15_000_000;

/// What writes, and of which catalog the index is.
pub(super) struct Writing {
    fields: Fields,
    index: Index,
    writer: IndexWriter,
    /// What was committed; `None`: everything has to be indexed.
    indexed: Option<Arc<Catalog>>,
    /// The version up to which documents of the store are in the index.
    documents: Option<i64>,
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("documents", &self.documents).finish_non_exhaustive()
    }
}

/// Which documents the store has to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedDocuments {
    All,
    /// Of repositories that changed after this version.
    After(i64),
}

/// Whether the store brought what was wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    Complete,
    Missing,
}

impl SearchIndex {
    /// Takes over what differs in this catalog, without making it visible; says which documents belong to it.
    ///
    /// Blocks for as long as indexing takes.
    pub fn begin(&self, catalog: &Arc<Catalog>) -> Result<WantedDocuments, SearchError> {
        let mut writing = self.lock();
        if writing.is_none() {
            *writing = Some(self.start(catalog)?);
        }
        let writing = writing.as_mut().expect("it was just set");
        let is_same_database =
            |former: &Catalog| former.parts().database == catalog.parts().database && former.version() <= catalog.version();
        let former = writing.indexed.take().filter(|former| is_same_database(former));
        match former {
            Some(former) => {
                writing.change(&former, catalog)?;
                writing.indexed = Some(former);
            }
            None => {
                writing.writer.delete_all_documents()?;
                writing.documents = None;
                writing.add_all(catalog)?;
            }
        }
        Ok(writing.documents.map_or(WantedDocuments::All, WantedDocuments::After))
    }

    /// Forgets the pages of these repositories; those that are there come by [`SearchIndex::add_documents`].
    pub fn drop_documents(&self, repositories: &[(String, i64)]) {
        if let Some(writing) = self.lock().as_mut() {
            for (source, id) in repositories {
                let group = format!("doc|{}", repository_key(source, *id));
                writing.writer.delete_term(Term::from_field_text(writing.fields.group, &group));
            }
        }
    }

    pub fn add_documents(&self, pages: &[Page]) -> Result<(), SearchError> {
        let mut writing = self.lock();
        let Some(writing) = writing.as_mut() else { return Ok(()) };
        for page in pages {
            let group = format!("doc|{}", repository_key(&page.source, page.repository_id));
            writing.add_passages(page, false, &group)?;
        }
        Ok(())
    }

    /// Makes all that was taken over visible at once.
    pub fn commit(&self, catalog: &Arc<Catalog>, documents: Documents) -> Result<(), SearchError> {
        let mut writing = self.lock();
        let Some(writing) = writing.as_mut() else { return Ok(()) };
        let mut prepared = writing.writer.prepare_commit()?;
        let documents = match documents {
            Documents::Complete => Some(catalog.version()),
            Documents::Missing => writing.documents,
        };
        let state = State::of(catalog, documents);
        prepared.set_payload(&serde_json::to_string(&state).expect("plain values become JSON"));
        prepared.commit()?;
        writing.indexed = Some(Arc::clone(catalog));
        writing.documents = documents;
        match &*self.open.load() {
            Some(open) if open.fields.schema == writing.fields.schema => open.reader.reload()?,
            Some(_) | None => self.open.store(Some(Open::new(&writing.index)?.into())),
        }
        Ok(())
    }

    /// The index of a catalog that no store stands behind, ready when this returns.
    pub fn build(&self, catalog: &Arc<Catalog>) -> Result<(), SearchError> {
        self.begin(catalog)?;
        let pages = catalog.parts().pages.iter().filter(|page| is_markdown(&page.origin.path) || is_mkdocs(&page.origin.path));
        let pages: Vec<Page> = pages.map(|page| Page::from(&**page)).collect();
        self.add_documents(&pages)?;
        self.commit(catalog, Documents::Complete)
    }

    /// Opens for writing what is there, if it is of this very catalog; else begins anew, while what is open goes on being
    /// searched.
    fn start(&self, catalog: &Arc<Catalog>) -> Result<Writing, SearchError> {
        let fields = Fields::new();
        let Some(folder) = &self.folder else {
            return Writing::new(Index::create_in_ram(fields.schema.clone()), fields);
        };
        let found = if folder.exists() { open_folder(folder).ok().flatten() } else { None };
        let (index, state) = match found {
            Some(found) => found,
            None => {
                self.open.store(None);
                if folder.exists() {
                    std::fs::remove_dir_all(folder)?;
                }
                std::fs::create_dir_all(folder)?;
                (create(folder, &fields.schema)?, State::default())
            }
        };
        let mut writing = Writing::new(index, fields)?;
        if state == State::of(catalog, state.documents) && state.version > 0 {
            writing.indexed = Some(Arc::clone(catalog));
            writing.documents = state.documents;
        }
        // Searches see one index, whichever was open before.
        if writing.index.load_metas()?.payload.is_some() {
            self.open.store(Some(Open::new(&writing.index)?.into()));
        }
        Ok(writing)
    }
}

fn create(folder: &std::path::Path, schema: &Schema) -> Result<Index, SearchError> {
    let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    Ok(Index::create(directory, schema.clone(), tantivy::IndexSettings::default())?)
}

impl Writing {
    fn new(index: Index, fields: Fields) -> Result<Self, SearchError> {
        // One thread: answers need the processors more.
        let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        Ok(Self { fields, index, writer, indexed: None, documents: None })
    }

    fn add_all(&self, catalog: &Catalog) -> Result<(), SearchError> {
        for entry in catalog.entries() {
            self.writer.add_document(self.fields.entity_document(catalog, entry))?;
        }
        for runbook in &catalog.parts().runbooks {
            self.add_passages(&Page::from(&**runbook), true, &runbook_group(runbook))?;
        }
        Ok(())
    }

    fn change(&self, former: &Catalog, catalog: &Catalog) -> Result<(), SearchError> {
        let mut again: HashSet<&str> = HashSet::new();
        let (gone, fresh) = differences(former.entries(), catalog.entries());
        for entry in &gone {
            self.writer.delete_term(Term::from_field_text(self.fields.entity, entry.entity.entity_ref.as_str()));
        }
        for entry in &fresh {
            self.writer.add_document(self.fields.entity_document(catalog, entry))?;
            again.insert(entry.entity.entity_ref.as_str());
        }
        // What an owner or a system is called is searched for among what it owns.
        let renamed = gone.iter().chain(&fresh).map(|entry| &entry.entity.entity_ref);
        let renamed = renamed.filter(|changed| {
            let label = |catalog: &Catalog| catalog.find(changed).map(|entry| entry.entity.label().to_owned());
            label(former) != label(catalog)
        });
        for owner in renamed {
            for target in [RelationType::OwnerOf, RelationType::HasPart].into_iter().flat_map(|edge| catalog.related(owner, edge))
            {
                let Some(entry) = catalog.find(&target) else { continue };
                if again.insert(entry.entity.entity_ref.as_str()) {
                    self.writer.delete_term(Term::from_field_text(self.fields.entity, target.as_str()));
                    self.writer.add_document(self.fields.entity_document(catalog, entry))?;
                }
            }
        }
        let former_runbooks: HashSet<*const Runbook> = former.parts().runbooks.iter().map(Arc::as_ptr).collect();
        let runbooks: HashSet<*const Runbook> = catalog.parts().runbooks.iter().map(Arc::as_ptr).collect();
        for runbook in former.parts().runbooks.iter().filter(|runbook| !runbooks.contains(&Arc::as_ptr(runbook))) {
            self.writer.delete_term(Term::from_field_text(self.fields.group, &runbook_group(runbook)));
        }
        for runbook in catalog.parts().runbooks.iter().filter(|runbook| !former_runbooks.contains(&Arc::as_ptr(runbook))) {
            self.add_passages(&Page::from(&**runbook), true, &runbook_group(runbook))?;
        }
        Ok(())
    }

    fn add_passages(&self, page: &Page, is_runbook: bool, group: &str) -> Result<(), SearchError> {
        let repository = repository_key(&page.source, page.repository_id);
        for passage in passages(page, is_runbook) {
            self.writer.add_document(self.fields.passage_document(&repository, group, &passage))?;
        }
        Ok(())
    }
}

/// What went or changed, as it was, and what came or changed, as it is. Both are sorted by reference.
fn differences<'a>(former: &'a [Arc<Entry>], new: &'a [Arc<Entry>]) -> (Vec<&'a Entry>, Vec<&'a Entry>) {
    let (mut gone, mut fresh): (Vec<&Entry>, Vec<&Entry>) = (Vec::new(), Vec::new());
    let (mut old_at, mut new_at) = (0, 0);
    while old_at < former.len() || new_at < new.len() {
        let order = match (former.get(old_at), new.get(new_at)) {
            (Some(old), Some(this)) if Arc::ptr_eq(old, this) => std::cmp::Ordering::Equal,
            (Some(old), Some(this)) => old.entity.entity_ref.cmp(&this.entity.entity_ref),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, _) => std::cmp::Ordering::Greater,
        };
        let is_same = order.is_eq() && (Arc::ptr_eq(&former[old_at], &new[new_at]) || former[old_at] == new[new_at]);
        if order.is_le() {
            gone.extend((!is_same).then(|| &*former[old_at]));
            old_at += 1;
        }
        if order.is_ge() {
            fresh.extend((!is_same).then(|| &*new[new_at]));
            new_at += 1;
        }
    }
    (gone, fresh)
}

/// What names the pages and their order is no page.
fn is_markdown(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".md")
}

pub(super) fn repository_key(source: &str, id: i64) -> String {
    format!("{source}|{id}")
}

fn runbook_group(runbook: &Runbook) -> String {
    format!("runbook|{}|{}", repository_key(&runbook.origin.source, runbook.origin.repository_id), runbook.origin.path)
}

//! The sample organisation read from its folder, for tests that need nothing but its catalog.

use std::path::Path;

use steward::{
    catalog::{Catalog, kinds::CustomKinds},
    directory::DirectorySource,
    settings::catalog_paths,
    sync::{Elsewhere, Source, read_without_store},
};

use crate::world::now;

/// As a first sync of a folder would give it. The addresses of its repositories are those of `github.com/acme`.
pub fn sample_catalog() -> Catalog {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org");
    let directory = DirectorySource { path, catalog_paths: catalog_paths(), layout: Default::default() };
    let source = Source::Directory { id: "acme".to_owned(), directory };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (kinds, elsewhere) = (CustomKinds::default(), Elsewhere::default());
    let read = read_without_store(&source, &kinds, &elsewhere, now());
    let mut parts = runtime.block_on(read).unwrap();
    for claim in &mut parts.claims {
        let mut entry = (**claim).clone();
        let name = entry.origin.repository.rsplit('/').next().unwrap_or_default().to_owned();
        entry.origin.repository = format!("acme/{name}").into();
        entry.origin.repository_url = Some(format!("https://github.com/acme/{name}").into());
        *claim = entry.into();
    }
    Catalog::build(parts)
}

//! Real descriptors and templates with Backstage's verdicts: beside the checkout, or in `STEWARD_CORPUS`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use steward::catalog::{
    address::{is_address, join_path},
    descriptor::NoValue,
};

/// `None`, and a line that says so, where it is not at hand.
pub fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("STEWARD_CORPUS").map_or(beside, PathBuf::from);
    if !corpus.is_dir() {
        println!("skipped: corpus not beside the checkout");
        return None;
    }
    Some(corpus)
}

/// A table of it, without its header.
pub fn rows(corpus: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(corpus.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The files that placeholders name.
pub struct Values {
    /// By repository and path.
    by_path: HashMap<(String, String), Vec<u8>>,
    by_address: HashMap<String, Vec<u8>>,
}

impl Values {
    pub fn load(corpus: &Path) -> Self {
        let (mut by_path, mut by_address) = (HashMap::new(), HashMap::new());
        for row in rows(corpus, "PLACEHOLDERS.tsv") {
            let value = fs::read(corpus.join(&row[0])).unwrap();
            by_path.insert((row[1].clone(), row[2].clone()), value.clone());
            by_address.insert(row[4].clone(), value);
        }
        Self { by_path, by_address }
    }

    /// What `target` means in a descriptor at `path` of a repository.
    pub fn read(&self, repository: &str, path: &str, target: &str) -> Result<&[u8], NoValue> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = if is_address(target) {
            self.by_address.get(target)
        } else {
            let path = join_path(folder, target).map_err(NoValue::Absent)?;
            self.by_path.get(&(repository.to_owned(), path))
        };
        found.map(Vec::as_slice).ok_or_else(|| NoValue::Absent("not at hand".to_owned()))
    }
}

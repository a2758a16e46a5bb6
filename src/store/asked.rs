//! What is asked for often, on disk: of this replica, and not worth a row for each answer.
//! Must not know what is counted.

use std::{io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use super::catalog::replace_file;

const ASKED_FILE: &str = "asked.json";

/// Reads what was counted. `None` where there is none or it is damaged.
pub fn load_asked_from_disk<T: DeserializeOwned>(data_dir: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(data_dir.join(ASKED_FILE)).ok()?).ok()
}

/// Writes what was counted.
pub fn save_asked_to_disk<T: Serialize>(data_dir: &Path, asked: &T) -> io::Result<()> {
    replace_file(data_dir, ASKED_FILE, |file| serde_json::to_writer(file, asked).map_err(io::Error::other))
}

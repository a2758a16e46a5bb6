//! The files of a folder that the configuration names, as texts. Must not know what they mean.

use std::{io, path::Path};

/// Files that are read; more is not a folder of commands.
const MOST_FILES: usize = 200;

/// The longest file that is read.
const MOST_BYTES: u64 = 64 * 1024;

/// One YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// The folder as it was named, and the file in it.
    pub name: String,
    /// Or why it cannot be read.
    pub text: Result<String, String>,
}

/// Reads the YAML files that lie in a folder, by name; folders in it and hidden files are left alone.
pub fn read_yaml_folder(folder: &Path) -> io::Result<Vec<FolderFile>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_yaml && !is_hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    paths.truncate(MOST_FILES);
    let read = |path: &Path| match std::fs::metadata(path) {
        Ok(facts) if facts.len() > MOST_BYTES => Err(format!("the file is longer than {MOST_BYTES} bytes")),
        Ok(_) => std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}")),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    Ok(paths.iter().map(|path| FolderFile { name: path.display().to_string(), text: read(path) }).collect())
}

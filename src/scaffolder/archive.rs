//! Workspaces as one packed file, and repositories as GitHub packs them. What is unpacked passes the workspace's own rules:
//! nothing lands outside, no link leads out.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tar::{Archive, Builder, EntryType, Header};

use crate::template::workspace::{Kind, MAX_BYTES, MAX_FILES, Workspace, list, mode_of};

/// What is kept of one run in the database.
const MOST_PACKED_BYTES: usize = 50 * 1024 * 1024;

/// Packs everything in a folder.
pub(super) fn pack(folder: &Path) -> Result<Vec<u8>, String> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let told = |error: std::io::Error| format!("the workspace cannot be kept: {error}");
    for entry in list(folder).map_err(|error| error.to_string())? {
        let place = folder.join(&entry.path);
        let metadata = fs::symlink_metadata(&place).map_err(told)?;
        let mut header = Header::new_gnu();
        header.set_mode(mode_of(&metadata).unwrap_or(0o644) & 0o777);
        header.set_size(0);
        match entry.kind {
            Kind::Folder => {
                header.set_entry_type(EntryType::Directory);
                archive.append_data(&mut header, &entry.path, std::io::empty()).map_err(told)?;
            }
            Kind::Link => {
                header.set_entry_type(EntryType::Symlink);
                let target = fs::read_link(&place).map_err(told)?;
                archive.append_link(&mut header, &entry.path, target).map_err(told)?;
            }
            Kind::File => {
                header.set_size(metadata.len());
                archive.append_data(&mut header, &entry.path, fs::File::open(&place).map_err(told)?).map_err(told)?;
            }
        }
    }
    let mut packer = archive.into_inner().map_err(told)?;
    packer.flush().map_err(told)?;
    let packed = packer.finish().map_err(told)?;
    if packed.len() > MOST_PACKED_BYTES {
        return Err(format!("the workspace is too large to be kept: more than {} MiB packed", MOST_PACKED_BYTES / 1024 / 1024));
    }
    Ok(packed)
}

/// Which part of an archive is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Whole,
    /// What lies at this path, below the one folder that GitHub puts around everything.
    Of(&'a str),
}

/// Unpacks into a folder that is there and empty.
pub(super) fn unpack(packed: &[u8], folder: &Path, part: Part<'_>) -> Result<(), String> {
    let workspace = Workspace::open(folder).map_err(|error| error.to_string())?;
    let broken = |error: std::io::Error| format!("the archive cannot be read: {error}");
    // A few bytes can unfold to any length; what is not wanted is read past too.
    let bytes = GzDecoder::new(packed).take(MAX_BYTES * 20);
    let mut archive = Archive::new(bytes);
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        if number > MAX_FILES * 20 {
            return Err(format!("the archive holds more than {} files", MAX_FILES * 20));
        }
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        let path = match part {
            Part::Whole => path.as_str(),
            Part::Of(wanted) => {
                let Some((_, inner)) = path.split_once('/') else { continue };
                if !is_within(inner, wanted) {
                    continue;
                }
                inner
            }
        };
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            continue;
        }
        let told = |error: crate::template::workspace::WorkspaceError| error.to_string();
        match entry.header().entry_type() {
            EntryType::Directory => workspace.make_folder(path).map_err(told)?,
            EntryType::Symlink => {
                let target = entry.link_name().map_err(broken)?.map(|target| target.to_string_lossy().into_owned());
                // A link that leads out is nothing of a skeleton; the others may still be wanted.
                let linked = workspace.link(path, &target.unwrap_or_default());
                if let (Err(error), Part::Whole) = (linked, part) {
                    return Err(error.to_string());
                }
            }
            EntryType::Regular => {
                if entry.size() > MAX_BYTES {
                    return Err(format!("{path} is longer than {} MiB", MAX_BYTES / 1024 / 1024));
                }
                let mode = entry.header().mode().ok();
                let mut contents = Vec::new();
                entry.read_to_end(&mut contents).map_err(broken)?;
                workspace.write(path, &contents, mode).map_err(told)?;
            }
            // Hard links, devices and notes of the packer.
            _ => {}
        }
    }
    Ok(())
}

fn is_within(path: &str, wanted: &str) -> bool {
    wanted.is_empty() || path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

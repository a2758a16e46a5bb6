//! Who is on call, kept on disk: it answers after a restart, and while the provider is away.

use std::{io, path::Path};

use super::catalog::replace_file;
use crate::catalog::live::OnCall;

/// Small and rewritten every minute, so it has a file of its own.
const FILE: &str = "on_call.json";

/// What the last process knew; `None` where there is nothing, or nothing that can be read.
pub fn load_on_call_from_disk(data_dir: &Path) -> Option<OnCall> {
    let text = std::fs::read(data_dir.join(FILE)).ok()?;
    let read = serde_json::from_slice(&text);
    read.inspect_err(|error| tracing::warn!(%error, file = FILE, "the copy on disk cannot be read; who is on call is asked anew"))
        .ok()
}

pub fn save_on_call_to_disk(data_dir: &Path, on_call: &OnCall) -> io::Result<()> {
    replace_file(data_dir, FILE, |file| serde_json::to_writer(file, on_call).map_err(io::Error::other))
}

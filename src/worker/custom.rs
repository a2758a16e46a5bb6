//! Keeps the organisation's own commands as their files say, without a restart.
//! Must not judge a file: `commands::custom` does.

use std::{path::PathBuf, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Worker;
use crate::{
    commands::custom,
    settings::{FolderFile, read_yaml_folder},
};

/// How soon a changed file counts. Contents are compared: a clock of a mounted folder may be anything.
const LOOK_EVERY: Duration = Duration::from_secs(3);

impl Worker {
    /// Looks at the folder until told to stop.
    pub async fn keep_own_commands(&self, stop: &CancellationToken) {
        let Some(folder) = self.app.settings.custom_commands.clone() else { return };
        let mut known: Option<Result<Vec<FolderFile>, String>> = None;
        loop {
            let read = read(folder.clone()).await;
            if known.as_ref() != Some(&read) {
                self.take_own_commands(&folder, &read, known.is_some());
                known = Some(read);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn take_own_commands(&self, folder: &std::path::Path, read: &Result<Vec<FolderFile>, String>, is_change: bool) {
        let files = match read {
            Ok(files) => files,
            Err(fault) => {
                warn!(folder = %folder.display(), fault, "custom_commands cannot be read; what was known before goes on");
                return;
            }
        };
        let commands = custom::load(&self.app.commands, files);
        for fault in &commands.faults {
            warn!(file = fault.file, line = fault.line, fault = fault.message, "a command of your own cannot be used");
        }
        if is_change {
            info!(commands = commands.commands.len(), faults = commands.faults.len(), "your own commands were read again");
        }
        self.app.live.set_custom(commands);
    }
}

async fn read(folder: PathBuf) -> Result<Vec<FolderFile>, String> {
    let read = tokio::task::spawn_blocking(move || read_yaml_folder(&folder)).await;
    match read {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

//! What stands beside the catalog and is followed with it: teams of conversations, and names asked for in vain.
//! Must not fail the following of the catalog for a fault of its own.

use tracing::{error, warn};

use super::Worker;
use crate::{
    commands::catalog::gaps,
    store::{StoreError, save_channels_to_disk},
};

impl Worker {
    /// Brings memory up to what is stored, and stores what memory has counted.
    pub(super) async fn follow_beside(&self) -> Result<(), StoreError> {
        self.follow_channels().await.or_else(|fault| past(fault, "teams of channels"))?;
        self.follow_templates().await.or_else(|fault| past(fault, "templates"))?;
        self.follow_undescribed().await.or_else(|fault| past(fault, "repositories without a descriptor"))?;
        gaps::flush(&self.app).await.or_else(|fault| past(fault, "names asked for in vain"))
    }

    async fn follow_channels(&self) -> Result<(), StoreError> {
        let channels = self.app.store.load_channel_teams().await?;
        if channels == *self.app.live.load().channels {
            return Ok(());
        }
        if let Err(fault) = save_channels_to_disk(&self.app.settings.data_dir, &channels) {
            warn!(error = %fault, "teams of channels could not be kept on disk");
        }
        self.app.live.set_channels(channels);
        Ok(())
    }
}

/// A database that is away concerns everything; a fault in here does not.
pub(super) fn past(fault: StoreError, what: &str) -> Result<(), StoreError> {
    match fault {
        StoreError::Away(_) | StoreError::Claimed => Err(fault),
        StoreError::Failed(fault) => {
            error!(fault = format!("{fault:#}"), "{what} could not be followed");
            Ok(())
        }
    }
}

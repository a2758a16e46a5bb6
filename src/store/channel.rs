//! Which team a conversation belongs to, as people said in chat; also on disk, for a start without the database.
//! Must not decide what a command means there.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{AuditEntry, Store, StoreError, action::insert_audit, follow::CHANNELS, sync::parse_ref};
use crate::catalog::{EntityRef, live::ChannelTeams};

/// More are not read: every conversation of a large company with its team is a tenth of it.
const MOST_CHANNELS: i64 = 50_000;

/// The copy's name in the data folder.
const ON_DISK: &str = "channels.json";

/// One row, as it is kept on disk.
#[derive(Debug, Serialize, Deserialize)]
struct OnDisk {
    platform: String,
    channel_id: String,
    team: String,
}

/// What a conversation shall mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSetting {
    pub platform: String,
    pub channel_id: String,
    pub channel_name: Option<String>,
    /// `None` takes the setting away.
    pub team: Option<EntityRef>,
}

impl Store {
    /// Writes the team of a conversation with the audit line, and tells every replica.
    pub async fn set_channel_team(&self, audit: AuditEntry, setting: &ChannelSetting) -> Result<(), StoreError> {
        let ChannelSetting { platform, channel_id, channel_name, team } = setting;
        let mut transaction = self.begin().await?;
        let audit_id = insert_audit(&mut transaction, &audit).await?;
        sqlx::query!("update audit set result = 'done', ended_at = at where id = $1", audit_id)
            .execute(&mut *transaction)
            .await?;
        match team {
            Some(team) => {
                sqlx::query!(
                    "insert into channel_teams (platform, channel_id, channel_name, team, set_at) values ($1, $2, $3, $4, $5)
                     on conflict (platform, channel_id) do update set
                        channel_name = excluded.channel_name, team = excluded.team, set_at = excluded.set_at",
                    platform,
                    channel_id,
                    channel_name.as_deref(),
                    team.as_str(),
                    audit.at
                )
                .execute(&mut *transaction)
                .await?;
            }
            None => {
                sqlx::query!("delete from channel_teams where platform = $1 and channel_id = $2", platform, channel_id)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        sqlx::query!("select pg_notify($1, '')", CHANNELS).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// All that was said.
    pub async fn load_channel_teams(&self) -> Result<ChannelTeams, StoreError> {
        let rows = sqlx::query!(
            "select platform, channel_id, team from channel_teams order by set_at desc, platform, channel_id limit $1",
            MOST_CHANNELS
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let teams = rows.into_iter().map(|row| ((row.platform, row.channel_id), parse_ref(&row.team)));
        Ok(ChannelTeams { teams: teams.collect() })
    }
}

/// Keeps a copy beside the snapshot. Replaced whole, so that a cut-short write leaves the old one.
pub fn save_channels_to_disk(data_dir: &Path, channels: &ChannelTeams) -> std::io::Result<()> {
    let rows = channels.teams.iter().map(|((platform, channel_id), team)| OnDisk {
        platform: platform.clone(),
        channel_id: channel_id.clone(),
        team: team.to_string(),
    });
    let rows: Vec<OnDisk> = rows.collect();
    let text = serde_json::to_vec(&rows).expect("texts are JSON");
    let next = data_dir.join(format!("{ON_DISK}.next"));
    std::fs::write(&next, text)?;
    std::fs::rename(next, data_dir.join(ON_DISK))
}

/// The copy on disk; none where there is none or it cannot be read.
pub fn load_channels_from_disk(data_dir: &Path) -> ChannelTeams {
    let rows: Option<Vec<OnDisk>> =
        std::fs::read(data_dir.join(ON_DISK)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let teams = rows.unwrap_or_default().into_iter().filter_map(|row| {
        let team = EntityRef::parse(&row.team, Some("group"), "default").ok()?;
        Some(((row.platform, row.channel_id), team))
    });
    ChannelTeams { teams: teams.collect() }
}

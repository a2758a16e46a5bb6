//! Incidents and postmortems that people attached to entities.
//! Must not decide who may.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::catalog::EntityRef;

/// An entity's history shows so many; the newest.
const SHOWN: i64 = 20;

/// A link that somebody attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewIncident {
    /// `component:default/payments-api`.
    pub entity: String,
    pub url: String,
    pub title: String,
    pub is_postmortem: bool,
    pub state: IncidentState,
    pub at: DateTime<Utc>,
    /// Reference of the person, or the chat account's name.
    pub by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    Open,
    Closed,
}

impl IncidentState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// One as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub url: String,
    pub title: String,
    pub is_postmortem: bool,
    pub is_open: bool,
    pub attached_at: DateTime<Utc>,
    pub attached_by: String,
    pub closed_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Attaches a link; one that is attached already takes the new title and state. Safe to do twice.
    pub async fn attach_incident(&self, incident: &NewIncident) -> Result<(), StoreError> {
        let kind = if incident.is_postmortem { "postmortem" } else { "incident" };
        let closed_at = (incident.state == IncidentState::Closed).then_some(incident.at);
        sqlx::query!(
            "insert into incidents (ref, url, title, kind, state, attached_at, attached_by, closed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (ref, url) do update set title = excluded.title, kind = excluded.kind, state = excluded.state,
                closed_at = case when excluded.state = 'open' then null else coalesce(incidents.closed_at, excluded.closed_at) end,
                written_at = clock_timestamp()",
            incident.entity,
            incident.url,
            incident.title,
            kind,
            incident.state.as_str(),
            incident.at,
            incident.by,
            closed_at
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// The newest of one entity, whatever their state.
    pub async fn load_incidents(&self, entity: &EntityRef) -> Result<Vec<Incident>, StoreError> {
        let rows = sqlx::query!(
            r#"select url, title, kind, state, attached_at, attached_by, closed_at from incidents
               where ref = $1 order by attached_at desc, id desc limit $2"#,
            entity.as_str(),
            SHOWN
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let incidents = rows.into_iter().map(|row| Incident {
            url: row.url,
            title: row.title,
            is_postmortem: row.kind == "postmortem",
            is_open: row.state == "open",
            attached_at: row.attached_at,
            attached_by: row.attached_by,
            closed_at: row.closed_at,
        });
        Ok(incidents.collect())
    }
}

//! `steward ask`: one chat command on the terminal, from the same code as Slack. Starts no PostgreSQL.
use clap::Args;
#[derive(Debug, Args)]
pub struct AskArgs {}
pub async fn ask(_args: &AskArgs, _settings: crate::settings::Settings) -> anyhow::Result<super::Outcome> { Ok(super::Outcome::Good) }

//! Lists that wait to be fetched by who knows their token.
//! Must not know what a list is of.

use chrono::{DateTime, Utc};
use rand::{Rng, distr::Alphanumeric};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Store, StoreError};

/// Some 190 bits, of which nobody guesses one in an hour.
const TOKEN_LETTERS: usize = 32;

impl Store {
    /// Keeps what is to be fetched until then; gives the token that it is fetched by. What is past its time goes.
    pub async fn add_export(&self, asked: &Value, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<String, StoreError> {
        let token: String = rand::rng().sample_iter(Alphanumeric).take(TOKEN_LETTERS).map(char::from).collect();
        let mut transaction = self.begin().await?;
        sqlx::query!("delete from exports where expires_at <= $1", now).execute(&mut *transaction).await?;
        let hash = token_hash(&token);
        sqlx::query!("insert into exports (token_hash, asked, expires_at) values ($1, $2, $3)", &hash[..], asked, expires_at)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(token)
    }

    /// Finds what a token fetches, while it may.
    pub async fn find_export(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Value>, StoreError> {
        let hash = token_hash(token);
        let asked = sqlx::query_scalar!("select asked from exports where token_hash = $1 and expires_at > $2", &hash[..], now);
        Ok(asked.fetch_optional(self.pool()?).await?)
    }
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

//! What makes the incident card a full one: a rota that is asked for every minute, and news of every repository.

use std::path::Path;

use axum::{Json, Router, routing::get};
use sqlx::Connection;

/// Serves who is on call for any schedule; gives the section of the configuration that asks here.
pub async fn serve_rota() -> String {
    let shift = get(async || {
        let person = |name: &str| serde_json::json!({ "name": name, "email": format!("{name}@example.com") });
        Json(serde_json::json!({
            "now": [person("ada")], "next": [person("grace")], "until": chrono::Utc::now() + chrono::TimeDelta::hours(8),
        }))
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/{schedule}", shift)).await });
    format!(
        "on_call: {{ http: {{ annotation: pagerduty.com/service-id, url: \"http://{address}/{{{{ value }}}}\", now: \"$.now[*].name\", \
         next: \"$.next[*].name\", email: \"$.now[*].email\", until: \"$.until\" }} }}\n"
    )
}

/// Writes what webhooks would have told of every repository: a deployment, a failed run and two merges.
pub async fn write_news(folder: &Path) {
    let data = folder.join("data/postgres");
    let password = std::fs::read_to_string(data.join("password")).expect("the private database has a password");
    let pid_file = std::fs::read_to_string(data.join("cluster/postmaster.pid")).expect("the private database runs");
    let socket = pid_file.lines().nth(4).expect("the fifth line names the socket's folder").to_owned();
    let options = sqlx::postgres::PgConnectOptions::new().socket(socket).username("steward").password(password.trim());
    let mut connection = sqlx::PgConnection::connect_with(&options.database("postgres")).await.expect("a connection");
    for statement in [
        "insert into webhook_deliveries (source_id, delivery_id, event, arrived_at) values ('local', 'load', 'push', now())",
        "insert into repository_events (source_id, repository_id, kind, outside_id, at, title, url, author, state, environment)
         select source_id, repository_id, kind, number, now() - number * interval '1 hour', title, 'https://github.com/acme/x', 'ada',
                state, case kind when 'deployment' then 'production' end
         from repositories,
              (values ('deployment', 1, 'v2026.47.2', 'success'), ('workflow', 2, 'Nightly checks', 'failure'),
                      ('merge', 3, 'Retry what times out', null), ('merge', 4, 'Log the request id', null))
              as news (kind, number, title, state)",
    ] {
        sqlx::query(statement).execute(&mut connection).await.expect("the tables are as the migrations made them");
    }
}

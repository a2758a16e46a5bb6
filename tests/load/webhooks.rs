//! From a push to the new answer: a signed webhook into `steward run`, then `/owner` until it names the new owner.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use sha2::Sha256;

use super::{
    HttpClient, Running, SECRET,
    fake_github::{FakeGithub, TOKEN},
    free_port, steward, stop_database,
};

/// Between two questions; half of it is the measurement's own error.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// A push that takes longer is lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

pub async fn measure(binary: &Path, folder: &Path, repositories: usize, pushes: usize) {
    let fake = FakeGithub::serve(FakeGithub::generate("acme", repositories), 0).await;
    fake.add_repository("pushed", &[("catalog-info.yaml", &descriptor(0))]);
    let id = fake.model(|model| model.find_repo("pushed").expect("it was added").id);
    let folder = folder.join("webhooks");
    std::fs::create_dir_all(&folder).expect("a folder");
    let port = free_port();
    let config = format!(
        "data_dir: ./data\nserver: {{ listen: \"127.0.0.1:{port}\" }}\n\
         sources: [{{ type: github, id: acme, org: acme, api_url: \"{}\", auth: {{ token: {TOKEN} }}, webhook_secret: {SECRET}, \
         schedule: {{ every: 1h }} }}]\n\
         slack: {{ bot_token: xoxb-load, signing_secret: {SECRET}, api_url: \"http://127.0.0.1:9/api\" }}\n",
        fake.url
    );
    std::fs::write(folder.join("steward.yaml"), config).expect("a written file");
    let mut server = Running(steward(binary, &folder).arg("run").stderr(Stdio::null()).spawn().expect("the binary runs"));
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    wait_for(&client, port, 0).await;
    let mut latencies = Vec::new();
    for number in 1..=pushes {
        fake.push_file("pushed", "catalog-info.yaml", descriptor(number));
        let started = Instant::now();
        push(&client, port, id, number).await;
        wait_for(&client, port, number).await;
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!(
        "from a push's webhook to the new answer, {pushes} pushes among {repositories} repositories: p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    server.kill();
    stop_database(&folder);
}

fn descriptor(number: usize) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pushed-thing\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: owner-{number}\n"
    )
}

fn sign(text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text);
    hex::encode(mac.finalize().into_bytes())
}

async fn push(client: &HttpClient, port: u16, id: i64, number: usize) {
    let body = serde_json::json!({
        "ref": "refs/heads/main", "organization": { "login": "acme" },
        "repository": { "id": id, "node_id": format!("R_{id}"), "full_name": "acme/pushed", "default_branch": "main", "owner": { "login": "acme" } },
    })
    .to_string();
    let request = axum::http::Request::post(format!("http://127.0.0.1:{port}/github/webhook"))
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", format!("load-{number}"))
        .header("x-hub-signature-256", format!("sha256={}", sign(body.as_bytes())))
        .body(Full::from(body))
        .expect("a request");
    let answer = client.request(request).await.expect("the server answers");
    assert!(answer.status().is_success(), "the webhook was answered with {}", answer.status());
}

/// Asks until the answer names this owner.
async fn wait_for(client: &HttpClient, port: u16, number: usize) {
    let started = Instant::now();
    let wanted = format!("owner-{number} ");
    while started.elapsed() < LOST_AFTER * 6 {
        let body = "command=%2Fowner&text=pushed-thing&user_id=U1&user_name=ada&channel_id=C1&team_id=T1&trigger_id=1.1&\
                    response_url=http%3A%2F%2F127.0.0.1%3A9%2F";
        let timestamp = chrono::Utc::now().timestamp();
        let signature = sign(format!("v0:{timestamp}:{body}").as_bytes());
        let request = axum::http::Request::post(format!("http://127.0.0.1:{port}/slack/commands"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", timestamp.to_string())
            .header("x-slack-signature", format!("v0={signature}"))
            .body(Full::from(body))
            .expect("a request");
        if let Ok(answer) = client.request(request).await {
            let text = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).replace(['*', '`', '"', '.', ',', '\\', ':'], " ");
            if text.contains(&wanted) {
                return;
            }
        }
        assert!(number == 0 || started.elapsed() < LOST_AFTER, "the answer never named owner-{number}");
        tokio::time::sleep(ASK_EVERY).await;
    }
    panic!("the server never answered");
}

//! "Who owns this?" about messages as alerting and people write them, over the sample organisation.

use steward::catalog::Catalog;

use crate::sample::sample_catalog;

/// The one that is certain; else what may be meant, each with a question mark.
fn seen(catalog: &Catalog, texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let seen = catalog.sightings(&texts);
    let name = |entry: &steward::catalog::Entry| {
        let entity_ref = entry.entity.entity_ref.to_string();
        entity_ref.trim_start_matches("component:").replace("default/", "")
    };
    match seen.certain {
        Some(certain) => name(&certain.entry),
        None if seen.others.is_empty() => "-".to_owned(),
        None => seen.others.iter().map(|other| format!("{}?", name(&other.entry))).collect::<Vec<_>>().join(" "),
    }
}

fn check_table(table: &[(&[&str], &str)]) {
    let catalog = sample_catalog();
    let read = |texts: &[&str]| seen(&catalog, texts);
    let wrong: Vec<String> = table
        .iter()
        .map(|(texts, meant)| (texts, meant, read(texts)))
        .filter(|(_, meant, read)| read != **meant)
        .map(|(texts, meant, read)| format!("{}\n    is about {meant}\n    and seen as {read}", texts.join("\n")))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), table.len(), wrong.join("\n\n"));
}

#[test]
fn alerts_of_prometheus_and_kubernetes() {
    check_table(&[
        (
            &[
                "[FIRING:1] HighErrorRate (payments-api critical)",
                "*Alert:* HTTP 5xx above 5 % - `critical`\n*Description:* 12.3 % of requests failed over 5 minutes.\n*Details:*\n • *alertname:* `HighErrorRate`\n • *job:* `envoy`\n • *service:* `payments-api`\n • *namespace:* `payments`",
            ],
            "payments-api",
        ),
        (
            &[
                "[RESOLVED] KubePodCrashLooping\nLabels:\n - pod = checkout-7d9f6c9b5-x2x4z\n - namespace = shop\n - cluster = eks-prod",
            ],
            "checkout",
        ),
        (
            &["Pod payments-api-7d9f6c9b5-x2x4z is in CrashLoopBackOff (back-off 5m0s restarting failed container)"],
            "payments-api",
        ),
        (
            &[
                "{\"labels\":{\"alertname\":\"KafkaLag\",\"service\":\"event-collector\",\"severity\":\"page\"},\"annotations\":{\"summary\":\"lag\"}}",
            ],
            "event-collector",
        ),
        (
            &[
                "alertname=\"TargetDown\" instance=\"fraud-scoring.prod.svc.cluster.local:9090\" job=\"kubernetes-pods\" severity=\"critical\"",
            ],
            "fraud-scoring",
        ),
        (&["instance postgres-payments-0 has been unreachable for 5 minutes"], "resource:postgres-payments"),
        (&["PaymentsApiErrorBudgetBurn is firing"], "payments-api"),
        (&["rate(fraud_scoring_requests_total{code=\"500\"}[5m]) > 0.1"], "fraud-scoring"),
        (&["Deployment image-resizer-prod has 0 of 3 replicas available"], "image-resizer"),
        (&["CronJob invoicing-28411200-bcdfg failed with exit code 1"], "invoicing"),
        (&["ImagePullBackOff registry.acme.example/acme/label-printer:2.14.1-rc1"], "label-printer"),
    ]);
}

#[test]
fn alerts_of_hosted_tools() {
    check_table(&[
        (
            &[
                "Triggered: [P1] High latency on {service.name:catalog-importer}",
                "@slack-alerts env:prod service:catalog-importer host:i-0ab12cd34ef56",
            ],
            "catalog-importer",
        ),
        (
            &[
                "<https://acme.pagerduty.com/services/PAY7Q2X|Incident #4242>",
                "Triggered incident: elevated errors",
                "Urgency: High",
            ],
            "payments-api? payouts?",
        ),
        (&["PagerDuty ALERT: service PAY7Q2X triggered by integration"], "payments-api? payouts?"),
        (
            &[
                "TypeError: Cannot read properties of undefined (reading 'total')",
                "https://acme.sentry.io/issues/5012345/?project=12",
                "payments-api",
                "production",
            ],
            "payments-api",
        ),
        (
            &["[Grafana] Alerting: p99 over 2 s", "https://grafana.example.com/d/payments-api/overview?orgId=1&var-env=prod"],
            "payments-api",
        ),
        (&["https://grafana.example.com/d/checkout-funnel?from=now-6h"], "checkout"),
        (&["Look at https://logs.example.com/app/discover?service=checkout&range=1h please"], "checkout"),
        (&["https://logs.example.com/app/discover?service=cart"], "cart"),
        (&["App payments-api-prod is OutOfSync in Argo CD (degraded)"], "payments-api"),
        (&["Monitor: \"5xx on mobile-bff\" recovered after 12 m"], "mobile-bff"),
        (&["Incident in *Service:* Fraud scoring\n*Status:* investigating"], "fraud-scoring"),
        (&["Quality gate failed for project acme_payments-api: coverage 41 %"], "payments-api"),
    ]);
}

#[test]
fn addresses_of_repositories() {
    check_table(&[
        (&["please review https://github.com/acme/payments-api/pull/812"], "payments-api"),
        (&["<https://github.com/acme/ledger/blob/main/src/post.rs#L12-L40|post.rs>"], "ledger"),
        (&["acme/kafka-ui#77 has been open for a month"], "kafka-ui"),
        (&["git clone git@github.com:acme/feature-flags.git fails for me"], "feature-flags"),
        (&["https://raw.githubusercontent.com/acme/warehouse-sync/main/README.md"], "warehouse-sync"),
        (&["https://github.com/acme/image-resizer/actions/runs/123456789 failed on main"], "image-resizer"),
        (&["the same at https://github.com/other/payments-api-fork/issues/1"], "-"),
    ]);
}

#[test]
fn what_people_write() {
    check_table(&[
        (&["Is component:default/loyalty-service still maintained?"], "loyalty-service"),
        (&["the Payments API is very slow since 14:00"], "payments-api"),
        (&["we got 503s from fraud-scoring again"], "fraud-scoring"),
        (&["`checkout` throws 500s"], "checkout"),
        (&["checkout: error rate 7 %"], "checkout"),
        (&["payments-api cannot reach postgres-payments"], "payments-api? resource:postgres-payments?"),
        (&["timeouts between cart-api and inventory-grpc"], "api:cart-api? api:inventory-grpc?"),
        (&["ping identity-service.prod.internal does not answer"], "identity-service"),
        (&["topic orders.placed.v1 has a lag of 120000"], "resource:orders.placed.v1"),
        (&["team=team-payments severity=warning something is off"], "group:team-payments"),
    ]);
}

#[test]
fn words_of_every_day_name_nothing() {
    check_table(&[
        (&["the api in prod is down"], "-"),
        (&["Please check the logs and the metrics of the service."], "-"),
        (&["I could not log in; the login page shows an error. Is auth broken?"], "-"),
        (&["new release of the app is live on staging :tada:"], "-"),
        (&["can you look at the data in the cache?"], "-"),
        (&["lunch at noon?"], "-"),
        (&["the search for a new office goes on, stock of coffee is low"], "-"),
        (&["service=unheard-of severity=critical"], "-"),
        (&["https://example.com/docs/search/api?q=login"], "-"),
        (&["mail to anna.kowalski@acme.example came back"], "-"),
        (&[""], "-"),
        (&[], "-"),
    ]);
}

#[test]
fn a_service_that_is_unknown_is_told() {
    let catalog = sample_catalog();
    let seen = catalog.sightings(&["service=billing-gateway env=prod".to_owned()]);
    assert_eq!(seen.unknown, ["billing-gateway"]);
}

#[test]
fn a_long_message_is_read_in_time() {
    let catalog = sample_catalog();
    let texts = vec!["a-b_c.d/e:f=g CamelCase https://x.example/y ".repeat(3_000); 50];
    assert!(catalog.sightings(&texts).certain.is_none());
}

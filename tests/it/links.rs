//! Links by rule: what annotations lead to, and what no value may do.

use std::collections::BTreeMap;

use steward::{
    address_template::{AddressTemplate, Filling},
    catalog::links::{Host, LinkRule, LinkRules},
    settings::check_text,
};

use crate::world::World;

fn filled(template: &str, value: &str) -> Option<String> {
    let filling = Filling { value, name: "api", namespace: "default", kind: "component" };
    AddressTemplate::parse(template).expect("a good template").fill(filling)
}

fn links(rules: &LinkRules, annotations: &[(&str, &str)]) -> Vec<String> {
    let mut world = World::new();
    let thing = world.component("api");
    for (key, value) in annotations {
        thing.annotate(key, value);
    }
    let catalog = world.catalog();
    let entity = &catalog.entries()[0].entity;
    rules.links_of(entity).into_iter().map(|link| format!("{} {}", link.title, link.url)).collect()
}

#[test]
fn value_stays_in_its_gap() {
    let template = "https://grafana.example.com/dashboards?tag={{ value }}";
    assert_eq!(filled(template, "a b&c=d#e").as_deref(), Some("https://grafana.example.com/dashboards?tag=a%20b%26c%3Dd%23e"));
    assert_eq!(filled("https://h.example/{{ value }}", "../../x"), Some("https://h.example/..%2F..%2Fx".to_owned()));
    assert_eq!(filled("https://h.example/a/{{ path }}", "../x"), None);
    assert_eq!(filled("https://h.example/a/{{ value }}/b", ".."), None);
    assert_eq!(filled("https://h.example/{{path}}/{{ name }}", "acme/x y").as_deref(), Some("https://h.example/acme/x%20y/api"));
    assert_eq!(filled("https://h.example/{{ value }}", ""), None);
}

#[test]
fn host_cannot_come_from_a_value() {
    for bad in [
        "https://{{ value }}/x",
        "https://{{ value }}.example.com/",
        "{{ value }}",
        "javascript:alert({{ value }})",
        "ftp://h/{{ value }}",
    ] {
        assert!(AddressTemplate::parse(bad).is_err(), "{bad}");
    }
    assert!(AddressTemplate::parse("https://h.example/{{ valeu }}").unwrap_err().contains("valeu"));
    assert!(AddressTemplate::parse("https://h.example/{{ value").is_err());
}

#[test]
fn well_known_annotations_become_links() {
    let hosts = BTreeMap::from([
        (Host::Grafana, "https://grafana.example.com/".to_owned()),
        (Host::Sonarqube, "https://sonar.example.com".to_owned()),
        (Host::Argocd, "https://argo.example.com".to_owned()),
        (Host::Kubernetes, "https://k8s.example.com".to_owned()),
    ]);
    let rules = LinkRules::new(Vec::new(), hosts);
    let annotations = [
        ("grafana/dashboard-selector", "tags @> 'payments'"),
        ("sonarqube.org/project-key", "acme:payments"),
        ("argocd/app-name", "payments-prod"),
        ("sentry.io/project-slug", "acme/payments"),
        ("backstage.io/kubernetes-id", "payments"),
        ("datadoghq.com/dashboard-url", "https://app.datadoghq.eu/dashboard/abc"),
        ("backstage.io/source-location", "url:https://github.com/acme/payments/"),
        ("github.com/project-slug", "acme/payments"),
        ("pagerduty.com/service-id", "PABC123"),
    ];
    assert_eq!(
        links(&rules, &annotations),
        [
            "Dashboards https://grafana.example.com/dashboards?tag=payments",
            "Datadog https://app.datadoghq.eu/dashboard/abc",
            "Sentry https://sentry.io/organizations/acme/projects/payments/",
            "Argo CD https://argo.example.com/applications/payments-prod",
            "Kubernetes https://k8s.example.com/#/search?q=payments",
            "SonarQube https://sonar.example.com/dashboard?id=acme%3Apayments",
            "Code https://github.com/acme/payments/",
        ]
    );
    assert_eq!(links(&LinkRules::default(), &[("grafana/dashboard-selector", "payments"), ("argocd/app-name", "x")]), [""; 0]);
    assert_eq!(
        links(&rules, &[("datadoghq.com/dashboard-url", "javascript:alert(1)"), ("grafana/dashboard-selector", "(a || b)")]),
        [""; 0]
    );
}

#[test]
fn own_rules_come_first_and_replace() {
    let url = AddressTemplate::parse("https://dash.example.com/{{ kind }}/{{ value }}").expect("a good template");
    let rule = LinkRule { annotation: "backstage.io/source-location".to_owned(), title: "Mine".to_owned(), url };
    let rules = LinkRules::new(vec![rule], BTreeMap::new());
    let found =
        links(&rules, &[("github.com/project-slug", "acme/x"), ("backstage.io/source-location", "url:https://h.example/")]);
    assert_eq!(
        found,
        ["Mine https://dash.example.com/component/url%3Ahttps%3A%2F%2Fh.example%2F", "GitHub https://github.com/acme/x"]
    );
}

#[test]
fn bad_rules_are_errors_of_their_key() {
    let fault = |text: &str| check_text("steward.yaml", text, &|_| None).expect_err("it is refused").to_string();
    let said = fault("links:\n  - { annotation: a/b, title: A, url: 'example.com/{{ value }}' }\n");
    assert!(said.contains("links[0].url") && said.contains("is not an address"), "{said}");
    assert!(fault("link_hosts: { grafana: grafana.example.com }\n").contains("link_hosts.grafana"));
    let http = "on_call:\n  http: { annotation: a/b, url: 'https://h.example/{{ value }}', now: '$.[' }\n";
    assert!(fault(http).contains("on_call.http.now"), "{}", fault(http));
    assert!(fault("on_call: { pagerduty: { token: x, from: nobody } }\n").contains("on_call.pagerduty.from"));
    let good = "links: [{ annotation: a/b, title: A, url: 'https://h.example/{{ value }}' }]\nlink_hosts: { grafana: https://g.example.com }\n";
    assert!(check_text("steward.yaml", good, &|_| None).is_ok());
}

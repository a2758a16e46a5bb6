//! A small shop that sells and is paid, for tests of what people read.

use expect_test::Expect;
use serde_json::json;

use crate::world::World;

pub fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}

/// A small shop that sells and is paid.
pub fn shop() -> World {
    let mut world = World::new();
    world.add("Domain", "commerce").title("Commerce").owner("money").repository("acme/org");
    world.add("System", "payments").title("Payments").owner("team-payments").repository("acme/org").relate_to_domain("commerce");
    world
        .component("payments-api")
        .title("Payments API")
        .describe("Authorises, captures and refunds payments.")
        .metadata("links", json!([{ "url": "https://grafana.example/d/payments", "title": "Dashboard" }]))
        .owner("team-payments")
        .system("payments")
        .provides("payments-v2")
        .consumes("ledger-grpc")
        .depends_on("resource:redis-payments")
        .depends_on("fraud-scoring");
    world
        .add("API", "payments-v2")
        .spec("type", "openapi")
        .spec("lifecycle", "production")
        .owner("team-payments")
        .system("payments");
    world.component("ledger").owner("team-ledger").provides("ledger-grpc").depends_on("resource:postgres-ledger");
    world.add("API", "ledger-grpc").spec("type", "grpc").owner("team-ledger");
    world.component("fraud-scoring").owner("team-ledger").depends_on("payments-api");
    world.component("checkout").owner("team-checkout").consumes("payments-v2");
    world.component("shop-web").spec("type", "website").owner("team-checkout").depends_on("checkout");
    world.add("Resource", "redis-payments").spec("type", "cache").owner("team-payments").repository("acme/payments-api");
    world.group("money").display_name("Money").annotate("steward.dev/channel", "#money");
    world
        .group("team-payments")
        .display_name("Team Payments")
        .annotate("steward.dev/channel", "#team-payments")
        .annotate("steward.dev/lead", "ana.silva")
        .parent("money");
    world.group("team-ledger").display_name("Team Ledger").parent("money");
    world.group("team-checkout").display_name("Team Checkout").annotate("slack.com/channel", "team-checkout");
    world.user("ana.silva").display_name("Ana Silva").member_of("team-payments");
    world.user("ben.okafor").display_name("Ben Okafor").member_of("team-payments");
    world.user("kim.lee").display_name("Kim Lee").member_of("team-ledger");
    world.user("mia.hahn").display_name("Mia Hahn").member_of("team-checkout");
    world.runbook("acme/payments-api", "runbook.md", RUNBOOK);
    world
}

const RUNBOOK: &str = "\
# Payments API runbook

Say so early in `#incidents`. See [Failover](#failover) and [the wiki](docs/acquirers.md).

## Alerts

### PaymentsErrorRateHigh

1. Look at *errors by acquirer*.
2. Store it:
   ```sh
   vault kv put key=@new.key
   ```
3. Watch **everything**:
   - pods
   - queues

## Failover

Takes ten seconds.

```sh
payctl route set --from nordbank \\
  --to cardstream   # both spaces stay
```

| Who | When |
| --- | --- |
| SRE | always |

## Roll back

- [x] ~~page~~ tell somebody
- [ ] `argocd app rollback`

![graph](img/graph.png)
";

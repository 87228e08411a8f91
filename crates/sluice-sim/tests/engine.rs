//! The engine and the core, whole, in a world in memory and virtual time.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

#[path = "engine/history.rs"]
mod history;
#[path = "engine/process.rs"]
mod process;
#[path = "engine/races.rs"]
mod races;
#[path = "engine/releases.rs"]
mod releases;
#[path = "engine/trouble.rs"]
mod trouble;

use sluice_core::ServiceKey;
use sluice_sim::{Behaviour, Home};

/// A shop with three versions, and a policy that is quick.
const SHOP: &str = "
kind: Service
metadata: { name: shop }
spec:
  routes: [ { host: shop.example.com } ]
  versions:
    - { name: 1.0.0, endpoints: [ 'http://127.0.0.1:9001' ] }
    - { name: 1.1.0, endpoints: [ 'http://127.0.0.1:9002' ] }
    - { name: 1.2.0, endpoints: [ 'http://127.0.0.1:9003' ] }
---
kind: Policy
metadata: { name: quick }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 30s, requests: 100 } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 30s } }
  checks:
    - { metric: http.errors, compare: stable, tolerate: 0.5pp }
    - { metric: http.latency, quantile: 0.95, max: 500ms }
  onInconclusive: { wait: 2m, then: pause }
  keepPrevious: 1m
---
kind: Policy
metadata: { name: patient }
spec:
  steps: [ { name: few, audience: [ { percent: 5 } ], hold: { time: 30s } } ]
  onNewer: queue
  keepPrevious: 0s
";

fn shop() -> ServiceKey {
    let name = |text: &str| text.parse().expect("it is a name");
    ServiceKey { environment: name("production"), name: name("shop") }
}

/// A city in which all three versions run well.
fn home(seed: u64) -> Home {
    let home = Home::new(seed, 200);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        home.city.behave(&shop(), version, Behaviour::good());
    }
    home
}

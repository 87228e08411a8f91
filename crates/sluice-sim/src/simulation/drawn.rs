//! Documents by chance: services, environments, and policies of every kind of step and every answer to trouble.

use std::fmt::Write;

use crate::random::Random;

/// The services, each before those that may need it.
pub(super) const SERVICES: [&str; 3] = ["stock", "payments", "shop"];

/// The policies.
pub(super) const POLICIES: [&str; 3] = ["first", "second", "third"];

/// Segments and who visits.
pub(super) const SEGMENTS: &str = "
kind: Segment
metadata: { name: early }
spec: { match: \"visitor.plan == 'early'\" }
---
kind: Segment
metadata: { name: vip }
spec: { match: \"visitor.plan == 'vip'\" }
";

/// One of these.
pub(super) fn one<'a, T: ?Sized>(random: &mut Random, of: &[&'a T]) -> &'a T {
    of[usize::try_from(random.below(of.len() as u64)).unwrap_or(0)]
}

/// A service with three versions in an environment. `needs` is the service that its newer version needs.
pub(super) fn service(name: &str, environment: &str, needs: Option<&str>) -> String {
    let needs = needs.map(|other| format!(", needs: {{ {other}: '>=1.1.0' }}")).unwrap_or_default();
    format!(
        "
kind: Service
metadata: {{ name: {name}, environment: {environment} }}
spec:
  routes: [ {{ host: {name}.{environment}.example.com }} ]
  unit: [ {{ header: x-user-id }} ]
  visitor: {{ plan: {{ header: x-plan }} }}
  versions:
    - {{ name: 1.0.0, endpoints: [ 'http://127.0.0.1:9001' ] }}
    - {{ name: 1.1.0, endpoints: [ 'http://127.0.0.1:9002' ]{needs} }}
    - {{ name: 1.2.0, endpoints: [ 'http://127.0.0.1:9003' ] }}
"
    )
}

/// An environment. `calendar` is its windows and freezes, written as fields.
pub(super) fn environment(name: &str, after: Option<&str>, is_automatic: bool, calendar: &str) -> String {
    let after = after.map(|before| format!("  after: {before}\n")).unwrap_or_default();
    let start = if is_automatic { "automatic" } else { "manual" };
    format!(
        "
kind: Environment
metadata: {{ name: {name} }}
spec:
  start: {start}
{after}  policies: [ {{ when: \"change.level == 'major'\", use: second }}, {{ use: first }} ]
  roles: {{ product: [ anna, ben ], managers: [ carla ] }}
  override: [ managers ]
{calendar}"
    )
}

/// A policy that begins somewhere and ends somewhere, and never goes down on the way.
pub(super) fn policy(random: &mut Random, name: &str) -> String {
    let mut steps = Steps { random, lines: Vec::new(), share: 0, has_early: false, is_final: false };
    if steps.random.chance(0.1) {
        steps.watch();
    } else {
        steps.draw();
    }
    let lines = std::mem::take(&mut steps.lines);
    let is_watching =
        lines.iter().all(|line| !["audience", "ramp", "shadow"].iter().any(|kind| line.contains(kind)));
    let can_go_down = lines.len() > 1 && !is_watching;
    let on_fail = mitigation(random, can_go_down, is_watching);
    let inconclusive = mitigation(random, can_go_down, is_watching);
    let wait = 5 + random.below(40);
    let newer = one(random, &["supersede", "queue", "refuse", "supersede"]);
    let keep = if random.chance(0.5) { 0 } else { 5 + random.below(40) };
    let ready = 20 + random.below(60);
    let mut text = format!("\nkind: Policy\nmetadata: {{ name: {name} }}\nspec:\n  steps:\n");
    for line in lines {
        writeln!(text, "    - {line}").expect("text can be written to");
    }
    if !is_watching && random.chance(0.15) {
        text.push_str("  excludeUntilEnd: [ vip ]\n");
    }
    text.push_str(&checks(random, can_go_down, is_watching));
    write!(
        text,
        "  onFail: {on_fail}\n  onInconclusive: {{ wait: {wait}s, then: {inconclusive} }}\n  onNewer: {newer}\n  \
         keepPrevious: {keep}s\n  readyWithin: {ready}s\n"
    )
    .expect("text can be written to");
    text
}

fn checks(random: &mut Random, can_go_down: bool, is_watching: bool) -> String {
    let mut lines = Vec::new();
    if random.chance(0.85) {
        lines.push("metric: http.errors, compare: stable, tolerate: 2pp".to_owned());
    }
    if random.chance(0.4) {
        lines.push("metric: http.latency, quantile: 0.95, max: 500ms, window: 20s, sample: 10".to_owned());
    }
    if random.chance(0.2) {
        lines.push("metric: health.ready, min: 50%, window: 10s".to_owned());
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "  checks:\n".to_owned();
    for line in lines {
        let own = match random.chance(0.2) {
            true => format!(", onFail: {}", mitigation(random, can_go_down, is_watching)),
            false => String::new(),
        };
        writeln!(text, "    - {{ {line}{own} }}").expect("text can be written to");
    }
    text
}

fn mitigation(random: &mut Random, can_go_down: bool, is_watching: bool) -> String {
    match random.below(6) {
        0 => "pause".to_owned(),
        1 if !is_watching => format!("{{ rollbackGradually: {{ over: {}s }} }}", 5 + random.below(30)),
        2 | 3 if can_go_down => {
            format!("{{ rebalance: {{ step: s0, times: {} }} }}", 1 + random.below(2))
        }
        4 => "{ redeploy: { url: 'https://ci.example.com/redeploy', timeout: 5s } }".to_owned(),
        _ => "rollback".to_owned(),
    }
}

/// The steps of a policy in the making.
struct Steps<'a> {
    random: &'a mut Random,
    lines: Vec<String>,
    share: u64,
    has_early: bool,
    is_final: bool,
}

impl Steps<'_> {
    fn add(&mut self, what: &str) {
        let number = self.lines.len();
        self.lines.push(format!("{{ name: s{number}, {what} }}"));
    }

    fn hold(&mut self) -> String {
        match self.random.below(12) {
            0 => "{ untilPromoted: true }".to_owned(),
            1..=4 => {
                format!("{{ time: {}s, requests: {} }}", self.random.below(15), 1 + self.random.below(60))
            }
            _ => format!("{{ time: {}s }}", self.random.below(20)),
        }
    }

    fn watch(&mut self) {
        for _ in 0..1 + self.random.below(2) {
            let time = 2 + self.random.below(20);
            self.add(&format!("watch: {{ time: {time}s }}"));
            self.gate_perhaps(0.3);
        }
    }

    fn draw(&mut self) {
        let mut can_return = true;
        if self.random.chance(0.2) {
            let (percent, hold) = (5 + self.random.below(40), self.hold());
            self.add(&format!("shadow: {{ percent: {percent} }}, hold: {hold}"));
        }
        for _ in 0..1 + self.random.below(3) {
            self.people();
            self.gate_perhaps(0.5);
            if can_return && self.random.chance(0.2) && !self.is_final {
                can_return = false;
                self.add("pointOfNoReturn: { reason: 'orders are kept in another form' }");
                self.people();
            }
            if self.is_final {
                return;
            }
        }
    }

    /// More people.
    fn people(&mut self) {
        let next = |random: &mut Random, share: u64| (share + 1 + random.below(40)).min(100);
        let hold = self.hold();
        match self.random.below(6) {
            0 if self.share < 60 => {
                let from = self.share.max(1);
                let to = from + 5 + self.random.below(30);
                let over = 5 + self.random.below(40);
                self.share = to;
                self.add(&format!("ramp: {{ from: {from}, to: {to}, over: {over}s }}, hold: {hold}"));
            }
            1 if self.share < 60 => {
                let first = self.share.max(2);
                let shares = [first, first + 7 + self.random.below(10), first + 30];
                let (every, requests) = (2 + self.random.below(6), self.random.below(30));
                self.share = shares[2];
                let through = format!("through: [{}, {}, {}]", shares[0], shares[1], shares[2]);
                self.add(&format!(
                    "ramp: {{ {through}, every: {every}s, requests: {requests} }}, hold: {hold}"
                ));
            }
            2 if self.share < 60 => {
                self.share += 5 + self.random.below(30);
                let (to, failed) = (self.share, 1 + self.random.below(300));
                self.add(&format!(
                    "ramp: {{ to: {to}, riskBudget: {{ failedRequests: {failed} }} }}, hold: {hold}"
                ));
            }
            _ => {
                self.share = next(self.random, self.share);
                self.has_early |= self.random.chance(0.4);
                let early = if self.has_early { "{ segment: early }, " } else { "" };
                let share = self.share;
                self.add(&format!("audience: [ {early}{{ percent: {share} }} ], hold: {hold}"));
            }
        }
        self.is_final |= self.share >= 95;
    }

    fn gate_perhaps(&mut self, probability: f64) {
        if !self.random.chance(probability) {
            return;
        }
        let expires = 10 + self.random.below(60);
        match self.random.below(4) {
            0 | 1 => {
                let count = 1 + self.random.below(2);
                self.add(&format!("approval: {{ roles: [ product ], count: {count}, expires: {expires}s }}"));
            }
            2 => {
                let every = 2 + self.random.below(8);
                let url = "url: 'https://qa.example.com/verdict', timeout: 5s";
                self.add(&format!("webhook: {{ {url}, every: {every}s, expires: {expires}s }}"));
            }
            _ => {
                // The one service that is always there.
                self.add(&format!("waitFor: {{ service: stock, version: '>=1.1.0', expires: {expires}s }}"));
            }
        }
    }
}

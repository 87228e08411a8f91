//! Runs a short script of what happens to a release, and writes down what it decided. What happens is separated by
//! semicolons or lines:
//!
//! | line | what happens |
//! |---|---|
//! | `ready` | both versions have 2 of 2 endpoints ready, as seen from the next look on |
//! | `stable 0/2`, `candidate 1/2` | this many endpoints of one version are ready |
//! | `look` | one look, without time passing |
//! | `60s`, `60s stable 100/2 candidate 5/1@300ms` | a look each second; per second, so many requests, of which so many failed, each taking so long (50 ms) |
//! | `gap 1h`, `clock back 1h` | time passes, forwards or backwards, and nobody looks |
//! | `slow traffic`, `fast traffic` | changes of traffic are, or are no longer, in force only when the script says so |
//! | `in force`, `in force 1` | the last change, or this one, is in force |
//! | `newer NAME`, `turn VERSION` | another release was created; no other is left before this one |
//! | `pause ada: lunch` | somebody wants something; without words it is `pause ada` |
//! | `other NAME`, `live VERSION`, `gone` | what the next verb finds beside the release |
//! | `as product`, `may override` | who makes the next verb has this role, or may override |
//! | `freeze 1h`, `thaw` | the calendar closes for so long, and opens, as seen from the next look on |
//! | `elsewhere payments 1.4.0` | another service has this version, as seen from the next look on |
//! | `hook pass: text`, `hook 2 wait` | the last call of a webhook, or this one, is answered: `pass`, `fail`, `wait`, `taken`, `broken` |
//! | `companion 1/2`, `companion stable 0/2` | this many endpoints of the service that is released along are ready |
//! | `crash MESSAGE` | deciding panicked |
//! | `restart` | the state is written and read back |
//! | `show`, `checks` | writes down the status; what each check says |

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sluice_core::calendar::{Closed, Openness, Zone};
use sluice_core::document::{self, PolicySpec, Spec};
use sluice_core::release::status::{ReleaseStatus, Verb};
use sluice_core::release::{
    Answer, Command, CompanionSpec, Creation, Effect, Endpoints, Event, HookAnswer, Observation, Plan,
    Release, Seen, Surroundings, Transition,
};
use sluice_core::stats::Histogram;
use sluice_core::{Counts, Name, ServiceKey, Span, Timestamp, VersionName, builtin, release};

/// When every script begins: 2026-11-23T09:00:00Z.
const BEGIN: Timestamp = Timestamp::from_millis(1_795_424_400_000);

/// A policy: a built-in one by its name, or the lines of a `spec`.
pub(crate) fn plan(policy: &str) -> Plan {
    let metrics = builtin::metrics();
    if let Some(spec) = builtin::policies().get(&policy.parse::<Name>().unwrap_or_else(|_| name("careful"))) {
        return Plan::new(&name(policy), spec, metrics).unwrap();
    }
    let indented: String = policy.lines().map(|line| format!("  {}\n", line.trim_end())).collect();
    let text = format!(
        "apiVersion: sluice.dev/v1alpha1\nkind: Policy\nmetadata: {{ name: careful }}\nspec:\n{indented}"
    );
    let documents = document::parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    match &documents[0].spec {
        Spec::Policy(spec) => Plan::new(&name("careful"), spec as &PolicySpec, metrics).unwrap(),
        other => panic!("{} is no policy", other.kind()),
    }
}

/// What a script did, line by line.
pub(crate) fn trace(policy: &str, script: &str) -> String {
    Script::begin(policy, None).run(script)
}

/// The same for a release of checkout together with payments, which it needs.
pub(crate) fn trace_in_company(policy: &str, script: &str) -> String {
    let companion = CompanionSpec {
        service: ServiceKey { environment: name("production"), name: name("payments") },
        from: "1.3.0".parse().unwrap(),
        to: "1.4.0".parse().unwrap(),
    };
    Script::of(Creation { companions: vec![companion], ..creation(plan(policy), None) }).run(script)
}

/// The same for a release that goes ahead whatever the calendar says.
pub(crate) fn trace_overriding(why: &str, policy: &str, script: &str) -> String {
    Script::of(Creation { override_reason: Some(why.to_owned()), ..creation(plan(policy), None) }).run(script)
}

/// The same for a release that waits for another one.
pub(crate) fn trace_behind(other: &str, policy: &str, script: &str) -> String {
    Script::begin(policy, Some(name(other))).run(script)
}

/// The release after a script.
pub(crate) fn after(policy: &str, script: &str) -> (Release, Timestamp) {
    let mut run = Script::begin(policy, None);
    lines(script).for_each(|line| run.line(line));
    (run.release, run.now)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn creation(plan: Plan, behind: Option<Name>) -> Creation {
    Creation {
        name: name("checkout-2.1.0-1"),
        service: ServiceKey { environment: name("production"), name: name("checkout") },
        from: "2.0.3".parse().unwrap(),
        to: "2.1.0".parse().unwrap(),
        plan,
        reshuffle: false,
        behind,
        actor: "ci".to_owned(),
        reason: None,
        companions: Vec::new(),
        override_reason: None,
    }
}

/// What nobody else is in the way of.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings {
        live: "2.0.3".parse().unwrap(),
        other: None,
        version_exists: true,
        companions: Vec::new(),
        roles: Vec::new(),
        may_override: false,
    }
}

struct Script {
    release: Release,
    now: Timestamp,
    stable: Endpoints,
    candidate: Endpoints,
    companion: [Endpoints; 2],
    calendar: Openness,
    elsewhere: BTreeMap<Name, VersionName>,
    surroundings: Surroundings,
    confirms: bool,
    out: String,
}

impl Script {
    fn begin(policy: &str, behind: Option<Name>) -> Script {
        Script::of(creation(plan(policy), behind))
    }

    fn of(creation: Creation) -> Script {
        let transition = release::create(creation, BEGIN);
        let mut run = Script {
            release: transition.next.clone(),
            now: BEGIN,
            stable: Endpoints { ready: 2, total: 2 },
            candidate: Endpoints::default(),
            companion: [Endpoints { ready: 2, total: 2 }; 2],
            calendar: Openness::default(),
            elsewhere: BTreeMap::new(),
            surroundings: surroundings(),
            confirms: true,
            out: String::new(),
        };
        run.write(&transition, None);
        run
    }

    fn run(mut self, script: &str) -> String {
        lines(script).for_each(|line| self.line(line));
        self.out
    }

    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest) {
            ("ready", "") => self.candidate = Endpoints { ready: 2, total: 2 },
            ("stable", rest) => self.stable = endpoints(rest),
            ("candidate", rest) => self.candidate = endpoints(rest),
            ("look", rest) => self.look(rest),
            ("gap", rest) => self.now = self.now.after(span(rest)),
            ("clock", rest) => {
                let back = span(rest.strip_prefix("back ").unwrap());
                let millis = self.now.as_millis() - i64::try_from(back.as_millis()).unwrap();
                self.now = Timestamp::from_millis(millis);
            }
            ("slow", "traffic") => self.confirms = false,
            ("fast", "traffic") => self.confirms = true,
            ("in", "force") => self.confirm(self.release.traffic.desired_change),
            ("in", rest) => self.confirm(rest.strip_prefix("force ").unwrap().parse().unwrap()),
            ("newer", by) => self.event(&Event::Newer { by: name(by) }),
            ("turn", live) => {
                self.event(&Event::Turn { live: live.parse().unwrap(), companions: Vec::new() })
            }
            ("other", other) => self.surroundings.other = Some(name(other)),
            ("live", live) => self.surroundings.live = live.parse().unwrap(),
            ("gone", "") => self.surroundings.version_exists = false,
            ("as", role) => self.surroundings.roles = vec![name(role)],
            ("may", "override") => self.surroundings.may_override = true,
            ("freeze", long) => {
                let until = self.now.after(span(long));
                let why = Closed::Freeze { reason: Some("holidays".to_owned()), until, zone: Zone::UTC };
                self.calendar = Openness::Closed { why, opens_at: Some(until) };
            }
            ("thaw", "") => self.calendar = Openness::default(),
            ("elsewhere", rest) => {
                let (service, version) = rest.split_once(' ').unwrap();
                self.elsewhere.insert(name(service), version.parse().unwrap());
            }
            ("hook", rest) => self.hook(rest),
            ("companion", rest) => match rest.strip_prefix("stable ") {
                Some(rest) => self.companion[0] = endpoints(rest),
                None => self.companion[1] = endpoints(rest),
            },
            ("crash", message) => self.take(&release::crashed(&self.release, message, self.now), None),
            ("restart", "") => {
                let text = serde_json::to_string(&self.release).unwrap();
                self.release = serde_json::from_str(&text).unwrap();
            }
            ("show", "") => self.show(),
            ("checks", "") => self.checks(),
            (word, rest) => match Verb::ALL.into_iter().find(|verb| verb.as_str() == word) {
                Some(verb) => self.ask(verb, rest),
                None => self.pass(span(word), rest),
            },
        }
    }

    fn hook(&mut self, answer: &str) {
        let (first, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        let (number, answer) = match first.parse() {
            Ok(number) => (number, rest),
            Err(_) => (self.release.calls, answer),
        };
        let (word, said) = answer.split_once(": ").unwrap_or((answer, ""));
        let said = said.to_owned();
        let maybe = Some(said.clone()).filter(|said| !said.is_empty());
        let answer = match word {
            "pass" => HookAnswer::Pass(maybe),
            "fail" => HookAnswer::Fail(maybe),
            "wait" => HookAnswer::Wait(maybe),
            "taken" => HookAnswer::Taken { instead: said },
            "broken" => HookAnswer::Broken { why: said },
            other => panic!("{other:?} is no answer"),
        };
        self.event(&Event::HookAnswered { number, answer });
    }

    fn pass(&mut self, time: Span, traffic: &str) {
        assert_eq!(time.as_millis() % 1000, 0, "a look comes each second");
        for _ in 0..time.as_millis() / 1000 {
            self.now = self.now.after(Span::from_secs(1));
            self.look(traffic);
        }
    }

    fn look(&mut self, traffic: &str) {
        let mut seen = Observation {
            stable_endpoints: self.stable,
            candidate_endpoints: self.candidate,
            calendar: self.calendar.clone(),
            live: self.elsewhere.clone(),
            ..Observation::default()
        };
        let [stable_endpoints, candidate_endpoints] = self.companion;
        let mut companion = Seen { stable_endpoints, candidate_endpoints, ..Seen::default() };
        let words: Vec<&str> = traffic.split_whitespace().collect();
        for pair in words.chunks(2) {
            match pair {
                ["stable", counted] => seen.stable = counts(counted),
                ["candidate", counted] => seen.candidate = counts(counted),
                ["payments", counted] => companion.candidate = counts(counted),
                ["payments-stable", counted] => companion.stable = counts(counted),
                other => panic!("{other:?} is no traffic"),
            }
        }
        seen.companions = self.release.companions.iter().map(|_| companion.clone()).collect();
        self.event(&Event::Observed(seen));
    }

    fn ask(&mut self, verb: Verb, who: &str) {
        let (actor, reason) = match who.split_once(": ") {
            Some((actor, reason)) => (actor, Some(reason.to_owned())),
            None => (who, None),
        };
        let surroundings = std::mem::replace(&mut self.surroundings, surroundings());
        let command = Command { verb, actor: actor.to_owned(), reason, surroundings };
        let transition = release::step(&self.release, &Event::Command(command), self.now);
        self.take(&transition, Some((actor, verb)));
    }

    fn event(&mut self, event: &Event) {
        self.take(&release::step(&self.release, event, self.now), None);
    }

    fn confirm(&mut self, change: u64) {
        self.event(&Event::TrafficInForce { change });
    }

    fn take(&mut self, transition: &Transition, asked: Option<(&str, Verb)>) {
        self.write(transition, asked);
        self.release = transition.next.clone();
        for effect in &transition.effects {
            if let (Effect::ApplyTraffic { change }, true) = (effect, self.confirms) {
                self.confirm(*change);
            }
        }
    }

    fn write(&mut self, transition: &Transition, asked: Option<(&str, Verb)>) {
        let Transition { next, effects, entries, answer } = transition;
        let at = format!("t+{}", self.now.since(BEGIN));
        let mut line = |text: &str| {
            let phase = format!("{:?}", next.phase.name());
            writeln!(self.out, "{at:<9} {phase:<12} {text}").unwrap();
        };
        for entry in entries {
            let actor = entry.actor.as_ref().map(|actor| format!(" ({actor})")).unwrap_or_default();
            let kind = serde_json::to_value(entry.kind).unwrap();
            line(&format!("{}: {}{actor}", kind.as_str().unwrap(), entry.text));
        }
        for effect in effects {
            line(&match effect {
                Effect::ApplyTraffic { change } => {
                    format!("  -> traffic {change}: {}", given(next))
                }
                Effect::MakeLive { service, version } if next.companions.is_empty() => {
                    assert_eq!(*service, next.service);
                    format!("  -> {version} is live")
                }
                Effect::MakeLive { service, version } => format!("  -> {} {version} is live", service.name),
                Effect::CallHook { number } => format!("  -> call {number}"),
                Effect::StartNext => "  -> start the next".to_owned(),
            });
        }
        if let Some((actor, verb)) = asked {
            match answer {
                Answer::None | Answer::Done => {}
                Answer::Already => line(&format!("{} by {actor}: it is so already", verb.as_str())),
                Answer::Refused { why } => line(&format!("{} by {actor} is refused: {why}", verb.as_str())),
            }
        }
        if next.reason != self.release.reason && next.reason_at == self.now {
            line(&format!("  = {}", next.reason));
        }
    }

    fn show(&mut self) {
        let ReleaseStatus { phase, step, steps, split, reason, exposed, verbs, attempt, gate, .. } =
            self.release.status();
        let step = step.map(|step| step.to_string()).unwrap_or_default();
        let steps: Vec<String> = steps
            .iter()
            .map(|step| format!("{} {:?} {}/{}", step.name, step.state, step.held_time, step.held_requests))
            .collect();
        let verbs: Vec<&str> = verbs.into_iter().map(Verb::as_str).collect();
        let facts = BTreeMap::from([
            ("1 phase", format!("{phase:?} {step}, attempt {attempt}: {}", reason.text)),
            ("2 steps", steps.join(", ")),
            ("3 split", format!("{} wanted, {} in force", split.desired.audience, split.observed.audience)),
            ("4 exposed", format!("{} requests, {} failed", exposed.requests, exposed.failed)),
            ("5 verbs", verbs.join(", ")),
        ]);
        if let Some(gate) = gate {
            let given: Vec<&str> = gate.given.iter().map(|approved| approved.actor.as_str()).collect();
            let text = format!(
                "{:?}, roles {:?}, {} to give, given by {given:?}, said {:?}, until {}",
                gate.kind, gate.roles, gate.count, gate.said, gate.expires_at
            );
            writeln!(self.out, "  | gate: {text}").unwrap();
        }
        for (fact, text) in facts {
            writeln!(self.out, "  | {}: {text}", &fact[2..]).unwrap();
        }
    }

    fn checks(&mut self) {
        for verdict in self.release.status().verdicts {
            writeln!(self.out, "  | {}\n  |   {:?}: {}", verdict.check, verdict.verdict, verdict.text)
                .unwrap();
        }
    }
}

fn lines(script: &str) -> impl Iterator<Item = &str> {
    script.split([';', '\n']).map(str::trim).filter(|line| !line.is_empty())
}

/// Who meets each candidate: `5 % of everyone`, or `payments 5 % of everyone, checkout nobody`.
fn given(release: &Release) -> String {
    if release.companions.is_empty() {
        return release.traffic.desired.words();
    }
    let each: Vec<String> =
        release.members().map(|member| format!("{} {}", member.service.name, member.given.words())).collect();
    each.join(", ")
}

/// `1/2`
fn endpoints(text: &str) -> Endpoints {
    let (ready, total) = text.split_once('/').unwrap();
    Endpoints { ready: ready.parse().unwrap(), total: total.parse().unwrap() }
}

/// `100/2@300ms`
fn counts(text: &str) -> Counts {
    let (numbers, time) = text.split_once('@').unwrap_or((text, "50ms"));
    let (requests, failed) = numbers.split_once('/').unwrap();
    let (requests, failed): (u64, u64) = (requests.parse().unwrap(), failed.parse().unwrap());
    let mut latency = Histogram::default();
    latency.add(Histogram::bucket_of(span(time).as_millis() * 1000), requests);
    Counts {
        requests,
        responses: [0, requests - failed, 0, 0, failed],
        failed_visitors: failed,
        latency,
        ..Counts::default()
    }
}

fn span(text: &str) -> Span {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

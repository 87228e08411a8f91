//! The incidents.

use std::sync::Arc;

use sluice_core::release::Amount;
use sluice_core::stats::Trials;
use sluice_core::{Span, Timestamp};

use crate::rehearsal::{Among, Effect, Fault, Onset, Point, Recording, Shape, Stretch, Tenant};

/// Something that happens to a service while a version is released.
#[derive(Clone, Debug)]
pub struct Incident {
    /// What happens, in a few words.
    pub name: &'static str,
    /// At how many requests a second it is tried.
    pub rates: &'static [f64],
    /// What is wrong with the version; none when nothing is, and then everyone should get it.
    pub fault: Option<Fault>,
    /// Whether the version should be taken back.
    pub is_bad: bool,
    /// A check that the policy gets besides its own.
    pub extra_check: Option<&'static str>,
    traffic: Traffic,
}

/// What happens to both versions.
#[derive(Clone, Copy, Debug)]
struct Traffic {
    /// What share of requests fails.
    failing: f64,
    /// How often a visitor fails at a stretch.
    bunch: f64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Even,
    /// From minute 12 on, 30 % fail for ten minutes.
    Outage,
    /// The rate goes from a half to one and a half times and back within an hour, and failures from a half to twice.
    Wave,
    /// From minute 20 on, ten times the requests for five minutes, of which 3 % fail.
    Spike,
    /// A customer with 6 % of all requests, which all fail for a minute out of ten.
    Tenant,
    /// One request in twenty goes to /checkout.
    Checkout,
    /// Visitors order, and someone else counts it.
    Orders,
}

const BOTH: &[f64] = &[20.0, 200.0];
const LOW: &[f64] = &[1.0];
/// What is recorded is a little longer than what is looked at.
const MINUTES: i64 = 106;

impl Incident {
    fn good(name: &'static str) -> Incident {
        let traffic = Traffic { failing: 0.001, bunch: 2.0, kind: Kind::Even };
        Incident { name, rates: BOTH, fault: None, is_bad: false, extra_check: None, traffic }
    }

    fn bad(name: &'static str, fault: Fault) -> Incident {
        Incident { fault: Some(fault), is_bad: true, ..Incident::good(name) }
    }

    fn in_traffic(mut self, kind: Kind) -> Incident {
        self.traffic.kind = kind;
        self
    }

    fn failing(mut self, share: f64) -> Incident {
        self.traffic.failing = share;
        self
    }

    /// The service at so many requests a second, minute by minute.
    ///
    /// # Panics
    /// Never: the traffic is given here.
    pub fn recording(&self, rate: f64) -> Recording {
        let shape = Shape::with_quantiles(&[(0.5, 80.0), (0.95, 220.0), (0.99, 380.0)]);
        let latency = Arc::new(shape.expect("the quantiles grow"));
        let kind = self.traffic.kind;
        let minute = |i: i64| {
            let (mut times, mut failing) = (1.0, self.traffic.failing);
            match kind {
                Kind::Outage if (12..22).contains(&i) => failing = 0.3,
                Kind::Spike if (20..25).contains(&i) => (times, failing) = (10.0, 0.03),
                Kind::Wave => {
                    let wave = (i as f64 / 60.0 * std::f64::consts::TAU).sin();
                    (times, failing) = (1.0 + 0.5 * wave, failing * 2.0_f64.powf(wave));
                }
                _ => {}
            }
            let requests = rate * 60.0 * times;
            Stretch {
                at: at(i),
                span: Span::from_secs(60),
                requests: requests as u64,
                // A small service has less than one failure a minute: the fractions add up over the minutes.
                failed: ((i + 1) as f64 * requests * failing).floor() as u64
                    - (i as f64 * requests * failing).floor() as u64,
                cancelled: 0,
                latency: Arc::clone(&latency),
            }
        };
        let stretches = (0..MINUTES).map(minute).collect();
        let mut recording = Recording::new(stretches).expect("there is traffic in every minute");
        recording.bunch = self.traffic.bunch;
        if kind == Kind::Checkout {
            recording.paths.insert("/checkout".parse().expect("it is a path"), 0.05);
        }
        if kind == Kind::Tenant {
            recording.tenants.push(Tenant {
                share: 0.06,
                failing: 1.0,
                after: Span::from_secs(180),
                lasts: Span::from_secs(60),
                every: Span::from_secs(600),
            });
        }
        if kind == Kind::Orders {
            let point = |i| Point {
                at: at(i),
                span: Span::from_secs(60),
                amount: Amount::Trials(Trials::new((rate * 6.0) as u64, (rate * 3.0) as u64)),
            };
            let orders = "orders".parse().expect("it is a name");
            recording.series.insert(orders, (0..MINUTES).map(point).collect());
        }
        recording
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + minute * 60_000)
}

fn errors(share: f64) -> Fault {
    Fault::new(Effect::Errors { share, retries: 0 })
}

fn slower(factor: f64, plus: Span, of: f64) -> Fault {
    Fault::new(Effect::Slower { factor, plus, of })
}

fn minutes(minutes: u64) -> Span {
    Span::from_secs(minutes * 60)
}

/// Every incident, bad versions first.
pub fn suite() -> Vec<Incident> {
    let mut all = broken();
    all.extend(subtle());
    all.extend(fine());
    all
}

/// Versions that fail or are slow outright.
fn broken() -> Vec<Incident> {
    let retried = |share, retries| Fault::new(Effect::Errors { share, retries });
    vec![
        Incident::bad("all requests fail", errors(1.0)),
        Incident::bad("10 % of requests fail", errors(0.1)),
        Incident::bad("errors leak in, to 10 % in 30 min", Fault { grows_over: minutes(30), ..errors(0.1) }),
        Incident::bad("1.5 times slower", slower(1.5, Span::ZERO, 1.0)),
        Incident::bad("brown-out: a third takes 2 s more", slower(1.0, Span::from_secs(2), 0.33)),
        Incident::bad("tail: 2 % take 10 times as long", slower(10.0, Span::ZERO, 0.02)),
        Incident::bad("pauses: 1 % take 5 s more", slower(1.0, Span::from_secs(5), 0.01)),
        Incident::bad(
            "one endpoint: half of /checkout fails",
            Fault { among: Among::Path("/checkout".parse().expect("it is a path")), ..errors(0.5) },
        )
        .in_traffic(Kind::Checkout),
        Incident::bad(
            "one kind of visitor: all of 2 % fails",
            Fault { among: Among::Visitors(0.02), ..errors(1.0) },
        ),
        Incident::bad("a dependency hurt by retries: 5 %, 3 retries", retried(0.05, 3)),
        Incident::bad("retry storm: 20 %, 5 retries", retried(0.2, 5)),
        Incident::bad(
            "flapping: 30 % fail, 30 s in 2 min",
            Fault { flaps: Some((Span::from_secs(30), Span::from_secs(90))), ..errors(0.3) },
        ),
    ]
}

/// Versions that are worse by little, rarely or late.
fn subtle() -> Vec<Incident> {
    let orders = Fault::new(Effect::Metric { name: "orders".parse().expect("it is a name"), factor: 0.8 });
    let checked = Incident {
        extra_check: Some("{ metric: orders, compare: stable, tolerate: 3% }"),
        ..Incident::bad("a fifth fewer orders, with a check of it", orders.clone()).in_traffic(Kind::Orders)
    };
    vec![
        Incident::bad("0.1 % → 1 % fail", errors(0.009)),
        Incident::bad("1 % → 2 % fail", errors(0.01)).failing(0.01),
        Incident::bad("5 % → 8 % fail", errors(0.03)).failing(0.05),
        Incident::bad(
            "under load: 10 % fail from a quarter of traffic on",
            Fault { from: Onset::Share(0.2), ..errors(0.1) },
        ),
        Incident::bad(
            "late: 5 % fail after 20 min",
            Fault { from: Onset::After(minutes(20)), ..errors(0.05) },
        ),
        Incident::bad(
            "later: 8 % fail after 50 min",
            Fault { from: Onset::After(minutes(50)), ..errors(0.08) },
        ),
        Incident::bad("a fifth fewer orders", orders).in_traffic(Kind::Orders),
        checked,
        Incident { rates: LOW, ..Incident::bad("few visitors: 20 % fail", errors(0.2)) },
    ]
}

/// Versions with which nothing is wrong, or nothing that lasts.
fn fine() -> Vec<Incident> {
    let heals = Fault { heals_after: Some(Span::from_secs(90)), ..slower(4.0, Span::ZERO, 1.0) };
    vec![
        Incident::good("nothing, 0.1 % fail"),
        Incident::good("nothing, 1 % fail").failing(0.01),
        Incident::good("nothing, 5 % fail").failing(0.045),
        Incident { rates: LOW, ..Incident::good("nothing, few visitors") },
        Incident { fault: Some(heals), ..Incident::good("cold start: 4 times slower for 90 s") },
        Incident::good("outage of both: 30 % for 10 min").in_traffic(Kind::Outage),
        Incident::good("waves of both").in_traffic(Kind::Wave).failing(0.01),
        Incident::good("ten times the visitors for 5 min").in_traffic(Kind::Spike),
        Incident::good("a customer in trouble, 6 % of requests").in_traffic(Kind::Tenant),
        {
            let mut bunches = Incident::good("failures in bunches of 20").failing(0.01);
            bunches.traffic.bunch = 20.0;
            bunches
        },
        Incident {
            fault: Some(Fault::new(Effect::Better { share: 0.5 })),
            ..Incident::good("half as many failures").failing(0.02)
        },
    ]
}

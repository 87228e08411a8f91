//! What happens to requests when something changes under them.

use std::fmt::Write;
use std::time::Duration;

use super::Ask;
use super::contender::{Contender, Endpoints};
use super::load::{self, Load, Outcome, Shape};
use super::table::{median, spread};

/// Between two changes of the weight.
const WEIGHT_PAUSE: Duration = Duration::from_millis(250);
/// Between two restarts of the endpoints, in which nginx has new workers ready and the old ones gone.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const RESTARTS: usize = 4;
/// Routes where they are many, and where they are few.
const MANY: usize = 100_000;
const FEW: usize = 10;
const SWAPS: usize = 20;

fn shop() -> Shape {
    let requests = load::requests(|_| ("shop.localhost".to_owned(), "/index.html".to_owned(), 0));
    Shape { connections: 64, rate: None, requests, tls: None }
}

fn under_load(target: std::net::SocketAddr, shape: Shape, act: impl FnOnce()) -> Outcome {
    let mut load = Load::start(target, shape);
    load.warm_up();
    act();
    load.stop()
}

const HEAD: &str = "| | requests | failed | slowest ms |\n| --- | --- | --- | --- |\n";

fn row(text: &mut String, name: &str, outcome: &Outcome) {
    let slowest = outcome.slowest.as_secs_f64() * 1e3;
    writeln!(text, "| {name} | {} | {} | {slowest:.1} |", outcome.requests, outcome.failed)
        .expect("writing to a String does not fail");
}

/// The candidate's share changes between 10 and 90 percent, again and again.
pub(crate) fn weight(contenders: &mut [Contender], endpoints: &Endpoints, ask: &Ask) -> String {
    let changes = (ask.time.as_secs_f64() * ask.rounds as f64 / WEIGHT_PAUSE.as_secs_f64()).ceil() as u32;
    let mut text = format!(
        "### {changes} changes of the weight, 64 connections\n\nHAProxy by its runtime API, nginx by a reload; Envoy is left out.\n\n{HEAD}"
    );
    for contender in contenders.iter_mut().filter(|contender| contender.name != "envoy") {
        let outcome = under_load(contender.plain, shop(), || {
            for change in 0..changes {
                assert!(contender.weigh(endpoints, if change % 2 == 0 { 90 } else { 10 }));
                std::thread::sleep(WEIGHT_PAUSE);
            }
        });
        contender.weigh(endpoints, 10);
        row(&mut text, contender.name, &outcome);
    }
    text
}

/// Endpoints are restarted: who is asked answers, and every idle connection is closed.
pub(crate) fn restarts(contenders: &mut [Contender], endpoints: &Endpoints, _ask: &Ask) -> String {
    let mut text = format!("### {RESTARTS} restarts of all endpoints, 64 connections\n\n{HEAD}");
    for contender in contenders {
        let outcome = under_load(contender.plain, shop(), || {
            for _ in 0..RESTARTS {
                endpoints.restart();
                std::thread::sleep(RESTART_PAUSE);
            }
        });
        row(&mut text, contender.name, &outcome);
    }
    text
}

/// The speed with many routes beside that with few, and what a swap of many costs.
pub(crate) fn routes(ours: &mut Contender, ask: &Ask) -> String {
    let (mut cpu, mut rps) = (Vec::new(), Vec::new());
    for _ in 0..ask.rounds {
        let [few, many] = [FEW, MANY].map(|count| {
            ours.order(&format!("routes {count}"));
            let mut load = Load::start(ours.plain, routed(count, None));
            load.warm_up();
            let before = ours.cpu_secs();
            std::thread::sleep(ask.time);
            let used = ours.cpu_secs() - before;
            let outcome = load.stop();
            assert_eq!(outcome.failed, 0, "requests failed");
            (used / outcome.requests.max(1) as f64, outcome.rps)
        });
        cpu.push(many.0 / few.0);
        rps.push(many.1 / few.1);
    }
    let mut text = format!(
        "### {MANY} routes beside {FEW}, 64 connections\n\nCPU a request × {}, requests/s × {}\n\n\
         ### Swaps of {MANY} routes, 2,000 requests a second\n\n\
         | | swap ms, median | greatest | requests | failed | slowest request ms |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        spread(cpu),
        spread(rps)
    );
    for (title, order) in
        [("no swap", None), ("one weight changed", Some("share")), ("all routes new", Some("routes"))]
    {
        let mut took = Vec::new();
        let outcome = under_load(ours.plain, routed(MANY, Some(2_000.0)), || {
            for swap in 0..SWAPS {
                match order {
                    Some("routes") => {
                        // All of them are other objects than before.
                        took.push(
                            ours.order(&format!("routes {}", MANY - 1_000 * (swap % 2))).as_secs_f64() * 1e3,
                        );
                    }
                    Some(order) => {
                        took.push(ours.order(&format!("{order} {}", 10 + swap)).as_secs_f64() * 1e3);
                    }
                    None => {}
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let greatest = took.iter().copied().fold(0.0, f64::max);
        writeln!(
            text,
            "| {title} | {:.2} | {greatest:.2} | {} | {} | {:.2} |",
            median(took),
            outcome.requests,
            outcome.failed,
            outcome.slowest.as_secs_f64() * 1e3
        )
        .expect("writing to a String does not fail");
    }
    text
}

/// Requests to ten services, and to all of their routes.
fn routed(count: usize, rate: Option<f64>) -> Shape {
    let each = (count / (count / 100).max(10)).min(99);
    let requests = load::requests(move |user| {
        (format!("s{}.example.com", user % 10), format!("/shop/area/r{}/x", user / 10 % each), 0)
    });
    Shape { connections: 64, rate, requests, tls: None }
}

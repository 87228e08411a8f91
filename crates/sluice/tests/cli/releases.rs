//! Releases from the command line, with real builds and real visitors.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;

use serde_json::Value;
use sluice_core::Timestamp;

use crate::world::{Build, Running, Server, Visitors, documents, until};

/// A server with a service whose candidate fails so many of a hundred requests, and people who use it.
struct Shop {
    server: Server,
    visitors: Visitors,
    _data: tempfile::TempDir,
    _builds: [Build; 2],
}

fn shop(error_percent: &str) -> Shop {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", error_percent)];
    let applied = server.apply(&documents(&builds[0], &builds[1]));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let visitors = Visitors::start(&server.gateway);
    Shop { server, visitors, _data: data, _builds: builds }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn a_good_version_reaches_everyone_and_the_answer_has_what_scripts_rely_on() {
    let shop = shop("0");
    let ended = shop
        .server
        .run(&["release", "start", "checkout", "2.1.0", "--policy", "quick", "--wait", "-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    let release = ended.json();
    assert_eq!(release["kind"], "Release");
    let status = &release["status"];
    assert_eq!(status["phase"], "Succeeded");
    for side in ["desired", "observed"] {
        assert_eq!(status["split"][side]["candidate"], 100_000, "{status}");
    }
    assert!(!text(&status["reason"]["text"]).is_empty());
    let timeline = status["timeline"].as_array().unwrap();
    assert!(timeline.len() >= 3, "{status}");
    for entry in timeline {
        let at: Timestamp = text(&entry["at"]).parse().unwrap();
        assert_eq!(at.to_string(), text(&entry["at"]), "RFC 3339 with milliseconds");
        assert!(!text(&entry["kind"]).is_empty() && !text(&entry["text"]).is_empty());
    }
    let name = text(&release["metadata"]["name"]);
    assert_eq!(shop.server.status(name)["phase"], "Succeeded");
    assert_eq!(shop.visitors.version_of("ada").as_deref(), Some("2.1.0"));
    let service = shop.server.run(&["get", "svc", "checkout", "-o", "json"]).json();
    assert_eq!(service["status"]["live"], "2.1.0");
    let table = shop.server.run(&["release", "list"]).stdout;
    assert!(table.contains("Succeeded") && table.starts_with("NAME"), "{table}");
    let yaml = shop.server.run(&["get", "policy", "quick", "-o", "yaml"]).stdout;
    assert!(yaml.starts_with("apiVersion: sluice.dev/v1alpha1\nkind: Policy\n"), "{yaml}");
    let events = shop.server.run(&["events", "-o", "json"]).json();
    assert!(events["items"].as_array().unwrap().iter().any(|event| event["actor"] == "ada"), "{events}");
}

#[test]
fn a_bad_version_is_taken_back_and_the_exit_code_says_so() {
    let shop = shop("100");
    let ended = shop
        .server
        .run(&["release", "start", "checkout", "2.1.0", "--policy", "quick", "--watch", "-o", "json"]);
    assert_eq!(ended.code, 1, "{}", ended.shown());
    let status = &ended.json()["status"];
    assert_eq!(status["phase"], "RolledBack");
    assert_eq!(status["split"]["observed"]["candidate"], 0);
    assert_eq!(shop.visitors.version_of("ada").as_deref(), Some("2.0.3"));
    assert!(ended.stderr.lines().count() >= 3, "what happened is told beside the data: {}", ended.stderr);
}

#[test]
fn people_steer_a_release_and_the_log_keeps_their_reason() {
    let shop = shop("0");
    let policy = "kind: Policy
metadata: { name: by-hand }
spec:
  steps:
    - { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
    - { name: all, audience: [ { percent: 100 } ], hold: { untilPromoted: true } }
  checks: []
";
    assert_eq!(shop.server.apply(policy).code, 0);
    let started =
        shop.server.run(&["release", "start", "checkout", "2.1.0", "--policy", "by-hand", "-o", "json"]);
    let name = text(&started.json()["metadata"]["name"]).to_owned();
    let reached = |step: &str| {
        until(step, || {
            let status = shop.server.status(&name);
            (status["step"] == step && status["split"]["desired"] == status["split"]["observed"])
                .then_some(())
        });
    };
    reached("half");
    let act = |verb: &str, reason: &str| {
        let ended = shop.server.run(&["release", verb, &name, "--reason", reason]);
        assert_eq!(ended.code, 0, "{verb}: {}", ended.shown());
    };
    let mut following = Running::start(&mut shop.server.sluice(&["events", "--follow"]));
    following.through(|line| line.contains("checkout"));
    act("pause", "lunch");
    following.through(|line| line.contains("lunch") && line.contains("ada"));
    assert_eq!(shop.server.status(&name)["phase"], "Paused");
    assert_eq!(
        shop.server.run(&["release", "retry", &name]).code,
        1,
        "a release that runs cannot be retried"
    );
    act("resume", "back from lunch");
    act("promote", "looks fine");
    reached("all");
    let ended = shop.server.run(&["release", "abort", &name, "--wait", "--reason", "marketing is not ready"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    assert_eq!(shop.server.status(&name)["phase"], "Aborted");
    let events = shop.server.run(&["events"]).stdout;
    assert!(events.contains("marketing is not ready"), "{events}");
}

#[test]
fn ctrl_c_stops_watching_and_not_the_release() {
    let shop = shop("0");
    let policy = "kind: Policy
metadata: { name: by-hand }
spec:
  steps: [ { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } } ]
  checks: []
";
    assert_eq!(shop.server.apply(policy).code, 0);
    let mut command =
        shop.server.sluice(&["release", "start", "checkout", "2.1.0", "--policy", "by-hand", "--watch"]);
    let mut watching = Running::start(command.stderr(std::process::Stdio::piped()));
    watching.line("");
    watching.signal(rustix::process::Signal::INT);
    assert_eq!(watching.code(), 130);
    let list = shop.server.run(&["release", "list", "-o", "json"]).json();
    let release = &list["items"][0];
    assert!(["Pending", "Progressing"].contains(&text(&release["status"]["phase"])), "{release}");
}

#[test]
fn a_preview_reaches_a_version_that_nobody_else_meets() {
    let shop = shop("0");
    let ended = shop.server.run(&["preview", "checkout", "2.1.0", "--for", "5m"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    let (name, value) = ended.stdout.trim().split_once(": ").unwrap();
    until("the build is ready", || {
        let response = ureq::get(&shop.server.gateway).header(name, value).call().ok()?;
        (response.headers().get("x-sluice-version")? == "2.1.0").then_some(())
    });
    assert_eq!(shop.visitors.version_of("ada").as_deref(), Some("2.0.3"));
}

#[test]
fn a_diff_shows_what_would_change_and_changes_nothing() {
    let shop = shop("0");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quick.yaml");
    let policy = "kind: Policy
metadata: { name: quick }
spec:
  steps: [ { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } } ]
  checks: []
";
    std::fs::write(&file, policy).unwrap();
    let before = shop.server.run(&["get", "policy", "quick", "-o", "json"]).json();
    let ended = shop.server.run(&["diff", "-f", file.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    assert!(ended.stdout.contains("Policy quick: would be changed"), "{}", ended.stdout);
    assert!(
        ended.stdout.lines().any(|line| line.starts_with('-') && line.contains("half")),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.lines().any(|line| line.starts_with('+') && line.contains("1h")),
        "{}",
        ended.stdout
    );
    assert_eq!(shop.server.run(&["get", "policy", "quick", "-o", "json"]).json(), before);
}

#[test]
fn a_server_that_is_asked_to_stop_ends_in_order() {
    let mut shop = shop("0");
    shop.server.running.signal(rustix::process::Signal::TERM);
    assert_eq!(shop.server.running.code(), 0);
    assert_eq!(shop.server.run(&["get", "services"]).code, 4);
}

#[test]
fn load_balancers_learn_that_it_stops_before_it_does() {
    let data = tempfile::tempdir().unwrap();
    // Longer than anybody waits in this test: a second signal ends it.
    let options = ["--ready-path", "/sluice-ready", "--shutdown-delay", "1h"];
    let mut server = Server::start_with(&data, "127.0.0.1:0", "127.0.0.1:0", &options);
    let ready = format!("{}/sluice-ready", server.gateway);
    assert_eq!(ureq::get(&ready).call().unwrap().status(), 200);
    server.running.signal(rustix::process::Signal::TERM);
    let status = || match ureq::get(&ready).call() {
        Err(ureq::Error::StatusCode(status)) => Some(status),
        _ => None,
    };
    assert_eq!(until("it says that it leaves", status), 503);
    // New visitors are served all the while; without services, that is a 404.
    assert!(matches!(ureq::get(&server.gateway).call(), Err(ureq::Error::StatusCode(404))));
    server.running.signal(rustix::process::Signal::TERM);
    assert_eq!(server.running.code(), 130);
}

/// A build whose answers never come. Says when a visitor waits for one.
fn hanging_build() -> (String, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (waits, waiting) = channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            if request.starts_with("GET /healthz") {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .unwrap();
            } else {
                held.push(stream);
                waits.send(()).unwrap();
            }
        }
    });
    (address, waiting)
}

#[test]
fn a_second_signal_does_not_wait_for_visitors() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(&data);
    let (address, waiting) = hanging_build();
    let documents = format!(
        "kind: Service
metadata: {{ name: slow }}
spec:
  routes: [ {{ path: / }} ]
  health: {{ every: 100ms }}
  versions: [ {{ name: 1.0.0, endpoints: [ \"{address}\" ] }} ]
"
    );
    assert_eq!(server.apply(&documents).code, 0);
    until("the build is ready", || {
        let service = server.run(&["get", "service", "slow", "-o", "json"]).json();
        (service["status"]["versions"][0]["endpoints"]["ready"] == 1).then_some(())
    });
    let gateway = server.gateway.clone();
    let visitor = std::thread::spawn(move || ureq::get(&gateway).call().is_err());
    waiting.recv().unwrap();
    server.running.signal(rustix::process::Signal::TERM);
    let readyz = format!("{}/readyz", server.address);
    until("it says that it stops", || ureq::get(&readyz).call().is_err().then_some(()));
    server.running.signal(rustix::process::Signal::TERM);
    assert_eq!(server.running.code(), 130);
    assert!(visitor.join().unwrap(), "nobody answered the visitor");
}

//! The access log, read back from its file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sluice_core::Weight;
use sluice_gateway::{AccessLogOptions, AccessLogTarget, Gateway, Options, TraceOptions};

use super::world::{Answer, Endpoint, Visitor, options, serve, service, share, soon};

/// Everything is drawn and nothing is slow, unless a test says otherwise.
fn log_at(path: &Path) -> AccessLogOptions {
    AccessLogOptions {
        target: AccessLogTarget::File(path.to_owned()),
        sample: Weight::FULL,
        slow: Duration::from_secs(3600),
        redact: Vec::new(),
        headers: Vec::new(),
        shows_units: false,
    }
}

fn start_with(access_log: AccessLogOptions) -> Gateway {
    let trace = TraceOptions::Carry;
    let listen = "127.0.0.1:0".parse().unwrap();
    Gateway::start(Options { access_log: Some(access_log), trace, ..options(listen, 2) }).unwrap()
}

struct World {
    gateway: Gateway,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    fn start(change: impl FnOnce(&mut AccessLogOptions)) -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let mut log = log_at(&path);
        change(&mut log);
        World { gateway: start_with(log), path, _folder: folder }
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        Visitor::get(self.gateway.local_addr(), path, headers).await
    }

    /// All lines, once so many are there.
    async fn lines(&self, count: usize) -> Vec<Value> {
        soon(&format!("{count} lines"), async {
            loop {
                let lines = read(&self.path);
                if lines.len() >= count {
                    return lines;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[tokio::test]
async fn a_line_tells_who_met_what_and_why() {
    let (one, two) = (Endpoint::named("one").await, Endpoint::named("two!").await);
    let world =
        World::start(|log| log.headers = vec!["user-agent".parse().unwrap(), "x-api-key".parse().unwrap()]);
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 100.0);
    serve(&world.gateway, vec![shop]).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = format!(
        "X-User: ada\r\nUser-Agent: a \"b\"\\\r\nX-Api-Key: k\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"
    );
    let answer = world.get("/pay?x=1&token=abc", &headers).await;
    assert_eq!(answer.text(), "two!");
    let line = world.lines(1).await.remove(0);
    let expected = [
        ("method", "GET"),
        ("scheme", "http"),
        ("host", "h"),
        ("path", "/pay"),
        ("query", "x=1&token=[redacted]"),
        ("protocol", "HTTP/1.1"),
        ("client", "127.0.0.1"),
        ("environment", "test"),
        ("service", "shop"),
        ("version", "2"),
        ("why", "share"),
        ("release", "test"),
        ("trace", trace),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert_eq!((&line["status"], &line["bytesIn"], &line["bytesOut"]), (&200.into(), &0.into(), &4.into()));
    assert_eq!((&line["endpoint"], &line["sends"]), (&two.spec().to_string().into(), &1.into()));
    assert_eq!(line["headers"], serde_json::json!({ "user-agent": "a \"b\"\\", "x-api-key": "[redacted]" }));
    assert!(line["headMs"].as_f64().unwrap() <= line["totalMs"].as_f64().unwrap(), "{line}");
    let unit = line["unit"].as_str().unwrap();
    assert_eq!((unit.len(), unit.contains("ada"), &line["kept"]), (16, false, &Value::Null), "{line}");
    world.get("/", "X-User: ada\r\n").await;
    world.get("/", "X-User: eve\r\n").await;
    let lines = world.lines(3).await;
    let of = |path: &str| {
        lines.iter().filter(|line| line["path"] == path).map(|line| &line["unit"]).collect::<Vec<_>>()
    };
    assert!(of("/").contains(&&unit.into()) && of("/")[0] != of("/")[1], "{lines:?}");
}

#[tokio::test]
async fn what_the_gateway_answers_by_itself_is_told_with_its_code() {
    let world = World::start(|log| log.shows_units = true);
    let gone = Endpoint::named("x").await;
    let mut shop = service("shop", &[("1", &[&gone])]);
    shop.routes[0].path = "/shop".parse().unwrap();
    shop.health.every = sluice_core::Span::from_secs(3600);
    serve(&world.gateway, vec![shop]).await;
    world.get("/nowhere", "").await;
    let (address, spec) = (gone.address, gone.spec());
    drop(gone);
    soon("the endpoint is gone", async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.get("/shop", "X-User: ada\r\nAccept: application/json\r\n").await;
    Visitor::once(world.gateway.local_addr(), "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
    let lines = world.lines(3).await;
    let with =
        |error: &str| lines.iter().find(|line| line["error"] == error).unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&with("no-route")["status"], &with("no-route")["path"]), (&404.into(), &"/nowhere".into()));
    assert!(with("no-route")["bytesOut"].as_u64().unwrap() > 10 && with("no-route")["service"].is_null());
    let failed = with("connect-failed");
    assert_eq!(
        (&failed["status"], &failed["unit"], &failed["sends"]),
        (&502.into(), &"ada".into(), &0.into())
    );
    assert_eq!(failed["endpoint"], spec.to_string());
    assert_eq!((&with("bad-request")["status"], &with("bad-request")["method"]), (&400.into(), &Value::Null));
}

#[tokio::test]
async fn failures_and_slow_answers_are_told_though_nothing_is_drawn() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        if heard.path() == "/broken" {
            conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort").await;
            return None;
        }
        let status = heard.path().trim_start_matches('/').to_owned();
        conversation.say(format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok")).await;
        Some(conversation)
    })
    .await;
    let world = World::start(|log| log.sample = Weight::ZERO);
    serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for path in ["/200", "/404", "/500", "/broken"] {
        world.get(path, "").await;
    }
    world.gateway.drain(Duration::from_secs(5)).await;
    let mut told: Vec<_> =
        read(&world.path).iter().map(|line| (line["path"].to_string(), line["kept"].to_string())).collect();
    told.sort();
    let failed = |path: &str| (format!("\"{path}\""), "\"failure\"".to_owned());
    assert_eq!(told, [failed("/500"), failed("/broken")]);
    let broken = read(&world.path).into_iter().find(|line| line["path"] == "/broken").unwrap();
    assert_eq!((&broken["broken"], &broken["bytesOut"]), (&"endpoint".into(), &5.into()), "{broken}");

    let slow = World::start(|log| (log.sample, log.slow) = (Weight::ZERO, Duration::ZERO));
    serve(&slow.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    slow.get("/200", "").await;
    assert_eq!(slow.lines(1).await[0]["kept"], "slow");
}

#[tokio::test]
async fn a_trace_is_told_by_every_gateway_or_by_none() {
    let endpoint = Endpoint::named("ok").await;
    let half = |log: &mut AccessLogOptions| log.sample = Weight::from_percent(50.0).unwrap();
    let worlds = [World::start(half), World::start(half)];
    for world in &worlds {
        serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
        for number in 1..=64_u64 {
            let id = u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            world.get("/", &format!("traceparent: 00-{id:032x}-00f067aa0ba902b7-00\r\n")).await;
        }
        world.gateway.drain(Duration::from_secs(5)).await;
    }
    let told = worlds.map(|world| {
        let mut traces: Vec<_> = read(&world.path).iter().map(|line| line["trace"].to_string()).collect();
        traces.sort();
        traces
    });
    assert_eq!(told[0], told[1]);
    assert!((16..=48).contains(&told[0].len()), "{told:?}");
}

#[tokio::test]
async fn bodies_tunnels_and_replays_are_told_as_they_were() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        let length = heard.body.len();
        conversation.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")).await;
        conversation.say(&heard.body).await;
        Some(conversation)
    })
    .await;
    let world = World::start(|_| {});
    serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let body = "x".repeat(100_000);
    let request = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = Visitor::once(world.gateway.local_addr(), request).await;
    assert_eq!(answer.body.len(), body.len());
    let line = world.lines(1).await.remove(0);
    assert_eq!((&line["bytesIn"], &line["bytesOut"]), (&100_000.into(), &100_000.into()), "{line}");
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_made_anew() {
    let endpoint = Endpoint::named("ok").await;
    let world = World::start(|_| {});
    serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    world.get("/before", "").await;
    world.lines(1).await;
    let kept = world.path.with_extension("1");
    std::fs::rename(&world.path, &kept).unwrap();
    soon("a line in the new file", async {
        while read(&world.path).is_empty() {
            world.get("/after", "").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(read(&kept)[0]["path"], "/before");
    let all = || read(&kept).len() + read(&world.path).len();
    let written = world.gateway.figures().access_log.unwrap().written;
    assert!(all() as u64 >= written && written >= 2, "nothing is lost on the way: {written}");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_loses_lines_and_no_requests() {
    let endpoint = Endpoint::named("ok").await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let world = World::start(|log| log.target = AccessLogTarget::Stream(Arc::new(full)));
    serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for _ in 0..50 {
        assert_eq!(world.get("/", "").await.text(), "ok");
    }
    world.gateway.drain(Duration::from_secs(5)).await;
    let counts = world.gateway.figures().access_log.unwrap();
    assert_eq!((counts.written, counts.dropped), (0, 50));
}

#[tokio::test]
async fn a_reader_who_does_not_read_holds_up_nobody() {
    let endpoint = Endpoint::named("ok").await;
    // A pipe that nobody reads takes 64 KiB, and then every write waits.
    let (reader, writer) = std::io::pipe().unwrap();
    let stream = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
    let world = World::start(|log| log.target = AccessLogTarget::Stream(Arc::new(stream)));
    serve(&world.gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(world.gateway.local_addr()).await;
    let long = "x".repeat(2_000);
    let request = format!("GET /{long}?{long} HTTP/1.1\r\nHost: h\r\n\r\n");
    soon("lines that are dropped", async {
        while world.gateway.figures().access_log.unwrap().dropped == 0 {
            assert_eq!(visitor.ask(&request).await.text(), "ok");
        }
    })
    .await;
    drop(reader);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_no_start() {
    let folder = tempfile::tempdir().unwrap();
    let access_log = Some(log_at(&folder.path().join("missing/access.log")));
    let refused =
        Gateway::start(Options { access_log, ..options("127.0.0.1:0".parse().unwrap(), 1) }).unwrap_err();
    assert!(refused.to_string().starts_with("the access log cannot be opened: No such file"), "{refused}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_visitor_is_who_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let attributes = sluice_gateway::Attributes {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Default::default()
    };
    let access_log = Some(log_at(&path));
    let listen = "127.0.0.1:0".parse().unwrap();
    let gateway = Gateway::start(Options { access_log, attributes, ..options(listen, 1) }).unwrap();
    let headers = "X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n";
    Visitor::get(gateway.local_addr(), "/", headers).await;
    let line = soon("a line", async {
        loop {
            if let Some(line) = read(&path).pop() {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!((line["client"].as_str(), line["scheme"].as_str()), (Some("198.51.100.7"), Some("https")));
}

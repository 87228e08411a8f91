//! Seeing through: the access log as the binary writes it, and figures as a real Prometheus reads them.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::errors::check;
use crate::world::{Build, Running, Server, documents, run, sluice, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn json(url: &str) -> Option<Value> {
    let text = ureq::get(url).call().ok()?.body_mut().read_to_string().ok()?;
    serde_json::from_str(&text).ok()
}

#[test]
fn prometheus_reads_the_figures_and_finds_the_trace_of_a_request() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", "0")];
    assert_eq!(server.apply(&documents(&builds[0], &builds[1])).code, 0);
    let visit = || {
        let trace = format!("00-{TRACE}-00f067aa0ba902b7-01");
        ureq::get(&server.gateway).header("traceparent", trace).call().ok()
    };
    until("somebody is answered", visit);
    let control = server.address.trim_start_matches("http://");
    let config = format!(
        "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\n\
         scrape_configs: [ {{ job_name: sluice, static_configs: [ {{ targets: [ '{control}' ] }} ] }} ]\n"
    );
    std::fs::write(data.path().join("prometheus.yml"), config).unwrap();
    // It does not tell which port it took when it may choose.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new("prometheus");
    command.current_dir(data.path()).stdin(Stdio::null()).stderr(Stdio::null());
    command.args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        "--enable-feature=exemplar-storage",
    ]);
    let _prometheus = Running::start(command.arg(format!("--web.listen-address={address}")));
    let query = |what: &str| {
        let found = json(&format!("http://{address}/api/v1/query?query={what}"))?;
        found["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    until("the requests are read", || {
        query("sluice_gateway_requests_total%7Bversion=%222.0.3%22,result=%222xx%22%7D")
            .filter(|count| count != "0")
    });
    let ready = query("sluice_gateway_endpoints_ready%7Bversion=%222.1.0%22%7D");
    assert_eq!(ready.as_deref(), Some("1"));
    let exemplar = until("the trace is found", || {
        let name = "sluice_gateway_request_duration_seconds_bucket";
        let found =
            json(&format!("http://{address}/api/v1/query_exemplars?query={name}&start=0&end=4000000000"))?;
        let of = |series: &Value| series["exemplars"].as_array().cloned().unwrap_or_default();
        let all: Vec<Value> = found["data"].as_array()?.iter().flat_map(of).collect();
        all.into_iter().find(|exemplar| exemplar["labels"]["trace_id"] == TRACE)
    });
    assert!(exemplar["value"].as_str().unwrap().parse::<f64>().unwrap() > 0.0, "{exemplar}");
}

#[test]
fn the_access_log_goes_to_standard_output_alone_when_asked() {
    let data = tempfile::tempdir().unwrap();
    let options = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--gateway",
        "127.0.0.1:0",
        "--log",
        "info",
        "--log-format",
        "json",
    ];
    let mut command = sluice(&options);
    command
        .args(["--access-log", "-", "--access-log-header", "user-agent", "--data"])
        .arg(data.path().join("data"));
    let log = std::fs::File::create(data.path().join("log")).unwrap();
    let mut serving = Running::start(command.stderr(log));
    let gateway = until("it serves", || {
        let log = std::fs::read_to_string(data.path().join("log")).ok()?;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut serving = lines.filter(|line| line["message"] == "Serving");
        serving.next().map(|line| line["gateway"].as_str().unwrap().to_owned())
    });
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("http://{gateway}/pay?password=x&a=b");
    assert_eq!(agent.get(&url).header("user-agent", "a").call().unwrap().status(), 404);
    let line: Value = serde_json::from_str(&serving.through(|line| line.ends_with('\n'))).unwrap();
    assert_eq!((&line["query"], &line["error"]), (&"password=[redacted]&a=b".into(), &"no-route".into()));
    assert_eq!((&line["headers"]["user-agent"], line["trace"].as_str().unwrap().len()), (&"a".into(), 32));
}

#[test]
fn an_access_log_that_cannot_be_is_a_mistake_that_is_named() {
    let data = tempfile::tempdir().unwrap();
    let serve = |options: &[&str]| {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--log", "error"];
        run(sluice(&[&fixed[..], options].concat()).current_dir(data.path()))
    };
    check("access_log_nowhere", &serve(&["--access-log", "missing/access.log"]), &[]);
    check("access_log_bad_sample", &serve(&["--access-log", "a.log", "--access-log-sample", "1"]), &[]);
}

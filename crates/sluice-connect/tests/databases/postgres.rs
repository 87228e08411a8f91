//! PostgreSQL.

use std::process::Command;

use sluice_core::Span;
use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;

use crate::server::{Server, command, folder, free_port, program, run};
use crate::world::{ORDERS, PASSWORD, Question, check_kinds, check_past, check_troubles};

const PLACES: [&str; 4] = [
    "/usr/lib/postgresql/15/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/18/bin",
];

/// A server with a table of orders, and the address that it has for `shop`, who may do everything.
fn shop() -> (Server, String) {
    let folder = folder();
    let data = folder.path().join("data");
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    run(command(&program("initdb", &PLACES), folder.path())
        .args(["--username=shop", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"])
        .arg(format!("--pwfile={}", password.display()))
        .arg(&data));
    let port = free_port();
    let mut postgres = command(&program("postgres", &PLACES), folder.path());
    postgres.arg("-D").arg(&data).args([
        "-p",
        &port.to_string(),
        "-c",
        "fsync=off",
        "-c",
        "listen_addresses=127.0.0.1",
    ]);
    // Not UTC, so that times which are not bound as such would be found in the wrong minute.
    postgres.args(["-c", "timezone=Asia/Tokyo", "-c", "unix_socket_directories="]);
    let server =
        Server::start(postgres, port, folder, || psql(port, "SELECT 1").output().unwrap().status.success());
    run(&mut psql(
        port,
        "CREATE TABLE orders (at timestamp, version varchar(63), worth numeric(10, 2), failed int)",
    ));
    run(&mut psql(port, ORDERS));
    (server, format!("postgres://shop@127.0.0.1:{port}/postgres"))
}

fn psql(port: u16, query: &str) -> Command {
    let mut psql = Command::new(program("psql", &PLACES));
    psql.env("PGPASSWORD", PASSWORD).args([
        "-h",
        "127.0.0.1",
        "-U",
        "shop",
        "-d",
        "postgres",
        "-v",
        "ON_ERROR_STOP=1",
    ]);
    psql.args(["-p", &port.to_string(), "-c", query]);
    psql
}

#[tokio::test]
async fn every_kind_is_read_and_what_makes_no_sense_is_named() {
    let (server, url) = shop();
    check_kinds(&url).await;
    check_past(&url).await;
    check_troubles(&url).await;
    // Nothing that was tried has changed anything.
    check_kinds(&url).await;

    let ask = async |query: &str| Question::new(MetricKind::Gauge, &url, query).ask().await;
    for number in ["7::smallint", "7::bigint", "7::real", "7::float8", "7::numeric", "'7'::text", "7.0"] {
        let taken = ask(&format!("SELECT {number} AS value")).await.unwrap();
        assert_eq!(taken.candidate, Amount::Gauge(7.0), "{number}");
    }
    let taken = ask("SELECT $q$:version$q$ <> :version AS v, 3::int AS value").await.unwrap_err().why;
    assert!(taken.contains("`v`"), "{taken}");
    for (wrong, word) in
        [("'NaN'::numeric", "NaN"), ("'Infinity'::float8", "inf"), ("now()", "timestamptz"), ("true", "bool")]
    {
        let why = ask(&format!("SELECT {wrong} AS value")).await.unwrap_err().why;
        assert!(why.contains(word), "{wrong}: {why}");
    }
    // A function that writes is found out only when it runs.
    run(&mut psql(
        server.port,
        "CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'INSERT INTO orders (failed) VALUES (1); SELECT 1'",
    ));
    let why = ask("SELECT sneak() AS value").await.unwrap_err().why;
    assert!(why.contains("read-only transaction"), "{why}");

    let slow = Question::new(MetricKind::Gauge, &url, "SELECT 1 AS value FROM pg_sleep(600)");
    let why = Question { timeout: Span::from_millis(500), ..slow }.why_not().await;
    assert!(why.contains("did not answer within 500ms") || why.contains("statement timeout"), "{why}");
}

#[tokio::test]
async fn who_cannot_be_reached_is_named_without_the_password() {
    let (server, url) = shop();
    let why = async |url: &str| {
        let why = Question::new(MetricKind::Gauge, url, "SELECT 1 AS value").why_not().await;
        assert!(!why.contains("s3cr3t"), "{why}");
        why
    };
    let with = url.replace("shop@", "shop:s3cr3t@");
    assert!(why(&with).await.contains("has a password in it"));
    let unencrypted = why(&format!("{url}?sslmode=require")).await;
    assert!(unencrypted.contains("does not support TLS"), "{unencrypted}");
    let other = why(&url.replace("shop@", "nobody@")).await;
    assert!(other.contains("password authentication failed"), "{other}");
    drop(server);
    let gone = why(&url).await;
    assert!(gone.contains("PostgreSQL cannot be reached"), "{gone}");
}

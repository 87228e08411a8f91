//! MariaDB, over the protocol of MySQL.

use std::process::Command;

use sluice_core::Span;
use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;

use crate::server::{Server, command, folder, free_port, program, run};
use crate::world::{ORDERS, PASSWORD, Question, check_kinds, check_past, check_troubles};

const PLACES: [&str; 2] = ["/usr/sbin", "/usr/bin"];

/// A server with a table of orders, and the address that it has for `shop`, who may do everything there.
fn shop() -> (Server, String) {
    let folder = folder();
    let data = folder.path().join("data");
    let install = program("mariadb-install-db", &PLACES);
    run(command(&install, folder.path())
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg(format!("--datadir={}", data.display())));
    let port = free_port();
    let socket = folder.path().join("socket");
    let mut mariadbd = command(&program("mariadbd", &PLACES), folder.path());
    mariadbd
        .args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
        ])
        // Not UTC, so that times which are not bound as such would be found in the wrong minute.
        .args(["--default-time-zone=+09:00", "--innodb-buffer-pool-size=16M"])
        .arg(format!("--port={port}"))
        .arg(format!("--socket={}", socket.display()))
        .arg(format!("--datadir={}", data.display()));
    let query = |query: &str| {
        let mut mariadb = Command::new(program("mariadb", &PLACES));
        mariadb.args(["--no-defaults", "-uroot", "-e", query]).arg(format!("--socket={}", socket.display()));
        mariadb
    };
    let server =
        Server::start(mariadbd, port, folder, || query("SELECT 1").output().unwrap().status.success());
    let user = format!(
        "CREATE USER shop@'%' IDENTIFIED BY '{}'; GRANT ALL ON *.* TO shop@'%'",
        PASSWORD.replace('\'', "''")
    );
    let table =
        "CREATE TABLE shop.orders (at datetime(3), version varchar(63), worth decimal(10, 2), failed int)";
    for statement in ["CREATE DATABASE shop", table, &ORDERS.replace("orders", "shop.orders"), &user] {
        run(&mut query(statement));
    }
    (server, format!("mysql://shop@127.0.0.1:{port}/shop"))
}

#[tokio::test]
async fn every_kind_is_read_and_what_makes_no_sense_is_named() {
    let (_server, url) = shop();
    check_kinds(&url).await;
    check_past(&url).await;
    check_troubles(&url).await;
    check_kinds(&url).await;

    let ask = async |query: &str| Question::new(MetricKind::Gauge, &url, query).ask().await;
    for number in ["7", "7.0", "7e0", "CAST(7 AS UNSIGNED)", "'7'"] {
        assert_eq!(
            ask(&format!("SELECT {number} AS value")).await.unwrap().candidate,
            Amount::Gauge(7.0),
            "{number}"
        );
    }
    let why = ask("SELECT now() AS value").await.unwrap_err().why;
    assert!(why.contains("time"), "{why}");
    let slow = Question::new(MetricKind::Gauge, &url, "SELECT sleep(600) AS value");
    let why = Question { timeout: Span::from_millis(500), ..slow }.why_not().await;
    assert!(why.contains("did not answer within 500ms") || why.contains("max_statement_time"), "{why}");

    let with = url.replace("shop@", "shop:s3cr3t@");
    let why = Question::new(MetricKind::Gauge, &with, "SELECT 1 AS value").why_not().await;
    assert!(why.contains("has a password in it") && !why.contains("s3cr3t"), "{why}");
    let unknown = url.replace("shop@", "nobody@");
    let why = Question::new(MetricKind::Gauge, &unknown, "SELECT 1 AS value").why_not().await;
    assert!(why.contains("Access denied"), "{why}");
    let encrypted = format!("{url}?sslmode=require");
    let why = Question::new(MetricKind::Gauge, &encrypted, "SELECT 1 AS value").why_not().await;
    assert!(why.contains("cannot be reached"), "{why}");
}

//! Starting and stopping.

use std::time::Duration;

use sluice_gateway::{DrainReport, Gateway, Options, StartError};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::world::{Endpoint, Visitor, serve, service, soon, start, until_in_flight};

/// Answers when it is told to.
pub(crate) async fn waiting_endpoint() -> (Endpoint, watch::Sender<bool>) {
    let (go_on, may_answer) = watch::channel(false);
    let endpoint = Endpoint::acting(move |_, mut conversation| {
        let mut may_answer = may_answer.clone();
        async move {
            may_answer.wait_for(|is_so| *is_so).await.ok()?;
            conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await;
            Some(conversation)
        }
    })
    .await;
    (endpoint, go_on)
}

#[tokio::test]
async fn a_drain_lets_requests_end_closes_idle_connections_and_takes_nobody_new() {
    let (endpoint, go_on) = waiting_endpoint().await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut idle = Visitor::connect(gateway.local_addr()).await;
    go_on.send_replace(true);
    assert_eq!(idle.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.text(), "done");
    go_on.send_replace(false);
    let mut busy = Visitor::connect(gateway.local_addr()).await;
    busy.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    until_in_flight(&gateway, 1).await;
    let mut fresh = Visitor::connect(gateway.local_addr()).await;

    let draining = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.drain(Duration::from_secs(60)).await }
    });
    assert_eq!((fresh.until_closed().await, idle.until_closed().await), (Vec::new(), Vec::new()));
    soon("the door to be closed", async { while TcpStream::connect(gateway.local_addr()).await.is_ok() {} })
        .await;
    assert!(!draining.is_finished());
    go_on.send_replace(true);
    let answer = busy.answer().await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(busy.until_closed().await, b"");
    let report = soon("the drain", draining).await.unwrap();
    // The three, and whoever knocked before the last door was closed.
    assert!(report.closed >= 3 && report.cut_off == 0, "{report:?}");
    assert_eq!(gateway.drain(Duration::ZERO).await, DrainReport::default());
}

#[tokio::test]
async fn a_drain_whose_grace_is_over_cuts_off_who_is_left() {
    let (endpoint, _go_on) = waiting_endpoint().await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut busy = Visitor::connect(gateway.local_addr()).await;
    busy.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    until_in_flight(&gateway, 1).await;
    let report = soon("the drain", gateway.drain(Duration::from_millis(50))).await;
    assert_eq!(report, DrainReport { closed: 0, cut_off: 1 });
    assert_eq!(busy.until_closed().await, b"");
}

fn options(listen: std::net::SocketAddr) -> Options {
    super::world::options(listen, 1)
}

#[tokio::test]
async fn a_taken_port_is_named_even_when_the_other_is_a_gateway() {
    let gateway = start();
    let address = gateway.local_addr();
    let refused = Gateway::start(options(address)).unwrap_err();
    assert!(matches!(refused, StartError::AddressInUse { address: named } if named == address));
    let expected = format!(
        "the gateway cannot listen on {address}: another process does; stop it or choose another address"
    );
    assert_eq!(refused.to_string(), expected);
    let not_here = Gateway::start(options("192.0.2.1:1".parse().unwrap())).unwrap_err();
    assert!(
        matches!(not_here, StartError::AddressNotHere { .. } | StartError::NotPermitted { .. }),
        "{not_here}"
    );
}

#[tokio::test]
async fn the_last_handle_takes_everything_with_it() {
    let gateway = start();
    let address = gateway.local_addr();
    let other = gateway.clone();
    drop(gateway);
    assert_eq!(Visitor::get(address, "/", "").await.status, 404);
    drop(other);
    let again = Gateway::start(options(address)).unwrap();
    assert_eq!(again.local_addr(), address);
}

#[tokio::test]
async fn a_gateway_that_is_about_to_go_says_so_and_serves_on() {
    let endpoint = Endpoint::named("1").await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let ready_path = Some("/sluice-ready".to_owned());
    let gateway = Gateway::start(Options { ready_path, ..options(listen) }).unwrap();
    let ready = async || Visitor::get(gateway.local_addr(), "/sluice-ready?x", "").await;
    // Before there is anything to serve, and beside a service that claims every path.
    assert_eq!((ready().await.status, ready().await.text().as_str()), (200, "ready\n"));
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    assert_eq!(ready().await.status, 200);
    gateway.leave();
    assert_eq!((ready().await.status, ready().await.text().as_str()), (503, "leaving\n"));
    let answer = Visitor::get(gateway.local_addr(), "/sluice-ready/1", "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    assert_eq!(endpoint.heard().len(), 1);
}

//! Traces that are carried on, and made.

use std::collections::HashSet;

use sluice_core::Weight;
use sluice_gateway::{Gateway, Options, TraceOptions};

use super::world::{Endpoint, Visitor, options, serve, service};

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn gateway_before(endpoint: &Endpoint, trace: TraceOptions) -> Gateway {
    let listen = "127.0.0.1:0".parse().unwrap();
    let gateway = Gateway::start(Options { trace, ..options(listen, 2) }).unwrap();
    serve(&gateway, vec![service("shop", &[("1", &[endpoint])])]).await;
    gateway
}

#[tokio::test]
async fn a_trace_that_can_be_read_passes_unchanged_with_its_state() {
    let endpoint = Endpoint::named("ok").await;
    let gateway = gateway_before(&endpoint, TraceOptions::Make { sample: Weight::FULL }).await;
    let headers = format!("Traceparent: {VALID}\r\nTracestate: a=1\r\nTracestate: b=2\r\n");
    Visitor::get(gateway.local_addr(), "/", &headers).await;
    let heard = endpoint.heard().remove(0);
    assert_eq!(heard.all("traceparent"), [VALID]);
    assert_eq!(heard.all("tracestate"), ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_trace_is_made_where_there_is_none_or_a_broken_one() {
    let endpoint = Endpoint::named("ok").await;
    let gateway = gateway_before(&endpoint, TraceOptions::Make { sample: Weight::ZERO }).await;
    for headers in
        ["", "traceparent: 00-x\r\ntracestate: a=1\r\n", &format!("traceparent: {VALID}\r\n").repeat(2)]
    {
        Visitor::get(gateway.local_addr(), "/", headers).await;
        Visitor::get(gateway.local_addr(), "/", headers).await;
    }
    let heard = endpoint.heard();
    let made: HashSet<_> =
        heard.iter().map(|heard| heard.header("traceparent").unwrap().to_owned()).collect();
    assert_eq!(made.len(), 6, "each is its own: {made:?}");
    for (text, heard) in made.iter().zip(&heard) {
        let parts: Vec<_> = text.split('-').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len(), parts[3]), ("00", 32, 16, "00"), "{text}");
        assert_eq!((heard.all("traceparent").len(), heard.all("tracestate").len()), (1, 0), "{}", heard.head);
    }
}

#[tokio::test]
async fn nothing_is_made_where_traces_are_only_carried() {
    let endpoint = Endpoint::named("ok").await;
    let gateway = gateway_before(&endpoint, TraceOptions::Carry).await;
    for headers in ["", "traceparent: 00-x\r\ntracestate: a=1\r\n"] {
        Visitor::get(gateway.local_addr(), "/", headers).await;
    }
    for heard in endpoint.heard() {
        assert_eq!((heard.header("traceparent"), heard.header("tracestate")), (None, None), "{}", heard.head);
    }
}

#[tokio::test]
async fn a_request_of_a_sampled_trace_stands_for_others_of_its_latency() {
    let endpoint = Endpoint::named("ok").await;
    let gateway = gateway_before(&endpoint, TraceOptions::Carry).await;
    Visitor::get(gateway.local_addr(), "/", &format!("traceparent: {}\r\n", VALID.replace("-01", "-00")))
        .await;
    assert!(gateway.figures().versions[0].exemplars.is_empty(), "nobody keeps that one");
    Visitor::get(gateway.local_addr(), "/", &format!("traceparent: {VALID}\r\n")).await;
    let figures = gateway.figures();
    let version = &figures.versions[0];
    assert_eq!(version.exemplars[0].trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    assert!(version.latency_micros >= version.exemplars[0].micros);
}

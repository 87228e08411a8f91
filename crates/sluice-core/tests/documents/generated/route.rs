//! Routes, and how endpoints share their requests.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sluice_core::condition::Condition;
use sluice_core::document::policy::Percent;
use sluice_core::document::service::{
    Balance, ChangedField, HeaderChanges, HeaderField, HeaderText, LimitSpec, OutlierSpec, Redirect,
    RedirectStatus, RetryOn, RetrySpec, Rewrite, RouteSpec, RouteTimeouts, Scheme, Wanted,
};

use super::span;

pub(super) fn route() -> impl Strategy<Value = RouteSpec> {
    let at = (
        select(vec!["*", "*.example.com", "shop.example.com", "a_b.c"]),
        "(/[a-z0-9._~-]{1,4}x){0,3}".prop_map(|path| if path.is_empty() { "/".to_owned() } else { path }),
    )
        .prop_map(|(host, path)| (host.parse().unwrap(), path.parse().unwrap()));
    (at, demands(), handling()).prop_map(|((host, path), demands, handling)| RouteSpec {
        host,
        path,
        scheme: demands.scheme,
        methods: demands.methods,
        headers: demands.headers,
        query: demands.query,
        when: demands.when,
        ..handling
    })
}

/// A route that says only what it asks for.
fn demands() -> impl Strategy<Value = RouteSpec> {
    let wanted = || select(vec!["*", "1", "a b"]).prop_map(|wanted| wanted.parse::<Wanted>().unwrap());
    let field = || "[a-z][a-z-]{0,6}".prop_map(|name| name.parse::<HeaderField>().unwrap());
    (
        option::of(select(vec![Scheme::Http, Scheme::Https])),
        prop::collection::btree_set(select(vec!["GET", "POST", "PURGE"]), 0..3),
        prop::collection::btree_map(field(), wanted(), 0..3),
        prop::collection::btree_map(".{0,4}", wanted(), 0..3),
        option::of(select(vec!["request.method == 'GET'", "visitor.id in ['a', 'b']"])),
    )
        .prop_map(|(scheme, methods, headers, query, when)| RouteSpec {
            scheme,
            methods: methods.into_iter().map(|method| method.parse().unwrap()).collect(),
            headers,
            query,
            when: when.map(|rule| Condition::for_visitors(rule).unwrap()),
            ..RouteSpec::default()
        })
}

/// A route that says only what is done with its requests.
fn handling() -> impl Strategy<Value = RouteSpec> {
    let path = || option::of(select(vec!["/", "/v2", "/a/b"]).prop_map(|path| path.parse().unwrap()));
    let host = || option::of(select(vec!["a.example.com", "b"]).prop_map(|host| host.parse().unwrap()));
    let scheme = option::of(select(vec![Scheme::Http, Scheme::Https]));
    let status =
        select(vec![301, 302, 303, 307, 308]).prop_map(|code| RedirectStatus::try_from(code).unwrap());
    let redirect =
        (scheme, host(), 1..u16::MAX, path(), status).prop_map(|(scheme, host, port, path, status)| {
            let redirect = Redirect { scheme, host, port: Some(port), path, status };
            RouteSpec { redirect: Some(redirect), ..RouteSpec::default() }
        });
    let times = (option::of(span()), option::of(span()), option::of(span()));
    let timeouts = times.prop_map(|(connect, response, idle)| RouteTimeouts { connect, response, idle });
    let on = vec![RetryOn::Reset, RetryOn::Timeout, RetryOn::InternalError, RetryOn::GatewayTimeout];
    let percent = (0..=100_u32).prop_map(|percent| Percent::try_from(f64::from(percent)).unwrap());
    let retries = (1..6_u32, subsequence(on, 1..5), percent)
        .prop_map(|(attempts, on, budget_percent)| RetrySpec { attempts, on, budget_percent });
    let asked = (path(), host(), changes(), changes(), timeouts, option::of(retries)).prop_map(
        |(path, host, request_headers, response_headers, timeouts, retries)| RouteSpec {
            rewrite: Rewrite { path, host },
            request_headers,
            response_headers,
            timeouts,
            retries,
            ..RouteSpec::default()
        },
    );
    prop_oneof![asked, redirect]
}

fn changes() -> impl Strategy<Value = HeaderChanges> {
    let field = || "x-[a-r]{1,4}".prop_map(|name| name.parse::<ChangedField>().unwrap());
    let text = || "[!-~]{0,5}".prop_map(|text| text.parse::<HeaderText>().unwrap());
    let named = move || prop::collection::btree_map(field(), text(), 0..3);
    (named(), named(), prop::collection::vec(field(), 0..3)).prop_map(|(set, add, remove)| HeaderChanges {
        set,
        add,
        remove,
    })
}

pub(super) fn upstream() -> impl Strategy<Value = (Balance, Option<LimitSpec>, Option<OutlierSpec>)> {
    let limits = (1..99_u32, 0..99_u32, span()).prop_map(|(in_flight, queue, wait)| LimitSpec {
        in_flight,
        queue,
        wait,
    });
    let outliers = (1..9_u32, span(), 1..=100_u32).prop_map(|(failures, eject, most_percent)| OutlierSpec {
        failures,
        eject,
        most_percent,
    });
    (select(vec![Balance::LeastRequests, Balance::RoundRobin]), option::of(limits), option::of(outliers))
}

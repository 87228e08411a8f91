//! What a rule costs on the way of a request. Run with `cargo run --release -p sluice-core --example rule_cost`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use sluice_core::condition::Condition;
use sluice_core::document::service::AttributeSource;
use sluice_core::routing::Request;

/// A request with a dozen headers, as browsers send them.
struct Browser {
    headers: Vec<(&'static str, &'static str)>,
}

impl Request for Browser {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/checkout/basket/42"
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
    fn cookie(&self, _: &str) -> Option<&str> {
        None
    }
    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

fn main() {
    let mut headers = vec![("accept", "*/*"); 10];
    headers.extend([("x-country", "BE"), ("x-plan", "team"), ("x-email", "ada@example.com")]);
    let request = Browser { headers };
    let visitor = BTreeMap::from([
        ("plan".to_owned(), AttributeSource::Header("x-plan".to_owned())),
        ("email".to_owned(), AttributeSource::Header("x-email".to_owned())),
    ]);
    for rule in [
        "true",
        "visitor.plan == 'team'",
        "visitor.email.endsWith('@example.com')",
        "visitor.plan != 'enterprise' && request.headers['x-country'] in ['NL', 'BE']",
        "visitor.email.matches('^[a-z]+@(example|sample)[.]com$')",
        "['ada', 'grace', 'alan'].exists(name, visitor.email.startsWith(name))",
    ] {
        let Ok(condition) = Condition::for_visitors(rule) else { panic!("{rule} is no rule") };
        const TIMES: u32 = 1_000_000;
        let started = Instant::now();
        let held = (0..TIMES)
            .filter(|_| black_box(&condition).holds_for(black_box(&request), &visitor, Some("ada")))
            .count();
        let each = started.elapsed().as_nanos() / u128::from(TIMES);
        println!("{each:>6} ns  {}  {rule}", held > 0);
    }
}

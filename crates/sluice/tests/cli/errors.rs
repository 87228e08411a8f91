//! What people are told when something is wrong, and what scripts learn from the exit code.

use std::net::TcpListener;

use crate::world::{Build, Ended, Server, documents, run, sluice};

/// A failure as a snapshot: what differs between runs is replaced.
pub(crate) fn check(name: &str, ended: &Ended, replacements: &[(&str, &str)]) {
    let mut text = ended.shown();
    for (from, to) in replacements {
        text = text.replace(from, to);
    }
    insta::with_settings!({ filters => vec![
        (r"process \d+", "process [PID]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[TIME]"),
    ] }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_server_that_is_not_there() {
    // Nobody listens on port 1 of a machine that runs tests.
    check("unreachable", &run(&mut sluice(&["get", "services", "--server", "http://127.0.0.1:1"])), &[]);
}

#[test]
fn an_address_that_is_none() {
    check(
        "bad_server",
        &run(&mut sluice(&["get", "services", "--server", "https://sluice.example.com"])),
        &[],
    );
}

#[test]
fn a_kind_that_does_not_exist() {
    check("unknown_kind", &run(&mut sluice(&["get", "servces"])), &[]);
}

#[test]
fn a_file_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    check("no_file", &run(sluice(&["apply", "-f", "shop.yaml"]).current_dir(folder.path())), &[]);
}

#[test]
fn documents_with_several_problems() {
    let folder = tempfile::tempdir().unwrap();
    let text = "kind: Service
metadata: { name: Shop }
spec:
  routes: [ { host: shop.example.com, path: checkout } ]
  versions:
    - { name: 2.0.3, endpoint: [ \"http://127.0.0.1:9001\" ] }
---
kind: Policy
metadata: { name: careful }
spec:
  steps:
    - { name: small, audience: [ { percent: 105 } ], hold: { time: 10 } }
";
    std::fs::write(folder.path().join("shop.yaml"), text).unwrap();
    check("problems", &run(sluice(&["validate", "-f", "shop.yaml"]).current_dir(folder.path())), &[]);
}

#[test]
fn yaml_that_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "kind: Service\nmetadata: { name: shop }\n").unwrap();
    std::fs::write(folder.path().join("b.yaml"), "kind: Policy\nmetadata: { name: x\nspec: [\n").unwrap();
    check("broken_yaml", &run(sluice(&["validate", "-f", "."]).current_dir(folder.path())), &[]);
}

#[test]
fn an_address_that_others_could_reach() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sluice(&["serve", "--listen", "0.0.0.0:7070"]);
    check("not_loopback", &run(command.current_dir(folder.path())), &[]);
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing is made before all is checked"
    );
}

#[test]
fn text_that_is_no_address() {
    check("bad_listen", &run(&mut sluice(&["serve", "--listen", "7070"])), &[]);
}

#[test]
fn ports_that_are_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = address.rsplit(':').next().unwrap();
    let serve = |listen: &str, gateway: &str| {
        let folder = tempfile::tempdir().unwrap();
        let options = ["serve", "--log", "error", "--listen", listen, "--gateway", gateway, "--data", "data"];
        run(sluice(&options).current_dir(folder.path()))
    };
    check("listen_taken", &serve(&address, "127.0.0.1:0"), &[(port, "[PORT]")]);
    check("gateway_taken", &serve("127.0.0.1:0", &address), &[(port, "[PORT]")]);
}

#[test]
fn a_data_folder_that_is_in_use() {
    let data = tempfile::tempdir().unwrap();
    let _first = Server::start(&data);
    let options =
        ["serve", "--log", "error", "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--data"];
    let second = run(sluice(&options).arg(data.path().join("data")));
    check("data_in_use", &second, &[(data.path().to_str().unwrap(), "[DIR]")]);
}

#[test]
fn a_data_folder_that_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), "not a folder").unwrap();
    let options =
        ["serve", "--log", "error", "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--data", "data"];
    check("data_is_a_file", &run(sluice(&options).current_dir(folder.path())), &[]);
}

#[test]
fn what_a_server_refuses() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let (stable, candidate) = (Build::start("2.0.3", "0"), Build::start("2.1.0", "0"));
    check("applied", &server.apply(&documents(&stable, &candidate)), &[]);
    let again = server.apply(&documents(&stable, &candidate));
    check("applied_again", &again, &[]);
    check("not_found", &server.run(&["get", "service", "chekout"]), &[]);
    check("already_live", &server.run(&["release", "start", "checkout", "2.0.3"]), &[]);
    check("unknown_version", &server.run(&["release", "start", "checkout", "2.2.0"]), &[]);
    check("unknown_policy", &server.run(&["release", "start", "checkout", "2.1.0", "--policy", "quik"]), &[]);
    check("unknown_release", &server.run(&["release", "promote", "checkout-2.1.0-7"]), &[]);
    check("built_in", &server.run(&["delete", "policy", "canary"]), &[]);
    let broken = "kind: Policy\nmetadata: { name: quick }\nspec:\n  steps: []\n";
    check("broken_on_server", &server.apply(broken), &[]);
    let clash = format!(
        "{}---\nkind: Service\nmetadata: {{ name: other }}\nspec:\n  routes: [ {{ path: / }} ]\n  versions: [ {{ name: a, endpoints: [ \"http://127.0.0.1:9\" ] }} ]\n",
        ""
    );
    let ended = server.apply(&clash);
    check("route_clash", &ended, &[]);
    assert_eq!(server.run(&["get", "service", "other"]).code, 1, "nothing was half-applied");
}

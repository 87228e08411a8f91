//! `sluice analyze`, as programs meet it: the real process, its pipes, its exit code.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::errors::check;
use crate::world::{Ended, Running, run, sluice};

/// What the command says to a text.
fn analyze(options: &[&str], input: &str) -> Ended {
    let mut child = sluice(&[&["analyze", "--jsonl"], options].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // From a thread: a command that answers while it reads would wait for its reader, and its reader for it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The answers to lines, which must make sense.
fn answers(options: &[&str], lines: &[Value]) -> Vec<Value> {
    let input: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    let ended = analyze(options, &input.concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn config(kind: &str) -> Value {
    json!({ "config": { "id": "s1", "kind": kind, "alpha": 0.05 } })
}

fn with(mut config: Value, field: &str, value: Value) -> Value {
    config["config"][field] = value;
    config
}

fn batch(seq: u64, stable: Value, candidate: Value) -> Value {
    json!({ "batch": { "seq": seq, "weight": 0.5, "stable": stable, "candidate": candidate } })
}

/// A stream of so many batches that are all alike.
fn stream(config: Value, batches: u64, stable: &Value, candidate: &Value) -> Vec<Value> {
    let batches = (1..=batches).map(|seq| batch(seq, stable.clone(), candidate.clone()));
    [config].into_iter().chain(batches).collect()
}

fn verdicts(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|answer| answer["verdict"].as_str().unwrap()).collect()
}

fn last<'a>(answers: &'a [Value], field: &str) -> &'a Value {
    &answers.last().unwrap()[field]
}

fn trials(n: u64, k: u64) -> Value {
    json!({ "n": n, "k": k })
}

#[test]
fn a_worse_candidate_is_stopped_for_good_and_told_with_its_numbers() {
    let mut lines = stream(config("proportion"), 30, &trials(100, 1), &trials(100, 5));
    // Afterwards it is perfect, which changes nothing.
    lines.extend((31..=400).map(|seq| batch(seq, trials(100, 5), trials(100, 0))));
    let answers = answers(&[], &lines);
    assert_eq!(answers.len(), 400);
    let verdicts = verdicts(&answers);
    assert_eq!(verdicts[0], "continue");
    let first = verdicts.iter().position(|verdict| *verdict == "stop").unwrap();
    assert!(first < 30, "{first}");
    assert!(verdicts[first..].iter().all(|verdict| *verdict == "stop"));
    assert!(answers[first]["log_e"].as_f64().unwrap() >= 20_f64.ln());
    assert!(last(&answers, "log_e").as_f64().unwrap() < 0.0, "the evidence is that of now");
    assert!(last(&answers, "p").as_f64().unwrap() <= 0.05, "p is the smallest so far");
    let reason = answers[first]["reason"].as_str().unwrap();
    assert!(
        reason.contains("above stable's") && reason.contains(&format!("at batch {}", first + 1)),
        "{reason}"
    );
    let estimate = answers[first]["estimate"].as_f64().unwrap();
    assert!((3.0..6.0).contains(&estimate), "{estimate}");
    let bound = |at: usize, bound: &str| answers[at][bound].as_f64().unwrap();
    assert!(bound(first, "low") < estimate && estimate < bound(first, "high"));
    assert!(bound(29, "low") > 1.0, "{}", answers[29]);
}

#[test]
fn answers_carry_id_and_number_in_the_order_of_the_batches_and_a_config_drops_what_was_before() {
    let bad = stream(config("proportion"), 50, &trials(100, 1), &trials(100, 90));
    let second = with(config("proportion"), "id", json!("a \"quoted\" ü"));
    let mut lines = bad;
    lines.extend(stream(second, 3, &trials(10, 0), &trials(10, 0)));
    let answers = answers(&[], &lines);
    let told: Vec<_> =
        answers.iter().map(|answer| (answer["id"].clone(), answer["seq"].as_u64().unwrap())).collect();
    let expected =
        (1..=50).map(|seq| (json!("s1"), seq)).chain((1..=3).map(|seq| (json!("a \"quoted\" ü"), seq)));
    assert_eq!(told, expected.collect::<Vec<_>>());
    assert_eq!(
        (answers[49]["verdict"].as_str(), answers[50]["verdict"].as_str()),
        (Some("stop"), Some("continue"))
    );
    let fields = ["id", "seq", "verdict", "log_e", "p", "estimate", "low", "high", "reason"];
    assert!(answers.iter().all(|answer| fields.iter().all(|field| answer.get(field).is_some())));
}

#[test]
fn empty_batches_are_answered_and_prove_nothing() {
    for (kind, empty) in [
        ("proportion", trials(0, 0)),
        ("count", json!({ "events": 0, "exposure": 0 })),
        ("latency", json!({ "values": [] })),
        ("allocation", json!({ "n": 0 })),
    ] {
        let answers = answers(&["--non-inferiority"], &stream(config(kind), 100, &empty, &empty));
        assert!(verdicts(&answers).iter().all(|verdict| *verdict == "continue"), "{kind}");
        let nothing = ["estimate", "low", "high"].map(|field| last(&answers, field).clone());
        assert_eq!(nothing, [Value::Null, Value::Null, Value::Null], "{kind}");
        assert!(last(&answers, "reason").as_str().unwrap().contains("nothing to compare"), "{kind}");
    }
}

#[test]
fn one_version_alone_is_no_evidence() {
    let answers =
        answers(&["--non-inferiority"], &stream(config("proportion"), 500, &trials(0, 0), &trials(50, 50)));
    assert!(verdicts(&answers).iter().all(|verdict| *verdict == "continue"));
    assert_eq!(last(&answers, "p"), &json!(1.0));
}

#[test]
fn each_direction_finds_its_own_change_and_no_other() {
    let change = |direction: &str, stable: u64, candidate: u64| {
        let config = with(config("proportion"), "direction", json!(direction));
        let answers = answers(&[], &stream(config, 60, &trials(100, stable), &trials(100, candidate)));
        last(&answers, "verdict").as_str().unwrap().to_owned()
    };
    assert_eq!([change("increase", 2, 12), change("increase", 12, 2)], ["stop", "continue"]);
    assert_eq!([change("decrease", 2, 12), change("decrease", 12, 2)], ["continue", "stop"]);
    assert_eq!(
        [change("both", 2, 12), change("both", 12, 2), change("both", 7, 7)],
        ["stop", "stop", "continue"]
    );
}

#[test]
fn a_margin_is_tolerated_in_either_direction() {
    let judge = |direction: &str, margin: Value, stable: u64, candidate: u64| {
        let config = with(with(config("proportion"), "direction", json!(direction)), "margin", margin);
        let answers = answers(&[], &stream(config, 100, &trials(1000, stable), &trials(1000, candidate)));
        last(&answers, "verdict").as_str().unwrap().to_owned()
    };
    assert_eq!(judge("increase", json!({ "relative": 0.2 }), 100, 118), "continue");
    assert_eq!(judge("increase", json!({ "relative": 0.2 }), 100, 135), "stop");
    // At least (1 - 0.2) times stable's, not 1 / 1.2 times.
    assert_eq!(judge("decrease", json!({ "relative": 0.2 }), 100, 81), "continue");
    assert_eq!(judge("decrease", json!({ "relative": 0.2 }), 100, 65), "stop");
    assert_eq!(judge("decrease", json!({ "absolute": 0.02 }), 100, 82), "continue");
    assert_eq!(judge("both", json!({ "absolute": 0.02 }), 100, 145), "stop");
}

#[test]
fn a_kept_margin_is_proved_only_where_it_is_asked_for() {
    let margin = |kind: &str| with(config(kind), "margin", json!({ "relative": 0.5 }));
    for (kind, arm) in [
        ("proportion", trials(100, 5)),
        ("count", json!({ "events": 5, "exposure": 1.0 })),
        ("latency", json!({ "values": (1..=100).collect::<Vec<_>>() })),
    ] {
        let lines = stream(margin(kind), 400, &arm, &arm);
        let proved = answers(&["--non-inferiority"], &lines);
        let first = verdicts(&proved).iter().position(|verdict| *verdict == "pass");
        let first = first.unwrap_or_else(|| panic!("{kind}: {}", proved.last().unwrap()));
        assert!(first > 0 && verdicts(&proved)[first..].iter().all(|verdict| *verdict == "pass"), "{kind}");
        assert!(verdicts(&answers(&[], &lines)).iter().all(|verdict| *verdict == "continue"), "{kind}");
    }
    // Whoever is good enough on one side of two has proved nothing on the other.
    let both = with(margin("proportion"), "direction", json!("both"));
    let answers = answers(&["--non-inferiority"], &stream(both, 400, &trials(100, 10), &trials(100, 5)));
    assert!(!verdicts(&answers).contains(&"pass"));
}

#[test]
fn a_candidate_that_passed_is_still_stopped_when_it_breaks() {
    let margin = with(config("proportion"), "margin", json!({ "relative": 0.5 }));
    let mut lines = stream(margin, 400, &trials(100, 5), &trials(100, 5));
    lines.extend((401..=410).map(|seq| batch(seq, trials(100, 5), trials(100, 100))));
    let answers = answers(&["--non-inferiority"], &lines);
    assert_eq!(answers[399]["verdict"], "pass");
    assert_eq!(last(&answers, "verdict"), "stop");
}

#[test]
fn users_are_tested_where_users_are_the_unit() {
    let arm = |k: u64| json!({ "n": 500, "k": k, "units": 100, "unit_k": 2 });
    // All the failures more are one visitor's.
    let judge = |unit: &str| {
        let lines = stream(with(config("proportion"), "unit", json!(unit)), 50, &arm(10), &arm(40));
        last(&answers(&[], &lines), "verdict").as_str().unwrap().to_owned()
    };
    assert_eq!([judge("request"), judge("user")], ["stop", "continue"]);
}

#[test]
fn more_events_longer_times_and_a_broken_split_are_found() {
    let count = |events: u64| json!({ "events": events, "exposure": 2.5 });
    let more = answers(&[], &stream(config("count"), 100, &count(5), &count(12)));
    assert_eq!(last(&more, "verdict"), "stop");
    let values = |by: f64| json!({ "values": (1..=20).map(|i| f64::from(i) * by).collect::<Vec<_>>() });
    let slower = answers(&[], &stream(config("latency"), 100, &values(10.0), &values(14.0)));
    assert_eq!(last(&slower, "verdict"), "stop");
    let estimate = last(&slower, "estimate").as_f64().unwrap();
    assert!((1.35..1.45).contains(&estimate), "{estimate}");
    let faster = with(config("latency"), "direction", json!("decrease"));
    let faster = answers(&[], &stream(faster, 100, &values(10.0), &values(7.0)));
    assert_eq!(last(&faster, "verdict"), "stop");
    let split = answers(&[], &stream(config("allocation"), 100, &json!({ "n": 70 }), &json!({ "n": 30 })));
    assert_eq!(last(&split, "verdict"), "stop");
    let share = last(&split, "estimate").as_f64().unwrap();
    assert!((0.29..0.31).contains(&share), "{share}");
}

#[test]
fn whoever_waits_for_an_answer_gets_it_at_once() {
    let mut running = Running::start(sluice(&["analyze", "--jsonl"]).stdin(Stdio::piped()));
    let mut stdin = running.child.stdin.take().unwrap();
    writeln!(stdin, "{}", config("proportion")).unwrap();
    for seq in 1..=100 {
        // In two pieces, as pipes may cut a line anywhere.
        let text = format!("{}\n", batch(seq, trials(10, 1), trials(10, 1)));
        let (before, after) = text.split_at(20);
        for piece in [before, after] {
            stdin.write_all(piece.as_bytes()).unwrap();
            stdin.flush().unwrap();
        }
        let answer = running.through(|_| true);
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["seq"], seq);
    }
    drop(stdin);
    assert_eq!((running.rest(), running.code()), (String::new(), 0));
}

#[test]
fn the_last_line_needs_no_end_and_blank_lines_mean_nothing() {
    let text = format!("\n{}\r\n\n  \n{}", config("proportion"), batch(7, trials(1, 0), trials(1, 0)));
    let ended = analyze(&[], &text);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 1));
    assert_eq!(analyze(&[], "").shown(), "exit code 0\n");
}

#[test]
fn a_line_may_be_longer_than_what_is_read_at_once() {
    let values: Vec<f64> = (0..200_000).map(|i| f64::from(i % 977) + 0.125).collect();
    let lines = stream(config("latency"), 2, &json!({ "values": values }), &json!({ "values": values }));
    let answers = answers(&[], &lines);
    assert_eq!(last(&answers, "verdict"), "continue");
    assert!(last(&answers, "reason").as_str().unwrap().contains("in 400000"));
}

#[test]
fn numbers_without_a_fraction_count_however_they_are_written() {
    let text = format!(
        "{}\n{}\n",
        config("proportion"),
        r#"{"batch":{"seq":1,"weight":0.5,"stable":{"n":10.0,"k":1e0},"candidate":{"n":10,"k":0}}}"#
    );
    let ended = analyze(&[], &text);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    assert!(ended.stdout.contains("stable 1 of 10"), "{}", ended.stdout);
}

#[test]
fn what_was_answered_before_a_mistake_is_not_lost() {
    let good = stream(config("proportion"), 3, &trials(10, 1), &trials(10, 1));
    let text: String = good.iter().map(|line| format!("{line}\n")).collect();
    let ended = analyze(&[], &format!("{text}{{\"batch\":\n"));
    assert_eq!((ended.code, ended.stdout.lines().count()), (3, 3));
    assert!(ended.stderr.starts_with("error: line 5: this is not JSON"), "{}", ended.stderr);
}

#[test]
fn every_mistake_is_named_with_its_line_its_reason_and_a_way_out() {
    let line = |kind: &str, wrong: &str| (format!("{}\n{wrong}\n", config(kind)), wrong.to_owned());
    let arms = |stable: &str, candidate: &str| {
        format!(r#"{{"batch":{{"seq":1,"weight":0.5,"stable":{stable},"candidate":{candidate}}}}}"#)
    };
    let fine = r#"{"n":10,"k":1}"#;
    let proportions = [
        arms(r#"{"n":10,"k":11}"#, fine),
        arms(r#"{"n":-1,"k":0}"#, fine),
        arms(r#"{"n":1.5,"k":0}"#, fine),
        arms(r#"{"n":1e300,"k":0}"#, fine),
        arms(r#"{"n":NaN,"k":0}"#, fine),
        arms(r#"{"n":1e999,"k":0}"#, fine),
        arms(r#"{"n":"10","k":0}"#, fine),
        arms(r#"{"n":10}"#, fine),
        arms(r#"{"n":10,"kk":0}"#, fine),
        arms(r#"{"n":10,"k":0,"k":1}"#, fine),
        arms(r#"{"events":10,"exposure":1}"#, fine),
        arms("[]", fine),
        r#"{"batch":{"seq":1,"weight":1.5,"stable":{"n":1,"k":0},"candidate":{"n":1,"k":0}}}"#.to_owned(),
        r#"{"batch":{"seq":1,"weigth":0.5,"stable":{"n":1,"k":0},"candidate":{"n":1,"k":0}}}"#.to_owned(),
        r#"{"batch":{"seq":1,"weight":0.5,"stable":{"n":1,"k":0}}}"#.to_owned(),
        r#"{"batch":{"seq":1},"config":{}}"#.to_owned(),
        r#"{"bach":{"seq":1}}"#.to_owned(),
        "{}".to_owned(),
        "[1]".to_owned(),
        "hello".to_owned(),
    ];
    let mut inputs: Vec<(String, String)> =
        proportions.iter().map(|wrong| line("proportion", wrong)).collect();
    inputs.push(line("count", &arms(r#"{"events":1,"exposure":-1}"#, r#"{"events":1,"exposure":1}"#)));
    inputs.push(line("count", &arms(r#"{"events":1,"exposure":0}"#, r#"{"events":1,"exposure":1}"#)));
    inputs.push(line("latency", &arms(r#"{"values":[1,-2]}"#, r#"{"values":[1]}"#)));
    inputs.push(line("latency", &arms(r#"{"values":[1,"fast"]}"#, r#"{"values":[1]}"#)));
    inputs.push(line("latency", &arms(r#"{"values":3}"#, r#"{"values":[1]}"#)));
    inputs.push(line("allocation", &arms(r#"{"n":3,"k":1}"#, r#"{"n":3}"#)));
    let user = with(config("proportion"), "unit", json!("user"));
    for wrong in [arms(fine, fine), arms(r#"{"n":10,"k":1,"units":2,"unit_k":3}"#, fine)] {
        inputs.push((format!("{user}\n{wrong}\n"), format!("(users) {wrong}")));
    }
    let batch = |seq: u64| format!("{}\n", batch(seq, trials(1, 0), trials(1, 0)));
    inputs.push((batch(1), "a batch before any config".to_owned()));
    inputs.push((
        format!("{}\n{}{}", config("proportion"), batch(2), batch(1)),
        "a number that goes back".to_owned(),
    ));
    inputs.push((format!("{}\n{}{}", config("proportion"), batch(2), batch(2)), "a number twice".to_owned()));
    for wrong in [
        r#"{"id":"s","kind":"ratio","alpha":0.05}"#,
        r#"{"id":"s","kind":"proporton","alpha":0.05}"#,
        r#"{"id":"s","kind":"proportion"}"#,
        r#"{"id":"s","kind":"proportion","alpha":0}"#,
        r#"{"id":"s","kind":"proportion","alpha":1}"#,
        r#"{"id":"s","kind":"proportion","alpha":"5%"}"#,
        r#"{"id":7,"kind":"proportion","alpha":0.05}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"direction":"up"}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":0.1}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{}}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{"relative":0.1,"absolute":0.1}}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{"relative":-0.1}}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{"absolute":1}}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{"relative":1e9}}"#,
        r#"{"id":"s","kind":"proportion","alpha":0.05,"margin":{"relative":1},"direction":"decrease"}"#,
        r#"{"id":"s","kind":"latency","alpha":0.05,"margin":{"absolute":0.1}}"#,
        r#"{"id":"s","kind":"allocation","alpha":0.05,"margin":{"relative":0.1}}"#,
        r#"{"id":"s","kind":"latency","alpha":0.05,"unit":"user"}"#,
    ] {
        inputs.push((format!("{{\"config\":{wrong}}}\n"), wrong.to_owned()));
    }
    let mut told = String::new();
    for (input, wrong) in inputs {
        let ended = analyze(&[], &input);
        assert_eq!(ended.code, 3, "{wrong}: {}", ended.shown());
        assert!(
            ended.stderr.starts_with("error: line ") && ended.stderr.contains("\nhint: "),
            "{}",
            ended.stderr
        );
        told.push_str(&format!("{wrong}\n{}\n", ended.stderr));
    }
    insta::assert_snapshot!("analyze_mistakes", told);
}

#[test]
fn it_says_how_it_is_to_be_called() {
    check("analyze_without_jsonl", &run(&mut sluice(&["analyze"])), &[]);
}

//! Measures how many batches a second `sluice analyze` answers, through the pipes of the real process.
//!
//! ```sh
//! cargo bench --package sluice --bench analyze
//! ```
//!
//! The process is bound to one core. Beside the time on the clock, which others on the machine lengthen, stands the
//! processor time that it used.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at whatever is odd"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const BATCHES: u64 = 1_000_000;
/// What is asked for.
const PER_SECOND: f64 = 200_000.0;

fn main() {
    println!(
        "## sluice analyze: batches answered, through pipes, on one core\n\n| {BATCHES} batches of | a second, by the clock | a second, by processor time |\n|---|---|---|"
    );
    let proportions = measure("proportion", "", |seq| {
        let (stable, candidate) = (90 + seq % 7, 10 + seq % 3);
        let failed = [u64::from(seq % 2 == 0), u64::from(seq % 11 == 0)];
        format!(
            r#""stable":{{"n":{stable},"k":{}}},"candidate":{{"n":{candidate},"k":{}}}"#,
            failed[0], failed[1]
        )
    });
    print("100 requests", &proportions);
    let small = measure("proportion", "", |seq| {
        let failed = u64::from(seq % 10 == 0);
        format!(r#""stable":{{"n":9,"k":{failed}}},"candidate":{{"n":1,"k":0}}"#)
    });
    print("10 requests", &small);
    let proved = measure("proportion", "--non-inferiority", |seq| {
        let failed = u64::from(seq % 10 == 0);
        format!(r#""stable":{{"n":9,"k":{failed}}},"candidate":{{"n":1,"k":0}}"#)
    });
    print("10 requests, with --non-inferiority", &proved);
    let events = measure("count", "", |seq| {
        format!(
            r#""stable":{{"events":{},"exposure":0.9}},"candidate":{{"events":{},"exposure":0.1}}"#,
            seq % 9,
            u64::from(seq % 2 == 0)
        )
    });
    print("a second of events", &events);
    let rates = [&proportions, &small].map(|took| BATCHES as f64 / took[1].as_secs_f64());
    assert!(rates.iter().all(|rate| *rate >= PER_SECOND), "{rates:?} is less than {PER_SECOND} a second");
}

fn print(name: &str, took: &[Duration; 2]) {
    let [clock, processor] = took.map(|took| (BATCHES as f64 / took.as_secs_f64() / 1e4).round() * 1e4);
    println!("| {name} | {clock} | {processor} |");
}

/// The time on the clock and of the processor.
fn measure(kind: &str, option: &str, arms: impl Fn(u64) -> String) -> [Duration; 2] {
    let mut input =
        format!(r#"{{"config":{{"id":"speed","kind":"{kind}","alpha":0.001,"margin":{{"relative":0.5}}}}}}"#);
    for seq in 1..=BATCHES {
        input.push_str(&format!("\n{{\"batch\":{{\"seq\":{seq},\"weight\":0.1,{}}}}}", arms(seq)));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(["analyze", "--jsonl"]).args(Some(option).filter(|option| !option.is_empty()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    run_on_one_core(pid);
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let started = Instant::now();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let mut answers = BufReader::with_capacity(1 << 20, stdout);
    let (mut line, mut count, mut processor) = (Vec::new(), 0, Duration::ZERO);
    while answers.read_until(b'\n', &mut line).unwrap() > 0 {
        count += 1;
        line.clear();
        // Near its end, since nothing can be asked of a process that has ended.
        if count % 1_000 == 0 {
            processor = processor_time(pid).unwrap_or(processor);
        }
    }
    let clock = started.elapsed();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(count, BATCHES, "a line for each batch");
    [clock, processor]
}

fn run_on_one_core(pid: Pid) {
    let allowed = sched_getaffinity(None).unwrap();
    let core = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)).unwrap();
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(Some(pid), &one).unwrap();
}

/// What a process has used of the processor, in user mode and in the kernel.
fn processor_time(pid: Pid) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // Linux counts in hundredths of a second for everybody who asks.
    Some(Duration::from_millis(10 * ticks))
}

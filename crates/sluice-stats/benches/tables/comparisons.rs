//! Tables of counts, of kept margins, of both directions and of intervals.

use std::hint::black_box;
use std::time::Instant;

use sluice_stats::interval::RatioInterval;
use sluice_stats::{Events, Margin, RateTest, RatioTest, Trials};

use crate::shares::{BUNCHES, COVERED, EDGE, KEPT, two_sided_stops, wrong, wrong_of_counts};
use crate::streams::{Now, Stops, cap, mean_delay, run, stopped};
use crate::ticks::{FINE, Ticks, WORSE};
use crate::{STREAMS, multiples, print_alarms};

pub(crate) fn print() {
    println!("\n## Counts: false alarms, {STREAMS} streams\n");
    println!("| counts | at 5 % | at 1 % | more than promised? |\n|---|---|---|---|");
    for row in FINE {
        print_alarms(row.name, &run(STREAMS, |seed| row.stops(seed)));
    }
    println!("\n## Counts: delay in ticks, {STREAMS} streams\n");
    println!("| counts | least, at 5 % | at 5 % | at 1 % | must | aim |\n|---|---|---|---|---|---|");
    for (row, must, aim) in WORSE {
        let least = row.least();
        let row = Ticks { ticks: cap(least).max(100), ..row };
        let mean = mean_delay(&run(STREAMS, |seed| row.stops(seed)), row.ticks);
        let [at_5, at_1] = [mean[0] / least[0], mean[1] / least[1]];
        let held = if at_5 <= must { "kept" } else { "NOT KEPT" };
        println!(
            "| {} | {:.1} | {at_5:.2} | {at_1:.2} | {must} {held} | {aim} {} |",
            row.name,
            least[0],
            if at_5 <= aim { "reached" } else { "not reached" }
        );
    }
    print_bunches();
    print_kept();
    print_intervals();
    print_speed();
}

fn print_bunches() {
    println!(
        "\n## Failures in bunches: false alarms when requests are counted, and when visitors are; {STREAMS} streams of 20 000 requests\n"
    );
    println!(
        "| release | requests, at 5 % | at 1 % | visitors, at 5 % | at 1 % | more than promised of visitors? |\n|---|---|---|---|---|---|"
    );
    for row in BUNCHES {
        let [requests, visitors] = [false, true]
            .map(|counts_visitors| run(STREAMS, |seed| row.stops(counts_visitors, 20_000, seed)));
        let [at_5, at_1] = stopped(&requests).map(|count| count as f64 / STREAMS as f64 * 100.0);
        print_alarms(&format!("{} | {at_5:.2} % | {at_1:.2} %", row.name), &visitors);
    }
}

fn print_kept() {
    println!("\n## Kept margins and both directions: false proofs, {STREAMS} streams of 20 000 requests\n");
    println!("| release | at 5 % | at 1 % | more than promised? |\n|---|---|---|---|");
    for row in EDGE {
        print_alarms(row.name, &run(STREAMS, |seed| row.stops(20_000, seed)));
    }
    let (even, _, _) = WORSE[5];
    let edge = Ticks { margin: 0.5, ticks: 2_000, ..even };
    print_alarms("counts, w 50 %, edge of 50 %", &run(STREAMS, |seed| edge.kept_stops(seed)));
    let same = Now { step: 0, w: 0.5, stable: 0.02, candidate: 0.02 };
    print_alarms("both directions, same", &run(STREAMS, |seed| two_sided_stops(same, 20_000, seed)));
    println!("\n## Kept margins: delay, 300 streams\n");
    println!("| release | least, at 5 % | at 5 % | at 1 % |\n|---|---|---|---|");
    for row in KEPT {
        let least = row.leasts();
        let mean = mean_delay(&run(300, |seed| row.stops(cap(least), seed)), cap(least));
        println!("| {} | {:.0} | {} |", row.name, least[0], multiples(mean, least));
    }
}

fn print_intervals() {
    println!("\n## Intervals: ever wrong, {STREAMS} streams of 20 000 requests\n");
    println!("| release | at 5 % | at 1 % | more than promised? |\n|---|---|---|---|");
    for row in COVERED {
        let all = run(STREAMS, |seed| wrong(row, 20_000, seed));
        for (part, what) in ["ratio", "difference"].into_iter().enumerate() {
            let stops: Vec<Stops> = all.iter().map(|stops| stops[part]).collect();
            print_alarms(&format!("{}: {what}", row.0), &stops);
        }
    }
    // With more events a tick they are wrong more seldom, and take longer.
    for row in FINE.iter().filter(|row| row.mu <= 2.0) {
        print_alarms(&format!("{}: ratio", row.name), &run(STREAMS, |seed| wrong_of_counts(row, seed)));
    }
    let (even, _, _) = WORSE[5];
    let all = run(STREAMS, |seed| wrong_of_counts(&Ticks { ticks: 2_000, ..even }, seed));
    print_alarms(&format!("{}: ratio", even.name), &all);
    let all = run(200, |seed| wrong_of_counts(&Ticks { ticks: 2_000, mu: 200.0, ..even }, seed));
    println!("\nof 200 a tick: {:?} of 200", stopped(&all));
}

fn print_speed() {
    println!("\n## Speed: batches of 10 per second on one core\n");
    let (mut test, mut interval) = (RatioTest::new(Margin::Relative(0.1)), RatioInterval::new(0.05));
    let (start, batches) = (Instant::now(), 1_000_000_u64);
    for i in 0..batches {
        // Another stream at every 2 000 batches, and a failure in 1 % of requests.
        if i % 2_000 == 0 {
            (test, interval) = (RatioTest::new(Margin::Relative(0.1)), RatioInterval::new(0.05));
        }
        let (stable, candidate) =
            (Trials::new(9, u64::from(i % 11 == 0)), Trials::new(1, u64::from(i % 100 == 0)));
        test.update(black_box(stable), black_box(candidate));
        interval.update(black_box(stable), black_box(candidate));
    }
    println!("a test of failures with its intervals: {:.0}", batches as f64 / start.elapsed().as_secs_f64());
    black_box((test.log_e(), interval.ratio(), interval.difference()));
    let (mut test, start) = (RateTest::new(0.0), Instant::now());
    for i in 0..batches {
        test.update(black_box(Events::new(i % 20, 0.9)), black_box(Events::new(i % 3, 0.1)));
    }
    println!("a test of counts: {:.0}", batches as f64 / start.elapsed().as_secs_f64());
    black_box(test.log_e());
}

//! Tables of releases that no test knows: other rates, sizes, weights and bursts than those by which priors and bounds
//! were chosen. They are for measuring alone. Whoever changes a test because of a row here replaces the row.

use sluice_stats::{Margin, QuantileTest};

use crate::scenarios::{Slower, Worse, times};
use crate::shares::Bunches;
use crate::streams::{Now, Rates, Times, cap, mean_delay, run, usual};
use crate::ticks::{Common, Ticks};
use crate::{
    SLOWER_STREAMS, STREAMS, multiples, print_alarms, print_delay, print_head_of_alarms, print_head_of_delays,
};

const NONE: Margin = Margin::Relative(0.0);
const THIRD: Margin = Margin::Relative(0.35);

const fn rates(w: f64, stable: f64, candidate: f64) -> Now {
    Now { step: 0, w, stable, candidate }
}

/// Steps of 3, 20 and 60 %, while both versions go from 0.4 % to 3 % and back, five times.
fn saw(part: f64) -> Now {
    let step = ((part * 3.0) as usize).min(2);
    let rate = 0.004 + 0.026 * (part * 5.0).fract();
    Now { step, ..rates([0.03, 0.2, 0.6][step], rate, rate) }
}

const FINE: [Rates; 5] = [
    Rates { name: "w 2 %, 0.3 % fail", margin: NONE, requests: 20_000, at: |_| rates(0.02, 0.003, 0.003) },
    Rates { name: "w 30 %, 12 % fail", margin: NONE, requests: 20_000, at: |_| rates(0.3, 0.12, 0.12) },
    Rates { name: "w 3→60 %, a saw of both, 0.4 to 3 %", margin: NONE, requests: 20_000, at: saw },
    Rates {
        name: "edge of 35 %, w 15 %, 2 % fail",
        margin: THIRD,
        requests: 20_000,
        at: |_| rates(0.15, 0.02, 0.027),
    },
    Rates {
        name: "edge of 0.2 pp, w 25 %, 0.4 % fail",
        margin: Margin::Absolute(0.002),
        requests: 20_000,
        at: |_| rates(0.25, 0.004, 0.006),
    },
];

const WORSE: [Worse; 5] = [
    Worse {
        name: "w 3 %, 0.4 → 0.9 %", margin: NONE, now: rates(0.03, 0.004, 0.009), at_most: [1.65, 1.5]
    },
    Worse {
        name: "w 20 %, 2.5 → 3.4 %", margin: NONE, now: rates(0.2, 0.025, 0.034), at_most: [1.65, 1.5]
    },
    Worse {
        name: "w 33 %, 0.05 → 0.3 %", margin: NONE, now: rates(0.33, 5e-4, 0.003), at_most: [2.0, 1.8]
    },
    Worse { name: "w 15 %, 10 → 14 %", margin: NONE, now: rates(0.15, 0.1, 0.14), at_most: [1.65, 1.5] },
    Worse {
        name: "35 % tolerated, w 15 %, 0.6 → 1.4 %",
        margin: THIRD,
        now: rates(0.15, 0.006, 0.014),
        at_most: [1.75, 1.6],
    },
];

fn eighth(_: f64) -> f64 {
    0.12
}

fn third(_: f64) -> f64 {
    0.35
}

const fn ticks(name: &'static str, w: fn(f64) -> f64, mu: f64, common: Common, burst: f64) -> Ticks {
    Ticks { name, margin: 0.0, w, mu, ratio: 1.0, common, burst, batch: 1, ticks: 3_000 }
}

const FINE_COUNTS: [Ticks; 4] = [
    ticks("counts, w 12 %, bursts of 7, 5 a tick", eighth, 5.0, Common::Steady, 7.0),
    ticks("counts, w 35 %, bursts of 2, 12 a tick, noise of both", third, 12.0, Common::Noise(1.5), 2.0),
    ticks("counts, w 35 %, bursts of 7, 40 a tick", third, 40.0, Common::Steady, 7.0),
    ticks("counts, w 12 %, 0.7 a tick, rising eightfold", eighth, 0.7, Common::Drift(8.0), 1.0),
];

/// With the greatest multiple of the least that is allowed.
const MORE_COUNTS: [(Ticks, f64); 3] = [
    (
        Ticks {
            ratio: 1.7,
            ..ticks("counts, w 12 %, 5 a tick, 1.7 times", eighth, 5.0, Common::Steady, 1.0)
        },
        1.6,
    ),
    (
        Ticks {
            ratio: 4.0,
            ..ticks("counts, w 35 %, 0.5 a tick, four times", third, 0.5, Common::Steady, 1.0)
        },
        2.0,
    ),
    (
        Ticks {
            ratio: 1.25,
            ..ticks("counts, w 35 %, 8 a tick, 1.25 times", third, 8.0, Common::Steady, 1.0)
        },
        1.8,
    ),
];

const BUNCHES: [Bunches; 2] = [
    Bunches { name: "visitors, w 20 %, bunches of 8, correlation 0.2", w: 0.2, size: 8, alike: 0.2 },
    Bunches { name: "visitors, w 35 %, bunches of 40, correlation 0.15", w: 0.35, size: 40, alike: 0.15 },
];

const NO_SLOWER: [Times; 2] = [
    times("p90, w 17 %, same", 0.9, 0.0, 0.17, |z, _| usual(z)),
    times("p98, w 35 %, edge of 25 %", 0.98, 0.25, 0.35, |z, _| 1.25 * usual(z)),
];

/// The bounds are those of the nearest kind of fault that was tuned on.
const SLOWER: [Slower; 3] = [
    Slower { times: times("all +6 %, p90, w 17 %", 0.9, 0.0, 0.17, |z, _| 1.06 * usual(z)), at_most: 1.9 },
    Slower {
        times: times("5 % three times, p97, w 20 %", 0.97, 0.0, 0.2, |z, u| {
            usual(z) * if u < 0.05 { 3.0 } else { 1.0 }
        }),
        at_most: 4.2,
    },
    Slower {
        times: times("above p90 +15 %, p95, w 35 %", 0.95, 0.0, 0.35, |z, _| {
            usual(z) * if z > 1.281_552 { 1.15 } else { 1.0 }
        }),
        at_most: 3.8,
    },
];

/// Other streams than those of the other tables.
const fn other(seed: u64) -> u64 {
    seed + 1_000_000
}

pub(crate) fn print() {
    print_head_of_alarms("Not tuned on: nothing is wrong");
    FINE.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(other(seed)))));
    FINE_COUNTS.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(other(seed)))));
    for row in BUNCHES {
        print_alarms(row.name, &run(STREAMS, |seed| row.stops(true, 20_000, other(seed))));
    }
    for row in NO_SLOWER {
        print_alarms(row.name, &run(STREAMS, |seed| row.stops(other(seed))));
        let test = || QuantileTest::cautious(row.quantile, row.margin);
        let all = run(STREAMS, |seed| row.stops_of(test(), other(seed)));
        print_alarms(&format!("{}, cautious", row.name), &all);
    }
    print_head_of_delays("Not tuned on: a candidate is worse");
    for row in &WORSE {
        let least = row.least();
        print_delay(row.name, &run(STREAMS, |seed| row.stops(other(seed), cap(least))), least, row.at_most);
    }
    for row in &SLOWER {
        let least = row.least();
        let all = run(SLOWER_STREAMS, |seed| row.stops(other(seed), cap(least)));
        print_delay(row.times.name, &all, least, [row.at_most; 2]);
    }
    for (row, at_most) in MORE_COUNTS {
        let least = row.least();
        let row = Ticks { ticks: cap(least).max(100), ..row };
        let all = run(STREAMS, |seed| row.stops(other(seed)));
        let mean = mean_delay(&all, row.ticks);
        println!("| {} | {:.1} ticks | | {} | {at_most} |", row.name, least[0], multiples(mean, least));
    }
}

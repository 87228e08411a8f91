//! Tables of times that clump, and of margins that are proved kept.

use sluice_stats::QuantileTest;

use crate::clumps::CLUMPS;
use crate::kept_times::{KEPT, KEPT_AT_MOST, NOT_KEPT};
use crate::scenarios::{NO_SLOWER, SLOWER, SLOWER_ANYWHERE};
use crate::streams::{Times, cap, run};
use crate::{SLOWER_STREAMS, STREAMS, print_alarms, print_delay, print_head_of_alarms, print_head_of_delays};

pub(crate) fn print() {
    print_head_of_alarms("Times, anywhere");
    for row in NO_SLOWER.iter().filter(|row| row.quantile == 0.95) {
        let test = || QuantileTest::anywhere(row.margin);
        print_alarms(row.name, &run(STREAMS, |seed| row.stops_of(test(), seed)));
    }
    print_head_of_delays("Times, anywhere");
    for row in &SLOWER_ANYWHERE {
        let least = row.least();
        let all = run(SLOWER_STREAMS, |seed| row.stops_anywhere(seed, cap(least)));
        print_delay(row.times.name, &all, least, [row.at_most; 2]);
    }
    print_head_of_alarms("Times, cautious: requests of a second are slow together");
    for row in &CLUMPS {
        let test = || QuantileTest::cautious(row.quantile, 0.0);
        print_alarms(row.name, &run(STREAMS, |seed| row.stops(test(), 20_000, seed)));
    }
    print_head_of_alarms("Times, not cautious, with the same requests");
    for row in &CLUMPS {
        let test = || QuantileTest::new(row.quantile, 0.0);
        print_alarms(row.name, &run(SLOWER_STREAMS, |seed| row.stops(test(), 20_000, seed)));
    }
    print_head_of_alarms("Times, cautious: independent requests");
    for row in &NO_SLOWER {
        let test = || QuantileTest::cautious(row.quantile, row.margin);
        print_alarms(row.name, &run(STREAMS, |seed| row.stops_of(test(), seed)));
    }
    print_head_of_delays("Times, cautious: independent requests");
    for row in &SLOWER {
        let (least, times) = (row.least(), row.times);
        let test = || QuantileTest::cautious(times.quantile, times.margin);
        let stops = |seed| Times { requests: cap(least), ..times }.stops_of(test(), seed);
        print_delay(times.name, &run(SLOWER_STREAMS, stops), least, [row.at_most; 2]);
    }
    print_head_of_alarms("Times: margins that are not kept");
    NOT_KEPT
        .iter()
        .for_each(|row| print_alarms(row.times.name, &run(STREAMS, |seed| row.stops(20_000, seed))));
    print_head_of_delays("Times: margins that are kept, until that is proved");
    for row in &KEPT {
        let least = row.least();
        print_delay(
            row.times.name,
            &run(SLOWER_STREAMS, |seed| row.stops(cap(least), seed)),
            least,
            KEPT_AT_MOST,
        );
    }
}

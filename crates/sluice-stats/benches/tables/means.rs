//! Tables of the means of what visitors spend.

use crate::means::{AS_GOOD, SPEND_LESS};
use crate::streams::{cap, run};
use crate::{SLOWER_STREAMS, STREAMS, print_alarms, print_delay, print_head_of_alarms, print_head_of_delays};

pub(crate) fn print() {
    print_head_of_alarms("Means: a candidate that is not worse than tolerated");
    AS_GOOD.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(20_000, seed))));
    print_head_of_delays("Means: a candidate whose visitors spend less");
    for row in &SPEND_LESS {
        let least = row.least();
        print_delay(row.name, &run(SLOWER_STREAMS, |seed| row.stops(cap(least), seed)), least, [2.2, 2.0]);
    }
}

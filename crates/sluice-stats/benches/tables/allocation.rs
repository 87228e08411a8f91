//! Tables of the allocation of visitors.

use crate::allocations::{AS_ASKED, MISMATCHED};
use crate::streams::{cap, run};
use crate::{STREAMS, print_alarms, print_delay, print_head_of_alarms, print_head_of_delays};

pub(crate) fn print() {
    print_head_of_alarms("Allocation: visitors assigned as asked for");
    AS_ASKED.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(20_000, seed))));
    print_head_of_delays("Allocation: visitors assigned otherwise");
    for row in &MISMATCHED {
        let least = row.least();
        print_delay(row.name, &run(STREAMS, |seed| row.stops(cap(least), seed)), least, row.at_most);
    }
}

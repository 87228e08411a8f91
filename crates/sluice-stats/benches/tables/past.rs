//! Tables of services that are watched against their own past.

use crate::pasts::{AS_BEFORE, HURT};
use crate::streams::{mean_delay, run, stopped};
use crate::{SLOWER_STREAMS, STREAMS, print_alarms, print_head_of_alarms};

pub(crate) fn print() {
    print_head_of_alarms("Past: a service that is as it was, watched for an hour");
    AS_BEFORE.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(seed))));
    println!("\n## Past: a service that became worse, mean blocks of ten seconds until found\n");
    println!("| service | found | at 5 % | at 1 % |\n|---|---|---|---|");
    for row in &HURT {
        let all = run(SLOWER_STREAMS, |seed| row.stops(seed));
        let [at_5, at_1] = mean_delay(&all, 360);
        let found = stopped(&all)[1] as f64 / all.len() as f64 * 100.0;
        println!("| {} | {found:.1} % | {at_5:.1} | {at_1:.1} |", row.name);
    }
}

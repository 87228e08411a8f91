//! What a lookup in a list of ids costs, by how many there are.
//!
//! `cargo bench -p sluice-core --bench lists`

use std::hint::black_box;
use std::time::Instant;

use sluice_core::id_set::IdSet;

const LOOKUPS: usize = 1_000_000;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn main() {
    let ids: Vec<String> = (0..1_000_000).map(|number| format!("visitor-{:016x}", number * 7_919)).collect();
    let sets: Vec<(usize, IdSet)> = [1_000, 10_000, 100_000, 500_000, 1_000_000]
        .map(|count| (count, ids[..count].iter().map(String::as_str).collect()))
        .into();
    println!("ids         ns a lookup   to 1,000 ids");
    let mut first = None;
    for (count, set) in &sets {
        // In one block, in the order of asking: what is asked is there when it is needed, as a request's head is.
        let asked: Vec<[u8; 24]> = (0..LOOKUPS)
            .map(|number| (number * 6_151) % (count * 2).min(ids.len()))
            .filter_map(|place| ids[place].as_bytes().try_into().ok())
            .collect();
        let mut rounds: Vec<f64> = (0..7)
            .map(|_| {
                let began = Instant::now();
                for id in &asked {
                    black_box(std::str::from_utf8(black_box(id)).is_ok_and(|id| set.contains(id)));
                }
                began.elapsed().as_nanos() as f64 / asked.len() as f64
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let median = rounds[rounds.len() / 2];
        let first = *first.get_or_insert(median);
        println!("{count:>9} {median:>13.0} {:>14.2}", median / first);
    }
}

//! Checking the chain of hashes, without holding up anything.

use rusqlite::Connection;
use sluice_engine::port::store::Chain;
use sluice_engine::port::store::chain::{Link, Walk};

use crate::failure::Failure;
use crate::row::{self, EVENT_COLUMNS, signed};

/// How many events one read transaction covers: a long one would keep the write-ahead log from being cut back.
const CHUNK: usize = 1000;

/// Walks the whole log.
pub(super) fn chain(connection: &mut Connection) -> Result<Chain, Failure> {
    let (_, anchor) = places(connection)?;
    let mut walk = Walk::from(anchor);
    loop {
        let transaction = connection.transaction()?;
        let (head, anchor) = places(&transaction)?;
        // The log may have been pruned beyond what was read last.
        walk.skip_to(anchor);
        match check_some(&transaction, &mut walk)? {
            Checked::More => {}
            Checked::All => return Ok(walk.end(&head)),
            Checked::Broken(broken) => return Ok(broken),
        }
    }
}

enum Checked {
    /// There may be more.
    More,
    /// That was the end of the log.
    All,
    Broken(Chain),
}

fn places(connection: &Connection) -> Result<(Link, Link), Failure> {
    connection
        .prepare_cached("SELECT head_seq, head_hash, anchor_seq, anchor_hash FROM meta")?
        .query_row([], |found| Ok(row::link(found, 0).and_then(|head| Ok((head, row::link(found, 2)?)))))?
}

fn check_some(connection: &Connection, walk: &mut Walk) -> Result<Checked, Failure> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let mut rows = statement.query([signed(walk.last().seq), limit])?;
    let mut count = 0;
    while let Some(found) = rows.next()? {
        count += 1;
        let record = match row::event(found) {
            Ok(record) => record,
            Err(Failure::Nonsense(why)) => {
                return Ok(Checked::Broken(Chain::Broken { seq: walk.last().seq + 1, why }));
            }
            Err(failure) => return Err(failure),
        };
        if let Err(broken) = walk.check(&record) {
            return Ok(Checked::Broken(broken));
        }
    }
    Ok(if count < CHUNK { Checked::All } else { Checked::More })
}

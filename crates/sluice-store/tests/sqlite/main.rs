//! What only a store on disk can do: be opened again, run full, be damaged, and be killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checkpoint;
mod full;
mod kill;
mod made;
mod open;

//! Notes of how releases stood.

use serde_json::json;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::history::Note;

use super::made::*;

fn note(release: &str, at: Timestamp, step: u64) -> Note {
    let account = json!({ "step": step, "text": "3 % \u{2192} \"10 %\"", "share": 0.1, "none": null });
    Note { release: release.parse().expect("a name"), at, account }
}

async fn noted(history: &AnyHistory, release: &str, at: Timestamp) -> Option<Note> {
    history.noted(&release.parse().expect("a name"), at).await.expect("the history reads")
}

/// The last one at or before a time, of that release.
pub async fn a_release_is_found_as_it_was_noted_last(history: AnyHistory) {
    let at = |secs: u64| START.after(Span::from_secs(secs));
    let notes = [
        note("shop-2", at(10), 1),
        note("cart-2", at(15), 2),
        note("shop-2", at(20), 3),
        note("shop-2", at(30), 4),
    ];
    for note in &notes {
        history.note(note.clone()).await.expect("the history notes");
    }
    for (secs, expected) in [(9, None), (10, Some(0)), (19, Some(0)), (20, Some(2)), (1000, Some(3))] {
        let expected = expected.map(|number: usize| notes[number].clone());
        assert_eq!(noted(&history, "shop-2", at(secs)).await, expected, "after {secs} s");
    }
    assert_eq!(noted(&history, "cart-2", at(1000)).await, Some(notes[1].clone()));
    assert_eq!(noted(&history, "cart-3", at(1000)).await, None);
}

/// After five weeks.
pub async fn old_notes_are_forgotten(history: AnyHistory) {
    history.note(note("shop-2", START, 1)).await.expect("the history notes");
    let weeks = |weeks: u64| START.after(Span::from_secs(weeks * 7 * 24 * 3600));
    tidy(&history, weeks(4)).await;
    assert!(noted(&history, "shop-2", weeks(4)).await.is_some());
    tidy(&history, weeks(6)).await;
    assert_eq!(noted(&history, "shop-2", weeks(6)).await, None);
}

//! What comes at the same moment.

use sluice_core::Span;
use sluice_core::release::status::{PhaseName, Verb};

use super::{SHOP, home, shop};

#[test]
fn an_abort_that_comes_while_a_retry_is_being_recorded_ends_the_release() {
    let home = home(1);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.act(&release, Verb::Abort).await.unwrap();
        assert_eq!(life.status(&release).await.phase, PhaseName::Aborted);
        home.store.answer_takes(Span::from_secs(2));
        let abort = async {
            life.pass(Span::from_secs(1)).await;
            life.act(&release, Verb::Abort).await
        };
        let (retried, aborted) = tokio::join!(life.act(&release, Verb::Retry), abort);
        retried.unwrap();
        aborted.unwrap();
        home.store.answer_takes(Span::ZERO);
        life.until(&release, PhaseName::Aborted).await;
        // Nothing is left in the way of the next.
        let next = life.release(&shop(), "1.2.0", "quick").await.unwrap();
        life.until(&next, PhaseName::Succeeded).await;
    });
}

#[test]
fn a_release_begins_although_the_one_before_ended_while_it_was_being_recorded() {
    let home = home(4);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let first = life.release(&shop(), "1.1.0", "patient").await.unwrap();
        life.until(&first, PhaseName::Progressing).await;
        life.pass(Span::from_secs(2)).await;
        home.store.answer_takes(Span::from_secs(2));
        // Everyone is back when that is known to be recorded, after two seconds, and that they are, after four.
        let second = async {
            life.pass(Span::from_secs(3)).await;
            life.release(&shop(), "1.2.0", "patient").await
        };
        let (aborted, second) = tokio::join!(life.act(&first, Verb::Abort), second);
        aborted.unwrap();
        home.store.answer_takes(Span::ZERO);
        life.until(&second.unwrap(), PhaseName::Succeeded).await;
    });
}

#[test]
fn what_was_released_is_no_longer_split_once_the_version_before_is_not_kept() {
    let home = home(2);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "patient").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        life.pass(Span::from_secs(1)).await;
        let snapshot = home.city.snapshot();
        let routing = &snapshot.services[&shop()];
        assert_eq!((routing.stable.as_str(), &routing.split), ("1.1.0", &None));
    });
}

#[test]
fn counts_that_cannot_be_read_for_a_while_count_once() {
    let home = home(3);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        life.pass(Span::from_secs(10)).await;
        home.city.hide_counts(true);
        life.pass(Span::from_secs(3)).await;
        home.city.hide_counts(false);
        life.pass(Span::from_secs(3)).await;
        let counted = home.city.counted(&shop(), "1.1.0");
        let exposed = life.status(&release).await.exposed.requests;
        assert!(exposed > 0 && exposed <= counted, "{exposed} of {counted}");
    });
}

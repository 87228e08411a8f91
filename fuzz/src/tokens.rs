//! Signed headers: previews, and what hops before have decided.

use sluice_core::{Name, ServiceKey, Timestamp};
use sluice_gateway::{PreviewError, PreviewKey};

/// What seeds are signed with.
pub const SECRET: [u8; 32] = [7; 32];
/// The year 2026.
pub const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_790_000_000_001);

/// What is verified and signed anew is verified with the same meaning, no header is both kinds of token, and another key
/// verifies nothing.
pub fn hold(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    let (key, other) = (PreviewKey::new(SECRET), PreviewKey::new([8; 32]));
    let service = service();
    let shown = key.verify(header, &service, NOW);
    let carried = key.verify_carried(header, NOW);
    if let Ok(version) = &shown {
        assert_eq!(key.verify(&key.sign(&service, version, LATER), &service, NOW).as_ref(), Ok(version));
        assert!(carried.is_none(), "a preview is taken for a choice");
    }
    if let Some(carried) = &carried {
        let again = key.verify_carried(&key.sign_carried(carried, LATER), NOW);
        assert!(again.is_some_and(
            |again| again.release == carried.release && again.is_candidate == carried.is_candidate
        ));
        assert_eq!(shown, Err(PreviewError::Malformed), "a choice is taken for a preview");
    }
    assert!(matches!(
        other.verify(header, &service, NOW),
        Err(PreviewError::Malformed | PreviewError::Forged)
    ));
    assert!(other.verify_carried(header, NOW).is_none());
}

/// What previews in seeds are for.
pub fn service() -> ServiceKey {
    let name = |text: &str| text.parse::<Name>().expect("letters make a name");
    ServiceKey { environment: name("production"), name: name("shop") }
}

//! The header by which a load balancer says who a connection comes from.

use sluice_gateway::read_announced;

/// It is no longer than what there is, does not hang on what comes behind it, and less of it is never refused nor
/// taken for all.
pub fn hold(bytes: &[u8]) {
    let Ok(Some(announced)) = read_announced(bytes) else { return };
    let header = &bytes[..announced.length];
    assert_eq!(read_announced(header), Ok(Some(announced)), "what comes behind changes what is read");
    for end in 0..header.len().min(300) {
        assert_eq!(read_announced(&header[..end]), Ok(None), "the first {end} bytes are taken for all");
    }
}

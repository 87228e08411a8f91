//! What others write, made fit to stand in a sentence.

/// Text that can stand in a sentence: on one line, without control characters, and not longer than `chars_max`. None
/// when nothing is left.
pub(crate) fn plain(text: &str, chars_max: usize) -> Option<String> {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let line = text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !turns_text_around(*c)).collect();
    if line.chars().count() <= chars_max {
        return (!line.is_empty()).then_some(line);
    }
    let kept: String = line.chars().take(chars_max - 1).collect();
    Some(kept + "…")
}

/// Marks of direction (Unicode's Bidi_Control) can make a sentence read as another one.
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

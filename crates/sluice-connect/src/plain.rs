//! What others write, made fit to stand in a sentence.

/// Text that can stand in a sentence: on one line, without control characters, and not longer than `chars_max`. None
/// when nothing is left.
pub(crate) fn plain(text: &str, chars_max: usize) -> Option<String> {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    // Before words are told apart: a mark between two spaces is none.
    let text: String = text.chars().filter(|c| !turns_text_around(*c)).collect();
    let line = text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_direction_leaves_no_gap() {
        assert_eq!(plain("810 ms; \u{202e} 500 ms\u{200f}", 50).as_deref(), Some("810 ms; 500 ms"));
        assert_eq!(plain(" \u{202e} \n\u{2066}", 50), None);
    }
}

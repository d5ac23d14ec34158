//! Lines of a text, as Python's `textwrap.wrap` breaks them.

/// Breaks `text` into lines of at most `width` characters: between words, after the hyphen of a word, and inside a
/// word that is longer than a line. `width` is at least 1; the text has no line breaks and ASCII only.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, word) in text.split_whitespace().enumerate() {
        // The space belongs to the previous line, and is dropped at its end.
        let mut gap = if index == 0 { "" } else { " " };
        for piece in pieces(word) {
            let mut piece = piece;
            loop {
                if line.is_empty() {
                    gap = "";
                }
                if line.len() + gap.len() + piece.len() <= width {
                    line.push_str(gap);
                    line.push_str(piece);
                    break;
                }
                // When the line is full, Python keeps the space at its end.
                if piece.len() > width && line.len() + gap.len() <= width {
                    let room = width - line.len() - gap.len();
                    let (now, later) = piece.split_at(cut(piece, room));
                    line.push_str(gap);
                    line.push_str(now);
                    piece = later;
                }
                lines.push(std::mem::take(&mut line));
            }
            gap = "";
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Returns the position at which a piece wider than a line is split: after its last hyphen before `room`, else at
/// `room`.
fn cut(piece: &str, room: usize) -> usize {
    match piece.get(..room).and_then(|start| start.rfind('-')) {
        Some(hyphen) if hyphen > 0 => hyphen + 1,
        _ => room,
    }
}

/// Returns the pieces of a word that may stand on different lines: cut after a hyphen that has two letters on both
/// sides.
fn pieces(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let has_letters_before = is_letter(at.checked_sub(1)) && is_letter(at.checked_sub(2));
        let has_letters_behind = is_letter(Some(at + 1)) && is_letter(Some(at + 2));
        if *byte == b'-' && has_letters_before && has_letters_behind {
            pieces.extend(word.get(start..=at));
            start = at + 1;
        }
    }
    pieces.extend(word.get(start..));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_behind_hyphens() {
        assert_eq!(
            wrap("from third-party sources", 24),
            ["from third-party sources"]
        );
        assert_eq!(
            wrap("from third-party sources", 12),
            ["from third-", "party", "sources"]
        );
        assert_eq!(wrap("when Ctrl-J is", 8), ["when", "Ctrl-J", "is"]);
        assert_eq!(wrap("", 8), Vec::<String>::new());
    }

    #[test]
    fn a_word_longer_than_a_line_is_cut() {
        assert_eq!(wrap("x codeberg:org", 6), ["x code", "berg:o", "rg"]);
    }
}

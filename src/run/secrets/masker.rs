//! Masks a stream that comes in chunks.

use super::patterns::{Found, Patterns};
use super::{MASK, Secrets};

/// Holds back what may be the beginning of a secret until more is known: never more than the longest form of a secret.
///
/// Secrets that overlap are one masked stretch: all bytes of each of them are gone.
#[derive(Debug, Default)]
pub struct Masker {
    held: Vec<u8>,
    /// How many of the first bytes held back belong to a stretch whose mask was shown already.
    covered: usize,
}

impl Masker {
    /// Appends to `out` what is safe to show.
    pub fn push(&mut self, secrets: &Secrets, chunk: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(chunk);
        self.show(secrets.patterns().as_deref(), false, out);
    }

    /// Appends what was held back, at the stream's end.
    pub fn finish(&mut self, secrets: &Secrets, out: &mut Vec<u8>) {
        self.show(secrets.patterns().as_deref(), true, out);
    }

    fn show(&mut self, patterns: Option<&Patterns>, is_last: bool, out: &mut Vec<u8>) {
        let text = &self.held;
        let mut search = patterns.map(|patterns| patterns.search(text, is_last));
        let mut next = |from| search.as_mut().and_then(|search| search.next(from));
        let mut masked = self.covered;
        let mut border = text.len();
        let mut from = 0;
        while let Some(found) = next(from) {
            match found {
                Found::Whole(found) => {
                    // One that begins within a masked stretch only makes it longer.
                    if found.start >= masked {
                        out.extend_from_slice(&text[masked..found.start]);
                        out.extend_from_slice(MASK);
                    }
                    masked = masked.max(found.end);
                    from = found.start + 1;
                }
                Found::Beginning(at) => {
                    border = at;
                    break;
                }
            }
        }
        out.extend_from_slice(text.get(masked..border).unwrap_or_default());
        self.covered = masked.saturating_sub(border);
        self.held.drain(..border);
    }
}

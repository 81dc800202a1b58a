//! Lines at the end of a terminal's text that are drawn over and over.

use std::io::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
}

/// A row, from its first column on. Terminals that break lines anew when they get narrower take a row for as long as it ever was, and
/// for one with the row below if they have broken it once: unless it was cleared as a whole, and that is before something is in it.
const CLEAR_ROW: &str = "\u{1b}[K";

/// All rows from the cursor's on, but in two steps: where the frame fills the screen, some terminals take it as clearing the screen,
/// and keep what was on it as history.
const CLEAR: &str = "\u{1b}[K\r\n\u{1b}[J\u{1b}[A";

/// What reaches over the end of a row is cut off; and no longer.
const NO_WRAP: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";

/// Between two pictures the cursor stands where the frame begins. So it need not be known how many rows the frame takes, which
/// changes with the terminal's width; and when the terminal gets lower it drops rows from below the cursor, and pushes nothing of
/// the frame into its history, where it could never be taken back.
pub struct Canvas<W> {
    out: W,
    frame: Vec<String>,
    size: Option<Size>,
}

impl<W: Write> Canvas<W> {
    pub fn new(out: W) -> Self {
        Self {
            out,
            frame: Vec::new(),
            size: None,
        }
    }

    /// Puts `above` where the frame was, to stay, and the new frame below it. In one write, so that nobody sees it half done;
    /// nobody is left to tell if it fails.
    pub fn draw(&mut self, above: &str, frame: Vec<String>, size: Size) {
        if above.is_empty() && frame == self.frame && self.size == Some(size) {
            return;
        }
        let mut out = String::from("\r");
        if !above.is_empty() || self.size.is_some_and(|before| before != size) {
            out.push_str(CLEAR);
        }
        for line in above.lines() {
            out.push_str(line);
            out.push_str("\r\n");
        }
        // Each of the frame's lines is shorter than a row, by what we know of characters' widths; terminals may know better, and
        // must not break a line for it.
        out.push_str(NO_WRAP);
        for line in &frame {
            out.push_str(CLEAR_ROW);
            out.push_str(line);
            out.push_str("\r\n");
        }
        out.push_str(WRAP);
        out.push_str("\u{1b}[J");
        if !frame.is_empty() {
            out.push_str(&format!("\u{1b}[{}A", frame.len()));
        }
        self.frame = frame;
        self.size = Some(size);
        let _ = self.out.write_all(out.as_bytes());
        let _ = self.out.flush();
    }

    pub fn out_mut(&mut self) -> &mut W {
        &mut self.out
    }
}

//! Lines at the end of a terminal's text that are drawn over and over.

use std::io::Write;

use console::measure_text_width;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
}

pub struct Canvas<W> {
    out: W,
    frame: Vec<String>,
    size: Option<Size>,
    /// Whether the terminal breaks lines anew when it gets narrower.
    reflows: bool,
}

impl<W: Write> Canvas<W> {
    pub fn new(out: W) -> Self {
        // Nearly all do; these cut lines off instead.
        let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
        let has = |name: &str| std::env::var_os(name).is_some();
        Self {
            out,
            frame: Vec::new(),
            size: None,
            reflows: !(is("TERM", "linux") || has("XTERM_VERSION") || has("STY")),
        }
    }

    /// Puts `above` where the frame was, to stay, and the new frame below it. In one write, so that nobody sees it half done;
    /// nobody is left to tell if it fails.
    pub fn draw(&mut self, above: &str, frame: Vec<String>, size: Size) {
        if above.is_empty() && frame == self.frame && self.size == Some(size) {
            return;
        }
        let mut out = String::new();
        match self.rows(size) {
            0 => {}
            rows => out.push_str(&format!("\u{1b}[{rows}A")),
        }
        // Line by line, and not all at once before: where the frame fills the screen, some terminals take that as clearing the
        // screen, and keep what was on it as history.
        out.push('\r');
        for line in above.lines().chain(frame.iter().map(String::as_str)) {
            out.push_str(line);
            // A line that fills its last row leaves nothing to clear, and the cursor on its last character.
            let width = measure_text_width(line);
            if width == 0 || !width.is_multiple_of(size.columns.max(1)) {
                out.push_str("\u{1b}[K");
            }
            out.push_str("\r\n");
        }
        out.push_str("\u{1b}[J");
        self.frame = frame;
        self.size = Some(size);
        let _ = self.out.write_all(out.as_bytes());
        let _ = self.out.flush();
    }

    /// How many rows of the terminal the frame takes: more than it has lines, if the terminal has become narrower since.
    fn rows(&self, size: Size) -> usize {
        if !self.reflows {
            return self.frame.len();
        }
        let columns = size.columns.max(1);
        let rows = |line: &String| measure_text_width(line).div_ceil(columns).max(1);
        self.frame.iter().map(rows).sum()
    }

    pub fn into_inner(self) -> W {
        self.out
    }
}

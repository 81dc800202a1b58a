//! Questions to whoever sits at the terminal, and what they type.

use std::io::{self, Read};

use tokio::sync::mpsc;

use super::Screen;
use super::words::no_answer_words;
use crate::run::event::ActionName;

/// What an approval asks.
#[derive(Clone, Debug)]
pub struct Question {
    pub name: ActionName,
    pub message: Option<String>,
    pub link: Option<String>,
}

/// An answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub approved: bool,
    pub comment: String,
}

impl Answered {
    /// `y`, `no`, `n: because it rains`.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let end = line.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let approved = match word.to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "n" | "no" => false,
            _ => return None,
        };
        let comment = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
        Some(Self {
            approved,
            comment: comment.to_owned(),
        })
    }
}

/// Gets answers: one question at a time, from what somebody types.
#[derive(Default)]
pub struct Asker {
    input: tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<Vec<u8>>>>,
}

impl Asker {
    /// Asks; none when there is nobody to answer any more.
    pub async fn ask(&self, screen: &Screen, question: &Question) -> Option<Answered> {
        let mut input = self.input.lock().await;
        // Before anything is read: the terminal may have to be told first how to give it.
        screen.question(question);
        let input = input.get_or_insert_with(read_input);
        let mut line = Line::default();
        loop {
            let bytes = input.recv().await?;
            for byte in bytes {
                let Some(text) = line.push(byte) else { continue };
                if let Some(answered) = Answered::parse(&text) {
                    return Some(answered);
                }
                screen.say(&no_answer_words(&text));
                screen.question(question);
            }
            screen.typed(&line.text());
        }
    }
}

/// Reads standard input on a thread of its own, which nobody can interrupt and nobody waits for: it ends with the program.
fn read_input() -> mpsc::UnboundedReceiver<Vec<u8>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        loop {
            match io::stdin().lock().read(&mut buffer) {
                Ok(0) => return,
                Ok(length) if sender.send(buffer[..length].to_vec()).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    receiver
}

/// A line that is being typed. A terminal that edits lines itself gives it whole, and one that does not key by key.
#[derive(Debug, Default)]
pub struct Line {
    bytes: Vec<u8>,
    escape: Escape,
}

/// Where in a key's escape sequence we are; none of those keys means anything here.
#[derive(Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    Outside,
    Begun,
    Inside,
}

impl Line {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Takes in a byte; gives the line that it ends.
    pub fn push(&mut self, byte: u8) -> Option<String> {
        match (&self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => self.escape = Escape::Inside,
            (Escape::Inside, 0x20..=0x3f) => {}
            (Escape::Begun | Escape::Inside, _) => self.escape = Escape::Outside,
            (Escape::Outside, 0x1b) => self.escape = Escape::Begun,
            (Escape::Outside, b'\r' | b'\n') => {
                let text = self.text();
                self.bytes.clear();
                return Some(text);
            }
            // Backspace takes a character, Ctrl-W a word, Ctrl-U all.
            (Escape::Outside, 0x08 | 0x7f) => self.shorten(|text| text.char_indices().next_back().map(|(at, _)| at)),
            (Escape::Outside, 0x17) => {
                self.shorten(|text| text.trim_end().rfind(char::is_whitespace).map(|at| at + 1));
            }
            (Escape::Outside, 0x15) => self.bytes.clear(),
            (Escape::Outside, 0x00..0x20) => {}
            (Escape::Outside, _) => self.bytes.push(byte),
        }
        None
    }

    fn shorten(&mut self, end: impl FnOnce(&str) -> Option<usize>) {
        let text = self.text();
        let end = end(&text).unwrap_or(0);
        self.bytes = text.as_bytes()[..end].to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, Line};

    #[test]
    fn answers_are_words_and_a_comment() {
        let answered = |approved, comment: &str| {
            Some(Answered {
                approved,
                comment: comment.to_owned(),
            })
        };
        assert_eq!(Answered::parse(" Y "), answered(true, ""));
        assert_eq!(Answered::parse("yes, it is"), None);
        assert_eq!(Answered::parse("yes it is"), answered(true, "it is"));
        assert_eq!(Answered::parse("n: because: rain"), answered(false, "because: rain"));
        assert_eq!(Answered::parse(""), None);
        assert_eq!(Answered::parse("never"), None);
    }

    #[test]
    fn keys_make_a_line() {
        let typed = |bytes: &[u8]| {
            let mut line = Line::default();
            let whole: Vec<String> = bytes.iter().filter_map(|&byte| line.push(byte)).collect();
            (whole, line.text())
        };
        let whole = |text: &str| (vec![text.to_owned()], String::new());
        assert_eq!(typed(b"yes\n"), whole("yes"));
        assert_eq!(typed("nö\u{7f}o\r".as_bytes()), whole("no"));
        assert_eq!(typed(b"y\x1b[1;5Dz\x1bOA\x1b[3~\x08\r"), whole("y"));
        assert_eq!(typed(b"n so so\x17\x15no rain now\x17\r"), whole("no rain "));
        assert_eq!(typed(b"\x7f\x00y\n\x03"), whole("y"));
    }
}

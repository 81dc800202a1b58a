//! The forms in which a secret may show up in what an action prints.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::SHORTEST;

/// Of a secret in JSON, the fields that nobody asks for by name are masked from this length on: `{"user": "root", "port": "5432"}`
/// must not take every `root` and `5432` out of a log.
const SHORTEST_FIELD: usize = 8;
/// Where `base64` and `openssl` break their lines.
const BASE64_LINES: [usize; 2] = [76, 64];
/// A shorter piece of a broken line says little.
const SHORTEST_PIECE: usize = 8;

/// What stays as it is in RFC 3986, and in JavaScript's `encodeURIComponent`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const URI_COMPONENT: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// All forms of a value: as it is, each of its lines, escaped in JSON and in URLs, in base64.
pub(super) fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut out = Forms::default();
    out.add(value);
    let trimmed = value.trim();
    out.encoded(trimmed);
    match serde_json::from_str::<serde_json::Value>(trimmed) {
        Ok(json) if json.is_object() || json.is_array() => {
            out.encoded(&json.to_string());
            out.fields(&json);
        }
        _ => {
            for line in trimmed.lines() {
                out.add(line.trim());
            }
        }
    }
    out.forms.sort();
    out.forms.dedup();
    out.forms
}

#[derive(Default)]
struct Forms {
    forms: Vec<Vec<u8>>,
}

impl Forms {
    fn add(&mut self, form: &str) {
        if form.len() >= SHORTEST {
            self.forms.push(form.as_bytes().to_vec());
        }
    }

    fn encoded(&mut self, value: &str) {
        self.add(value);
        self.json(value);
        self.url(value);
        self.base64(value);
    }

    fn fields(&mut self, json: &serde_json::Value) {
        match json {
            serde_json::Value::String(text) if text.trim().len() >= SHORTEST_FIELD => self.encoded(text.trim()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.fields(item)),
            serde_json::Value::Object(fields) => fields.values().for_each(|field| self.fields(field)),
            _ => {}
        }
    }

    /// With and without escapes for what is not ASCII.
    fn json(&mut self, value: &str) {
        let quoted = serde_json::Value::from(value).to_string();
        let escaped = &quoted[1..quoted.len() - 1];
        self.add(escaped);
        let mut ascii = String::new();
        for c in escaped.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(ascii, "\\u{unit:04x}");
                }
            }
        }
        self.add(&ascii);
    }

    fn url(&mut self, value: &str) {
        for set in [UNRESERVED, URI_COMPONENT] {
            let encoded = utf8_percent_encode(value, set).to_string();
            self.add(&encoded.replace("%20", "+"));
            self.add(&with_small_digits(&encoded));
            self.add(&encoded);
        }
    }

    /// At each of the three offsets that the value can have inside a longer text, in both alphabets.
    fn base64(&mut self, value: &str) {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value.as_bytes());
            let text = STANDARD.encode(&bytes);
            // The characters at both ends mix in bits of what stands beside the value.
            let form = &text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6];
            self.add(form);
            self.add(&form.replace('+', "-").replace('/', "_"));
            if before == 0 {
                self.base64_lines(form);
            }
        }
    }

    fn base64_lines(&mut self, form: &str) {
        for width in BASE64_LINES.into_iter().filter(|width| form.len() > *width) {
            let pieces = form.as_bytes().chunks(width);
            let long_enough = pieces.filter(|piece| piece.len() >= SHORTEST_PIECE);
            self.forms.extend(long_enough.map(<[u8]>::to_vec));
        }
    }
}

/// `%2F` as `%2f`.
fn with_small_digits(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        let _ = write!(out, "%{}{rest}", digits.to_ascii_lowercase());
    }
    out
}

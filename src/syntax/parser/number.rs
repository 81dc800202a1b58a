//! Integers and durations.

use super::{Parser, codes};
use crate::source::Span;
use crate::syntax::ast::ExprKind;

/// The units of a duration, largest first, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl Parser<'_> {
    /// `42`, `1_000`, `45s`, `1h30m`; what is wrong with it is reported and gives [`ExprKind::Error`].
    pub(super) fn number(&mut self, text: &str, span: Span) -> ExprKind {
        match number(text) {
            Ok(kind) => kind,
            Err(Wrong { message, help }) => {
                self.report(&codes::INVALID_NUMBER, span, message).help = help;
                ExprKind::Error
            }
        }
    }

    /// An integer where nothing else will do.
    pub(super) fn integer(&mut self, text: &str, span: Span) -> Option<i64> {
        match self.number(text, span) {
            ExprKind::Int(value) => Some(value),
            ExprKind::Error => None,
            _ => {
                let diagnostic = self.report(&codes::INVALID_NUMBER, span, format!("`{text}` is not an integer"));
                diagnostic.help = Some("write a plain number here".to_owned());
                None
            }
        }
    }
}

struct Wrong {
    message: String,
    help: Option<String>,
}

fn wrong(message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong {
        message: message.into(),
        help: Some(help.into()),
    }
}

fn number(text: &str) -> Result<ExprKind, Wrong> {
    if text.contains('.') {
        return Err(wrong(
            format!("`{text}` has a fraction"),
            "write a whole number; for a duration take a smaller unit, as in `1h30m`",
        ));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return integer(text).map(ExprKind::Int);
    }
    duration(text).map(ExprKind::Duration)
}

fn integer(digits: &str) -> Result<i64, Wrong> {
    if digits.ends_with('_') || digits.contains("__") {
        return Err(wrong(
            format!("`{digits}` has a `_` that does not stand between two digits"),
            "write `_` only between digits, as in `1_000`",
        ));
    }
    let plain: std::borrow::Cow<str> = if digits.contains('_') {
        digits.replace('_', "").into()
    } else {
        digits.into()
    };
    plain.parse().map_err(|_| {
        wrong(
            format!("`{digits}` is too large"),
            format!("write a number up to {}", i64::MAX),
        )
    })
}

fn duration(text: &str) -> Result<u64, Wrong> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last: Option<usize> = None;
    while !rest.is_empty() {
        let digits_end = rest
            .find(|char: char| !char.is_ascii_digit() && char != '_')
            .unwrap_or(rest.len());
        let (digits, after) = rest.split_at(digits_end);
        let unit_end = after.find(|char: char| char.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        rest = after;
        if unit.is_empty() {
            return Err(wrong(
                format!("the `{digits}` in `{text}` has no unit"),
                "write `s`, `m`, `h` or `d` behind each number",
            ));
        }
        let Some(at) = UNITS.iter().position(|&(name, _)| name == unit) else {
            return Err(unknown_unit(text, unit));
        };
        if let Some(last) = last.filter(|&last| last >= at) {
            let message = if last == at {
                format!("`{text}` says `{unit}` twice")
            } else {
                format!(
                    "`{text}` has the larger unit `{unit}` after the smaller `{}`",
                    UNITS[last].0
                )
            };
            return Err(wrong(message, "write each unit once, the largest first, as in `1h30m`"));
        }
        last = Some(at);
        let count = u64::try_from(integer(digits)?).unwrap_or_default();
        total = count
            .checked_mul(UNITS[at].1)
            .and_then(|seconds| total.checked_add(seconds))
            .filter(|&seconds| i64::try_from(seconds).is_ok())
            .ok_or_else(|| wrong(format!("the duration `{text}` is too long"), "write a shorter one"))?;
    }
    Ok(total)
}

fn unknown_unit(text: &str, unit: &str) -> Wrong {
    let help = match unit {
        "w" | "week" | "weeks" => "write weeks in days: `7d` is one",
        "ms" | "millis" => "write whole seconds, as in `1s`",
        "sec" | "secs" | "second" | "seconds" => "write `s` for seconds, as in `45s`",
        "min" | "mins" | "minute" | "minutes" => "write `m` for minutes, as in `30m`",
        "hr" | "hrs" | "hour" | "hours" => "write `h` for hours, as in `2h`",
        "day" | "days" => "write `d` for days, as in `7d`",
        _ => "write a duration like `45s`, `30m`, `2h`, `7d` or `1h30m`; a name begins with a letter or `_`",
    };
    wrong(format!("`{text}` has the unknown unit `{unit}`"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ExprKind, String> {
        number(text).map_err(|wrong| wrong.message)
    }

    #[test]
    fn integers() {
        assert_eq!(read("0"), Ok(ExprKind::Int(0)));
        assert_eq!(read("1_000"), Ok(ExprKind::Int(1000)));
        assert_eq!(read("9223372036854775807"), Ok(ExprKind::Int(i64::MAX)));
        assert_eq!(
            read("9223372036854775808").unwrap_err(),
            "`9223372036854775808` is too large"
        );
        assert!(read("1_").is_err() && read("1__0").is_err() && read("1.5").is_err());
    }

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("45s", 45),
            ("30m", 1800),
            ("2h", 7200),
            ("7d", 604_800),
            ("1h30m", 5400),
            ("1d2h3m4s", 93_784),
        ] {
            assert_eq!(read(text), Ok(ExprKind::Duration(seconds)), "{text}");
        }
        assert_eq!(read("5w").unwrap_err(), "`5w` has the unknown unit `w`");
        assert_eq!(
            read("30m1h").unwrap_err(),
            "`30m1h` has the larger unit `h` after the smaller `m`"
        );
        assert_eq!(read("1h1h").unwrap_err(), "`1h1h` says `h` twice");
        assert_eq!(read("1h30").unwrap_err(), "the `30` in `1h30` has no unit");
        assert!(read("9223372036854775807d").unwrap_err().contains("too long"));
        assert!(read("9000000000000000000s9s").is_err());
    }
}

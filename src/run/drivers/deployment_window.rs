//! `deployment_window`: is now within the window that a Quartz-like cron expression describes? Six fields (seconds, which must be
//! `*` or `0`, minutes, hours, day of month, month, day of week) and optionally a year.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::tz::{Offset, TimeZone};

use super::{Done, Job};
use crate::ir;
use crate::run::outcome::Failure;

/// The abbreviations that Java knows besides those of the time zone database.
const SHORT: [(&str, &str); 25] = [
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// Whether a rule's window can be understood.
pub fn check(rule: &ir::Rule) -> Result<(), Failure> {
    let literal = |key: &str| rule.configuration.get(key).and_then(|entry| entry.value.as_literal());
    if let Some(cron) = literal("Cron") {
        parse(cron).map_err(|problem| {
            Failure::new(problem).with_help("correct it: six fields (the first is `*`), and optionally a year")
        })?;
    }
    let zone = zone(literal("TimeZone")).map_err(|problem| {
        Failure::new(problem).with_help("name a `Region/City`, `UTC`, `UTC+02:00` or an abbreviation such as `CET`")
    });
    zone.map(|_| ())
}

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let text = job.configuration("Cron").unwrap_or_default().to_owned();
    let cron = parse(&text).map_err(Failure::new)?;
    let zone = zone(job.configuration("TimeZone")).map_err(Failure::new)?;
    let now = jiff::Timestamp::now().to_zoned(zone);
    if is_open(&cron, &now)? {
        let note = format!("now, {}, is within `{text}`", now.strftime("%A %F %H:%M %Z"));
        return Ok(Done {
            notes: vec![note],
            ..Done::default()
        });
    }
    let next = cron.find_next_occurrence(&now, false).map_or_else(
        |_| "it does not open again".to_owned(),
        |next| format!("it opens {}", next.strftime("%A %F %H:%M %Z")),
    );
    let now = now.strftime("%A %F %H:%M %Z");
    Err(Failure::new(format!("now, {now}, is outside `{text}`; {next}")))
}

fn is_open(cron: &Cron, now: &Zoned) -> Result<bool, Failure> {
    cron.is_time_matching(now)
        .map_err(|error| Failure::new(error.to_string()))
}

fn parse(text: &str) -> Result<Cron, String> {
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    if !(6..=7).contains(&fields.len()) {
        return Err(format!(
            "the window `{text}` has {} fields, not six or seven",
            fields.len()
        ));
    }
    if fields[0] != "*" && fields[0] != "0" {
        return Err(format!("the window `{text}` does not begin with `*` for the seconds"));
    }
    // A window is as long as its minutes: each second of them is in it.
    fields[0] = "*";
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Optional)
        .dom_and_dow(true)
        .alternative_weekdays(true)
        .build();
    parser
        .parse(&fields.join(" "))
        .map_err(|error| format!("the window `{text}` is not understood: {error}"))
}

/// `Region/City`, `UTC`, `UTC+02:00`, or an abbreviation that the system's data knows.
fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    let Some(name) = name.filter(|name| !matches!(*name, "UTC" | "GMT")) else {
        return Ok(TimeZone::UTC);
    };
    let offset = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT"));
    if let Some(offset) = offset.and_then(read_offset) {
        return Ok(TimeZone::fixed(offset));
    }
    let long = SHORT.iter().find(|(short, _)| *short == name);
    TimeZone::get(long.map_or(name, |(_, long)| long))
        .map_err(|_| format!("the time zone `{name}` is not known on this machine"))
}

fn read_offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let hours: i32 = hours.parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(cron: &str, zone_name: &str, at: &str) -> bool {
        let now = at
            .parse::<jiff::Timestamp>()
            .unwrap()
            .to_zoned(zone(Some(zone_name)).unwrap());
        is_open(&parse(cron).unwrap(), &now).unwrap()
    }

    #[test]
    fn office_hours() {
        let cron = "* * 9-17 ? * MON-FRI";
        assert!(open(cron, "UTC", "2026-03-02T09:00:30Z"), "a Monday");
        assert!(open(cron, "UTC", "2026-03-06T17:59:59Z"), "a Friday");
        assert!(!open(cron, "UTC", "2026-03-06T18:00:00Z"));
        assert!(!open(cron, "UTC", "2026-03-07T12:00:00Z"), "a Saturday");
        assert!(open(cron, "UTC+02:00", "2026-03-02T07:00:00Z"));
        assert!(!open(cron, "UTC-5", "2026-03-02T12:00:00Z"));
    }

    #[test]
    fn quartz_counts_days_of_the_week_from_sunday() {
        assert!(open("* * * ? * 2", "UTC", "2026-03-02T12:00:00Z"), "2 is Monday");
        assert!(!open("* * * ? * 2", "UTC", "2026-03-03T12:00:00Z"));
        assert!(open("* * * 2 3 ? 2026", "UTC", "2026-03-02T12:00:00Z"));
        assert!(!open("* * * 2 3 ? 2027", "UTC", "2026-03-02T12:00:00Z"));
    }

    #[test]
    fn days_that_quartz_can_say() {
        assert!(
            open("* * * L * ?", "UTC", "2026-02-28T12:00:00Z"),
            "the last of the month"
        );
        assert!(!open("* * * L * ?", "UTC", "2026-02-27T12:00:00Z"));
        assert!(open("* * * ? * 6#3", "UTC", "2026-03-20T12:00:00Z"), "the third Friday");
        assert!(!open("* * * ? * 6#3", "UTC", "2026-03-13T12:00:00Z"));
        assert!(
            open("* * * 15W * ?", "UTC", "2026-08-14T12:00:00Z"),
            "the weekday nearest to a Saturday"
        );
        assert!(open("* */15 * * * ?", "UTC", "2026-08-14T12:45:10Z"));
        assert!(!open("* */15 * * * ?", "UTC", "2026-08-14T12:46:10Z"));
    }

    #[test]
    fn zones_follow_their_summer() {
        let cron = "* * 9 ? * *";
        assert!(open(cron, "Europe/Berlin", "2026-03-28T08:30:00Z"));
        assert!(
            open(cron, "Europe/Berlin", "2026-03-30T07:30:00Z"),
            "an hour earlier in summer"
        );
        assert!(open(cron, "PST", "2026-07-01T16:30:00Z"));
        // The hour that the clocks leave out, and that which they have twice.
        let at_two = "* * 2 ? * *";
        assert!(!open(at_two, "Europe/Berlin", "2026-03-29T01:30:00Z"));
        assert!(open(at_two, "Europe/Berlin", "2026-10-25T00:30:00Z"));
        assert!(open(at_two, "Europe/Berlin", "2026-10-25T01:30:00Z"));
    }

    #[test]
    fn what_is_not_a_window_is_said() {
        assert!(parse("* * 9-17 * *").is_err());
        assert!(parse("5 * 9 ? * MON").is_err());
        assert!(parse("* * 99 ? * MON").is_err());
        assert!(zone(Some("Middle/Earth")).is_err());
    }
}

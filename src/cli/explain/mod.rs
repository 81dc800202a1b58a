//! `pipe explain`: the whole story of a diagnostic.

use std::fmt::Write;

use self::pages::PAGES;
use super::args::ExplainArgs;
use super::console::{Console, Paint};
use super::error::Error;
use super::status::Status;
use crate::diagnostic::human::severity_name;
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Severity};
use crate::{catalog, export, import, ir, lint, sema, syntax};

mod pages;

/// Shows the page of one diagnostic, or the list of all.
pub(super) fn explain(args: &ExplainArgs, console: &mut Console) -> Result<Status, Error> {
    let paint = console.paint();
    let text = match &args.name {
        None => list(paint),
        Some(name) => page(bare_name(name), paint)?,
    };
    console.print(&text)?;
    Ok(Status::Fine)
}

/// Every kind of report there is, pass by pass.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    let passes = [
        syntax::codes::ALL,
        catalog::codes::ALL,
        sema::codes::ALL,
        ir::codes::ALL,
        lint::codes::ALL,
        export::codes::ALL,
        import::codes::ALL,
    ];
    passes.into_iter().flatten().copied()
}

/// The name in what people copy from a report: `error[unknown-name]`, `[unknown-name]:`.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('[').map_or(name, |(_, rest)| rest);
    inner.split_once(']').map_or(inner, |(name, _)| name)
}

fn list(paint: Paint) -> String {
    let mut all: Vec<&Code> = codes().collect();
    all.sort_by_key(|code| (code.severity, code.name));
    let width = all.iter().map(|code| code.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Hint] {
        let of_severity: Vec<&&Code> = all.iter().filter(|code| code.severity == severity).collect();
        if of_severity.is_empty() {
            continue;
        }
        let title = format!("{}s", severity_name(severity));
        let _ = writeln!(out, "{}", paint.heading(&title));
        for code in of_severity {
            let _ = writeln!(out, "  {:width$}  {}", code.name, code.summary);
        }
        out.push('\n');
    }
    out.push_str("`pipe explain NAME` tells the whole story of one.\n");
    out
}

fn page(name: &str, paint: Paint) -> Result<String, Error> {
    let unknown = || Error::NoPage {
        name: name.to_owned(),
        near: nearest(name, codes().map(|code| code.name)).map(str::to_owned),
    };
    let code = codes().find(|code| code.name == name).ok_or_else(unknown)?;
    let (_, text) = PAGES.iter().find(|(page, _)| *page == name).ok_or_else(unknown)?;
    let title = format!("{}[{name}]: {}", severity_name(code.severity), code.summary);
    Ok(format!("{}\n{}", paint.heading(&title), body(text)))
}

/// A page's text without its title; code is indented, with a line before it that says what it is.
fn body(markdown: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for line in markdown.lines().skip_while(|line| line.starts_with("# ")) {
        match line.strip_prefix("```") {
            Some(_) if in_code => in_code = false,
            Some(info) => {
                in_code = true;
                out.push_str(caption(info));
            }
            None if in_code && !line.is_empty() => {
                let _ = writeln!(out, "    {line}");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

fn caption(info: &str) -> &'static str {
    let mut words = info.split_whitespace().skip(1);
    match words.next() {
        Some("fails") => "This is reported:\n\n",
        Some("mended") => "Mended:\n\n",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let of_codes: BTreeSet<&str> = codes().map(|code| code.name).collect();
        let of_pages: BTreeSet<&str> = PAGES.iter().map(|(name, _)| *name).collect();
        let without_page: Vec<_> = of_codes.difference(&of_pages).collect();
        let without_code: Vec<_> = of_pages.difference(&of_codes).collect();
        assert!(
            without_page.is_empty() && without_code.is_empty(),
            "codes without a page in pages.rs: {without_page:?}\npages without a code: {without_code:?}"
        );
        assert_eq!(codes().count(), of_codes.len(), "two codes have the same name");
    }

    #[test]
    fn every_page_is_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diagnostics");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let table: Vec<&str> = PAGES.iter().map(|(name, _)| *name).collect();
        if files.iter().map(String::as_str).eq(table.iter().copied()) {
            return;
        }
        if std::env::var_os("UPDATE_PAGES").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/explain/pages.rs");
            let text = std::fs::read_to_string(path).unwrap();
            let (head, _) = text.split_once("pages! {").unwrap();
            let names: String = files.iter().map(|name| format!("    \"{name}\"\n")).collect();
            std::fs::write(path, format!("{head}pages! {{\n{names}}};\n")).unwrap();
        }
        panic!("pages.rs does not list docs/diagnostics: `UPDATE_PAGES=1 cargo test --lib explain` writes it anew");
    }

    #[test]
    fn every_page_has_its_name_and_both_examples_or_none() {
        for (name, text) in PAGES {
            assert!(text.starts_with(&format!("# {name}\n\n")), "{name}: its title");
            let count = |role: &str| {
                let languages = ["pipe", "json", "yaml"].iter();
                let blocks = languages.map(|language| text.matches(&format!("```{language} {role}\n")).count());
                blocks.sum::<usize>()
            };
            let (fails, mended) = (count("fails"), count("mended"));
            assert!(
                fails == mended && fails <= 1,
                "{name}: what fails, and the same, mended"
            );
        }
    }

    #[test]
    fn pages_become_plain_text() {
        let page = "# unknown-name\n\nWhy it matters.\n\n```pipe fails\na {\n\n  b\n}\n```\n\n```pipe mended\nc\n```\n";
        let plain = "\nWhy it matters.\n\nThis is reported:\n\n    a {\n\n      b\n    }\n\nMended:\n\n    c\n";
        assert_eq!(body(page), plain);
    }

    #[test]
    fn takes_what_people_copy_from_a_report() {
        for name in [
            "unknown-name",
            "error[unknown-name]",
            "error[unknown-name]: cannot",
            "[unknown-name]",
        ] {
            assert_eq!(bare_name(name), "unknown-name");
        }
    }
}

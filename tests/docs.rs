//! The code blocks of the pages and of the library's doc comments are cases.
//!
//! | block | what must hold |
//! | --- | --- |
//! | `pipe` | a whole file: no errors, in the canonical style |
//! | `pipe file=PATH` | the same, and what stands below it on the page may import it |
//! | `pipe fragment` | it parses, as items or as what stands in a pipeline |
//! | `pipe fails NAME` | it gives exactly this diagnostic and no other error; on a diagnostic's page its own |
//! | `pipe mended` | no errors, and not the diagnostic of the page |
//! | `json fails`, `yaml mended` and the like | the same for documents of these kinds |
//! | `json` | what the `pipe` block above it exports |
//! | `console` | the commands after `$` print what stands below them; see [`console`] |
//!
//! Blocks in other languages, or in none, are left alone.

use std::path::{Path, PathBuf};

use pipe::compile::Compiled;
use pipe::diagnostic::{Diagnostics, Severity};
use pipe::source::Sources;

use crate::support::{check_document, compile_files, report_of};

mod console;

/// A fenced block of a page.
#[derive(Debug)]
struct Block {
    page: PathBuf,
    line: usize,
    /// The words after the fence.
    info: Vec<String>,
    text: String,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page.display(), self.line)
    }

    fn language(&self) -> &str {
        self.info.first().map_or("", String::as_str)
    }

    fn role(&self) -> &str {
        self.info.get(1).map_or("", String::as_str)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of a page in its order.
fn blocks(page: &Path, markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in markdown.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), is_open) {
            (Some(_), true) => is_open = false,
            (Some(info), false) => {
                is_open = true;
                blocks.push(Block {
                    page: page.to_owned(),
                    line: number + 1,
                    info: info.split_whitespace().map(str::to_owned).collect(),
                    text: String::new(),
                });
            }
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!is_open, "{}: a code block is not closed", page.display());
    blocks
}

/// README.md, and everything under docs/.
fn pages() -> Vec<PathBuf> {
    let docs = ignore::WalkBuilder::new(root().join("docs"))
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .build();
    let files = docs.map(|entry| entry.unwrap().into_path());
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    std::iter::once(root().join("README.md")).chain(pages).collect()
}

fn blocks_of(page: &Path) -> Vec<Block> {
    let name = page.strip_prefix(root()).unwrap();
    blocks(name, &std::fs::read_to_string(page).unwrap())
}

/// Runs `check` on every block of every page and tells of all that fail, not only of the first.
fn check_blocks(
    pages: impl IntoIterator<Item = Vec<Block>>,
    mut check: impl FnMut(&[Block], &Block) -> Result<(), String>,
) {
    let mut failures = Vec::new();
    for blocks in pages {
        for (at, block) in blocks.iter().enumerate() {
            if let Err(why) = check(&blocks[..at], block) {
                failures.push(format!("{}: {why}", block.place()));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} blocks:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[test]
fn pipe_blocks_hold_what_they_say() {
    check_blocks(pages().iter().map(|page| blocks_of(page)), check_pipe);
}

#[test]
fn json_blocks_are_what_is_exported() {
    check_blocks(pages().iter().map(|page| blocks_of(page)), |before, block| {
        if block.language() != "json" || !block.role().is_empty() {
            return Ok(());
        }
        let Some(source) = before.iter().rfind(|block| block.language() == "pipe") else {
            return Ok(());
        };
        let compiled = compile_block(before, source);
        let [pipeline] = compiled.pipelines.as_slice() else {
            return Err("the block above it does not hold one pipeline".to_owned());
        };
        let exported = pipe::export::codepipeline::export(pipeline, &mut Diagnostics::default());
        same(&exported.unwrap_or_default(), &block.text)
    });
}

#[test]
fn console_blocks_are_what_is_printed() {
    let place = console::Place::new();
    check_blocks(pages().iter().map(|page| blocks_of(page)), |before, block| {
        if block.language() != "console" {
            return Ok(());
        }
        let files = files_before(before);
        place.check(&files, &block.text)
    });
}

#[test]
fn library_examples_hold_what_they_say() {
    let modules = pipe::source::library::modules();
    let pages = modules.map(|(name, _, text)| {
        let docs: Vec<&str> = text
            .lines()
            .map(|line| {
                line.trim_start()
                    .strip_prefix("///")
                    .map_or("", |doc| doc.strip_prefix(' ').unwrap_or(doc))
            })
            .collect();
        blocks(Path::new(&format!("stdlib/{name}.pipe")), &docs.join("\n"))
    });
    check_blocks(pages, check_pipe);
}

fn check_pipe(before: &[Block], block: &Block) -> Result<(), String> {
    let role = block.role();
    match block.language() {
        "pipe" => {}
        "json" | "yaml" if matches!(role, "fails" | "mended") => {}
        _ => return Ok(()),
    }
    match role {
        "fragment" => return parses(&block.text),
        "fails" => {
            let name = block.info.get(2).map_or_else(|| page_name(block), String::as_str);
            return fails(&compile_block(before, block), name);
        }
        "mended" => {
            let compiled = compile_block(before, block);
            let own = compiled.diagnostics.iter().any(|it| it.code.name == page_name(block));
            return match own {
                true => Err(format!("it is not mended:\n{}", report_of(&compiled))),
                false => has_no_errors(&compiled),
            };
        }
        "" => {}
        _ if role.starts_with("file=") => {}
        other => return Err(format!("nobody knows what `pipe {other}` means")),
    }
    has_no_errors(&compile_block(before, block))?;
    same(&format(&block.text)?, &block.text)
}

/// The diagnostic that a page is about.
fn page_name(block: &Block) -> &str {
    block.page.file_stem().unwrap().to_str().unwrap()
}

/// The files that blocks above have given the page.
fn files_before(before: &[Block]) -> Vec<(&str, &str)> {
    let named = before.iter().filter_map(|block| {
        let name = block.role().strip_prefix("file=")?;
        Some((name, block.text.as_str()))
    });
    named.collect()
}

fn compile_block(before: &[Block], block: &Block) -> Compiled {
    if block.language() != "pipe" {
        return check_document(&format!("main.{}", block.language()), &block.text);
    }
    let name = block.role().strip_prefix("file=").unwrap_or("main.pipe");
    let mut files = vec![(name, block.text.as_str())];
    files.extend(files_before(before).into_iter().filter(|(other, _)| *other != name));
    compile_files(&files)
}

fn has_no_errors(compiled: &Compiled) -> Result<(), String> {
    match compiled.diagnostics.iter().any(|it| it.severity == Severity::Error) {
        true => Err(format!("it has errors:\n{}", report_of(compiled))),
        false => Ok(()),
    }
}

fn fails(compiled: &Compiled, name: &str) -> Result<(), String> {
    let is_it = |it: &pipe::diagnostic::Diagnostic| it.code.name == name;
    let count = compiled.diagnostics.iter().filter(|it| is_it(it)).count();
    let others = compiled
        .diagnostics
        .iter()
        .filter(|it| !is_it(it) && it.severity == Severity::Error);
    match (count, others.count()) {
        (1, 0) => Ok(()),
        _ => Err(format!(
            "it should give `{name}`, once, and no other error:\n{}",
            report_of(compiled)
        )),
    }
}

fn parses(text: &str) -> Result<(), String> {
    let errors = |text: &str| {
        let mut sources = Sources::default();
        let file = sources.add("fragment.pipe", None, text);
        let mut diagnostics = Diagnostics::default();
        pipe::syntax::parse(text, file, &mut diagnostics);
        let list = diagnostics.into_sorted();
        pipe::diagnostic::human::render(&list, &sources, pipe::diagnostic::human::Style::PLAIN)
    };
    let as_items = errors(text);
    let in_pipeline = errors(&format!("pipeline fragment {{\n{text}}}\n"));
    match as_items.is_empty() || in_pipeline.is_empty() {
        true => Ok(()),
        false => Err(format!("it does not parse:\n{in_pipeline}")),
    }
}

fn format(text: &str) -> Result<String, String> {
    let mut sources = Sources::default();
    let file = sources.add("block.pipe", None, text);
    let mut diagnostics = Diagnostics::default();
    let parsed = pipe::syntax::parse(text, file, &mut diagnostics);
    match diagnostics.has_errors() {
        true => Err("it does not parse".to_owned()),
        false => Ok(pipe::syntax::fmt::format(text, &parsed)),
    }
}

fn same(expected: &str, found: &str) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => {
            let diff = similar::TextDiff::from_lines(found, expected);
            Err(format!("it should be different:\n{}", diff.unified_diff()))
        }
    }
}

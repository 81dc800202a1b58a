//! `pipe doc`: the library, from its doc comments.

use std::fmt::Write;

use super::args::DocArgs;
use super::console::{Console, Paint};
use super::error::Error;
use super::status::Status;
use crate::catalog::{Catalog, Count, Exports, Field, Provider, snake_case};
use crate::diagnostic::suggest::nearest;
use crate::source::{Sources, Span};

/// Shows the modules, a module's providers, or a provider.
pub(super) fn doc(args: &DocArgs, console: &mut Console) -> Result<Status, Error> {
    let library = Library {
        catalog: Catalog::builtin(),
        texts: Sources::default(),
        paint: console.paint(),
    };
    let text = match args.name.as_deref() {
        None => library.modules(),
        Some(name) => library.about(name)?,
    };
    console.print(&text)?;
    Ok(Status::Fine)
}

struct Library {
    catalog: Catalog,
    /// Knows the library's own texts, in which types are looked up as they were written.
    texts: Sources,
    paint: Paint,
}

impl Library {
    fn about(&self, name: &str) -> Result<String, Error> {
        if self.catalog.modules().any(|module| module == name) {
            return Ok(self.module(name));
        }
        if let Some(provider) = self.catalog.get(name) {
            return Ok(self.provider(&provider));
        }
        let all = self.full_names();
        let bare: Vec<&String> = all
            .iter()
            .filter(|full| full.split_once('.').is_some_and(|(_, bare)| bare == name))
            .collect();
        match bare.as_slice() {
            [full] => self.about(full),
            [] => Err(Error::NoDoc {
                name: name.to_owned(),
                near: self.nearest(name, &all),
            }),
            several => Ok(self.choice(name, several)),
        }
    }

    fn full_names(&self) -> Vec<String> {
        let of = |module| self.catalog.names(module).map(move |name| format!("{module}.{name}"));
        self.catalog.modules().flat_map(of).collect()
    }

    /// The nearest full name; for a bare name, the nearest of the bare ones.
    fn nearest(&self, name: &str, all: &[String]) -> Option<String> {
        let modules: Vec<&str> = self.catalog.modules().collect();
        let full = all.iter().map(String::as_str).chain(modules);
        if let Some(near) = nearest(name, full) {
            return Some(near.to_owned());
        }
        let bare = |full: &str| full.split_once('.').map(|(_, bare)| bare.to_owned());
        let bares: Vec<String> = all.iter().filter_map(|full| bare(full)).collect();
        let near = nearest(name, bares.iter().map(String::as_str))?;
        all.iter().find(|full| bare(full).as_deref() == Some(near)).cloned()
    }

    fn modules(&self) -> String {
        let mut out = format!("{}\n", self.paint.heading("The library's modules"));
        for module in self.catalog.modules() {
            let names: Vec<&str> = self.catalog.names(module).collect();
            let _ = writeln!(out, "  {module:10} {}", names.join(" "));
        }
        out.push_str(
            "\n`pipe doc MODULE` says what each of its providers does, `pipe doc MODULE.PROVIDER` all about one.\n",
        );
        out
    }

    fn module(&self, module: &str) -> String {
        let mut out = format!("{}\n", self.paint.heading(module));
        let names: Vec<&str> = self.catalog.names(module).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
        for name in names {
            let provider = self.catalog.get(&format!("{module}.{name}"));
            let summary = provider.as_deref().map_or("", summary);
            let _ = writeln!(out, "  {name:width$}  {summary}");
        }
        let _ = writeln!(out, "\n`pipe doc {module}.PROVIDER` tells all about one.");
        out
    }

    fn choice(&self, name: &str, several: &[&String]) -> String {
        let mut out = format!("`{name}` is in several modules\n");
        for full in several {
            let provider = self.catalog.get(full);
            let _ = writeln!(out, "  {full}  {}", provider.as_deref().map_or("", summary));
        }
        out
    }

    fn provider(&self, provider: &Provider) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{}  {}",
            self.paint.heading(&provider.name),
            self.paint.faint(&provider.type_id.to_string())
        );
        if let Some(doc) = &provider.doc {
            let _ = writeln!(out, "\n{}", doc.trim_end());
        }
        if let Some(why) = &provider.deprecated {
            let _ = writeln!(out, "\n{} {why}", self.paint.alarm("Deprecated:"));
        }
        let _ = writeln!(
            out,
            "\nInputs: {}. Outputs: {}.",
            counted(provider.inputs),
            counted(provider.outputs)
        );
        for trait_ in traits(provider) {
            let _ = writeln!(out, "{trait_}");
        }
        self.fields(&mut out, provider);
        self.output_variables(&mut out, provider);
        if let Some(driver) = &provider.driver {
            let _ = writeln!(
                out,
                "\n{}\n  by the driver `{driver}`",
                self.paint.heading("On this machine")
            );
        }
        if !provider.permissions.is_empty() {
            let _ = writeln!(out, "\n{}", self.paint.heading("Permissions of the pipeline's role"));
            for permission in &provider.permissions {
                let _ = writeln!(out, "  {permission}");
            }
        }
        if let Some(page) = &provider.page {
            let _ = writeln!(out, "\n{page}");
        }
        out
    }

    fn fields(&self, out: &mut String, provider: &Provider) {
        if provider.fields.is_empty() {
            return;
        }
        let (needed, optional): (Vec<&Field>, Vec<&Field>) = provider.fields.iter().partition(|field| !field.optional);
        for (title, fields) in [("Fields", needed), ("Optional fields", optional)] {
            if fields.is_empty() {
                continue;
            }
            let _ = writeln!(out, "\n{}", self.paint.heading(title));
            for field in fields {
                self.field(out, field);
            }
        }
    }

    fn field(&self, out: &mut String, field: &Field) {
        let mut line = format!("{}: {}", field.name, self.as_written(field.ty.span));
        if let Some(default) = &field.default {
            let _ = write!(line, " = {}", self.as_written(default.span));
        }
        let key = match field.encoding.is_configuration() {
            true => format!("  {}", self.paint.faint(&format!("// {}", field.key))),
            false => String::new(),
        };
        let _ = writeln!(out, "  {line}{key}");
        for doc in field.doc.iter().flat_map(|doc| doc.lines()) {
            let _ = writeln!(out, "      {doc}");
        }
    }

    fn output_variables(&self, out: &mut String, provider: &Provider) {
        let title = self.paint.heading("Output variables");
        let _ = match &provider.exports {
            Exports::Fixed(names) if names.is_empty() => Ok(()),
            Exports::Fixed(names) => {
                let names: Vec<String> = names.iter().map(|name| snake_case(name)).collect();
                writeln!(out, "\n{title}\n  {}", names.join("\n  "))
            }
            Exports::Open | Exports::Declared => {
                writeln!(out, "\n{title}\n  those that the action declares with `export NAME`")
            }
        };
    }

    /// A type or value as the library writes it, on one line.
    fn as_written(&self, span: Span) -> String {
        let words: Vec<&str> = self.texts.text(span).split_whitespace().collect();
        words.join(" ")
    }
}

/// The first sentence of a provider's doc comment.
fn summary(provider: &Provider) -> &str {
    let doc = provider.doc.as_deref().unwrap_or_default();
    doc.lines().next().unwrap_or_default()
}

fn counted(count: Count) -> String {
    match count {
        Count { min, max } if min == max => max.to_string(),
        Count { min, max } => format!("{min} to {max}"),
    }
}

/// What is special about it, a sentence each.
fn traits(provider: &Provider) -> Vec<&'static str> {
    let all = [
        (provider.v2_only, "Only in pipelines of type V2."),
        (!provider.cross_region, "Runs in the pipeline's own region."),
        (provider.timeout, "Takes `timeout`."),
        (
            provider.output_files,
            "An output may say which files it takes: `output name from [\"dist/**\"]`.",
        ),
        (provider.open, "Takes fields that are not declared here, too."),
    ];
    all.into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, text)| text)
        .collect()
}

//! Writes `docs/providers.md`: every provider of the library, from its declaration and doc comments.

use std::fmt::Write;

use pipe::catalog::{Count, Exports, Field, Provider, snake_case, type_text};
use pipe::syntax::ast::ExprKind;

const HEAD: &str = "# The providers

What an action or a rule can be: the library that is always in scope, by module. Written from `stdlib/*.pipe`; `pipe doc`
shows the same in a terminal.

A field whose type ends in `?` may be left out. Every action takes `input`, `region`, `role_arn`, `namespace` and
`configuration` besides; where it says so, `timeout`, and outputs with `from [\u{201c}…\u{201d}]`.
";

pub(super) fn markdown(providers: &[Provider]) -> String {
    let mut out = HEAD.replace(['\u{201c}', '\u{201d}'], "\"");
    let mut module = "";
    for provider in providers {
        let (of, _) = provider.name.split_once('.').unwrap();
        if of != module {
            module = of;
            write!(out, "\n## {module}\n").unwrap();
        }
        section(&mut out, provider);
    }
    out
}

fn section(out: &mut String, provider: &Provider) {
    write!(
        out,
        "\n### {}\n\n{}\n\n",
        provider.name,
        provider.doc.as_deref().unwrap()
    )
    .unwrap();
    if let Some(why) = &provider.deprecated {
        write!(out, "**Deprecated.** {why}.\n\n").unwrap();
    }
    for fact in facts(provider) {
        writeln!(out, "- {fact}").unwrap();
    }
    if !provider.fields.is_empty() {
        out.push_str("\nFields:\n\n");
    }
    for field in &provider.fields {
        writeln!(out, "{}", field_line(field)).unwrap();
    }
    if !provider.requires.is_empty() {
        out.push_str("\nChecked:\n\n");
    }
    for require in &provider.requires {
        if let ExprKind::Str(message) = &require.message.kind {
            writeln!(out, "- {}", message.as_text().unwrap()).unwrap();
        }
    }
}

fn facts(provider: &Provider) -> Vec<String> {
    let mut facts = vec![
        format!("AWS: [`{}`]({})", provider.type_id, provider.page.as_deref().unwrap()),
        format!(
            "Artifacts: {} in, {} out",
            count(provider.inputs),
            count(provider.outputs)
        ),
        format!("Here: `{}`", provider.driver.as_deref().unwrap()),
    ];
    match &provider.exports {
        Exports::Fixed(names) if names.is_empty() => {}
        Exports::Fixed(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{}`", snake_case(name))).collect();
            facts.push(format!("Output variables: {}", names.join(", ")));
        }
        Exports::Open | Exports::Declared => facts.push("Output variables: what `export NAME` declares".to_owned()),
    }
    let flags = [
        (provider.v2_only, "Only in a V2 pipeline"),
        (!provider.cross_region, "Only in the pipeline's region"),
        (provider.timeout, "Takes `timeout`"),
        (
            provider.output_files,
            "An output says its files: `output name from [\"dist/**\"]`",
        ),
        (
            provider.open,
            "Takes keys that the library does not know, with a warning",
        ),
    ];
    facts.extend(
        flags
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, fact)| (*fact).to_owned()),
    );
    if !provider.permissions.is_empty() {
        let permissions: Vec<String> = provider
            .permissions
            .iter()
            .map(|action| format!("`{action}`"))
            .collect();
        facts.push(format!("Permissions: {}", permissions.join(", ")));
    }
    facts
}

fn count(count: Count) -> String {
    if count.min == count.max {
        count.min.to_string()
    } else {
        format!("{} to {}", count.min, count.max)
    }
}

/// A field with its type, what it is for, and what AWS calls it.
fn field_line(field: &Field) -> String {
    let doc = field.doc.as_deref().unwrap().replace('\n', "\n  ");
    let key = match field.encoding.is_configuration() {
        true => format!(" (`{}`)", field.key),
        false => String::new(),
    };
    format!("- `{}`: `{}`{key}  \n  {doc}", field.name, type_text(&field.ty))
}

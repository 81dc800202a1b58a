//! The standard library: that it is well formed, that what the binary holds of it is what its text says, and that it
//! agrees with the facts about AWS that it was written from.

mod agreement;
mod conditions;
mod examples;
mod reference;
mod texts;

use std::path::{Path, PathBuf};

use pipe::catalog::{Catalog, Count, Encoding, Exports, Provider, library, lower, pascal_case, type_text};
use pipe::diagnostic::Diagnostics;
use pipe::diagnostic::human::{Style, render};
use pipe::ir::TypeId;
use pipe::source::Sources;
use pipe::syntax::ast::ItemKind;

/// The library as its text says it; it must say it without a report.
fn from_source() -> Vec<Provider> {
    let mut diags = Diagnostics::default();
    let providers = library::from_source(&mut diags);
    let report = render(&diags.into_sorted(), &Sources::default(), Style::PLAIN);
    assert_eq!(report, "");
    providers
}

const UPDATE: &str = "UPDATE_LIBRARY";

/// The library as the binary holds it. A run that updates it cannot say anything about it: that takes another build.
fn builtin() -> Option<Catalog> {
    std::env::var_os(UPDATE).is_none().then(Catalog::builtin)
}

/// Compares a generated file with what it should be; with `UPDATE_LIBRARY` set, writes it first.
fn check_generated(path: &str, wanted: &[u8]) {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not what `stdlib/*.pipe` says: run `UPDATE_LIBRARY=1 cargo test --test main stdlib::`"
    );
}

#[test]
fn the_binary_holds_what_the_text_says() {
    check_generated("src/catalog/library.bin", &library::encode(&from_source()));
}

#[test]
fn the_reference_says_what_the_text_says() {
    check_generated("docs/providers.md", reference::markdown(&from_source()).as_bytes());
}

#[test]
fn the_library_is_formatted() {
    for (module, id, text) in pipe::source::library::modules() {
        let file = pipe::syntax::parse(text, id, &mut Diagnostics::default());
        assert!(
            pipe::syntax::fmt::format(text, &file) == text,
            "run `pipe fmt stdlib/{module}.pipe`"
        );
    }
}

#[test]
fn encoding_does_not_depend_on_the_order() {
    let mut providers = from_source();
    let bytes = library::encode(&providers);
    providers.reverse();
    assert!(bytes == library::encode(&providers));
}

#[test]
fn decoding_gives_what_was_encoded() {
    let Some(catalog) = builtin() else { return };
    for provider in from_source() {
        assert_eq!(*catalog.get(&provider.name).unwrap(), provider);
        assert_eq!(catalog.by_type(&provider.type_id).unwrap().name, provider.name);
    }
}

#[test]
fn names_are_found_and_others_are_not() {
    let Some(catalog) = builtin() else { return };
    let modules: Vec<_> = catalog.modules().collect();
    assert_eq!(
        modules,
        [
            "source", "build", "test", "deploy", "approval", "invoke", "compute", "rule"
        ]
    );
    let names: Vec<_> = catalog.names("build").collect();
    assert_eq!(
        names,
        ["cloudbees", "codebuild", "ecr_build_and_publish", "jenkins", "teamcity"]
    );
    assert_eq!(catalog.names("buil").count(), 0);
    for name in ["codebuild", "build", "build.", "build.codebuil", "lib.codebuild", ""] {
        assert!(catalog.get(name).is_none(), "{name}");
    }
    let id = TypeId::parse("Build/AWS/CodeBuild/2").unwrap();
    assert!(catalog.by_type(&id).is_none());
}

#[test]
fn a_users_provider_goes_first() {
    let Some(mut catalog) = builtin() else { return };
    let mut own = Provider::clone(&catalog.get("build.codebuild").unwrap());
    own.name = "mine".to_owned();
    let type_id = own.type_id.clone();
    catalog.add(own);
    assert_eq!(catalog.get("mine").unwrap().name, "mine");
    assert_eq!(catalog.by_type(&type_id).unwrap().name, "mine");
    assert_eq!(catalog.get("build.codebuild").unwrap().name, "build.codebuild");
    assert!(Catalog::builtin().get("mine").is_none());
}

#[test]
fn spans_point_into_the_library() {
    let sources = Sources::default();
    for provider in from_source() {
        let (module, name) = provider.name.split_once('.').unwrap();
        assert_eq!(sources.text(provider.span), name);
        assert_eq!(sources.file(provider.span.file).name, format!("<stdlib/{module}.pipe>"));
        for field in &provider.fields {
            assert_eq!(sources.text(field.span), field.name);
        }
    }
}

#[test]
fn everything_is_documented_and_has_a_driver() {
    for provider in from_source() {
        let name = &provider.name;
        let doc = provider.doc.as_deref().unwrap_or_default();
        assert!(
            doc.lines().next().is_some_and(|first| first.ends_with('.')),
            "{name}: {doc}"
        );
        assert!(
            doc.replace('\n', " ").contains("local run"),
            "{name}: what does a local run do?"
        );
        assert!(provider.driver.is_some(), "{name}");
        let page = provider.page.as_deref().unwrap_or_default();
        assert!(
            page.starts_with("https://docs.aws.amazon.com/codepipeline/latest/userguide/") && page.ends_with(".html"),
            "{name}: {page}"
        );
        for field in &provider.fields {
            let doc = field.doc.as_deref().unwrap_or_default();
            assert!(doc.ends_with(['.', ')']), "{name}.{}: {doc}", field.name);
        }
    }
}

#[test]
fn a_key_is_written_only_where_it_cannot_be_derived() {
    let sources = Sources::default();
    for provider in from_source() {
        for field in provider.fields.iter().filter(|field| field.encoding.is_configuration()) {
            let after = &sources.file(field.span.file).text[field.span.end as usize..];
            let derived = field.key == pascal_case(&field.name);
            assert_eq!(after.starts_with(':'), derived, "{}.{}", provider.name, field.name);
        }
    }
}

#[test]
fn encodings_have_their_names() {
    let Some(catalog) = builtin() else { return };
    let encoding = |provider: &str, field: &str| catalog.get(provider).unwrap().field(field).unwrap().encoding;
    assert_eq!(encoding("build.codebuild", "project_name"), Encoding::Plain);
    assert_eq!(encoding("build.codebuild", "environment_variables"), Encoding::EnvJson);
    assert_eq!(encoding("compute.commands", "commands"), Encoding::Commands);
    assert_eq!(
        encoding("compute.commands", "environment_variables"),
        Encoding::Environment
    );
    assert_eq!(encoding("deploy.cloudformation", "capabilities"), Encoding::Csv);
    assert_eq!(encoding("deploy.cloudformation", "parameter_overrides"), Encoding::Json);
}

/// What `lower` makes of the providers in a file, and what it reports.
fn lowered(text: &str) -> (Vec<Provider>, String) {
    let mut sources = Sources::default();
    let mut diags = Diagnostics::default();
    let file = sources.add("main.pipe", None, text);
    let mut providers = Vec::new();
    for item in pipe::syntax::parse(text, file, &mut diags).items {
        if let ItemKind::Provider(provider) = &item.kind {
            providers.push(lower(provider, &item.doc, None, &mut diags));
        }
    }
    (providers, render(&diags.into_sorted(), &sources, Style::PLAIN))
}

#[test]
fn provider_reports() {
    insta::glob!("cases/provider/*.pipe", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (_, report) = lowered(&text);
        insta::assert_snapshot!(report);
    });
}

#[test]
fn a_provider_says_what_it_means() {
    let (providers, report) = lowered(include_str!("cases/provider/ok/good.pipe"));
    assert_eq!(report, "");
    let [packer] = providers.as_slice() else {
        panic!("{providers:?}")
    };
    assert_eq!(packer.name, "packer");
    assert_eq!(packer.doc.as_deref(), Some("Builds a machine image."));
    assert_eq!(packer.type_id.to_string(), "Build/Custom/Packer/1");
    assert_eq!(packer.page.as_deref(), Some("https://example.com/packer"));
    assert_eq!(
        (packer.inputs, packer.outputs),
        (Count { min: 1, max: 1 }, Count { min: 0, max: 1 })
    );
    assert_eq!(packer.output_variable("image_id"), Some("ImageId"));
    assert_eq!(packer.output_variable("ImageId"), None);
    assert_eq!(packer.permissions, ["ec2:DescribeImages"]);
    assert_eq!(packer.driver.as_deref(), Some("simulate"));
    assert_eq!(packer.deprecated.as_deref(), Some("use `image`"));
    assert!(packer.output_files && packer.timeout && packer.open);
    assert!(!packer.v2_only && !packer.cross_region);
    let fields: Vec<_> = packer
        .fields
        .iter()
        .map(|field| (&*field.name, &*field.key, type_text(&field.ty), field.optional))
        .collect();
    let text = str::to_owned;
    assert_eq!(
        fields,
        [
            ("template", "Template", text("string"), false),
            ("image_tags", "TAGS", text("list<string>?"), true),
            ("wait", "Wait", text("int(1..)"), true),
        ]
    );
    assert_eq!(packer.fields[0].doc.as_deref(), Some("What to build."));
    assert_eq!(packer.field_of_key("TAGS").unwrap().encoding, Encoding::Csv);
    assert_eq!(packer.requires[0].at.as_deref(), Some("wait"));
}

#[test]
fn what_a_provider_leaves_out_is_as_aws_has_it_for_custom_actions() {
    let (providers, report) = lowered("provider jenkins { type = \"Build/Custom/Jenkins/1\" }");
    assert_eq!(report, "");
    let any = Count { min: 0, max: 5 };
    assert_eq!((providers[0].inputs, providers[0].outputs), (any, any));
    assert_eq!(providers[0].exports, Exports::Fixed(Vec::new()));
    assert!(providers[0].cross_region && !providers[0].v2_only && !providers[0].open);
    assert_eq!(providers[0].driver, None);
}

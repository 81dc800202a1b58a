//! Foreign documents: what is said of them, and that they come back as they were.

#![allow(clippy::print_stdout, reason = "what is skipped, and how many came back, is said")]

use std::fs;
use std::path::{Path, PathBuf};

use pipe::catalog::Catalog;
use pipe::compile::Main;
use pipe::diagnostic::Diagnostics;
use pipe::export::{self, cloudformation::Syntax};
use pipe::import::{self, Loaded};
use pipe::source::{self, MemoryHost};

use proptest::prelude::*;

use crate::support;
use crate::support::declarations::any_pipeline;

#[test]
fn reports() {
    insta::glob!("cases/import/*.{json,yaml}", |path| {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let report = support::report_of(&support::check_document(name, &text));
        let report = if report.is_empty() { "fine\n".to_owned() } else { report };
        insta::assert_snapshot!(report);
    });
}

/// The real documents beside the checkout; a clone that stands alone has none.
fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpus")
        .join(folder);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no {}", folder.display());
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn load(name: &str, bytes: &[u8]) -> Loaded {
    let mut host = MemoryHost::default();
    host.files.insert(PathBuf::from(name), bytes.to_vec());
    import::load(&host, &Main::Path(PathBuf::from(name))).unwrap()
}

/// Documents as PowerShell and Windows editors write them.
#[test]
fn encodings_make_no_difference() {
    let text = include_str!("cases/import/not-a-string.json").replace("demo-source", "菓子");
    let plain = load("a.json", text.as_bytes()).compiled;
    let units = |order: fn(u16) -> [u8; 2]| {
        std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(order)
            .collect()
    };
    let other: [Vec<u8>; 4] = [
        units(u16::to_le_bytes),
        units(u16::to_be_bytes),
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
    ];
    for bytes in other {
        let found = load("a.json", &bytes).compiled;
        assert_eq!(found.pipelines, plain.pipelines);
        assert_eq!(found.diagnostics.len(), plain.diagnostics.len());
    }
    let main = Main::Path(PathBuf::from("half.json"));
    let mut host = MemoryHost::default();
    host.files.insert(PathBuf::from("half.json"), b"\xff\xfe{".to_vec());
    assert_eq!(
        import::load(&host, &main).unwrap_err().to_string(),
        "it begins as UTF-16 does, and is not UTF-16"
    );
}

/// No false alarms: what is wrong with real documents are placeholders, masked secrets, and names that AWS's model refuses.
#[test]
fn real_json_has_no_other_errors() {
    let expected = [
        "action-type-invalid",
        "artifact-name-invalid",
        "bucket-name-invalid",
        "invalid-name",
        "masked-secret",
        "pattern-mismatch",
        "role-arn-format",
    ];
    for (name, bytes) in corpus("json") {
        for found in load(&name, &bytes).compiled.diagnostics {
            let is_error = found.severity == pipe::diagnostic::Severity::Error;
            assert!(
                !is_error || expected.contains(&found.code.name),
                "{name}: {}",
                found.message
            );
        }
    }
}

#[test]
fn codepipeline_json_comes_back() {
    let documents = corpus("json");
    let (mut same, mut refused) = (0, Vec::new());
    for (name, bytes) in &documents {
        let loaded = load(name, bytes);
        if loaded.lost {
            refused.push(name.as_str());
            continue;
        }
        let [pipeline] = loaded.compiled.pipelines.as_slice() else {
            panic!("{name}: one pipeline")
        };
        let exported = export::codepipeline::export(pipeline, &mut Diagnostics::default()).unwrap();
        let text = source::decode(bytes.clone()).unwrap();
        assert_eq!(normal::codepipeline(&exported), normal::codepipeline(&text), "{name}");
        same += 1;
    }
    println!(
        "{same} of {} documents come back, {} are refused: {refused:?}",
        documents.len(),
        refused.len()
    );
    assert_eq!(same, documents.len());
}

#[test]
fn templates_come_back() {
    let documents = corpus("cfn");
    let (mut same, mut different, mut refused) = (0, Vec::new(), Vec::new());
    for (name, bytes) in &documents {
        let loaded = load(name, bytes);
        if loaded.lost {
            refused.push(name.as_str());
            continue;
        }
        let text = source::decode(bytes.clone()).unwrap();
        let written = normal::resources(&text);
        assert_eq!(written.len(), loaded.compiled.pipelines.len(), "{name}");
        for pipeline in &loaded.compiled.pipelines {
            let original = written[&pipeline.handle.0].clone();
            let exported = export::cloudformation::export(pipeline, Syntax::Json, &mut Diagnostics::default()).unwrap();
            let exported = normal::resources(&exported).into_values().next().unwrap();
            if exported == original {
                same += 1;
            } else {
                let of = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
                let (a, b) = (of(&original), of(&exported));
                let diff = similar::TextDiff::from_lines(&a, &b)
                    .unified_diff()
                    .context_radius(3)
                    .to_string();
                different.push(format!("{name}\n{diff}"));
            }
        }
    }
    println!(
        "{same} pipelines of {} templates come back, {} templates are refused: {refused:#?}",
        documents.len(),
        refused.len()
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
    // No pipeline in it; a condition that is no name, twice; a resource without an attribute; functions in an object.
    assert!(documents.is_empty() || refused.len() == 5, "{refused:?}");
}

/// The source that an import writes means what the document means.
#[test]
fn documents_come_back_through_source() {
    let (mut same, mut refused, mut different) = (0, Vec::new(), Vec::new());
    let (json, cfn) = (corpus("json"), corpus("cfn"));
    for (name, bytes) in json.iter().chain(&cfn) {
        let loaded = load(name, bytes);
        if loaded.lost {
            refused.push(name.clone());
            continue;
        }
        let compiled = &loaded.compiled;
        let mut diags = Diagnostics::default();
        let text = import::write::write(compiled.pipelines.clone(), &compiled.catalog, &mut diags);
        if diags.has_errors() {
            refused.push(name.clone());
            continue;
        }
        let again = support::compile_text(&text);
        let normal = |pipeline| import::write::normal(pipeline, &compiled.catalog);
        let before: Vec<_> = compiled.pipelines.iter().map(normal).collect();
        let after: Vec<_> = again.pipelines.iter().map(normal).collect();
        if before == after {
            same += 1;
        } else {
            let report = support::report_of(&again);
            different.push(format!("{name}\n{text}\n{report}"));
        }
    }
    println!(
        "{same} documents come back through source, {} are refused: {refused:#?}",
        refused.len()
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    /// Every format that holds a pipeline holds all of it.
    #[test]
    fn any_pipeline_comes_back_from_every_format(mut pipeline in any_pipeline()) {
        // What AWS wants is missed when it is not there.
        pipeline.role_arn.get_or_insert(support::pipeline::text("arn:aws:iam::111122223333:role/x", 1));
        let no_text = |variable: &mut pipe::ir::Variable| variable.description.take_if(|text| text.is_empty());
        let no_value = pipe::ir::DeployValue::no_value().to_string();
        for variable in &mut pipeline.variables {
            no_text(variable);
            variable.default.take_if(|default| default.value == no_value);
        }
        let catalog = Catalog::builtin();
        let wanted = import::write::normal(&pipeline, &catalog);
        let mut diags = Diagnostics::default();
        let template = |syntax, diags: &mut Diagnostics| export::cloudformation::export(&pipeline, syntax, diags);
        let formats = [
            ("codepipeline", export::codepipeline::export(&pipeline, &mut diags)),
            ("template in YAML", template(Syntax::Yaml, &mut diags)),
            ("template in JSON", template(Syntax::Json, &mut diags)),
            ("terraform", export::terraform::export(&pipeline, &mut diags).map(|text| terraform::codepipeline(&text))),
        ];
        for (format, text) in formats {
            // What a format cannot say is reported, and nothing is written.
            let Some(text) = text else { continue };
            let mut sources = source::Sources::default();
            let file = sources.add("document", None, text.as_str());
            let mut diags = Diagnostics::default();
            let document = import::document::read(&text, file, &mut diags);
            prop_assert!(!document.lost, "{format}: {diags:?}\n{text}");
            let [found] = document.pipelines.as_slice() else { panic!("{format}: one pipeline") };
            let found = import::write::normal(found, &catalog);
            prop_assert!(found == wanted, "{format}\n{text}\n{wanted:#?}\n----\n{found:#?}");
        }
    }
}

/// Terraform's JSON as CodePipeline's: the provider's documentation read the other way.
mod terraform {
    use serde_json::{Map, Value, json};

    pub(super) fn codepipeline(text: &str) -> String {
        let document: Value = serde_json::from_str(text).unwrap();
        let resources = document["resource"]["aws_codepipeline"].as_object().unwrap();
        let resource = resources.values().next().unwrap();
        let tags = resource.get("tags").and_then(Value::as_object);
        let tags: Vec<Value> = tags
            .into_iter()
            .flatten()
            .map(|(key, value)| json!({"key": plain(key), "value": spelled(value)}))
            .collect();
        let mut pipeline = block(resource);
        pipeline.remove("tags");
        json!({"pipeline": pipeline, "tags": tags}).to_string()
    }

    fn block(value: &Value) -> Map<String, Value> {
        let mut out = Map::new();
        for (key, value) in value.as_object().unwrap() {
            let first = || value.as_array().and_then(|blocks| blocks.first()).unwrap_or(value);
            match key.as_str() {
                "artifact_store" => stores(value, &mut out),
                "stage" => drop(out.insert("stages".to_owned(), blocks(value))),
                "variable" => drop(out.insert("variables".to_owned(), blocks(value))),
                "trigger" => drop(out.insert("triggers".to_owned(), blocks(value))),
                "rule" => drop(out.insert("rules".to_owned(), blocks(value))),
                "condition" => drop(out.insert("conditions".to_owned(), blocks(value))),
                "action" => drop(out.insert("actions".to_owned(), blocks(value))),
                "push" | "pull_request" => drop(out.insert(camel(key), blocks(value))),
                "git_configuration"
                | "before_entry"
                | "on_success"
                | "on_failure"
                | "retry_configuration"
                | "branches"
                | "tags"
                | "file_paths"
                    if first().is_object() && !is_tags(key, first()) =>
                {
                    out.insert(camel(key), block(first()).into());
                }
                "rule_type_id" => drop(out.insert(camel(key), type_id(first()))),
                "category" | "owner" | "provider" | "version" => {}
                "input_artifacts" | "output_artifacts" => {
                    let names = value.as_array().unwrap().iter();
                    let names: Vec<Value> = names.map(|name| json!({"name": spelled(name)})).collect();
                    out.insert(camel(key), names.into());
                }
                _ => drop(out.insert(camel(key), spelled(value))),
            }
        }
        // Of an action it stands among the fields, of a rule in a block of its own.
        if value.get("category").is_some() {
            out.insert("actionTypeId".to_owned(), type_id(value));
        }
        out
    }

    fn type_id(value: &Value) -> Value {
        let part = |key: &str| value.get(key).map_or(Value::Null, spelled);
        json!({"category": part("category"), "owner": part("owner"), "provider": part("provider"), "version": part("version")})
    }

    /// Tags of the resource are a map of texts, those of a filter a block.
    fn is_tags(key: &str, value: &Value) -> bool {
        key == "tags" && value.get("includes").is_none() && value.get("excludes").is_none()
    }

    fn blocks(value: &Value) -> Value {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|value| Value::from(block(value)))
            .collect()
    }

    fn stores(value: &Value, out: &mut Map<String, Value>) {
        let stores = value.as_array().unwrap();
        let store = |store: &Value| {
            let mut store = store.clone();
            let fields = store.as_object_mut().unwrap();
            let region = fields.remove("region");
            if let Some(key) = fields.remove("encryption_key") {
                let key = key.as_array().map_or(key.clone(), |keys| keys[0].clone());
                fields.insert("encryptionKey".to_owned(), spelled(&key));
            }
            (region, spelled(&store))
        };
        match stores.iter().map(store).collect::<Vec<_>>().as_slice() {
            [(None, one)] => drop(out.insert("artifactStore".to_owned(), one.clone())),
            many => {
                let by_region = many.iter().map(|(region, store)| {
                    let region = region.as_ref().and_then(Value::as_str).unwrap();
                    (plain(region), store.clone())
                });
                out.insert("artifactStores".to_owned(), by_region.collect::<Map<_, _>>().into());
            }
        }
    }

    /// Texts without Terraform's escapes.
    fn spelled(value: &Value) -> Value {
        match value {
            Value::String(text) => plain(text).into(),
            Value::Array(items) => items.iter().map(spelled).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (plain(key), spelled(value)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    fn plain(text: &str) -> String {
        text.replace("$${", "${").replace("%%{", "%{")
    }

    fn camel(key: &str) -> String {
        let mut words = key.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |camel, word| camel + &word[..1].to_uppercase() + &word[1..])
    }
}

/// Documents up to what means the same: keys in any order, gaps in run orders, what is left out or empty.
mod normal {
    use std::collections::BTreeMap;

    use serde_json::{Map, Value};

    pub(super) fn codepipeline(text: &str) -> Value {
        let mut document: Value = serde_json::from_str(text).unwrap();
        let mut pipeline = document
            .get_mut("pipeline")
            .map(Value::take)
            .unwrap_or(document.clone());
        let fields = pipeline.as_object_mut().unwrap();
        fields.remove("version");
        if let Some(tags) = document.get("tags") {
            fields.insert("tags".to_owned(), tags.clone());
        }
        declaration(&mut pipeline, str::to_owned);
        pipeline
    }

    /// The properties of a template's pipelines.
    pub(super) fn resources(text: &str) -> BTreeMap<String, Value> {
        let mut sources = pipe::source::Sources::default();
        let file = sources.add("template", None, text);
        let mut diags = pipe::diagnostic::Diagnostics::default();
        let template = pipe::import::document::read(text, file, &mut diags)
            .tree
            .unwrap()
            .to_json();
        let resources = template.get("Resources").unwrap_or(&template).as_object().unwrap();
        let is_pipeline = |(_, resource): &(&String, &Value)| resource["Type"] == "AWS::CodePipeline::Pipeline";
        let mut found = BTreeMap::new();
        for (id, resource) in resources.iter().filter(is_pipeline) {
            let mut properties = resource["Properties"].clone();
            declaration(&mut properties, |key| key[..1].to_uppercase() + &key[1..]);
            found.insert(id.clone(), properties);
        }
        found
    }

    /// `key` spells a key of the API as the document does.
    fn declaration(pipeline: &mut Value, key: impl Fn(&str) -> String) {
        complete(pipeline, &key);
        for stage in pipeline[&key("stages")].as_array_mut().unwrap() {
            let Some(actions) = stage.get_mut(key("actions")).and_then(Value::as_array_mut) else {
                continue;
            };
            let order = |action: &Value| action.get(key("runOrder")).map_or(1, number);
            let mut steps: Vec<u64> = actions.iter().map(order).collect();
            steps.sort_unstable();
            steps.dedup();
            // What is under `Fn::If` takes part in no renumbering, and no document here has gaps beside it.
            if actions.iter().all(|action| action.get("Fn::If").is_none()) {
                for action in actions.iter_mut() {
                    let step = steps.iter().position(|step| *step == order(action)).unwrap();
                    action[&key("runOrder")] = (step + 1).into();
                }
                actions.sort_by_key(order);
            }
        }
        strings(pipeline);
        *pipeline = without_empty(pipeline.take());
    }

    /// Writes out what is left out, and leaves out what AWS keeps for itself.
    fn complete(value: &mut Value, key: &impl Fn(&str) -> String) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| complete(item, key)),
            Value::Object(fields) => {
                if fields.contains_key(&key("actionTypeId")) {
                    fields.entry(key("runOrder")).or_insert(1.into());
                }
                fields.remove(&key("blockers"));
                fields.values_mut().for_each(|value| complete(value, key));
            }
            _ => {}
        }
    }

    fn number(value: &Value) -> u64 {
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
    }

    /// CloudFormation makes strings of numbers and switches, and so does the import.
    fn strings(value: &mut Value) {
        match value {
            Value::Bool(_) | Value::Number(_) => *value = value.to_string().into(),
            Value::Array(items) => items.iter_mut().for_each(strings),
            Value::Object(fields) => {
                if let Some(Value::String(text)) = fields.get("Fn::GetAtt")
                    && let Some((name, attribute)) = text.split_once('.')
                {
                    let parts = vec![name, attribute].into();
                    fields.insert("Fn::GetAtt".to_owned(), parts);
                }
                fields.values_mut().for_each(strings);
            }
            _ => {}
        }
    }

    fn without_empty(value: Value) -> Value {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        match value {
            Value::Array(items) => items.into_iter().map(without_empty).collect(),
            Value::Object(fields) => {
                let fields: Map<String, Value> = fields
                    .into_iter()
                    .map(|(key, value)| (key, without_empty(value)))
                    .filter(|(_, value)| !is_empty(value))
                    .collect();
                fields.into()
            }
            other => other,
        }
    }
}

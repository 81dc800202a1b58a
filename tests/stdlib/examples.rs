//! The facts' examples of every action, said in `.pipe`: each compiles, and gives the configuration that it came from.

use std::fmt::Write;

use pipe::catalog::{Encoding, Field, Provider};
use pipe::diagnostic::Severity;
use pipe::ir::{Action, EnvironmentKind};
use serde_json::Value;

use super::agreement::{Shape, facts, list, strings};
use super::from_source;
use crate::support;

#[test]
fn every_example_of_the_facts_can_be_said() {
    let Some((actions, _)) = facts() else { return };
    let mut count = 0;
    for provider in from_source() {
        let Some(entry) = actions
            .iter()
            .find(|entry| entry["pipe_name"] == provider.name.as_str())
        else {
            continue;
        };
        for example in examples(entry) {
            check(&provider, &example);
            count += 1;
        }
    }
    assert_eq!(count, 32 + 9 + 17);
}

struct Example<'a> {
    configuration: &'a Value,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// What stands beside `configuration`.
    beside: &'a Value,
    files: Vec<&'a str>,
}

/// The smallest one, and those that show more; these say only what is different.
fn examples(entry: &Value) -> Vec<Example<'_>> {
    let more = entry["more_examples"].as_array().map_or(&[][..], Vec::as_slice);
    let smallest = Example {
        configuration: &entry["example_configuration"],
        inputs: strings(&entry["example_input_artifacts"]),
        outputs: strings(&entry["example_output_artifacts"]),
        beside: &entry["example_action_fields"],
        files: Vec::new(),
    };
    let mut out = vec![smallest];
    for example in more {
        let artifacts = |key: &str, smallest: &str| match &example[key] {
            Value::Null => strings(&entry[smallest]),
            given => strings(given),
        };
        out.push(Example {
            configuration: &example["configuration"],
            inputs: artifacts("inputs", "example_input_artifacts"),
            outputs: artifacts("outputs", "example_output_artifacts"),
            beside: match &example["action_fields"] {
                Value::Null => &entry["example_action_fields"],
                given => given,
            },
            files: example["output_files"]
                .as_array()
                .map(|_| strings(&example["output_files"]))
                .unwrap_or_default(),
        });
    }
    out
}

fn check(provider: &Provider, example: &Example) {
    let text = pipeline(provider, example);
    let compiled = support::compile_text(&text);
    let errors = compiled
        .diagnostics
        .iter()
        .any(|found| found.severity == Severity::Error);
    assert!(!errors, "{text}\n{}", support::report_of(&compiled));
    let actions = compiled.pipelines[0].stages.iter().flat_map(|stage| &stage.actions);
    let action = actions
        .into_iter()
        .find(|action| action.name.value == "subject")
        .unwrap();
    compare(provider, example, action, &text);
}

fn compare(provider: &Provider, example: &Example, action: &Action, text: &str) {
    assert_eq!(action.type_id, provider.type_id, "{text}");
    let configuration = example.configuration.as_object().unwrap();
    let keys: Vec<&str> = action.configuration.keys().map(String::as_str).collect();
    let mut wanted: Vec<&str> = configuration.keys().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(keys, wanted, "{text}");
    for (key, value) in configuration {
        let found = action.configuration[key].value.to_string();
        let json = |text: &str| {
            serde_json::from_str::<Value>(text)
                .ok()
                .filter(|value| !value.is_number())
        };
        let value = unmasked(value.as_str().unwrap());
        match json(value) {
            Some(wanted) => assert_eq!(json(&found), Some(wanted), "{text}"),
            None => assert_eq!(found, value, "{text}"),
        }
    }
    let names: Vec<&str> = action.inputs.iter().map(|name| name.value.as_str()).collect();
    assert_eq!(names, example.inputs, "{text}");
    let names: Vec<&str> = action.outputs.iter().map(|output| output.name.value.as_str()).collect();
    assert_eq!(names, example.outputs, "{text}");
    for output in &action.outputs {
        let files: Vec<&str> = output.files.iter().map(|file| file.value.as_str()).collect();
        assert_eq!(files, example.files, "{text}");
    }
    compare_beside(example.beside, action, text);
}

fn compare_beside(beside: &Value, action: &Action, text: &str) {
    let commands: Vec<String> = action
        .commands
        .iter()
        .map(|command| command.value.to_string())
        .collect();
    assert_eq!(commands, texts(&beside["commands"]), "{text}");
    let variables: Vec<&str> = action.output_variables.iter().map(|name| name.value.as_str()).collect();
    assert_eq!(variables, texts(&beside["outputVariables"]), "{text}");
    let kind = |kind| match kind {
        EnvironmentKind::Plaintext => "PLAINTEXT",
        EnvironmentKind::SecretsManager => "SECRETS_MANAGER",
        EnvironmentKind::ParameterStore => "PARAMETER_STORE",
    };
    let found: Vec<(String, String, &str)> = action
        .environment
        .iter()
        .map(|variable| {
            (
                variable.name.value.clone(),
                variable.value.value.to_string(),
                kind(variable.kind),
            )
        })
        .collect();
    let text_of = |value: &Value| value.as_str().unwrap().to_owned();
    let wanted: Vec<(String, String, &str)> = beside["environmentVariables"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(|variable| {
            let kind = variable["type"].as_str().unwrap_or("PLAINTEXT");
            (text_of(&variable["name"]), text_of(&variable["value"]), kind)
        })
        .collect();
    assert_eq!(found, wanted, "{text}");
}

/// A whole file around the example: its inputs come from sources, and something follows if it is a source itself.
fn pipeline(provider: &Provider, example: &Example) -> String {
    let subject = subject(provider, example);
    let mut sources = String::new();
    for input in example
        .inputs
        .iter()
        .chain(["Other"].iter().filter(|_| example.inputs.is_empty()))
    {
        writeln!(
            sources,
            "    action from_{input} = source.s3 {{ s3_bucket = \"sources\", s3_object_key = \"{input}.zip\"\n      output {input}\n    }}"
        )
        .unwrap();
    }
    let (first, second) = if provider.type_id.is_source() {
        (subject, "    action go = approval.manual {}\n".to_owned())
    } else {
        (sources, subject)
    };
    format!(
        "pipeline demo {{
  role_arn = \"arn:aws:iam::111122223333:role/demo\"
  artifact_store = \"demo-artifacts\"
  stage first {{\n{first}  }}
  stage second {{\n{second}  }}
}}
"
    )
}

fn subject(provider: &Provider, example: &Example) -> String {
    let mut out = format!("    action subject = {} {{\n", provider.name);
    if !example.inputs.is_empty() {
        writeln!(out, "      input = [{}]", example.inputs.join(", ")).unwrap();
    }
    for (key, value) in example.configuration.as_object().unwrap() {
        let field = provider.field_of_key(key).unwrap();
        let value = unmasked(value.as_str().unwrap());
        writeln!(out, "      {} = {}", field.name, written(field, value)).unwrap();
    }
    if let Some(commands) = example.beside["commands"].as_array() {
        writeln!(out, "      commands = {}", from_json(&commands.clone().into())).unwrap();
    }
    if let Some(variables) = example.beside["environmentVariables"].as_array() {
        writeln!(out, "      environment_variables = {}", environment(variables)).unwrap();
    }
    for name in texts(&example.beside["outputVariables"]) {
        writeln!(out, "      export {name}").unwrap();
    }
    for output in &example.outputs {
        write!(out, "      output {output}").unwrap();
        if !example.files.is_empty() {
            let files: Vec<String> = example.files.iter().map(|file| quoted(file)).collect();
            write!(out, " from [{}]", files.join(", ")).unwrap();
        }
        out.push('\n');
    }
    out + "    }\n"
}

/// A configuration value as `.pipe` has it.
fn written(field: &Field, value: &str) -> String {
    let kind = Shape::of(&field.ty).kind;
    match field.encoding {
        Encoding::Csv => {
            let items: Vec<String> = value.split(',').map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
        Encoding::Json => from_json(&serde_json::from_str(value).unwrap()),
        Encoding::EnvJson => environment(list(&serde_json::from_str(value).unwrap())),
        _ => match (kind.as_str(), value.split_once("::")) {
            ("bool" | "int" | "artifact", _) => value.to_owned(),
            ("file", Some((artifact, path))) => format!("{artifact}.file({})", quoted(path)),
            _ => quoted(value),
        },
    }
}

fn environment(variables: &[Value]) -> String {
    let mut out = "{ ".to_owned();
    for variable in variables {
        let value = quoted(variable["value"].as_str().unwrap());
        let value = match variable["type"].as_str() {
            Some("SECRETS_MANAGER") => format!("secret({value})"),
            Some("PARAMETER_STORE") => format!("parameter({value})"),
            _ => value,
        };
        write!(out, "{} = {value}, ", variable["name"].as_str().unwrap()).unwrap();
    }
    out + "}"
}

fn from_json(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(from_json).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{} = {}", quoted(key), from_json(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}").replace("${", "\\${")
}

/// AWS shows asterisks for what it keeps secret, and takes them only where it has the secret already.
fn unmasked(value: &str) -> &str {
    if value == "****" { "example" } else { value }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|_| strings(value)).unwrap_or_default()
}

//! An action's `local { … }` block, read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ir::Local;

/// What a `local` block may say. What it means for each driver is in the table of [`crate::catalog::drivers`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub run: Option<String>,
    pub path: Option<String>,
    pub buildspec: Option<String>,
    pub shell: Option<String>,
    pub outputs: BTreeMap<String, String>,
    pub env: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    pub files: Vec<String>,
}

impl Settings {
    /// Fails with what is wrong with a setting; settings it does not know are left to the compiler's checks.
    pub fn read(local: &Local) -> Result<Self, String> {
        let mut out = Self::default();
        for (name, setting) in &local.settings {
            let value = &setting.value;
            match name.as_str() {
                "run" => out.run = Some(text(name, value)?),
                "path" => out.path = Some(text(name, value)?),
                "buildspec" => out.buildspec = Some(text(name, value)?),
                "shell" => out.shell = Some(text(name, value)?),
                "outputs" => out.outputs = map(name, value)?,
                "env" => out.env = map(name, value)?,
                "secrets" => out.secrets = map(name, value)?,
                "files" => out.files = list(name, value)?,
                _ => {}
            }
        }
        Ok(out)
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    scalar(value).ok_or_else(|| format!("the local setting `{name}` must be a string"))
}

fn map(name: &str, value: &Value) -> Result<BTreeMap<String, String>, String> {
    let wrong = || format!("the local setting `{name}` must be a map of strings");
    let entries = value.as_object().ok_or_else(wrong)?.iter();
    entries
        .map(|(key, value)| Ok((key.clone(), scalar(value).ok_or_else(wrong)?)))
        .collect()
}

fn list(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let wrong = || format!("the local setting `{name}` must be a string or a list of strings");
    match value {
        Value::Array(items) => items.iter().map(|item| scalar(item).ok_or_else(wrong)).collect(),
        other => Ok(vec![scalar(other).ok_or_else(wrong)?]),
    }
}

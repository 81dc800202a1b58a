//! An action's `local { … }` block, read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::drivers::LOCAL_SETTINGS;
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
            let form = LOCAL_SETTINGS
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, form)| form);
            if let Some(form) = form
                && !form.accepts(value)
            {
                return Err(format!("the local setting `{name}` must be {}", form.words()));
            }
            match name.as_str() {
                "run" => out.run = scalar(value),
                "path" => out.path = scalar(value),
                "buildspec" => out.buildspec = scalar(value),
                "shell" => out.shell = scalar(value),
                "outputs" => out.outputs = map(value),
                "env" => out.env = map(value),
                "secrets" => out.secrets = map(value),
                "files" => out.files = list(value),
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

fn map(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), scalar(value)?)))
        .collect()
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar).collect(),
        other => scalar(other).into_iter().collect(),
    }
}

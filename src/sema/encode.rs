//! Values into the strings that AWS wants, by a field's encoding (design of the library: `encoded csv` and the like).

use crate::ir::EnvironmentKind;

use super::value::{Draft, DraftPart, Entity, Record, SecretStore, Value};

use std::rc::Rc;

/// Text as it is, `true`/`false`, decimal numbers, an artifact's AWS name, `Artifact::path`. `Err` says what has no such
/// form.
pub fn plain<'p>(value: &Value<'p>) -> Result<Draft<'p>, String> {
    Ok(match value {
        Value::Str(text) => Draft::text(&**text),
        Value::Text(draft) => (**draft).clone(),
        Value::Bool(value) => Draft::text(value.to_string()),
        Value::Int(number) => Draft::text(number.to_string()),
        Value::Duration(seconds) => Draft::text(seconds.to_string()),
        Value::Entity(entity) => Draft::part(DraftPart::ArtifactName(entity.clone())),
        Value::File(entity, path) => {
            let mut draft = Draft::part(DraftPart::ArtifactName(entity.clone()));
            draft.push_str("::");
            draft.append(path);
            draft
        }
        other => return Err(other.described()),
    })
}

/// A list joined with commas, no blanks.
pub fn csv<'p>(value: &Value<'p>) -> Result<Draft<'p>, String> {
    let Value::List(values) = value else {
        return plain(value);
    };
    let mut draft = Draft::default();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            draft.push_str(",");
        }
        let entry = plain(value)?;
        if entry
            .parts
            .iter()
            .any(|part| matches!(part, DraftPart::Text(text) if text.contains(',')))
        {
            return Err(format!("a comma inside an entry ({})", value.described()));
        }
        draft.append(&entry);
    }
    Ok(draft)
}

/// Compact JSON. What is known later stands inside it textually, as CodePipeline will put it there. Absent fields are
/// left out.
pub fn json<'p>(value: &Value<'p>) -> Result<Draft<'p>, String> {
    let mut draft = Draft::default();
    push_json(value, &mut draft)?;
    Ok(draft)
}

fn push_json<'p>(value: &Value<'p>, draft: &mut Draft<'p>) -> Result<(), String> {
    match value {
        Value::None => draft.push_str("null"),
        Value::Bool(_) | Value::Int(_) | Value::Duration(_) => draft.append(&plain(value)?),
        Value::Str(_) | Value::Text(_) | Value::Entity(_) | Value::File(..) => push_json_string(&plain(value)?, draft),
        Value::List(values) => {
            draft.push_str("[");
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    draft.push_str(",");
                }
                push_json(value, draft)?;
            }
            draft.push_str("]");
        }
        Value::Record(record) => {
            draft.push_str("{");
            let present = record.iter().filter(|(_, value)| !matches!(value, Value::None));
            for (index, (key, value)) in present.enumerate() {
                if index > 0 {
                    draft.push_str(",");
                }
                draft.push_str(&quoted(key));
                draft.push_str(":");
                push_json(value, draft)?;
            }
            draft.push_str("}");
        }
        Value::Error | Value::Unknown(_) | Value::Secret(..) | Value::Condition(_) => return Err(value.described()),
    }
    Ok(())
}

fn push_json_string<'p>(text: &Draft<'p>, draft: &mut Draft<'p>) {
    draft.push_str("\"");
    draft.append(&text.map_text(|text| {
        let quoted = quoted(text);
        quoted[1..quoted.len() - 1].to_owned()
    }));
    draft.push_str("\"");
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One variable of a build's environment.
pub struct EnvironmentEntry<'p> {
    pub name: Rc<str>,
    pub value: Draft<'p>,
    pub kind: EnvironmentKind,
}

/// A map as environment variables, in the order written.
pub fn environment<'p>(record: &Record<'p>) -> Result<Vec<EnvironmentEntry<'p>>, String> {
    let entry = |(name, value): (&Rc<str>, &Value<'p>)| {
        let (value, kind) = match value {
            Value::Secret(SecretStore::SecretsManager, name) => ((**name).clone(), EnvironmentKind::SecretsManager),
            Value::Secret(SecretStore::ParameterStore, name) => ((**name).clone(), EnvironmentKind::ParameterStore),
            other => (plain(other)?, EnvironmentKind::Plaintext),
        };
        Ok(EnvironmentEntry {
            name: name.clone(),
            value,
            kind,
        })
    };
    record
        .iter()
        .filter(|(_, value)| !matches!(value, Value::None))
        .map(entry)
        .collect()
}

/// A map as the JSON array that CodeBuild takes: `[{"name", "value", "type"}]`.
pub fn env_json<'p>(record: &Record<'p>) -> Result<Draft<'p>, String> {
    let mut draft = Draft::text("[");
    for (index, entry) in environment(record)?.into_iter().enumerate() {
        if index > 0 {
            draft.push_str(",");
        }
        draft.push_str("{\"name\":");
        draft.push_str(&quoted(&entry.name));
        draft.push_str(",\"value\":");
        push_json_string(&entry.value, &mut draft);
        draft.push_str(",\"type\":\"");
        draft.push_str(match entry.kind {
            EnvironmentKind::Plaintext => "PLAINTEXT",
            EnvironmentKind::SecretsManager => "SECRETS_MANAGER",
            EnvironmentKind::ParameterStore => "PARAMETER_STORE",
        });
        draft.push_str("\"}");
    }
    draft.push_str("]");
    Ok(draft)
}

/// The artifacts whose files a value refers to, in order of appearance.
pub fn files_in<'p>(value: &Value<'p>, found: &mut Vec<Rc<Entity<'p>>>) {
    match value {
        Value::File(entity, _) => found.push(entity.clone()),
        Value::List(values) => values.iter().for_each(|value| files_in(value, found)),
        Value::Record(record) => record.values().for_each(|value| files_in(value, found)),
        _ => {}
    }
}

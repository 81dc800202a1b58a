//! References to secrets, as builds and the environment of an action have them: `secret-id[:json-key[:version-stage[:version-id]]]`.

use crate::ir::EnvironmentKind;
use crate::run::RunOptions;
use crate::run::outcome::Failure;

/// A reference, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// A name or an ARN, which has colons of its own.
    pub id: &'a str,
    pub key: Option<&'a str>,
    pub stage: Option<&'a str>,
    pub version: Option<&'a str>,
}

impl<'a> Reference<'a> {
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let (id, rest) = split_id(text);
        let mut parts = rest.split(':').map(|part| Some(part).filter(|part| !part.is_empty()));
        let [key, stage, version] = [(); 3].map(|()| parts.next().flatten());
        if parts.next().is_some() || id.is_empty() {
            return Err(format!(
                "`{text}` is no reference to a secret: it has the form `secret-id:json-key:version-stage:version-id`"
            ));
        }
        if stage.is_some() && version.is_some() {
            return Err(format!(
                "`{text}` has both a version stage and a version id: one of them decides"
            ));
        }
        Ok(Self {
            id,
            key,
            stage,
            version,
        })
    }

    /// Whether it asks for another version than the present one.
    pub fn is_of_older_version(&self) -> bool {
        self.version.is_some() || self.stage.is_some_and(|stage| stage != "AWSCURRENT")
    }
}

/// The value of what an environment variable of a kind names: of a parameter, or of a reference to a secret.
pub fn value_of_kind(
    kind: EnvironmentKind,
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
    options: &RunOptions,
) -> Result<String, Failure> {
    match kind {
        EnvironmentKind::Plaintext => Ok(text.to_owned()),
        EnvironmentKind::ParameterStore => lookup(text).ok_or_else(|| super::missing(text, options)),
        EnvironmentKind::SecretsManager => value_of(text, lookup, options),
    }
}

/// The value of a reference: that given for the whole of it, or, where one is given for the secret alone, that of the key in its JSON.
pub fn value_of(text: &str, lookup: impl Fn(&str) -> Option<String>, options: &RunOptions) -> Result<String, Failure> {
    if let Some(value) = lookup(text) {
        return Ok(value);
    }
    let Reference { id, key, .. } = Reference::parse(text).map_err(Failure::new)?;
    let whole = lookup(id).ok_or_else(|| super::missing(text, options))?;
    let Some(key) = key else { return Ok(whole) };
    let json: serde_json::Value = serde_json::from_str(&whole).map_err(|_| {
        Failure::new(format!(
            "the secret `{id}` is not JSON, and `{text}` asks for its key `{key}`"
        ))
    })?;
    match json.get(key) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(Failure::new(format!("the secret `{id}` has no key `{key}`"))),
    }
}

fn split_id(text: &str) -> (&str, &str) {
    let colons = if text.starts_with("arn:") { 7 } else { 1 };
    match text.match_indices(':').nth(colons - 1) {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn references_to_secrets() {
        let parts = |text| {
            let reference = Reference::parse(text).unwrap();
            (reference.id, reference.key, reference.stage, reference.version)
        };
        assert_eq!(parts("npm"), ("npm", None, None, None));
        assert_eq!(parts("prod/npm:token"), ("prod/npm", Some("token"), None, None));
        assert_eq!(
            parts("npm:token:AWSCURRENT"),
            ("npm", Some("token"), Some("AWSCURRENT"), None)
        );
        assert_eq!(parts("npm::AWSPREVIOUS"), ("npm", None, Some("AWSPREVIOUS"), None));
        assert_eq!(parts("npm:token::v1"), ("npm", Some("token"), None, Some("v1")));
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:npm-a1b2c3";
        assert_eq!(parts(arn), (arn, None, None, None));
        assert_eq!(parts(&format!("{arn}:token")), (arn, Some("token"), None, None));
        assert!(Reference::parse("a:b:c:d").unwrap_err().contains("both"));
        assert!(Reference::parse("a:b:c::e").unwrap_err().contains("the form"));
        assert!(Reference::parse("").is_err());
    }
}

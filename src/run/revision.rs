//! Which revision a source takes in place of its newest one: `--revision action=[TYPE:]VALUE`.

use crate::ir::Action;

/// What a revision is, as AWS calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionType {
    CommitId,
    ImageDigest,
    S3ObjectVersionId,
    S3ObjectKey,
}

/// A revision that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub kind: RevisionType,
    pub value: String,
}

impl RevisionType {
    const ALL: [Self; 4] = [
        Self::CommitId,
        Self::ImageDigest,
        Self::S3ObjectVersionId,
        Self::S3ObjectKey,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::CommitId => "COMMIT_ID",
            Self::ImageDigest => "IMAGE_DIGEST",
            Self::S3ObjectVersionId => "S3_OBJECT_VERSION_ID",
            Self::S3ObjectKey => "S3_OBJECT_KEY",
        }
    }

    /// What a source can be asked for; what it means by itself comes first.
    fn of(action: &Action) -> &'static [Self] {
        match action.type_id.provider.as_str() {
            "S3" => &[Self::S3ObjectVersionId, Self::S3ObjectKey],
            "ECR" => &[Self::ImageDigest],
            _ => &[Self::CommitId],
        }
    }
}

impl Revision {
    /// Reads `[TYPE:]VALUE` for a source; a problem is said in words.
    pub fn read(text: &str, action: &Action) -> Result<Self, String> {
        let kinds = RevisionType::of(action);
        let named = text.split_once(':').and_then(|(name, value)| {
            let kind = RevisionType::ALL.into_iter().find(|kind| kind.name() == name)?;
            Some((kind, value))
        });
        let (kind, value) = named.unwrap_or((kinds[0], text));
        if !kinds.contains(&kind) {
            let names: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name())).collect();
            return Err(format!(
                "it is a source of {}, not of `{}`",
                names.join(" and "),
                kind.name()
            ));
        }
        if value.is_empty() {
            return Err("a revision cannot be empty".to_owned());
        }
        let allows = action.configuration.get("AllowOverrideForS3ObjectKey");
        let allows = allows.and_then(|entry| entry.value.as_literal()) == Some("true");
        if kind == RevisionType::S3ObjectKey && !allows {
            return Err("it takes no other key: `allow_override_for_s3_object_key` is not `true`".to_owned());
        }
        if kind == RevisionType::ImageDigest && !value.starts_with("sha256:") {
            return Err(format!("`{value}` is not an image's digest: it begins with `sha256:`"));
        }
        Ok(Self {
            kind,
            value: value.to_owned(),
        })
    }
}

//! The two spellings of one name: `project_name` in `.pipe`, `ProjectName` for AWS.

/// `ProjectName` as `project_name`, `KMSEncryptionKeyARN` as `kms_encryption_key_arn`.
///
/// A run of capitals is one word, up to the capital that begins the next; digits belong to the word before them; and a
/// single capital at the start belongs to the word after it, so that `ETag` is `etag` and `OAuthToken` is `oauth_token`.
pub fn snake_case(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    let mut chars = key.chars().peekable();
    let mut before = None;
    let mut at = 0;
    while let Some(c) = chars.next() {
        if before.is_some_and(|before| begins_word(before, c, chars.peek().copied(), at)) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = Some(c);
        at += 1;
    }
    out
}

/// Whether `c`, the `at`th character, begins a word between its neighbours.
fn begins_word(before: char, c: char, after: Option<char>, at: usize) -> bool {
    if !c.is_uppercase() || before == '_' {
        return false;
    }
    let before_small = after.is_some_and(char::is_lowercase);
    !before.is_uppercase() || (before_small && at > 1)
}

/// `project_name` as `ProjectName`; what the key of a field is where nothing else is said.
pub fn pascal_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{pascal_case, snake_case};

    #[test]
    fn spells_names_both_ways() {
        for (key, name) in [
            ("ProjectName", "project_name"),
            ("S3ObjectKey", "s3_object_key"),
            ("AllowOverrideForS3ObjectKey", "allow_override_for_s3_object_key"),
            ("Image1ArtifactName", "image1_artifact_name"),
        ] {
            assert_eq!(snake_case(key), name);
            assert_eq!(pascal_case(name), key);
        }
    }

    #[test]
    fn keeps_abbreviations_together() {
        for (key, name) in [
            ("KMSEncryptionKeyARN", "kms_encryption_key_arn"),
            ("ECRRepositoryName", "ecr_repository_name"),
            ("ImageURI", "image_uri"),
            ("ETag", "etag"),
            ("OAuthToken", "oauth_token"),
            ("VpcId", "vpc_id"),
            ("IMAGE_TAG", "image_tag"),
            ("A", "a"),
            ("", ""),
        ] {
            assert_eq!(snake_case(key), name);
        }
    }
}

//! The drivers that carry actions and rules out on this machine, by name.
//!
//! | driver | carries out | its own settings in `local { … }` |
//! | --- | --- | --- |
//! | `git_source` | sources that are repositories | `path` |
//! | `file_source` | sources that are files | `path` |
//! | `shell` | commands | `shell` |
//! | `buildspec` | CodeBuild projects | `buildspec`, `shell` |
//! | `approval` | approvals | |
//! | `s3_deploy` | copies to S3 buckets | |
//! | `pipeline` | other pipelines of the file | |
//! | `simulate` | what has no meaning off AWS | `outputs`, `files` |
//! | `variable_check` | comparisons of variables | |
//! | `deployment_window` | windows of time | |
//!
//! `run` puts a command in place of any of them; `env`, `secrets` and `outputs` go with it as with `shell` and
//! `buildspec`. So a `local` block may say any setting of any driver: which of them is used depends on what stands in.

/// Every driver; a provider's `local` names one of them.
pub const DRIVERS: [&str; 10] = [
    "git_source",
    "file_source",
    "shell",
    "buildspec",
    "approval",
    "s3_deploy",
    "pipeline",
    "simulate",
    "variable_check",
    "deployment_window",
];

/// Every setting that an action's `local { … }` block may hold, with the form of its value.
pub const LOCAL_SETTINGS: [(&str, SettingForm); 8] = [
    ("run", SettingForm::Text),
    ("path", SettingForm::Text),
    ("buildspec", SettingForm::Text),
    ("shell", SettingForm::Text),
    ("outputs", SettingForm::Map),
    ("env", SettingForm::Map),
    ("secrets", SettingForm::Map),
    ("files", SettingForm::List),
];

/// The form of a setting's value. A number or boolean stands for its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingForm {
    Text,
    /// From names to texts.
    Map,
    /// Texts; one stands for a list of one.
    List,
}

impl SettingForm {
    pub fn accepts(self, value: &serde_json::Value) -> bool {
        let is_text = |value: &serde_json::Value| value.is_string() || value.is_number() || value.is_boolean();
        match self {
            Self::Text => is_text(value),
            Self::Map => value.as_object().is_some_and(|map| map.values().all(is_text)),
            Self::List => is_text(value) || value.as_array().is_some_and(|list| list.iter().all(is_text)),
        }
    }

    /// In words: `it must be …`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Map => "a map of strings",
            Self::List => "a string or a list of strings",
        }
    }
}

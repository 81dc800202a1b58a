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
//! | `simulate` | what has no meaning off AWS | `outputs`, `files` |
//! | `variable_check` | comparisons of variables | |
//! | `deployment_window` | windows of time | |
//!
//! `run` puts a command in place of any of them; `env`, `secrets` and `outputs` go with it as with `shell` and
//! `buildspec`. So a `local` block may say any setting of any driver: which of them is used depends on what stands in.

/// Every driver; a provider's `local` names one of them.
pub const DRIVERS: [&str; 9] = [
    "git_source",
    "file_source",
    "shell",
    "buildspec",
    "approval",
    "s3_deploy",
    "simulate",
    "variable_check",
    "deployment_window",
];

/// Every setting that an action's `local { … }` block may hold.
pub const LOCAL_SETTINGS: [&str; 8] = [
    "run",
    "path",
    "buildspec",
    "shell",
    "outputs",
    "env",
    "secrets",
    "files",
];

//! What this floor reports.

use crate::diagnostic::Code;

pub static UNUSED_IMPORT: Code = Code::warning("unused-import", "an import that nothing uses");
pub static UNUSED_PARAM: Code = Code::warning("unused-param", "a parameter of the file that nothing uses");
pub static UNUSED_CONST: Code = Code::warning("unused-const", "a constant that nothing uses");
pub static UNUSED_TYPE: Code = Code::warning("unused-type", "a type that nothing uses");
pub static UNUSED_FUNCTION: Code = Code::warning("unused-function", "a function that nothing calls");
pub static UNUSED_ACTION: Code = Code::warning("unused-action", "a reusable action that nothing uses");
pub static UNUSED_STAGE: Code = Code::warning("unused-stage", "a reusable stage that nothing uses");
pub static UNUSED_PROVIDER: Code = Code::warning("unused-provider", "a provider that nothing uses");
pub static UNUSED_VARIABLE: Code = Code::warning("unused-variable", "a pipeline's variable that nothing uses");
pub static UNUSED_BINDING: Code = Code::warning(
    "unused-binding",
    "a loop's variable, or a parameter of a function or reusable block, that nothing uses",
);
pub static SAME_TARGET: Code = Code::warning(
    "same-target",
    "actions that run at the same time and deploy to the same place",
);

pub static POLLING_SOURCE: Code = Code::warning(
    "polling-source",
    "a source that looks for changes from time to time instead of being told",
);
pub static DETECT_CHANGES_CONFLICT: Code = Code::warning(
    "detect-changes-conflict",
    "a source that starts the pipeline by itself although a trigger decides",
);
pub static CHANGE_SET_UNPAIRED: Code = Code::warning(
    "change-set-unpaired",
    "a change set that is made and not executed, or executed and not made",
);
pub static OUTPUT_WITHOUT_FILE: Code = Code::warning(
    "output-without-file",
    "an output artifact that CloudFormation leaves empty",
);
pub static SECRET_IN_PLAIN_TEXT: Code = Code::warning(
    "secret-in-plain-text",
    "a password, token or key that stands in plain text",
);
pub static FREE_TEXT_IN_SHELL: Code = Code::warning(
    "free-text-in-shell",
    "a command that holds text which whoever commits may choose",
);
pub static FREE_TEXT_IN_JSON: Code = Code::warning("free-text-in-json", "JSON that holds text which may break it");

pub static UNUSED_OUTPUT: Code = Code::hint("unused-output", "an output artifact that nothing takes");

pub static UNKNOWN_LOCAL_SETTING: Code = Code::error(
    "unknown-local-setting",
    "a setting in a `local` block that no driver knows",
);
pub static WRONG_LOCAL_SETTING: Code = Code::error(
    "wrong-local-setting",
    "a setting in a `local` block whose value has another form",
);

/// Every kind of report in here.
pub static ALL: &[&Code] = &[
    &UNUSED_IMPORT,
    &UNUSED_PARAM,
    &UNUSED_CONST,
    &UNUSED_TYPE,
    &UNUSED_FUNCTION,
    &UNUSED_ACTION,
    &UNUSED_STAGE,
    &UNUSED_PROVIDER,
    &UNUSED_VARIABLE,
    &UNUSED_BINDING,
    &SAME_TARGET,
    &POLLING_SOURCE,
    &DETECT_CHANGES_CONFLICT,
    &CHANGE_SET_UNPAIRED,
    &OUTPUT_WITHOUT_FILE,
    &SECRET_IN_PLAIN_TEXT,
    &FREE_TEXT_IN_SHELL,
    &FREE_TEXT_IN_JSON,
    &UNUSED_OUTPUT,
    &UNKNOWN_LOCAL_SETTING,
    &WRONG_LOCAL_SETTING,
];

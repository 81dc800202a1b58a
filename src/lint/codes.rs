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
    &UNKNOWN_LOCAL_SETTING,
    &WRONG_LOCAL_SETTING,
];

//! What is wrong with a foreign document itself; what is wrong with the pipeline in it has codes of its own.

use crate::diagnostic::Code;

pub static INVALID_JSON: Code = Code::error("invalid-json", "a document is not JSON");

pub static INVALID_YAML: Code = Code::error("invalid-yaml", "a document is not YAML");

/// A document in which nothing is a pipeline.
pub static NO_PIPELINE: Code = Code::error("no-pipeline", "a document holds no pipeline");

/// Constraints: pipeline-unknown-fields.
pub static UNKNOWN_KEY: Code = Code::error("unknown-key", "a document has a key that AWS does not know");

/// Constraints: pipeline-required-fields, stage-required-fields, action-required-fields, artifact-store-required-fields,
/// trigger-required-fields, rule-required-fields.
pub static MISSING_KEY: Code = Code::error("missing-key", "a document leaves out a key that AWS wants");

pub static WRONG_KIND: Code = Code::error("wrong-kind", "a value of a document is of another kind than AWS wants");

/// Constraints: action-version-format, action-config-values-are-strings.
pub static NOT_A_STRING: Code = Code::error("not-a-string", "a number or switch stands where AWS wants a string");

/// Constraints: pipeline-type-enum, execution-mode-enum, artifact-store-type, condition-result-enum and the like.
pub static UNKNOWN_VALUE: Code = Code::error("unknown-value", "a value is none of those that AWS knows for its key");

/// Constraint: blank-values-forbidden.
pub static BLANK_VALUE: Code = Code::error("blank-value", "a list is empty where AWS wants it left out");

/// Constraint: stage-blockers-reserved.
pub static RESERVED_KEY: Code = Code::warning("reserved-key", "a key is kept for AWS's own use");

/// An intrinsic function where `.pipe` has no place for one.
pub static MISPLACED_INTRINSIC: Code = Code::error(
    "misplaced-intrinsic",
    "an intrinsic function stands where a pipeline cannot take one",
);

/// Something of a declaration that `.pipe` has no words for.
pub static IMPORT_NOT_EXPRESSIBLE: Code = Code::error(
    "import-not-expressible",
    "a part of an imported definition that `.pipe` cannot say",
);

pub static ALL: &[&Code] = &[
    &IMPORT_NOT_EXPRESSIBLE,
    &INVALID_JSON,
    &INVALID_YAML,
    &NO_PIPELINE,
    &UNKNOWN_KEY,
    &MISSING_KEY,
    &WRONG_KIND,
    &NOT_A_STRING,
    &UNKNOWN_VALUE,
    &BLANK_VALUE,
    &RESERVED_KEY,
    &MISPLACED_INTRINSIC,
];

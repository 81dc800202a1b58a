//! What this floor reports.

use crate::diagnostic::Code;
pub use crate::syntax::codes::MISPLACED_STATEMENT;

macro_rules! codes {
    ($($(#[$doc:meta])* $ident:ident = $level:ident($name:literal, $summary:literal);)*) => {
        $($(#[$doc])* pub static $ident: Code = Code::$level($name, $summary);)*
        /// Every kind of report in here.
        pub static ALL: &[&Code] = &[$(&$ident),*];
    };
}

codes! {
    // Files and names.
    IMPORT_NOT_FOUND = error("import-not-found", "an imported file cannot be read");
    IMPORT_CYCLE = error("import-cycle", "files import each other in a circle");
    UNKNOWN_NAME = error("unknown-name", "a name that nothing declares");
    DUPLICATE_NAME = error("duplicate-name", "one name is declared twice");
    UNKNOWN_PROVIDER = error("unknown-provider", "an action or rule of a provider that does not exist");
    UNKNOWN_TYPE = error("unknown-type", "a type that nothing declares");
    INVALID_TYPE = error("invalid-type", "a type that makes no sense");
    NOT_A_VALUE = error("not-a-value", "a name that stands for something other than a value");

    // Statements and fields.
    NESTED_PARALLEL = error("nested-parallel", "a `parallel` inside a `parallel`");
    EMPTY_PARALLEL = error("empty-parallel", "a `parallel` without actions");
    UNKNOWN_FIELD = error("unknown-field", "a field that does not exist here");
    DUPLICATE_FIELD = error("duplicate-field", "one field is given twice");
    MISSING_FIELD = error("missing-field", "a field that is needed is left out");
    UNEXPECTED_CLAUSE = error("unexpected-clause", "an `output`, `export` or other clause that this provider cannot take");
    OPEN_FIELD = warning("unchecked-configuration", "a configuration key that the library does not know");

    // Types and values.
    TYPE_MISMATCH = error("type-mismatch", "a value of the wrong type");
    OUT_OF_BOUNDS = error("out-of-bounds", "a value outside the bounds of its type");
    PATTERN_MISMATCH = error("pattern-mismatch", "a string that does not match its type's pattern");
    KNOWN_TOO_LATE = error("known-too-late", "a value is needed before it becomes known");
    NO_SUCH_KEY = error("no-such-key", "a map, record or list has no such entry");
    DUPLICATE_KEY = error("duplicate-key", "one key is given twice");
    WRONG_ARGUMENTS = error("wrong-arguments", "a call with arguments that do not fit the parameters");
    RECURSIVE_DEFINITION = error("recursive-definition", "a definition that needs itself");
    INVALID_READ = error("invalid-read", "a file that `read` cannot take in");
    TOO_MUCH_WORK = error("too-much-work", "loops that grow beyond what a pipeline can be");
    MISSING_PARAMETER = error("missing-parameter", "a parameter without a value");
    UNKNOWN_PARAMETER = error("unknown-parameter", "a value for a parameter that does not exist");

    // Actions, artifacts and output variables.
    NO_OUTPUT = error("action-has-no-output", "an action without outputs is used as an artifact");
    AMBIGUOUS_OUTPUT = error("ambiguous-output", "an action with several outputs is used as an artifact");
    NOT_A_FAMILY = error("not-a-family", "a key for something that is not a family, or none for a family");
    UNKNOWN_OUTPUT_VARIABLE = error("unknown-output-variable", "an output variable that the action does not have");
    ARTIFACT_COUNT = error("artifact-count", "more or fewer artifacts than the provider takes or gives");
    ARTIFACT_NOT_INPUT = error("artifact-not-an-input", "a field names an artifact that is not among the action's inputs");
    UNKNOWN_VARIABLE_KEY = warning("unknown-variable-key", "a reference to a variable that the provider does not have");
    CONFIG_JSON_INVALID = error("config-json-invalid", "a configuration value that should be JSON of some form is not");
    REQUIREMENT = error("unmet-requirement", "fields that do not go together, by the provider's own conditions");
    PROVIDER_NEEDS_V2 = error("provider-needs-v2", "a provider that V1 pipelines cannot use");
    REGION_NOT_SUPPORTED = error("region-not-supported", "an action in another region that must stay in the pipeline's");
    UNKNOWN_ACTION_TYPE = warning("unknown-action-type", "an action or rule of a type that AWS is not known to have");
    DEPRECATED_PROVIDER = warning("deprecated-provider", "a provider that AWS is giving up");
}

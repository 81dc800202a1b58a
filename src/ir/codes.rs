//! The kinds of reports that validation makes, each with the constraints it enforces: their ids are those of the project's
//! list of AWS's rules.

use crate::diagnostic::Code;

// Structure.
/// Constraint: stage-min.
pub static TOO_FEW_STAGES: Code = Code::error("too-few-stages", "a pipeline has fewer than two stages");
/// Constraint: stage-max.
pub static TOO_MANY_STAGES: Code = Code::error("too-many-stages", "a pipeline has more than 50 stages");
/// Constraint: stage-action-min.
pub static EMPTY_STAGE: Code = Code::error("empty-stage", "a stage has no actions");
/// Constraint: first-stage-source-only.
pub static FIRST_STAGE_NOT_SOURCE: Code = Code::error(
    "first-stage-not-source",
    "the first stage holds an action that is not a source",
);
/// Constraint: source-first-stage-only.
pub static SOURCE_OUTSIDE_FIRST_STAGE: Code =
    Code::error("source-outside-first-stage", "a source action stands in a later stage");
/// Constraint: non-source-required.
pub static NO_WORK_STAGE: Code = Code::error("no-work-stage", "every action of a pipeline is a source");
/// Constraint: stage-action-max.
pub static TOO_MANY_ACTIONS: Code = Code::warning("too-many-actions", "a stage has more than 50 actions");
/// Constraint: stage-parallel-max.
pub static TOO_MANY_PARALLEL_ACTIONS: Code = Code::error(
    "too-many-parallel-actions",
    "more than 100 actions of a stage run at the same time",
);
/// Constraint: parallel-mode-actions.
pub static PARALLEL_MODE_CROWD: Code = Code::warning(
    "parallel-mode-crowd",
    "more than five actions of a pipeline in PARALLEL mode run at the same time",
);
/// Constraint: stage-sequential-max.
pub static TOO_MANY_SEQUENTIAL_ACTIONS: Code =
    Code::error("too-many-sequential-actions", "a stage has more than 100 steps");
/// Constraint: pipeline-action-max.
pub static TOO_MANY_ACTIONS_TOTAL: Code =
    Code::error("too-many-actions-total", "a pipeline has more than 1000 actions");
/// Constraint: action-run-order-range.
pub static RUN_ORDER_RANGE: Code = Code::error("run-order-range", "a run order is not from 1 to 999");

// Names.
/// Constraints: pipeline-name-format, stage-name-format, action-name-format, rule-name-format, pipeline-variable-name-format.
pub static INVALID_NAME: Code = Code::error("invalid-name", "a name holds what AWS does not take, or is too long");
/// Constraints: action-category-enum, action-owner-enum, action-provider-format, action-version-format, rule-required-fields.
pub static ACTION_TYPE_INVALID: Code = Code::error(
    "action-type-invalid",
    "an action type's category, owner, provider or version is malformed",
);
/// Constraint: action-type-name-max.
pub static CUSTOM_TYPE_NAME_LONG: Code = Code::warning(
    "custom-type-name-long",
    "a custom action type's provider has more than the documented 25 characters",
);
/// Constraint: stage-name-unique.
pub static DUPLICATE_STAGE_NAME: Code = Code::error("duplicate-stage-name", "two stages have the same AWS name");
/// Constraint: action-name-unique.
pub static DUPLICATE_ACTION_NAME: Code =
    Code::error("duplicate-action-name", "two actions of a stage have the same AWS name");
/// Beyond the list of constraints.
pub static DUPLICATE_RULE_NAME: Code =
    Code::error("duplicate-rule-name", "two rules of a condition have the same AWS name");
/// Constraint: artifact-name-format.
pub static ARTIFACT_NAME_INVALID: Code = Code::error(
    "artifact-name-invalid",
    "an artifact's name holds what AWS does not take, or is too long",
);
/// Constraint: artifact-output-unique.
pub static ARTIFACT_DUPLICATE: Code =
    Code::error("artifact-duplicate", "two actions make an artifact of the same name");
/// Constraint: clone-ref-codebuild-only.
pub static CLONE_REF_CONSUMER: Code = Code::error(
    "clone-ref-consumer",
    "a reference to clone from is given to an action that is not CodeBuild's",
);
/// Beyond the list of constraints.
pub static DUPLICATE_INPUT: Code = Code::warning("duplicate-input", "an action takes the same artifact twice");
/// Constraint: namespace-format.
pub static NAMESPACE_INVALID: Code = Code::error(
    "namespace-invalid",
    "a namespace holds what AWS does not take, or is too long",
);
/// Constraint: namespace-reserved.
pub static RESERVED_NAMESPACE: Code = Code::error(
    "reserved-namespace",
    "an action claims a namespace that CodePipeline keeps for itself",
);
/// Constraint: namespace-unique.
pub static DUPLICATE_NAMESPACE: Code = Code::error("duplicate-namespace", "two actions have the same namespace");
/// Constraint: namespace-not-artifact.
pub static NAMESPACE_IS_ARTIFACT: Code = Code::error("namespace-is-artifact", "a namespace is also an artifact's name");

// Order.
/// Constraint: artifact-produced-before.
pub static ARTIFACT_UNDEFINED: Code =
    Code::error("artifact-undefined", "an action takes an artifact that no action makes");
/// Constraint: artifact-produced-before.
pub static ARTIFACT_USED_BEFORE_MADE: Code =
    Code::error("artifact-used-before-made", "an artifact is used before it is made");
/// Constraint: artifact-producer-strictly-earlier.
pub static ARTIFACT_FROM_SIBLING: Code = Code::error(
    "artifact-from-sibling",
    "an artifact is used by an action that runs at the same time as its maker",
);
/// Constraint: variable-producer-earlier.
pub static VARIABLE_USED_BEFORE_MADE: Code = Code::error(
    "variable-used-before-made",
    "an output variable is used before it is set",
);
/// Constraint: variable-producer-earlier.
pub static VARIABLE_FROM_SIBLING: Code = Code::error(
    "variable-from-sibling",
    "an output variable is used by an action that runs at the same time as the one that sets it",
);

// References.
/// Constraint: variable-namespace-exists.
pub static UNKNOWN_NAMESPACE: Code =
    Code::error("unknown-namespace", "a reference names a namespace that no action has");
/// Constraint: variable-producer-namespace.
pub static NAMESPACE_MISSING: Code =
    Code::error("namespace-missing", "a reference names an action that has no namespace");
/// Constraint: pipeline-variable-declared.
pub static UNDECLARED_VARIABLE: Code = Code::error(
    "undeclared-variable",
    "a reference names a pipeline variable that is not declared",
);
/// Constraint: variable-codepipeline-keys.
pub static UNKNOWN_EXECUTION_VARIABLE: Code = Code::error(
    "unknown-execution-variable",
    "a reference asks `codepipeline` for what it does not have",
);
/// Constraint: pipeline-variable-not-in-source.
pub static VARIABLE_IN_SOURCE: Code = Code::error("variable-in-source", "a source action uses a pipeline variable");
/// Constraint: variable-reference-positions.
pub static REFERENCE_OUT_OF_PLACE: Code = Code::error(
    "reference-out-of-place",
    "a reference stands where CodePipeline does not resolve it",
);
/// Constraint: variable-reference-syntax.
pub static MALFORMED_REFERENCE: Code =
    Code::warning("malformed-reference", "a text looks like a reference and is none");

// Roles, stores and regions.
/// Constraint: pipeline-required-fields.
pub static MISSING_ROLE_ARN: Code = Code::error("missing-role-arn", "a pipeline has no service role");
/// Constraints: pipeline-role-arn-format, action-role-arn-format.
pub static ROLE_ARN_FORMAT: Code = Code::error("role-arn-format", "a role's ARN is malformed");
/// Constraint: action-role-aws-owner-only.
pub static ROLE_ON_FOREIGN_ACTION: Code =
    Code::warning("role-on-foreign-action", "an action that is not AWS's own has a role");
/// Constraint: artifact-store-xor.
pub static ARTIFACT_STORE_EXCLUSIVE: Code = Code::error(
    "artifact-store-exclusive",
    "a pipeline has no artifact store, or both forms of it",
);
/// Constraint: artifact-store-location.
pub static BUCKET_NAME_INVALID: Code =
    Code::error("bucket-name-invalid", "an artifact store's location is no bucket name");
/// Constraint: artifact-store-key.
pub static ENCRYPTION_KEY_INVALID: Code = Code::error(
    "encryption-key-invalid",
    "an artifact store's key id is empty or too long",
);
/// Constraint: artifact-store-same-account.
pub static ENCRYPTION_KEY_ELSEWHERE: Code = Code::warning(
    "encryption-key-elsewhere",
    "an artifact store's key belongs to another region or account",
);
/// Constraints: artifact-stores-key-format, action-region-format.
pub static REGION_INVALID: Code = Code::error("region-invalid", "a region's name is malformed");
/// Constraints: artifact-stores-cover-regions, artifact-stores-needed-cross-region.
pub static REGION_WITHOUT_STORE: Code = Code::error(
    "region-without-store",
    "an action runs in a region that has no artifact store",
);
/// Constraint: artifact-stores-needed-cross-region.
pub static REGION_BESIDE_SINGLE_STORE: Code = Code::warning(
    "region-beside-single-store",
    "an action names a region, and the only artifact store names none",
);
/// Constraint: action-cross-region-category.
pub static CROSS_REGION_UNSUPPORTED: Code = Code::error(
    "cross-region-unsupported",
    "an action that must run in the pipeline's region runs in another",
);

/// Constraint: artifact-store-cross-account-cmk.
pub static CROSS_ACCOUNT_WITHOUT_KEY: Code = Code::warning(
    "cross-account-without-key",
    "an action works in another account, and the artifact store has no key that it could use",
);
/// Constraint: codebuild-cross-account-no-outputs.
pub static CROSS_ACCOUNT_BUILD_OUTPUT: Code = Code::warning(
    "cross-account-build-output",
    "a CodeBuild action in another account has output artifacts",
);
/// Constraint: action-cross-account-artifacts.
pub static ARTIFACT_BETWEEN_ACCOUNTS: Code = Code::warning(
    "artifact-between-accounts",
    "an artifact goes from one foreign account to another",
);

// Versions.
/// Constraints: execution-mode-v2, pipeline-variable-v2, trigger-v2, condition-v2.
pub static REQUIRES_V2: Code = Code::error("requires-v2", "a V1 pipeline uses what only V2 has");
/// Constraint: pipeline-type-explicit.
pub static PIPELINE_TYPE_UNSET: Code = Code::warning(
    "pipeline-type-unset",
    "a pipeline that does not say its type uses what only V2 has",
);

// Triggers.
/// Constraint: trigger-count.
pub static TOO_MANY_TRIGGERS: Code = Code::error(
    "too-many-triggers",
    "a pipeline has more or larger triggers than AWS takes",
);
/// Constraint: trigger-source-action.
pub static TRIGGER_UNKNOWN_SOURCE: Code =
    Code::error("trigger-unknown-source", "a trigger names an action that is not there");
/// Constraint: trigger-source-action.
pub static TRIGGER_NOT_CONNECTION: Code = Code::error(
    "trigger-not-connection",
    "a trigger names an action that is not a connection source",
);
/// Constraint: trigger-one-per-source.
pub static TRIGGER_DUPLICATE_SOURCE: Code =
    Code::error("trigger-duplicate-source", "two triggers name the same source action");
/// Constraint: trigger-needs-event.
pub static TRIGGER_WITHOUT_FILTER: Code =
    Code::error("trigger-without-filter", "a trigger, or a filter of one, says nothing");
/// Constraints: trigger-filter-count, trigger-pattern-count, trigger-pattern-length, trigger-pr-events.
pub static TRIGGER_FILTER_LIMITS: Code = Code::error(
    "trigger-filter-limits",
    "a trigger has too many filters or patterns, or a pattern is too long or empty",
);
/// Constraints: trigger-filter-no-duplicates, trigger-pr-events.
pub static TRIGGER_FILTER_DUPLICATE: Code =
    Code::error("trigger-filter-duplicate", "a trigger says the same thing twice");
/// Constraint: trigger-push-combination.
pub static TRIGGER_FILTER_COMBINATION: Code = Code::error(
    "trigger-filter-combination",
    "a push filter combines tags with branches or file paths",
);
/// Constraints: trigger-filepaths-need-branches, trigger-pr-needs-branches.
pub static TRIGGER_NEEDS_BRANCHES: Code = Code::warning(
    "trigger-needs-branches",
    "a filter names no branches, and AWS documents none without",
);
/// Beyond the list of constraints.
pub static TRIGGER_GLOB_INVALID: Code = Code::warning("trigger-glob-invalid", "a pattern is not a well-formed glob");
/// Beyond the list of constraints.
pub static TRIGGER_NEVER_FIRES: Code = Code::warning("trigger-never-fires", "a pattern can never match");

// Conditions.
/// Constraints: condition-entry-results, condition-success-results, condition-failure-results.
pub static CONDITION_RESULT_INVALID: Code = Code::error(
    "condition-result-invalid",
    "a condition's result is not allowed at its place",
);
/// Constraint: condition-result-enum.
pub static CONDITION_WITHOUT_RESULT: Code =
    Code::error("condition-without-result", "a condition does not say what is to happen");
/// Constraint: condition-rule-count.
pub static CONDITION_WITHOUT_RULES: Code = Code::error("condition-without-rules", "a condition has no rules");
/// Constraint: condition-rule-count.
pub static TOO_MANY_RULES: Code = Code::error("too-many-rules", "a condition has more than five rules");
/// Constraint: on-failure-xor.
pub static FAILURE_RESULT_WITH_CONDITIONS: Code = Code::error(
    "failure-result-with-conditions",
    "`on failure` has both a result at once and conditions",
);
/// Constraint: retry-configuration.
pub static RETRY_MODE_WITHOUT_RETRY: Code = Code::error(
    "retry-mode-without-retry",
    "a retry mode is given, and the result is not RETRY",
);
/// Constraint: rollback-not-parallel.
pub static PARALLEL_ROLLBACK: Code =
    Code::error("parallel-rollback", "a pipeline in PARALLEL mode asks for a rollback");
/// Constraint: rollback-not-source.
pub static ROLLBACK_IN_SOURCE_STAGE: Code =
    Code::error("rollback-in-source-stage", "the source stage asks for a rollback");
/// Constraint: skip-rules.
pub static SKIP_RULE_UNSUPPORTED: Code = Code::error("skip-rule-unsupported", "a rule cannot be used with SKIP");

// Configuration.
/// Constraints: action-config-key-length, rule-config-limits.
pub static CONFIG_KEY_INVALID: Code = Code::error(
    "config-key-invalid",
    "a configuration key is empty or too long, or there are too many",
);
/// Constraint: blank-values-forbidden.
pub static CONFIG_VALUE_EMPTY: Code = Code::error("config-value-empty", "a configuration value is empty");
/// Constraint: action-config-value-length.
pub static CONFIG_VALUE_LONG: Code = Code::warning(
    "config-value-long",
    "a configuration value is longer than the documented 1000 characters",
);
/// Constraints: action-config-value-length, rule-config-limits, action-resolved-config-size.
pub static CONFIG_VALUE_TOO_LONG: Code = Code::error(
    "config-value-too-long",
    "a configuration value is longer than AWS takes",
);
/// Constraint: action-config-secret-mask.
pub static MASKED_SECRET: Code = Code::error("masked-secret", "a secret is the mask that AWS shows instead of it");
/// Constraints: action-commands-shape, rule-commands-shape.
pub static COMMANDS_LIMITS: Code = Code::error(
    "commands-limits",
    "there are too many commands, or one is empty, too long or has several lines",
);
/// Constraint: action-commands-shape.
pub static COMMANDS_MISPLACED: Code =
    Code::error("commands-misplaced", "commands are given to an action that runs none");
/// Constraint: action-env-shape.
pub static ENVIRONMENT_LIMITS: Code = Code::error(
    "environment-limits",
    "an action has too many environment variables, or one is malformed",
);
/// Constraint: action-env-shape.
pub static ENV_SECRET_TYPE_UNSUPPORTED: Code = Code::error(
    "env-secret-type-unsupported",
    "an environment variable of an action comes from the parameter store",
);
/// Constraint: action-env-secrets-provider.
pub static ENV_SECRET_OUTSIDE_COMMANDS: Code = Code::warning(
    "env-secret-outside-commands",
    "a secret is given to an action that is not known to take one",
);
/// Constraint: action-output-variables-shape.
pub static OUTPUT_VARIABLES_LIMITS: Code = Code::error(
    "output-variables-limits",
    "an action has too many output variables, or one is empty or too long",
);
/// Constraint: action-output-files-shape.
pub static OUTPUT_FILES_LIMITS: Code = Code::error(
    "output-files-limits",
    "an output artifact has too many file patterns, or one is empty or too long",
);
/// Constraint: action-timeout-range.
pub static APPROVAL_TIMEOUT_RANGE: Code =
    Code::error("approval-timeout-range", "an approval's timeout is out of range");
/// Constraint: action-timeout-range.
pub static TIMEOUT_ON_NON_APPROVAL: Code = Code::error(
    "timeout-on-non-approval",
    "a timeout is given to an action that is not an approval",
);
/// Constraint: rule-timeout-range.
pub static RULE_TIMEOUT_RANGE: Code = Code::error("rule-timeout-range", "a rule's timeout is out of range");

// Variables and tags.
/// Constraint: pipeline-variable-name-unique.
pub static DUPLICATE_VARIABLE: Code = Code::error("duplicate-variable", "two pipeline variables have the same name");
/// Constraint: pipeline-variable-count.
pub static TOO_MANY_VARIABLES: Code = Code::error("too-many-variables", "a pipeline has more than 50 variables");
/// Constraints: pipeline-variable-default, pipeline-variable-description.
pub static VARIABLE_DECLARATION_LIMITS: Code = Code::error(
    "variable-declaration-limits",
    "a variable's default or description is empty, too long or has several lines",
);
/// Constraint: pipeline-variable-needs-value.
pub static VARIABLE_WITHOUT_DEFAULT: Code = Code::warning(
    "variable-without-default",
    "a pipeline with triggers has a variable without a default",
);
/// Constraint: tags-count.
pub static TOO_MANY_TAGS: Code = Code::error("too-many-tags", "a pipeline has more than 50 tags");
/// Constraint: tags-format.
pub static TAG_INVALID: Code = Code::error("tag-invalid", "a tag's key or value is malformed");
/// Constraint: tags-format.
pub static DUPLICATE_TAG: Code = Code::error("duplicate-tag", "two tags have the same key");

/// All of them, in the order above.
pub static ALL: &[&Code] = &[
    &TOO_FEW_STAGES,
    &TOO_MANY_STAGES,
    &EMPTY_STAGE,
    &FIRST_STAGE_NOT_SOURCE,
    &SOURCE_OUTSIDE_FIRST_STAGE,
    &NO_WORK_STAGE,
    &TOO_MANY_ACTIONS,
    &TOO_MANY_PARALLEL_ACTIONS,
    &PARALLEL_MODE_CROWD,
    &TOO_MANY_SEQUENTIAL_ACTIONS,
    &TOO_MANY_ACTIONS_TOTAL,
    &RUN_ORDER_RANGE,
    &INVALID_NAME,
    &ACTION_TYPE_INVALID,
    &CUSTOM_TYPE_NAME_LONG,
    &DUPLICATE_STAGE_NAME,
    &DUPLICATE_ACTION_NAME,
    &DUPLICATE_RULE_NAME,
    &ARTIFACT_NAME_INVALID,
    &ARTIFACT_DUPLICATE,
    &CLONE_REF_CONSUMER,
    &DUPLICATE_INPUT,
    &NAMESPACE_INVALID,
    &RESERVED_NAMESPACE,
    &DUPLICATE_NAMESPACE,
    &NAMESPACE_IS_ARTIFACT,
    &ARTIFACT_UNDEFINED,
    &ARTIFACT_USED_BEFORE_MADE,
    &ARTIFACT_FROM_SIBLING,
    &VARIABLE_USED_BEFORE_MADE,
    &VARIABLE_FROM_SIBLING,
    &UNKNOWN_NAMESPACE,
    &NAMESPACE_MISSING,
    &UNDECLARED_VARIABLE,
    &UNKNOWN_EXECUTION_VARIABLE,
    &VARIABLE_IN_SOURCE,
    &REFERENCE_OUT_OF_PLACE,
    &MALFORMED_REFERENCE,
    &MISSING_ROLE_ARN,
    &ROLE_ARN_FORMAT,
    &ROLE_ON_FOREIGN_ACTION,
    &ARTIFACT_STORE_EXCLUSIVE,
    &BUCKET_NAME_INVALID,
    &ENCRYPTION_KEY_INVALID,
    &ENCRYPTION_KEY_ELSEWHERE,
    &REGION_INVALID,
    &REGION_WITHOUT_STORE,
    &REGION_BESIDE_SINGLE_STORE,
    &CROSS_REGION_UNSUPPORTED,
    &CROSS_ACCOUNT_WITHOUT_KEY,
    &CROSS_ACCOUNT_BUILD_OUTPUT,
    &ARTIFACT_BETWEEN_ACCOUNTS,
    &REQUIRES_V2,
    &PIPELINE_TYPE_UNSET,
    &TOO_MANY_TRIGGERS,
    &TRIGGER_UNKNOWN_SOURCE,
    &TRIGGER_NOT_CONNECTION,
    &TRIGGER_DUPLICATE_SOURCE,
    &TRIGGER_WITHOUT_FILTER,
    &TRIGGER_FILTER_LIMITS,
    &TRIGGER_FILTER_DUPLICATE,
    &TRIGGER_FILTER_COMBINATION,
    &TRIGGER_NEEDS_BRANCHES,
    &TRIGGER_GLOB_INVALID,
    &TRIGGER_NEVER_FIRES,
    &CONDITION_RESULT_INVALID,
    &CONDITION_WITHOUT_RESULT,
    &CONDITION_WITHOUT_RULES,
    &TOO_MANY_RULES,
    &FAILURE_RESULT_WITH_CONDITIONS,
    &RETRY_MODE_WITHOUT_RETRY,
    &PARALLEL_ROLLBACK,
    &ROLLBACK_IN_SOURCE_STAGE,
    &SKIP_RULE_UNSUPPORTED,
    &CONFIG_KEY_INVALID,
    &CONFIG_VALUE_EMPTY,
    &CONFIG_VALUE_LONG,
    &CONFIG_VALUE_TOO_LONG,
    &MASKED_SECRET,
    &COMMANDS_LIMITS,
    &COMMANDS_MISPLACED,
    &ENVIRONMENT_LIMITS,
    &ENV_SECRET_TYPE_UNSUPPORTED,
    &ENV_SECRET_OUTSIDE_COMMANDS,
    &OUTPUT_VARIABLES_LIMITS,
    &OUTPUT_FILES_LIMITS,
    &APPROVAL_TIMEOUT_RANGE,
    &TIMEOUT_ON_NON_APPROVAL,
    &RULE_TIMEOUT_RANGE,
    &DUPLICATE_VARIABLE,
    &TOO_MANY_VARIABLES,
    &VARIABLE_DECLARATION_LIMITS,
    &VARIABLE_WITHOUT_DEFAULT,
    &TOO_MANY_TAGS,
    &TAG_INVALID,
    &DUPLICATE_TAG,
];

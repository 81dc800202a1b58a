//! What can be wrong with a `provider` item.

use crate::diagnostic::Code;

pub static UNKNOWN_PROVIDER_SETTING: Code =
    Code::error("unknown-provider-setting", "a setting that a provider does not have");

pub static BAD_PROVIDER_SETTING: Code = Code::error(
    "bad-provider-setting",
    "a provider's setting has a value that it does not take",
);

pub static BAD_PROVIDER_TYPE: Code = Code::error(
    "bad-provider-type",
    "a provider's `type` is not category, owner, provider and version",
);

pub static MISSING_PROVIDER_TYPE: Code = Code::error(
    "missing-provider-type",
    "a provider does not say which type of action it is",
);

pub static DUPLICATE_IN_PROVIDER: Code = Code::error("duplicate-in-provider", "a provider says the same thing twice");

pub static MISPLACED_IN_PROVIDER: Code = Code::error(
    "misplaced-in-provider",
    "a statement that does not belong in a provider",
);

pub static RESERVED_FIELD_NAME: Code = Code::error(
    "reserved-field-name",
    "a provider's field is named like one that every action has",
);

pub static UNKNOWN_PROVIDER_FIELD: Code = Code::error(
    "unknown-provider-field",
    "a `require` points at a field that the provider does not have",
);

pub static UNKNOWN_ENCODING: Code = Code::error("unknown-encoding", "an encoding that does not exist");

pub static ENCODING_MISMATCH: Code = Code::error(
    "encoding-mismatch",
    "an encoding that cannot be applied to the field's type",
);

pub static UNKNOWN_DRIVER: Code = Code::error("unknown-driver", "a driver that does not exist");

pub static ALL: &[&Code] = &[
    &UNKNOWN_PROVIDER_SETTING,
    &BAD_PROVIDER_SETTING,
    &BAD_PROVIDER_TYPE,
    &MISSING_PROVIDER_TYPE,
    &DUPLICATE_IN_PROVIDER,
    &MISPLACED_IN_PROVIDER,
    &RESERVED_FIELD_NAME,
    &UNKNOWN_PROVIDER_FIELD,
    &UNKNOWN_ENCODING,
    &ENCODING_MISMATCH,
    &UNKNOWN_DRIVER,
];

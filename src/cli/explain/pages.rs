//! The pages about diagnostics, `docs/diagnostics/*.md`, as they are in the binary.
//!
//! After adding a page: `UPDATE_PAGES=1 cargo test --lib explain` writes the table anew.

macro_rules! pages {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../docs/diagnostics/", $name, ".md")))),*]
    };
}

/// Name and Markdown text of each page, by name.
pub(super) static PAGES: &[(&str, &str)] = pages! {
    "bad-provider-setting"
    "bad-provider-type"
    "duplicate-in-provider"
    "encoding-mismatch"
    "misplaced-in-provider"
    "missing-provider-type"
    "reserved-field-name"
    "unknown-driver"
    "unknown-encoding"
    "unknown-provider-field"
    "unknown-provider-setting"
};

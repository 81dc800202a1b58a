//! The pages about diagnostics, `docs/diagnostics/*.md`, as they are in the binary.

macro_rules! pages {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../docs/diagnostics/", $name, ".md")))),*]
    };
}

/// Name and Markdown text of each page, by name.
pub(super) static PAGES: &[(&str, &str)] = pages! {};

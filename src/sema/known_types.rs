//! Action types that AWS is not known to have.
//!
//! Only an account can say which custom types there are, and AWS may have made new ones of its own since the library was
//! written: so this is a warning, and about AWS's own and its partners' types alone.

use crate::catalog::{Catalog, Provider};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Origin, TypeId};

use super::codes;

/// Reports `id` if the library does not have it; `provider` is what the files or the library declare of it.
pub(super) fn check(name: &str, id: &TypeId, provider: Option<&Provider>, origin: Origin, diags: &mut Diagnostics) {
    let of_the_library = provider.is_some_and(|provider| provider.name.contains('.'));
    // What is malformed, and so no type of any owner, is reported as such.
    let foreign = id.owner != "AWS" && id.owner != "ThirdParty";
    let malformed = id.provider.is_empty()
        || id
            .provider
            .contains(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
    if of_the_library || foreign || malformed {
        return;
    }
    let library = Catalog::builtin();
    if library.by_type(id).is_some() {
        return;
    }
    let message = format!("`{name}` is of type `{id}`, which AWS is not known to have");
    let types: Vec<String> = library
        .modules()
        .flat_map(|module| library.names(module).map(move |name| format!("{module}.{name}")))
        .filter_map(|name| Some(library.get(&name)?.type_id.to_string()))
        .collect();
    let same_provider = types.iter().find(|known| {
        let known = TypeId::parse(known);
        known
            .is_some_and(|known| known.provider == id.provider && (known.category == "Rule") == (id.category == "Rule"))
    });
    let written = id.to_string();
    let near = same_provider
        .map(String::as_str)
        .or_else(|| diags.nearest(&written, types.iter().map(String::as_str)));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "look the type up with `aws codepipeline list-action-types`".to_owned(),
    };
    diags.emit(Diagnostic::new(&codes::UNKNOWN_ACTION_TYPE, origin, message).with_help(help));
}

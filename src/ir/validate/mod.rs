//! The rules that hold for every pipeline, whatever front end it came from and whatever its providers are.
//!
//! One file a topic; each has a `check` that reads the [`Ctx`] and reports. Nothing here stops early and nothing changes
//! the IR. Messages speak of stages, steps, actions and artifacts and never of one front end's syntax. What needs a
//! provider's signature (which keys, how many artifacts) is checked where the signatures are known.
//!
//! A rule about something that is *missing* stays silent where the IR says that an error has left a gap
//! ([`Pipeline::incomplete`] and its like), and where one mistake breaks two rules only one of them speaks; the comments
//! say which.

use crate::diagnostic::Diagnostics;
use crate::ir::Pipeline;

mod accounts;
mod artifacts;
mod clones;
mod conditions;
mod configuration;
mod context;
mod declarations;
mod filters;
mod names;
mod namespaces;
mod order;
mod references;
mod roles;
mod secrets;
mod stores;
mod structure;
mod triggers;
mod versions;
mod words;

use context::Ctx;

pub use secrets::masked_secrets;

/// Reports what AWS would refuse in `pipeline`, what could never work, and what its author would regret.
pub fn validate(pipeline: &Pipeline, diags: &mut Diagnostics) {
    let ctx = Ctx::new(pipeline);
    names::check(&ctx, diags);
    structure::check(&ctx, diags);
    artifacts::check(&ctx, diags);
    namespaces::check(&ctx, diags);
    references::check(&ctx, diags);
    configuration::check(&ctx, diags);
    masked_secrets(pipeline, diags);
    roles::check(&ctx, diags);
    stores::check(&ctx, diags);
    accounts::check(&ctx, diags);
    clones::check(&ctx, diags);
    versions::check(&ctx, diags);
    declarations::check(&ctx, diags);
    triggers::check(&ctx, diags);
    conditions::check(&ctx, diags);
}

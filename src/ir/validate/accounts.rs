//! Work in several accounts: what an action's role in another account asks of artifacts and stores.
//!
//! An account is read off a role's ARN, so what is judged here is what literal ARNs say. The service was not seen to refuse
//! any of it when a pipeline is made, hence warnings: these pipelines fail when they run.

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Node, Store, Stores, Text, codes};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let Some(home) = ctx.pipeline.role_arn.as_ref().and_then(account) else {
        return;
    };
    let mut keyless = false;
    for (_, action) in ctx.actions() {
        let own = action.role_arn.as_ref().and_then(account);
        if let Some(own) = own.filter(|own| *own != home) {
            build_output(action, own, diags);
            if !keyless {
                keyless = without_key(ctx, action, own, diags);
            }
        }
        between_accounts(ctx, action, own.unwrap_or(home), home, diags);
    }
}

/// The account that a role belongs to, where that can be seen.
fn account(role: &Node<Text>) -> Option<&str> {
    let mut parts = role.value.as_literal()?.split(':');
    let account = parts.nth(4)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

fn build_output(action: &Action, own: &str, diags: &mut Diagnostics) {
    let Some(output) = action.outputs.first() else { return };
    if action.type_id.provider != "CodeBuild" {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::CROSS_ACCOUNT_BUILD_OUTPUT,
            place(output.name.origin, action.origin),
            format!(
                "`{}` builds in account {own}, from where CodeBuild is not known to hand over artifacts",
                words::action(action)
            ),
        )
        .with_help("build in the pipeline's own account, or let the build put its files elsewhere"),
    );
}

/// Whether it has been reported.
fn without_key(ctx: &Ctx, action: &Action, own: &str, diags: &mut Diagnostics) -> bool {
    if action.inputs.is_empty() && action.outputs.is_empty() {
        return false;
    }
    let keyless = |store: &&Store| store.encryption_key.is_none();
    let store = match &ctx.pipeline.stores {
        Stores::Missing => None,
        Stores::One(store) => Some(store).filter(keyless),
        Stores::ByRegion { stores, .. } => match &action.region {
            Some(region) => stores.get(&region.value).filter(keyless),
            None => stores
                .values()
                .next()
                .filter(|_| stores.values().all(|store| keyless(&store))),
        },
    };
    let Some(store) = store else { return false };
    let at = action
        .role_arn
        .as_ref()
        .map_or(action.origin, |role| place(role.origin, action.origin));
    diags.emit(
        Diagnostic::new(
            &codes::CROSS_ACCOUNT_WITHOUT_KEY,
            at,
            format!(
                "`{}` works in account {own}, which cannot read artifacts under S3's own key",
                words::action(action)
            ),
        )
        .with_other(place(store.origin, ctx.pipeline.origin), "this store names no key")
        .with_help("give the artifact store a KMS key of yours, whose policy lets that account use it"),
    );
    true
}

fn between_accounts(ctx: &Ctx, action: &Action, own: &str, home: &str, diags: &mut Diagnostics) {
    for input in &action.inputs {
        let Some(maker) = ctx.makers.get(input.value.as_str()) else {
            continue;
        };
        let Some(other) = maker.action.role_arn.as_ref().and_then(account) else {
            continue;
        };
        if other == own || other == home || own == home {
            continue;
        }
        diags.emit(
            Diagnostic::new(
                &codes::ARTIFACT_BETWEEN_ACCOUNTS,
                place(input.origin, action.origin),
                format!(
                    "artifact `{}` goes from account {other} to account {own}, and neither is the pipeline's",
                    input.value
                ),
            )
            .with_other(maker.origin, format!("made in account {other}"))
            .with_help("let an action of the pipeline's own account make the artifact or stand between"),
        );
    }
}

//! Artifact stores and regions.
//!
//! A declaration does not say in which region the pipeline itself is. But sources and foreign actions run there and nowhere
//! else, so where one of them names a region, it is the pipeline's own.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Origin, Store, Stores, codes, is_deploy_name, limits};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    for (_, action) in ctx.actions() {
        if let Some(region) = &action.region {
            region_format(&region.value, place(region.origin, action.origin), diags);
        }
    }
    for (_, _, rule) in ctx.rules() {
        if let Some(region) = &rule.region {
            region_format(&region.value, place(region.origin, rule.origin), diags);
        }
    }
    let home = home_region(ctx, diags);
    match &pipeline.stores {
        Stores::Missing => missing(ctx, pipeline.origin, diags),
        Stores::One(one) => {
            store(one, pipeline.origin, diags);
            key_elsewhere(ctx, None, one, diags);
            regions_with_one_store(ctx, home, one, diags);
        }
        Stores::ByRegion { stores, both, origin } => {
            let origin = place(*origin, pipeline.origin);
            if let Some(both) = both {
                diags.emit(
                    Diagnostic::new(
                        &codes::ARTIFACT_STORE_EXCLUSIVE,
                        *both,
                        format!(
                            "pipeline `{}` has one artifact store and stores by region as well",
                            words::pipeline(pipeline)
                        ),
                    )
                    .with_label("the one store")
                    .with_other(origin, "the stores by region")
                    .with_help("keep the stores by region if actions run in several regions, else the one store"),
                );
            } else if stores.is_empty() {
                missing(ctx, origin, diags);
            }
            for (region, one) in stores {
                region_format(region, place(one.origin, origin), diags);
                store(one, origin, diags);
                key_elsewhere(ctx, Some(region), one, diags);
            }
            if !stores.is_empty() {
                regions_covered(ctx, stores, origin, diags);
            }
        }
    }
}

fn missing(ctx: &Ctx, origin: Origin, diags: &mut Diagnostics) {
    if ctx.pipeline.incomplete {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::ARTIFACT_STORE_EXCLUSIVE,
            origin,
            format!("pipeline `{}` has no artifact store", words::pipeline(ctx.pipeline)),
        )
        .with_help("name an S3 bucket in which the artifacts are kept"),
    );
}

fn store(store: &Store, whole: Origin, diags: &mut Diagnostics) {
    let whole = place(store.origin, whole);
    if let Some(bucket) = store.location.value.as_literal() {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        if !bucket.contains("#{") && (!limits::BUCKET.fits(bucket) || !bucket.bytes().all(legal)) {
            let report = Diagnostic::new(
                &codes::BUCKET_NAME_INVALID,
                place(store.location.origin, whole),
                format!("`{}` is no name of a bucket", words::short(bucket)),
            );
            diags.emit(if bucket.contains('/') {
                report.with_help("give the bucket alone: CodePipeline chooses the folder in it")
            } else {
                report.with_help(format!(
                    "use {} to {} letters, digits, `-` and `.`",
                    limits::BUCKET.min,
                    limits::BUCKET.max
                ))
            });
        }
    }
    if let Some(key) = &store.encryption_key
        && let Some(id) = key.value.as_literal()
        && !limits::ENCRYPTION_KEY.fits(id)
    {
        let message = match id {
            "" => "the encryption key of an artifact store is empty".to_owned(),
            _ => format!(
                "the encryption key of an artifact store is too long: {}",
                words::too_long(id, limits::ENCRYPTION_KEY.max)
            ),
        };
        diags.emit(
            Diagnostic::new(&codes::ENCRYPTION_KEY_INVALID, place(key.origin, whole), message)
                .with_help("give the key's id, its ARN or the ARN of an alias, or leave it out"),
        );
    }
}

/// A key's ARN says where it is: `arn:aws:kms:REGION:ACCOUNT:key/…`.
fn key_elsewhere(ctx: &Ctx, region: Option<&str>, store: &Store, diags: &mut Diagnostics) {
    let Some(key) = &store.encryption_key else { return };
    let Some(arn) = key.value.as_literal().filter(|id| id.starts_with("arn:")) else {
        return;
    };
    let part = |arn: &str, index: usize| arn.split(':').nth(index).unwrap_or_default().to_owned();
    let (key_region, key_account) = (part(arn, 3), part(arn, 4));
    let role = ctx.pipeline.role_arn.as_ref().and_then(|role| role.value.as_literal());
    let account = role.map(|role| part(role, 4)).unwrap_or_default();
    let message = match region {
        Some(region) if is_region(&key_region) && is_region(region) && key_region != region => {
            format!("the store of `{region}` has a key of `{key_region}`, and a key serves its own region")
        }
        _ if is_account(&key_account) && is_account(&account) && key_account != account => {
            format!("the artifact store's key belongs to account {key_account}, and the pipeline to {account}")
        }
        _ => return,
    };
    diags.emit(
        Diagnostic::new(
            &codes::ENCRYPTION_KEY_ELSEWHERE,
            place(key.origin, place(store.origin, ctx.pipeline.origin)),
            message,
        )
        .with_help("use a key of the pipeline's account in the store's region"),
    );
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn region_format(region: &str, at: Origin, diags: &mut Diagnostics) {
    if is_region(region) || is_deploy_name(region) {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::REGION_INVALID,
            at,
            format!("`{}` is no name of a region", words::short(region)),
        )
        .with_help("write it as `eu-west-1`"),
    );
}

fn is_region(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    limits::REGION.fits(text) && text.bytes().all(legal)
}

/// A region and the first place that names it.
type Named<'a> = (&'a str, Origin);

fn runs_at_home(action: &Action) -> bool {
    action.type_id.is_source() || action.type_id.owner == "ThirdParty" || action.type_id.owner == "Custom"
}

/// The pipeline's own region, as far as the declaration lets it be known; reports actions that disagree about it.
fn home_region<'a>(ctx: &Ctx<'a>, diags: &mut Diagnostics) -> Option<Named<'a>> {
    let mut home: Option<(Named<'a>, &Action)> = None;
    for (_, action) in ctx.actions().filter(|(_, action)| runs_at_home(action)) {
        let Some(region) = &action.region else { continue };
        let at = place(region.origin, action.origin);
        let Some(((first, first_at), first_action)) = home else {
            home = Some(((region.value.as_str(), at), action));
            continue;
        };
        if first == region.value {
            continue;
        }
        let kind = if action.type_id.is_source() {
            "sources"
        } else {
            "actions that are not AWS's own"
        };
        diags.emit(
            Diagnostic::new(
                &codes::CROSS_REGION_UNSUPPORTED,
                at,
                format!(
                    "`{}` runs in `{}` and `{}` in `{first}`, and {kind} run in the pipeline's own region",
                    words::action(action),
                    region.value,
                    words::action(first_action)
                ),
            )
            .with_other(first_at, "so the pipeline's region would be this")
            .with_help("leave the region out of both"),
        );
    }
    home.map(|(named, _)| named)
}

/// Each region that an action names, with the first place that does; what is no region has been reported as such.
fn regions<'a>(ctx: &Ctx<'a>) -> Vec<(&'a Action, Named<'a>)> {
    let mut seen = BTreeSet::new();
    ctx.actions()
        .filter_map(|(_, action)| {
            let region = action.region.as_ref()?;
            let named = (region.value.as_str(), place(region.origin, action.origin));
            (is_region(named.0) && seen.insert(named.0)).then_some((action, named))
        })
        .collect()
}

fn regions_covered(ctx: &Ctx, stores: &BTreeMap<String, Store>, origin: Origin, diags: &mut Diagnostics) {
    for (action, (region, at)) in regions(ctx) {
        // A store for a region that is known when deploying may be any region's.
        if stores.keys().any(|known| known == region || is_deploy_name(known)) {
            continue;
        }
        let known = stores.keys().map(String::as_str);
        let report = Diagnostic::new(
            &codes::REGION_WITHOUT_STORE,
            at,
            format!(
                "`{}` runs in `{region}`, for which there is no artifact store",
                words::action(action)
            ),
        )
        .with_other(origin, "the stores there are");
        diags.emit(match diags.nearest(region, known) {
            Some(nearest) if !words_of_a_region(region, nearest) => {
                report.with_help(format!("did you mean `{nearest}`?"))
            }
            _ => report.with_help(format!("add an artifact store for `{region}`")),
        });
    }
}

/// `eu-west-1` and `eu-west-2` are near each other and both meant; `eu-wset-1` is not.
fn words_of_a_region(region: &str, nearest: &str) -> bool {
    region.trim_end_matches(|c: char| c.is_ascii_digit()) == nearest.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// With one store, every region that is named must be the pipeline's own.
fn regions_with_one_store(ctx: &Ctx, home: Option<Named>, store: &Store, diags: &mut Diagnostics) {
    let regions = regions(ctx);
    let store_at = place(store.origin, ctx.pipeline.origin);
    let Some(&(_, first)) = regions.first() else { return };
    let (own, own_at) = home.unwrap_or(first);
    let mut others = regions
        .iter()
        .filter(|(action, (region, _))| *region != own && !runs_at_home(action))
        .peekable();
    if others.peek().is_none() && home.is_none() && regions.len() == 1 {
        let (action, (region, at)) = regions[0];
        diags.emit(
            Diagnostic::new(
                &codes::REGION_BESIDE_SINGLE_STORE,
                at,
                format!(
                    "`{}` runs in `{region}`, and the only artifact store belongs to the pipeline's own region",
                    words::action(action)
                ),
            )
            .with_other(store_at, "the only store")
            .with_help(format!(
                "give the stores by region if the pipeline is not in `{region}`, else leave the region out"
            )),
        );
    }
    for (action, (region, at)) in others {
        diags.emit(
            Diagnostic::new(
                &codes::REGION_WITHOUT_STORE,
                *at,
                format!(
                    "`{}` runs in `{region}`, for which there is no artifact store",
                    words::action(action)
                ),
            )
            .with_other(own_at, format!("another region, `{own}`"))
            .with_other(store_at, "the only store")
            .with_help("give the artifact stores by region: one for each, and one for the pipeline's own"),
        );
    }
}

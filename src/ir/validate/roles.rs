//! IAM roles: there is one, and its ARN is one.

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Node, Origin, Text, codes, limits};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    match &pipeline.role_arn {
        Some(role) => arn("the pipeline", role, pipeline.origin, diags),
        None if pipeline.incomplete => {}
        None => diags.emit(
            Diagnostic::new(
                &codes::MISSING_ROLE_ARN,
                pipeline.origin,
                format!("pipeline `{}` has no role", words::pipeline(pipeline)),
            )
            .with_help("give the ARN of the service role that CodePipeline acts with"),
        ),
    }
    for (_, action) in ctx.actions() {
        let Some(role) = &action.role_arn else { continue };
        let name = words::action(action);
        arn(&format!("action `{name}`"), role, action.origin, diags);
        let owner = action.type_id.owner.as_str();
        if owner == "ThirdParty" || owner == "Custom" {
            diags.emit(
                Diagnostic::new(
                    &codes::ROLE_ON_FOREIGN_ACTION,
                    place(role.origin, action.origin),
                    format!("`{name}` has a role, and its provider's owner is {owner}: only AWS's own actions use one"),
                )
                .with_help("remove the role"),
            );
        }
    }
    for (_, _, rule) in ctx.rules() {
        if let Some(role) = &rule.role_arn {
            arn(&format!("rule `{}`", words::rule(rule)), role, rule.origin, diags);
        }
    }
}

/// Only what is known now can be judged.
fn arn(owner: &str, role: &Node<Text>, whole: Origin, diags: &mut Diagnostics) {
    let Some(text) = role.value.as_literal() else { return };
    if text.contains("#{") || (is_role_arn(text) && limits::ROLE_ARN.fits(text)) {
        return;
    }
    let message = if is_role_arn(text) {
        format!(
            "the role of {owner} is too long: {}",
            words::too_long(text, limits::ROLE_ARN.max)
        )
    } else {
        format!("the role of {owner} is not the ARN of a role: `{}`", words::short(text))
    };
    diags.emit(
        Diagnostic::new(&codes::ROLE_ARN_FORMAT, place(role.origin, whole), message)
            .with_help("write it as `arn:aws:iam::111122223333:role/name`"),
    );
}

/// `arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*`
fn is_role_arn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("arn:aws") else {
        return false;
    };
    let Some((partition, rest)) = rest.split_once(':') else {
        return false;
    };
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let partition_is_legal = match partition.strip_prefix('-') {
        Some(suffix) => suffix.split('-').all(word),
        None => partition.is_empty(),
    };
    let Some((account, role)) = rest.strip_prefix("iam::").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    partition_is_legal
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.starts_with("role/")
        && !role.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::is_role_arn;

    #[test]
    fn role_arns() {
        for good in [
            "arn:aws:iam::111122223333:role/demo",
            "arn:aws-us-gov:iam::111122223333:role/service-role/demo",
            "arn:aws-cn:iam::111122223333:role/",
        ] {
            assert!(is_role_arn(good), "{good}");
        }
        for bad in [
            "",
            "demo",
            "arn:aws:iam::11112222333:role/demo",
            "arn:aws:iam::111122223333:user/demo",
            "arn:awsx:iam::111122223333:role/demo",
            "arn:aws-:iam::111122223333:role/demo",
            "arn:aws:sts::111122223333:role/demo",
        ] {
            assert!(!is_role_arn(bad), "{bad}");
        }
    }
}

//! A CloudFormation template with the pipeline as its one resource, in YAML or JSON.
//!
//! Properties stand in the order of CloudFormation's pages, which is that of the alphabet; what is empty is left out;
//! configuration values, action versions and the like are strings, as CodePipeline has them. What a `cfn.…` value refers to
//! becomes a parameter of the template; a resource's attribute or a condition, which cannot be given from outside, is
//! named in a warning. The same pipeline gives the same bytes.

use super::document::{Document, Fields, to_json};
use crate::catalog::pascal_case;
use crate::diagnostic::Diagnostics;
use crate::ir;

mod conditional;
mod limits;
mod outside;
mod properties;
mod yaml;

/// How a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// With the short forms of intrinsic functions: `!Ref Bucket`.
    Yaml,
    /// Two-space indentation.
    Json,
}

/// The template, with one newline at the end; `None` if the pipeline holds what CloudFormation cannot say, which is
/// reported. The pipeline is expected to be valid; if it is not, neither is what comes out.
pub fn export(pipeline: &ir::Pipeline, syntax: Syntax, diags: &mut Diagnostics) -> Option<String> {
    if !limits::check(pipeline, diags) {
        return None;
    }
    let resource = Fields::default()
        .with("Type", "AWS::CodePipeline::Pipeline")
        .with("Properties", properties::of(pipeline));
    let resource = Document::from(resource);
    let uses = outside::Uses::of(&resource);
    uses.report(pipeline, diags);
    let parameter = || Document::from(Fields::default().with("Type", "String"));
    let parameters = uses.parameters().map(|name| (name.to_owned(), parameter()));
    let template = Fields::default()
        .with("AWSTemplateFormatVersion", "2010-09-09")
        .with_map("Parameters", parameters.collect())
        .with(
            "Resources",
            Fields::default().with(logical_id(&pipeline.handle.0), resource),
        );
    Some(match syntax {
        Syntax::Yaml => yaml::to_yaml(&template.into()),
        Syntax::Json => to_json(&template.into()),
    })
}

/// The resource's name in the template: letters and digits. What is none already becomes one in PascalCase.
fn logical_id(handle: &str) -> String {
    let is_legal = |c: char| c.is_ascii_alphanumeric();
    if !handle.is_empty() && handle.chars().all(is_legal) {
        return handle.to_owned();
    }
    let words: String = handle.chars().map(|c| if is_legal(c) { c } else { '_' }).collect();
    match pascal_case(&words) {
        id if id.is_empty() => "Pipeline".to_owned(),
        id => id,
    }
}

/// An intrinsic function as a template in JSON has it.
fn function(name: &str, argument: impl Into<Document>) -> Document {
    Fields::default().with(name, argument).into()
}

#[cfg(test)]
mod tests {
    use super::logical_id;

    #[test]
    fn logical_ids_are_letters_and_digits() {
        for (handle, id) in [
            ("AppPipeline", "AppPipeline"),
            ("webshop", "webshop"),
            ("web-shop_release", "WebShopRelease"),
            ("été", "T"),
            ("パイプ", "Pipeline"),
        ] {
            assert_eq!(logical_id(handle), id);
        }
    }
}

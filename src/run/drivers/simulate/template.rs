//! CloudFormation templates, the files with their parameters, and overrides of parameters.

use super::document::{Checked, Document, Problem, field, object, only, scalar, text};
use crate::import::tree::Tree;
use crate::run::outcome::Failure;

/// A template: each resource has a type.
pub(super) fn template(tree: &Tree) -> Checked {
    let resources = field(tree, "Resources", "the template")?;
    let entries = object(resources, "`Resources`")?;
    if entries.is_empty() {
        return Err(Problem::at(
            resources,
            "`Resources` is empty: a stack has at least one resource",
        ));
    }
    for (name, resource) in entries {
        // Loops of the language extensions make resources.
        if !name.value.starts_with("Fn::") {
            let kind = field(resource, "Type", &format!("the resource `{}`", name.value))?;
            text(kind, "`Type`")?;
        }
    }
    Ok(())
}

/// A template's configuration: values of parameters, tags, a policy for the stack.
pub(super) fn configuration(tree: &Tree, template: Option<&Document>) -> Checked {
    only(
        tree,
        "a template's configuration",
        &["Parameters", "Tags", "StackPolicy"],
    )?;
    for key in ["Parameters", "Tags"] {
        let Some(entries) = tree.get(key) else { continue };
        for (name, value) in object(entries, &format!("`{key}`"))? {
            if scalar(value).is_none() {
                let message = format!("`{}` has to be a string, not {}", name.value, value.described());
                return Err(Problem::at(value, message));
            }
        }
    }
    if let Some(policy) = tree.get("StackPolicy") {
        field(policy, "Statement", "`StackPolicy`")?;
    }
    let Some(parameters) = tree.get("Parameters") else {
        return Ok(());
    };
    for (name, _) in object(parameters, "`Parameters`")? {
        if let Some(template) = template.filter(|template| !has_parameter(template, &name.value)) {
            return Err(Problem::on(name.span, unknown(template, &name.value)));
        }
    }
    Ok(())
}

/// What an override takes from an artifact.
pub(super) enum Taken<'a> {
    /// `{"Fn::GetArtifactAtt": [artifact, attribute]}`
    Attribute { artifact: &'a str },
    /// `{"Fn::GetParam": [artifact, file, key]}`
    Value {
        artifact: &'a str,
        file: &'a str,
        key: &'a str,
    },
}

/// The overrides, an object in JSON; gives what they take from artifacts.
pub(super) fn overrides<'d>(document: &'d Document, template: Option<&Document>) -> Result<Vec<Taken<'d>>, Failure> {
    let mut out = Vec::new();
    let check = |out: &mut Vec<Taken<'d>>| -> Checked {
        for (name, value) in object(&document.tree, "it")? {
            if let Some(template) = template.filter(|template| !has_parameter(template, &name.value)) {
                return Err(Problem::on(name.span, unknown(template, &name.value)));
            }
            if scalar(value).is_none() {
                out.push(taken(value)?);
            }
        }
        Ok(())
    };
    check(&mut out).map_err(|problem| document.failure(problem))?;
    Ok(out)
}

fn taken(value: &Tree) -> Checked<Taken<'_>> {
    let texts = |tree: &'_ Tree| -> Option<Vec<String>> { tree.as_list()?.iter().map(scalar).collect() };
    let (function, argument) = value.intrinsic().ok_or_else(|| {
        let message = format!(
            "a parameter is a string, `Fn::GetParam` or `Fn::GetArtifactAtt`, not {}",
            value.described()
        );
        Problem::at(value, message)
    })?;
    let items = argument
        .as_list()
        .filter(|_| texts(argument).is_some())
        .unwrap_or_default();
    let items: Vec<&str> = items.iter().filter_map(Tree::as_str).collect();
    match (function, items.as_slice()) {
        ("Fn::GetArtifactAtt", [artifact, "BucketName" | "ObjectKey" | "URL"]) => Ok(Taken::Attribute { artifact }),
        ("Fn::GetArtifactAtt", _) => Err(Problem::at(
            argument,
            "`Fn::GetArtifactAtt` takes an artifact's name and `BucketName`, `ObjectKey` or `URL`",
        )),
        ("Fn::GetParam", [artifact, file, key]) => Ok(Taken::Value { artifact, file, key }),
        ("Fn::GetParam", _) => Err(Problem::at(
            argument,
            "`Fn::GetParam` takes an artifact's name, a file in it, and a key in that",
        )),
        (other, _) => Err(Problem::at(value, format!("`{other}` cannot stand in overrides"))
            .with_help("take `Fn::GetParam` or `Fn::GetArtifactAtt`")),
    }
}

fn has_parameter(template: &Document, name: &str) -> bool {
    // What a macro adds is not there yet.
    let is_transformed = template.tree.get("Transform").is_some();
    let parameters = template.tree.get("Parameters");
    is_transformed || parameters.is_some_and(|parameters| parameters.get(name).is_some())
}

fn unknown(template: &Document, name: &str) -> String {
    format!("the template, {}, has no parameter `{name}`", template.name)
}

//! Files about containers: `imagedefinitions.json`, `imageDetail.json`, task definitions.

use super::document::{Checked, Problem, field, list, text};
use crate::import::tree::Tree;

/// `[{"name": …, "imageUri": …}, …]`, for Amazon ECS.
pub(super) fn image_definitions(tree: &Tree) -> Checked {
    let mut names: Vec<&str> = Vec::new();
    for item in list(tree, "the list of images")? {
        let name = text(field(item, "name", "an image")?, "`name`")?;
        let image = field(item, "imageUri", "an image")?;
        if text(image, "`imageUri`")?.contains(char::is_whitespace) {
            return Err(Problem::at(image, "`imageUri` holds a blank or a line break")
                .with_help("write it without: `printf` prints no line break at the end"));
        }
        if names.contains(&name) {
            return Err(Problem::at(item, format!("the container `{name}` stands here twice")));
        }
        names.push(name);
    }
    Ok(())
}

/// What the ECR source gives, for blue/green deployments.
pub(super) fn image_detail(tree: &Tree) -> Checked {
    text(field(tree, "ImageURI", "the image's description")?, "`ImageURI`").map(|_| ())
}

/// A task definition; `placeholders` are those that stand for images.
pub(super) fn task_definition(tree: &Tree, placeholders: &[String]) -> Checked {
    text(field(tree, "family", "the task definition")?, "`family`")?;
    let containers = field(tree, "containerDefinitions", "the task definition")?;
    let mut images = Vec::new();
    for container in list(containers, "`containerDefinitions`")? {
        text(field(container, "name", "a container")?, "`name`")?;
        images.push(text(field(container, "image", "a container")?, "`image`")?);
    }
    for placeholder in placeholders {
        let written = format!("<{placeholder}>");
        if !images.iter().any(|image| image.contains(&written)) {
            let message = format!("no container's `image` is `{written}`");
            return Err(Problem::at(containers, message).with_help(format!(
                "put `{written}` where the image belongs: the action is told to replace it"
            )));
        }
    }
    Ok(())
}

/// The containers of a task definition.
pub(super) fn container_names(task_definition: &Tree) -> Vec<&str> {
    let containers = task_definition.get("containerDefinitions").and_then(Tree::as_list);
    let names = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get("name"));
    names.filter_map(Tree::as_str).collect()
}

/// Whether a document names its container among those of the task definition: `LoadBalancerInfo` of an appspec.
pub(super) fn container_exists(name: &Tree, known: &[&str]) -> Checked {
    let wanted = text(name, "`ContainerName`")?;
    if known.contains(&wanted) {
        return Ok(());
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    Err(
        Problem::at(name, format!("the task definition has no container `{wanted}`"))
            .with_help(format!("its containers are {}", names.join(", "))),
    )
}

//! Whose words a message uses: those of `.pipe`, or those of AWS's own documents.
//!
//! Rules about providers are worded with the fields of the language, since most readers write that. For a document of
//! CodePipeline or CloudFormation the same message names the keys that stand there.

use std::borrow::Cow;

use crate::catalog::{Provider, pascal_case};
use crate::diagnostic::Diagnostic;

/// The words of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wording {
    /// `project_name`
    #[default]
    Pipe,
    /// `roleArn` and `ProjectName`, as CodePipeline's API has them.
    CodePipeline,
    /// `RoleArn` and `ProjectName`, as a template has them.
    CloudFormation,
}

/// What the messages say of any action, and the API's key for it.
const COMMON: [(&str, &str); 7] = [
    ("`input = …`", "inputArtifacts"),
    ("a line `output name`", "outputArtifacts"),
    ("`input`", "inputArtifacts"),
    ("`region`", "region"),
    ("`role_arn`", "roleArn"),
    ("`timeout`", "timeoutInMinutes"),
    ("`namespace`", "namespace"),
];

/// How a V1 pipeline becomes a V2 one in `.pipe`.
pub const REMOVE_TYPE: &str = "remove `pipeline_type = \"V1\"`: V2 is what a pipeline is without it";

impl Wording {
    /// Puts a report about a provider into these words.
    pub fn apply(self, diagnostic: &mut Diagnostic, provider: &Provider) {
        if self == Self::Pipe {
            return;
        }
        let texts = std::iter::once(&mut diagnostic.message)
            .chain(diagnostic.help.as_mut())
            .chain(std::iter::once(&mut diagnostic.primary.message))
            .chain(diagnostic.others.iter_mut().map(|label| &mut label.message));
        for text in texts.filter(|text| text.contains('`')) {
            for field in &provider.fields {
                // The API keeps some fields beside the configuration, under keys of their own.
                let key = match field.encoding.is_configuration() {
                    true => field.key.clone(),
                    false => self.key(&camel_case(&field.name)).into_owned(),
                };
                replace(text, &format!("`{} = …`", field.name), &format!("`{key}`"));
                replace(text, &format!("`{}`", field.name), &format!("`{key}`"));
            }
            for (pipe, key) in COMMON {
                replace(text, pipe, &format!("`{}`", self.key(key)));
            }
            let kind = self.key("pipelineType");
            replace(text, REMOVE_TYPE, &format!("set `{kind}` to `V2`"));
        }
    }

    /// A key of the API in these words: `roleArn` or `RoleArn`.
    pub fn key(self, camel: &str) -> Cow<'_, str> {
        match self {
            Self::CloudFormation => Cow::Owned(pascal_case(camel)),
            Self::Pipe | Self::CodePipeline => Cow::Borrowed(camel),
        }
    }
}

/// `environment_variables` as `environmentVariables`.
fn camel_case(name: &str) -> String {
    let pascal = pascal_case(name);
    let mut chars = pascal.chars();
    let first = chars.next();
    first.map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn replace(text: &mut String, part: &str, by: &str) {
    if text.contains(part) {
        *text = text.replace(part, by);
    }
}

//! What AWS allows, in one place: every bound that validation holds a pipeline to.
//!
//! Each figure says where it stands and when it was last compared ([`Page`]). The API model is the one that botocore
//! 1.43.11 ships; where the model, the user guide and what the service was seen to answer disagree, the loosest of them
//! is the error and the strictest a warning, as its comment says. Lengths count characters, both bounds are allowed.

/// Where a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub url: &'static str,
    /// The day on which the figures taken from it were last compared, as `YYYY-MM-DD`.
    pub compared: &'static str,
}

/// The API reference, which is made from the service's model (version 2015-07-09).
pub const MODEL: Page = Page {
    url: "https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html",
    compared: "2026-11-22",
};
/// "Quotas in AWS CodePipeline".
pub const QUOTAS: Page = Page {
    url: "https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html",
    compared: "2026-11-22",
};
/// "CodePipeline pipeline structure reference".
pub const STRUCTURE: Page = Page {
    url: "https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html",
    compared: "2026-11-22",
};
/// No page: what the service itself answered, as quoted in aws/aws-cdk#19767 and hashicorp/terraform-provider-aws#41023.
pub const OBSERVED: Page = Page {
    url: "https://github.com/aws/aws-cdk/issues/19767",
    compared: "2026-11-22",
};

/// The fewest and the most of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub min: usize,
    pub max: usize,
    pub page: Page,
}

impl Limit {
    const fn new(min: usize, max: usize, page: Page) -> Self {
        Self { min, max, page }
    }

    pub fn holds(&self, count: usize) -> bool {
        self.min <= count && count <= self.max
    }

    /// Whether the text's length in characters is within the bounds.
    pub fn fits(&self, text: &str) -> bool {
        let bytes = text.len();
        // No text has more characters than bytes, so most need no counting.
        if self.min <= 1 && bytes <= self.max {
            bytes >= self.min
        } else {
            self.holds(text.chars().count())
        }
    }
}

pub const STAGES: Limit = Limit::new(2, 50, QUOTAS);
/// The quota page says 50 in one row, and 100 parallel and 100 sequential ones in two others: a warning above this.
pub const ACTIONS_IN_STAGE: Limit = Limit::new(1, 50, QUOTAS);
pub const PARALLEL_ACTIONS: Limit = Limit::new(1, 100, QUOTAS);
/// Of one execution in PARALLEL mode.
pub const PARALLEL_MODE_ACTIONS: Limit = Limit::new(1, 5, QUOTAS);
/// Counted in steps: what runs at the same time is one.
pub const SEQUENTIAL_ACTIONS: Limit = Limit::new(1, 100, QUOTAS);
pub const ACTIONS_IN_PIPELINE: Limit = Limit::new(1, 1000, QUOTAS);
pub const RUN_ORDER: Limit = Limit::new(1, 999, MODEL);

/// Of pipelines, stages, actions and rules.
pub const NAME: Limit = Limit::new(1, 100, MODEL);
pub const ARTIFACT_NAME: Limit = Limit::new(1, 100, MODEL);
pub const NAMESPACE: Limit = Limit::new(1, 100, MODEL);
pub const PROVIDER: Limit = Limit::new(1, 35, MODEL);
/// Of custom action types; the model takes 35, so above this it is a warning.
pub const CUSTOM_PROVIDER: Limit = Limit::new(1, 25, QUOTAS);
pub const VERSION: Limit = Limit::new(1, 9, MODEL);

pub const ROLE_ARN: Limit = Limit::new(1, 1024, MODEL);
pub const BUCKET: Limit = Limit::new(3, 63, MODEL);
pub const ENCRYPTION_KEY: Limit = Limit::new(1, 400, MODEL);
pub const REGION: Limit = Limit::new(4, 30, MODEL);

pub const CONFIGURATION_KEY: Limit = Limit::new(1, 50, MODEL);
/// Model and quota page; above it a warning, since the service has taken more for years.
pub const CONFIGURATION_VALUE: Limit = Limit::new(1, 1000, QUOTAS);
/// What the service says in its refusals.
pub const CONFIGURATION_VALUE_REFUSED: Limit = Limit::new(1, 50_000, OBSERVED);
/// Of one action's values together, in bytes, after references are resolved: "100 KB".
pub const CONFIGURATION_SIZE: Limit = Limit::new(0, 100 * 1024, QUOTAS);
pub const RULE_CONFIGURATION_ENTRIES: Limit = Limit::new(0, 200, MODEL);
pub const RULE_CONFIGURATION_VALUE: Limit = Limit::new(1, 10_000, MODEL);
pub const COMMANDS: Limit = Limit::new(1, 50, MODEL);
pub const COMMAND: Limit = Limit::new(1, 1000, MODEL);
pub const ENVIRONMENT_VARIABLES: Limit = Limit::new(1, 10, MODEL);
pub const ENVIRONMENT_NAME: Limit = Limit::new(1, 128, MODEL);
pub const ENVIRONMENT_VALUE: Limit = Limit::new(1, 2000, MODEL);
pub const OUTPUT_VARIABLES: Limit = Limit::new(1, 15, MODEL);
pub const OUTPUT_VARIABLE: Limit = Limit::new(1, 128, MODEL);
pub const OUTPUT_FILES: Limit = Limit::new(1, 10, MODEL);
pub const OUTPUT_FILE: Limit = Limit::new(1, 128, MODEL);
/// In minutes.
pub const TIMEOUT: Limit = Limit::new(5, 86_400, MODEL);

pub const VARIABLES: Limit = Limit::new(0, 50, MODEL);
pub const VARIABLE_NAME: Limit = Limit::new(1, 128, MODEL);
pub const VARIABLE_DEFAULT: Limit = Limit::new(1, 1000, MODEL);
pub const VARIABLE_DESCRIPTION: Limit = Limit::new(0, 200, MODEL);

pub const TRIGGERS: Limit = Limit::new(0, 50, MODEL);
/// Of all triggers together, as JSON, in bytes.
pub const TRIGGERS_SIZE: Limit = Limit::new(0, 200 * 1024, QUOTAS);
/// Of each kind.
pub const TRIGGER_FILTERS: Limit = Limit::new(1, 3, MODEL);
/// Of each list.
pub const TRIGGER_PATTERNS: Limit = Limit::new(1, 8, MODEL);
pub const TRIGGER_PATTERN: Limit = Limit::new(1, 255, MODEL);

pub const CONDITION_RULES: Limit = Limit::new(1, 5, MODEL);

pub const TAGS: Limit = Limit::new(0, 50, QUOTAS);
pub const TAG_KEY: Limit = Limit::new(1, 128, MODEL);
/// The quota page wants one character at least, the model takes none.
pub const TAG_VALUE: Limit = Limit::new(0, 256, MODEL);

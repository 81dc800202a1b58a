//! What stands in a run's way before it starts.

use serde::Serialize;

/// Something that keeps a run from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// `Prod/rollout`; none for the pipeline as a whole.
    pub place: Option<String>,
    pub message: String,
    /// What to do, as an order.
    pub help: Option<String>,
}

impl Refusal {
    /// The stage that it belongs to: what its place begins with. Names of stages hold no commas and slashes.
    pub fn stage(&self) -> Option<&str> {
        self.place.as_deref()?.split([',', '/']).next()
    }

    /// Why a pipeline cannot run whose stages or actions depend on conditions that only a template decides.
    pub fn undecided(names: &[String]) -> Vec<Self> {
        let refusal = |name: &String| Self {
            kind: RefusalKind::Impossible,
            place: None,
            message: format!("a part of the pipeline depends on the template's condition `{name}`"),
            help: Some(format!("say how it comes out: `--condition {name}=true`, or `=false`")),
        };
        names.iter().map(refusal).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The command line names something that does not exist.
    Usage,
    /// It cannot be done here.
    Impossible,
}

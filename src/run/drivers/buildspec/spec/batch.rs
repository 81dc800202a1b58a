//! `batch`: several builds for one action, as a graph, a list, a matrix, or equal parts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::values::{OneOrMany, Switch};

/// The most builds that CodeBuild takes in one batch.
const MOST_BUILDS: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Batch {
    pub fast_fail: Option<Switch>,
    pub build_graph: Option<Vec<Entry>>,
    pub build_list: Option<Vec<Entry>>,
    pub build_matrix: Option<Matrix>,
    pub build_fanout: Option<Fanout>,
}

/// An entry of a graph or of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    pub identifier: Option<String>,
    pub buildspec: Option<String>,
    pub depend_on: Option<OneOrMany>,
    pub env: Option<TaskEnv>,
    pub ignore_failure: Option<Switch>,
    pub debug_session: Option<Switch>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskEnv {
    pub compute_type: Option<String>,
    pub fleet: Option<String>,
    pub image: Option<String>,
    pub privileged_mode: Option<Switch>,
    pub r#type: Option<String>,
    pub variables: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Matrix {
    pub r#static: Option<StaticPart>,
    pub dynamic: Option<Dynamic>,
}

/// What all builds of a matrix have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StaticPart {
    pub ignore_failure: Option<Switch>,
    pub env: Option<TaskEnv>,
}

/// What the builds of a matrix differ in.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Dynamic {
    pub buildspec: Option<OneOrMany>,
    pub env: Option<DynamicEnv>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DynamicEnv {
    pub compute_type: Option<OneOrMany>,
    pub image: Option<OneOrMany>,
    pub variables: Option<BTreeMap<String, OneOrMany>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fanout {
    pub parallelism: u32,
    pub ignore_failure: Option<Switch>,
}

/// One build of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    pub identifier: String,
    /// The path of a buildspec of its own.
    pub buildspec: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub depends_on: Vec<String>,
    pub ignore_failure: bool,
    /// What it asks of its machine: `image aws/codebuild/standard:7.0`.
    pub machine: Vec<String>,
}

impl Batch {
    /// The builds, each after those that it depends on and otherwise as they are written.
    pub fn tasks(&self) -> Result<Vec<Task>, String> {
        let tasks = match (
            &self.build_graph,
            &self.build_list,
            &self.build_matrix,
            &self.build_fanout,
        ) {
            (Some(entries), None, None, None) => entries.iter().map(Entry::task).collect::<Result<Vec<_>, _>>()?,
            (None, Some(entries), None, None) => list(entries)?,
            (None, None, Some(matrix), None) => matrix.tasks()?,
            (None, None, None, Some(fanout)) => fanout.tasks(),
            (None, None, None, None) => {
                return Err(
                    "`batch` has none of `build-graph`, `build-list`, `build-matrix` and `build-fanout`".to_owned(),
                );
            }
            _ => {
                return Err(
                    "`batch` has more than one of `build-graph`, `build-list`, `build-matrix` and `build-fanout`"
                        .to_owned(),
                );
            }
        };
        if tasks.is_empty() {
            return Err("`batch` names no build".to_owned());
        }
        if tasks.len() > MOST_BUILDS {
            let count = tasks.len();
            return Err(format!(
                "`batch` makes {count} builds; CodeBuild takes at most {MOST_BUILDS}"
            ));
        }
        check_names(&tasks)?;
        in_order(tasks)
    }

    pub fn is_fast_fail(&self) -> bool {
        is_on(self.fast_fail)
    }

    /// Whether its builds have no names but those that are made up.
    pub fn names_its_builds(&self) -> bool {
        self.build_matrix.is_some() || self.build_fanout.is_some()
    }

    pub fn wants_debug_sessions(&self) -> bool {
        let entries = self.build_graph.iter().chain(&self.build_list).flatten();
        entries.into_iter().any(|entry| is_on(entry.debug_session))
    }
}

fn is_on(switch: Option<Switch>) -> bool {
    switch.is_some_and(|switch| switch.0)
}

fn list(entries: &[Entry]) -> Result<Vec<Task>, String> {
    let mut out = Vec::new();
    for entry in entries {
        let task = entry.task()?;
        if !task.depends_on.is_empty() {
            let name = task.identifier;
            return Err(format!(
                "the build `{name}` has `depend-on`, which only a `build-graph` knows"
            ));
        }
        out.push(task);
    }
    Ok(out)
}

impl Entry {
    fn task(&self) -> Result<Task, String> {
        let identifier = self
            .identifier
            .clone()
            .ok_or("a build of the batch has no `identifier`")?;
        let env = self.env.clone().unwrap_or_default();
        if env.compute_type.is_some() && env.fleet.is_some() {
            return Err(format!("the build `{identifier}` has both `compute-type` and `fleet`"));
        }
        let variables = env.variables.clone().unwrap_or_default().into_iter();
        Ok(Task {
            buildspec: self.buildspec.clone(),
            variables: variables
                .map(|(name, value)| (name, value.unwrap_or_default()))
                .collect(),
            depends_on: self.depend_on.clone().unwrap_or_default().0,
            ignore_failure: is_on(self.ignore_failure),
            machine: env.machine(),
            identifier,
        })
    }
}

impl TaskEnv {
    fn machine(&self) -> Vec<String> {
        let texts = [
            ("compute-type", &self.compute_type),
            ("fleet", &self.fleet),
            ("image", &self.image),
            ("type", &self.r#type),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let mut out: Vec<String> = texts.map(|(key, value)| format!("{key} {value}")).collect();
        if is_on(self.privileged_mode) {
            out.push("privileged-mode".to_owned());
        }
        out
    }
}

impl Matrix {
    /// The product of all that the builds differ in: the first differs slowest, as in CodeBuild's guide.
    fn tasks(&self) -> Result<Vec<Task>, String> {
        let fixed = self.r#static.clone().unwrap_or_default();
        let dynamic = self.dynamic.clone().unwrap_or_default();
        let env = dynamic.env.unwrap_or_default();
        let fixed_env = fixed.env.unwrap_or_default();
        let fixed_variables = fixed_env.variables.clone().unwrap_or_default().into_iter();
        let mut tasks = vec![Task {
            ignore_failure: is_on(fixed.ignore_failure),
            machine: fixed_env.machine(),
            variables: fixed_variables
                .map(|(name, value)| (name, value.unwrap_or_default()))
                .collect(),
            ..Task::default()
        }];
        multiply(&mut tasks, dynamic.buildspec, |task, path| task.buildspec = Some(path))?;
        multiply(&mut tasks, env.compute_type, |task, value| {
            task.machine.push(format!("compute-type {value}"));
        })?;
        multiply(&mut tasks, env.image, |task, value| {
            task.machine.push(format!("image {value}"));
        })?;
        for (name, values) in env.variables.unwrap_or_default() {
            multiply(&mut tasks, Some(values), |task, value| {
                task.variables.insert(name.clone(), value);
            })?;
        }
        Ok(numbered(tasks))
    }
}

fn multiply(tasks: &mut Vec<Task>, values: Option<OneOrMany>, set: impl Fn(&mut Task, String)) -> Result<(), String> {
    let Some(OneOrMany(values)) = values else { return Ok(()) };
    // Before memory is asked for it.
    if tasks.len() * values.len() > MOST_BUILDS {
        return Err(format!(
            "the `build-matrix` makes more than the {MOST_BUILDS} builds that CodeBuild takes"
        ));
    }
    let old = std::mem::take(tasks);
    for task in old {
        for value in &values {
            let mut task = task.clone();
            set(&mut task, value.clone());
            tasks.push(task);
        }
    }
    Ok(())
}

impl Fanout {
    fn tasks(&self) -> Vec<Task> {
        let task = Task {
            ignore_failure: is_on(self.ignore_failure),
            ..Task::default()
        };
        // One more than is allowed is enough to be refused.
        let count = (self.parallelism as usize).min(MOST_BUILDS + 1);
        numbered(vec![task; count])
    }
}

/// CodeBuild does not say what it calls builds that have no name of their own.
fn numbered(mut tasks: Vec<Task>) -> Vec<Task> {
    for (index, task) in tasks.iter_mut().enumerate() {
        task.identifier = format!("build{}", index + 1);
    }
    tasks
}

fn check_names(tasks: &[Task]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for task in tasks {
        let name = task.identifier.as_str();
        let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.len() >= 128 || !name.chars().all(is_legal) {
            return Err(format!(
                "the identifier `{name}` must be of letters, digits and underscores, and shorter than 128"
            ));
        }
        if !seen.insert(name) {
            return Err(format!("two builds of the batch have the identifier `{name}`"));
        }
    }
    for task in tasks {
        for other in &task.depends_on {
            if !seen.contains(other.as_str()) {
                let near = crate::diagnostic::suggest::nearest(other, seen.iter().copied());
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                let name = &task.identifier;
                return Err(format!(
                    "the build `{name}` depends on `{other}`, which is no build of the batch{hint}"
                ));
            }
        }
    }
    Ok(())
}

/// Each build after those that it depends on.
fn in_order(mut left: Vec<Task>) -> Result<Vec<Task>, String> {
    let mut out: Vec<Task> = Vec::new();
    while !left.is_empty() {
        let is_done = |name: &String| out.iter().any(|task| task.identifier == *name);
        let Some(next) = left.iter().position(|task| task.depends_on.iter().all(is_done)) else {
            let names: Vec<String> = left.iter().map(|task| format!("`{}`", task.identifier)).collect();
            return Err(format!(
                "builds of the batch depend on each other in a circle: {}",
                names.join(", ")
            ));
        };
        out.push(left.remove(next));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(text: &str) -> Result<Vec<Task>, String> {
        serde_saphyr::from_str::<Batch>(text).unwrap().tasks()
    }

    fn names(text: &str) -> String {
        let names: Vec<String> = tasks(text).unwrap().into_iter().map(|task| task.identifier).collect();
        names.join(" ")
    }

    #[test]
    fn a_graph_runs_in_the_order_of_its_edges() {
        let graph = "build-graph: [{identifier: c, depend-on: [b]}, {identifier: a}, {identifier: b, depend-on: a}]";
        assert_eq!(names(graph), "a b c");
    }

    #[test]
    fn a_matrix_is_the_product_of_its_values() {
        let matrix = "
build-matrix:
  static: {ignore-failure: false, env: {type: LINUX_CONTAINER, privileged-mode: true}}
  dynamic: {env: {image: [linux, windows], variables: {MY_VAR: [V1, V2, V3]}}}
";
        let tasks = tasks(matrix).unwrap();
        let words: Vec<String> = tasks
            .iter()
            .map(|task| format!("{} {}", task.machine[2], task.variables["MY_VAR"]))
            .collect();
        assert_eq!(
            words,
            [
                "image linux V1",
                "image linux V2",
                "image linux V3",
                "image windows V1",
                "image windows V2",
                "image windows V3"
            ]
        );
        assert_eq!(tasks[0].machine[..2], ["type LINUX_CONTAINER", "privileged-mode"]);
    }

    #[test]
    fn mistakes_are_named() {
        let mistakes = [
            ("fast-fail: true", "has none of"),
            ("build-list: []\nbuild-fanout: {parallelism: 2}", "more than one"),
            ("build-list: []", "names no build"),
            ("build-list: [{buildspec: b.yml}]", "no `identifier`"),
            ("build-list: [{identifier: a-b}]", "letters, digits"),
            ("build-list: [{identifier: a}, {identifier: a}]", "two builds"),
            ("build-list: [{identifier: a, depend-on: [b]}]", "only a `build-graph`"),
            (
                "build-graph: [{identifier: lint}, {identifier: b, depend-on: [lnit]}]",
                "did you mean `lint`?",
            ),
            (
                "build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]",
                "in a circle: `a`, `b`",
            ),
            (
                "build-list: [{identifier: a, env: {fleet: f, compute-type: c}}]",
                "both `compute-type` and `fleet`",
            ),
            ("build-fanout: {parallelism: 4000000000}", "at most 100"),
        ];
        for (text, expected) in mistakes {
            let problem = tasks(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}

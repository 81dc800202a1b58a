//! Buildspecs and what comes of them: `cases/buildspec/<section of the reference>/*.yml`.
//!
//! The comments that a case begins with say what is around it, a line each:
//!
//! ```text
//! # output: site              an output of the action
//! # input: lib                a second input; its files are those of the first
//! # made: app=lib            a second input, which an action before makes of the first
//! # set: BatchEnabled=true    an entry of the action's configuration
//! # secret: npm=value         a value of a secret or parameter
//! # file: src/a.txt=text      a file of the source
//! # copy: junit.xml           a file of the source, from `files/`
//! # runs: 2                   so many runs in the same folder
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use pipe::ir;
use pipe::run::RunOutcome;
use pipe::run::event::Event;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, StandardDrivers, build, commands, pipeline, source, stage};

#[test]
fn cases_come_out_as_they_should() {
    insta::glob!("../cases/buildspec", "[0-9]*", |section| {
        let mut paths: Vec<PathBuf> = fs::read_dir(section)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let stories: Vec<String> = thread::scope(|scope| {
            let started: Vec<_> = paths.iter().map(|path| scope.spawn(|| told(path))).collect();
            started.into_iter().map(|story| story.join().unwrap()).collect()
        });
        insta::assert_snapshot!(stories.join("\n"));
    });
}

fn told(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().display();
    format!("=== {name}\n{}", Case::read(path, &text).come_out())
}

struct Case {
    project: Project,
    pipeline: ir::Pipeline,
    outputs: Vec<String>,
    runs: usize,
}

impl Case {
    fn read(path: &Path, text: &str) -> Self {
        let project = Project::new(&[("buildspec.yml", text)]);
        let mut action = build("build").input("app");
        let mut secrets = serde_json::Map::new();
        let (mut outputs, mut runs) = (Vec::new(), 1);
        let (mut sources, mut made) = (vec![source("app")], Vec::new());
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let pair = || value.split_once('=').unwrap_or_else(|| panic!("{line}"));
            match key {
                "output" => {
                    action = action.output(value, &[]);
                    outputs.push(value.to_owned());
                }
                "input" => {
                    let path = project.path().display().to_string();
                    sources.push(source(value).local("path", json!(path)));
                    action = action.input(value).set("PrimarySource", "app");
                }
                "made" => {
                    made.push(commands("make", &["true"]).input(pair().0).output(pair().1, &[]));
                    action = action.input(pair().1);
                }
                "set" => action = action.set(pair().0, pair().1),
                "secret" => {
                    secrets.insert(pair().0.to_owned(), json!(pair().1));
                }
                "file" => project.file(pair().0, &pair().1.replace("\\n", "\n")),
                "copy" => {
                    let from = path.parent().unwrap().with_file_name("files").join(value);
                    project.file(value, &fs::read_to_string(from).unwrap());
                }
                "runs" => runs = value.parse().unwrap(),
                _ => {}
            }
        }
        if !secrets.is_empty() {
            action = action.local("secrets", secrets.into());
        }
        let list = |name: &String| {
            let files = "find . -type f -o -type l | sort | while read -r f; do echo \"$f: $(head -c 40 \"$f\" | tr '\\n' ' ')\"; done";
            commands(name, &[files]).input(name)
        };
        let mut stages = vec![stage("Source", sources)];
        if !made.is_empty() {
            stages.push(stage("Make", made));
        }
        stages.push(stage("Build", vec![action]));
        if !outputs.is_empty() {
            stages.push(stage("List", outputs.iter().map(list).collect()));
        }
        Self {
            project,
            pipeline: pipeline(stages),
            outputs,
            runs,
        }
    }

    fn come_out(&self) -> String {
        let options = self.project.options();
        let plan = match pipe::run::plan::plan(&self.pipeline, &StandardDrivers, &options) {
            Ok(plan) => plan,
            Err(refusals) => {
                assert_eq!(self.project.run(&self.pipeline).outcome, RunOutcome::Refused);
                let lines = refusals.into_iter().map(|refusal| {
                    let help = refusal.help.map_or(String::new(), |help| format!("\n  help: {help}"));
                    format!("refused: {}{help}\n", refusal.message)
                });
                return lines.collect();
            }
        };
        let notes = plan.notes.values().flatten();
        let notes: String = notes.map(|note| format!("planned: {note}\n")).collect();
        let runs = (0..self.runs).map(|_| self.story(&self.project.run(&self.pipeline)));
        notes + &runs.collect::<Vec<_>>().join("\n--- again ---\n\n")
    }

    /// What one run's build printed, gave, and was said of it.
    fn story(&self, ran: &Ran) -> String {
        let mut out = String::new();
        // What a shell says of its own accord is not the same in every shell.
        let log = ran.log("Build/build");
        for line in log.lines().filter(|line| !line.starts_with("pipe: ")) {
            out.push_str(&format!("| {}\n", without_time(line)));
        }
        let ended = ran.records.iter().find_map(|record| match &record.event {
            Event::ActionFinished {
                name,
                status,
                failure,
                variables,
                notes,
                ..
            } if name.action == "build" => Some((status, failure, variables, notes)),
            _ => None,
        });
        let (status, failure, variables, notes) = ended.unwrap_or_else(|| panic!("{:#?}", ran.records));
        out.push_str(&format!("{status}\n"));
        if let Some(failure) = failure {
            out.push_str(&format!("failure: {}\n", failure.message));
            let more = [("command", &failure.command), ("help", &failure.help)];
            for (name, text) in more.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
                out.push_str(&format!("  {name}: {text}\n"));
            }
        }
        for note in notes {
            out.push_str(&format!("note: {note}\n"));
        }
        for (name, value) in variables {
            out.push_str(&format!("variable {name}={value:?}\n"));
        }
        for output in &self.outputs {
            for line in ran
                .log(&format!("List/{output}"))
                .lines()
                .filter(|line| !line.starts_with("$ "))
            {
                out.push_str(&format!("artifact {output} {line}\n"));
            }
        }
        self.without_places(&out, ran)
    }

    fn without_places(&self, text: &str, ran: &Ran) -> String {
        let places = [
            (&ran.run_dir.join("work"), "<work>"),
            (&self.project.path().to_path_buf(), "<project>"),
        ];
        places.iter().fold(text.to_owned(), |text, (path, name)| {
            text.replace(&path.display().to_string(), name)
        })
    }
}

/// `[Container] 2026/11/22 13:16:38.123456 Entering phase BUILD`, as anybody's clock would have it.
fn without_time(line: &str) -> String {
    let Some(rest) = line.strip_prefix("[Container] ") else {
        return line.to_owned();
    };
    let (time, text) = rest.split_at("2026/11/22 13:16:38.123456 ".len());
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000/00/00 00:00:00.000000 ", "{line}");
    format!("[Container] {text}")
}

//! One action: what carries it out, and what that needs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Planner, invoked};
use crate::ir::{self, EnvironmentKind};
use crate::run::drivers::{find_shell, shell};
use crate::run::outcome::Failure;
use crate::run::part::{is_called, place};
use crate::run::planned::{ActionPlan, Driver, How};
use crate::run::refusal::RefusalKind;
use crate::run::revision::Revision;
use crate::run::secrets;
use crate::run::settings::Settings;

impl Planner<'_> {
    pub(super) fn action(&mut self, stage: &ir::Stage, action: &ir::Action) -> ActionPlan {
        let place = place(stage, action);
        let settings = Settings::read(&action.local).unwrap_or_else(|problem| {
            self.impossible(&place, problem, "correct its `local` block");
            Settings::default()
        });
        let source = self
            .options
            .sources
            .iter()
            .rev()
            .find(|(name, _)| action.type_id.is_source() && is_called(action, name))
            .map(|(_, source)| source.clone());
        let (how, driver) = self.choose(&place, action, &settings, source.as_deref());
        let revisions = self.revisions(&place, action);
        self.collect_secrets(&place, action, &settings);
        self.check_shell(&place, action, driver, &settings);
        if driver == Driver::FileSource && source.is_none() {
            self.check_path(&place, action, &settings);
        }
        if driver == Driver::Simulate {
            for folder in &settings.files {
                if !self.options.project_dir.join(folder).exists() {
                    let message = format!("the local setting `files` names `{folder}`, which does not exist");
                    self.impossible(&place, message, "name a file or folder beside the pipeline");
                }
            }
        }
        if driver == Driver::Pipeline
            && let Err(failures) = invoked::check(action, self.pipeline, self.drivers, self.options)
        {
            for failure in failures {
                self.failed(&place, failure);
            }
        }
        ActionPlan {
            how,
            driver,
            settings,
            source,
            revisions,
        }
    }

    fn revisions(&mut self, place: &str, action: &ir::Action) -> Vec<Revision> {
        let mut out = Vec::new();
        for (name, text) in &self.options.revisions {
            if action.type_id.is_source() && is_called(action, name) {
                match Revision::read(text, action) {
                    Ok(revision) => out.push(revision),
                    Err(problem) => {
                        let message = format!("`--revision {name}={text}`: {problem}");
                        let help = Some("correct it, or leave it out".to_owned());
                        self.refuse(RefusalKind::Usage, Some(place.to_owned()), message, help);
                    }
                }
            }
        }
        out
    }

    fn choose(&mut self, place: &str, action: &ir::Action, settings: &Settings, source: Option<&str>) -> (How, Driver) {
        if settings.run.is_some() && source.is_none() {
            return (How::StoodIn, Driver::StandIn);
        }
        let Some(name) = self.drivers.driver(&action.type_id) else {
            if !settings.outputs.is_empty() || !settings.files.is_empty() {
                return (How::Simulated, Driver::Simulate);
            }
            self.impossible(
                place,
                format!("nothing here can carry out or check `{}`", action.type_id),
                "let a command of yours stand in for it: `local { run = \"…\" }`; or simulate it: `local { outputs = { … } }`",
            );
            return (How::Simulated, Driver::Simulate);
        };
        match Driver::from_name(&name) {
            // What it gives is said: then it need not run.
            Some(Driver::Pipeline) if action.local.settings.contains_key("outputs") => {
                (How::Simulated, Driver::Simulate)
            }
            Some(Driver::Simulate) => (How::Simulated, Driver::Simulate),
            Some(driver) => (How::CarriedOut, driver),
            None => {
                let message = format!("its provider names the driver `{name}`, which does not exist");
                self.impossible(
                    place,
                    message,
                    "let a command of yours stand in for it: `local { run = \"…\" }`",
                );
                (How::Simulated, Driver::Simulate)
            }
        }
    }

    fn check_shell(&mut self, place: &str, action: &ir::Action, driver: Driver, settings: &Settings) {
        if driver == Driver::Shell
            && let Err(failure) = shell::check(action)
        {
            self.failed(place, failure);
        }
        if let Some(name) = &settings.shell
            && let Err(failure) = find_shell(name)
        {
            self.failed(
                place,
                failure.with_help("install it, or correct the local setting `shell`"),
            );
        }
    }

    fn check_path(&mut self, place: &str, action: &ir::Action, settings: &Settings) {
        match &settings.path {
            Some(path) if !self.options.project_dir.join(path).exists() => {
                let message = format!("its local setting `path` names `{path}`, which does not exist");
                self.impossible(place, message, "name a file or folder beside the pipeline");
            }
            Some(_) => {}
            // An image can be described without having it.
            None if action.type_id.provider == "ECR" => {}
            None => self.impossible(
                place,
                "nobody says which files stand for this source here",
                format!(
                    "add `local {{ path = \"…\" }}` to it, or give `--source {}=PATH`",
                    action.name
                ),
            ),
        }
    }

    fn collect_secrets(&mut self, place: &str, action: &ir::Action, settings: &Settings) {
        for (name, value) in &settings.secrets {
            self.plan.secrets.insert(name.clone(), value.clone());
        }
        let mut wanted: Vec<(EnvironmentKind, String)> = action
            .environment
            .iter()
            .filter(|variable| variable.kind != EnvironmentKind::Plaintext)
            .filter_map(|variable| Some((variable.kind, variable.value.value.as_literal()?.to_owned())))
            .collect();
        if let Some(entry) = action.configuration.get("EnvironmentVariables") {
            wanted.extend(secrets::wanted_in(&entry.value.to_string()));
        }
        for (kind, name) in wanted {
            match self.secret(kind, &name) {
                Ok(found) => self.plan.secrets.extend(found),
                // The command decides what it needs; what is known is handed to it.
                Err(_) if settings.run.is_some() => {}
                // A file that cannot be read is told of once, and may have it.
                Err(_) if self.options.secrets.check().is_err() => {}
                Err(failure) => self.failed(place, failure),
            }
        }
    }

    /// The value of a parameter or of a reference to a secret, by its name; and of the whole secret that it is a part of.
    fn secret(&self, kind: EnvironmentKind, name: &str) -> Result<BTreeMap<String, String>, Failure> {
        let found = RefCell::new(BTreeMap::new());
        let lookup = |name: &str| {
            let value = self.find_secret(name)?;
            found.borrow_mut().insert(name.to_owned(), value.clone());
            Some(value)
        };
        let value = secrets::value_of_kind(kind, name, lookup, self.options)?;
        let mut found = found.into_inner();
        found.insert(name.to_owned(), value);
        Ok(found)
    }

    pub(super) fn find_secret(&self, name: &str) -> Option<String> {
        let known = self.plan.secrets.get(name).cloned();
        known.or_else(|| secrets::find(name, self.options))
    }
}

//! Writes pipelines of any size, as a person would write them but without loops, so that the text grows with the actions.
//!
//! Stages come in turns of three: builds side by side, each with an artifact and an output variable; tests of those
//! artifacts; an approval and deployments of them. Nothing is random: the same size gives the same text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The most actions that one pipeline gets; more are spread over several pipelines in one file.
const PIPELINE_ACTIONS: usize = 500;
/// CodePipeline takes 50 stages; the first holds the source.
const STAGES: usize = 49;
/// How many actions a stage has unless 49 stages would not be enough.
const STAGE_ACTIONS: usize = 6;

/// The pipelines that are measured.
pub(crate) struct Inputs {
    pub(crate) five: PathBuf,
    pub(crate) sixty: PathBuf,
    pub(crate) five_hundred: PathBuf,
    pub(crate) fifty_thousand: PathBuf,
    /// 200 files of 60 actions.
    pub(crate) folder: PathBuf,
}

/// Writes them all into `folder`.
pub(crate) fn write_all(folder: &Path) -> Result<Inputs, String> {
    let write = || {
        fs::create_dir_all(folder)?;
        Ok(Inputs {
            five: write_file(folder, 5)?,
            sixty: write_file(folder, 60)?,
            five_hundred: write_file(folder, 500)?,
            fifty_thousand: write_file(folder, 50_000)?,
            folder: write_folder(folder, 200, 60)?,
        })
    };
    write().map_err(|error: io::Error| format!("{}: {error}", folder.display()))
}

/// A file whose pipelines have `actions` actions in all.
fn file(actions: usize) -> String {
    let mut out = String::new();
    let mut left = actions;
    let mut index = 0;
    while left > 0 {
        let here = left.min(PIPELINE_ACTIONS);
        pipeline(&mut out, index, here);
        left -= here;
        index += 1;
    }
    out
}

/// Writes `folder/<actions>.pipe`.
pub(crate) fn write_file(folder: &Path, actions: usize) -> io::Result<PathBuf> {
    let path = folder.join(format!("{actions}.pipe"));
    fs::write(&path, file(actions))?;
    Ok(path)
}

/// Writes a folder of `count` files of `actions` actions each.
fn write_folder(folder: &Path, count: usize, actions: usize) -> io::Result<PathBuf> {
    let path = folder.join(format!("{count}x{actions}"));
    fs::create_dir_all(&path)?;
    for index in 0..count {
        let mut text = String::new();
        pipeline(&mut text, index, actions);
        fs::write(path.join(format!("pipeline-{index:03}.pipe")), text)?;
    }
    Ok(path)
}

/// How the actions of a stage stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Parallel,
    Sequential,
}

/// How many actions a stage has that runs; more give a warning.
pub(crate) const RUN_STAGE_ACTIONS: usize = 50;

/// Writes a pipeline for running: a source, and `actions - 1` actions of `true` in stages of fifty.
pub(crate) fn write_trues(folder: &Path, name: &str, actions: usize, order: Order) -> io::Result<PathBuf> {
    let mut stages = String::new();
    let numbers: Vec<usize> = (1..actions).collect();
    for (stage, members) in numbers.chunks(RUN_STAGE_ACTIONS).enumerate() {
        line(&mut stages, &format!("  stage work{stage} {{"));
        if order == Order::Parallel {
            line(&mut stages, "    parallel {");
        }
        for number in members {
            line(
                &mut stages,
                &format!("      action true{number} = compute.commands {{ input = app, commands = [\"true\"] }}"),
            );
        }
        if order == Order::Parallel {
            line(&mut stages, "    }");
        }
        line(&mut stages, "  }\n");
    }
    write_runnable(folder, name, &stages)
}

/// Writes a pipeline for running: a source, and one action that runs `command` and knows `secrets`.
pub(crate) fn write_command(folder: &Path, name: &str, command: &str, secrets: &[String]) -> io::Result<PathBuf> {
    let mut stages = String::from("  stage work {\n    action work = compute.commands {\n      input = app\n");
    line(&mut stages, &format!("      commands = [{command:?}]"));
    if !secrets.is_empty() {
        let each = |form: &dyn Fn(usize, &str) -> String| -> String {
            let all = secrets.iter().enumerate().map(|(index, secret)| form(index, secret));
            all.collect::<Vec<_>>().join(", ")
        };
        let names = each(&|index, _| format!("SECRET_{index} = secret(\"bench/{index}\")"));
        let values = each(&|index, secret| format!("\"bench/{index}\" = {secret:?}"));
        line(&mut stages, &format!("      environment_variables = {{ {names} }}"));
        line(&mut stages, &format!("      local {{ secrets = {{ {values} }} }}"));
    }
    line(&mut stages, "    }\n  }");
    write_runnable(folder, name, &stages)
}

/// Writes `folder/<name>.pipe`, whose source is `folder/source`.
fn write_runnable(folder: &Path, name: &str, stages: &str) -> io::Result<PathBuf> {
    let source = folder.join("source");
    fs::create_dir_all(&source)?;
    fs::write(source.join("readme.txt"), "a source\n")?;
    let mut out = String::new();
    head(&mut out, 0);
    line(&mut out, "  stage source {");
    line(&mut out, "    action app = source.s3 {");
    line(&mut out, "      s3_bucket               = \"bench-source\"");
    line(&mut out, "      s3_object_key           = \"app.zip\"");
    line(&mut out, "      poll_for_source_changes = false");
    line(&mut out, "      local { path = \"source\" }");
    line(&mut out, "    }\n  }\n");
    out.push_str(stages);
    line(&mut out, "}");
    let path = folder.join(format!("{name}.pipe"));
    fs::write(&path, out)?;
    Ok(path)
}

fn pipeline(out: &mut String, index: usize, actions: usize) {
    head(out, index);
    line(out, "  /// Where this run is going.");
    line(out, "  variable channel = \"beta\"\n");
    line(out, "  stage source \"Source\" {");
    line(out, "    action app = source.connection {");
    line(
        out,
        "      connection_arn     = \"arn:aws:codeconnections:eu-west-1:111122223333:connection/1f2e3d4c-aaaa-bbbb-cccc-0123456789ab\"",
    );
    line(
        out,
        &format!("      full_repository_id = \"acme/service-{index}\"\n      branch_name        = \"main\""),
    );
    line(out, "      detect_changes     = true\n    }\n  }\n");
    let per_stage = STAGE_ACTIONS.max((actions - 1).div_ceil(STAGES));
    let mut left = actions - 1;
    let mut builds = 0;
    let mut stage = 0;
    while left > 0 {
        let here = left.min(per_stage);
        left -= here;
        match stage % 3 {
            0 => {
                build_stage(out, index, stage, here, left > 0);
                builds = here;
            }
            1 => test_stage(out, index, stage, here, builds),
            _ => deploy_stage(out, index, stage, here, builds),
        }
        stage += 1;
    }
    line(out, "}\n");
}

fn head(out: &mut String, index: usize) {
    line(
        out,
        &format!(
            "/// Service {index}, from its repository to production.\npipeline service{index} \"service-{index}\" {{"
        ),
    );
    line(
        out,
        "  role_arn       = \"arn:aws:iam::111122223333:role/service-pipeline\"",
    );
    line(out, &format!("  artifact_store = \"service-{index}-artifacts\""));
    line(out, "  tags           = { team = \"platform\" }\n");
}

/// Builds side by side; with `used`, each has an output that a later stage takes.
fn build_stage(out: &mut String, index: usize, stage: usize, actions: usize, used: bool) {
    line(
        out,
        &format!("  stage build{stage} \"Build-{stage}\" {{\n    parallel {{"),
    );
    for number in 0..actions {
        line(
            out,
            &format!(
                "      // Component {number} of service {index}.\n      action image{stage}_{number} = build.codebuild {{"
            ),
        );
        line(out, "        input        = app");
        line(
            out,
            &format!("        project_name = \"service-{index}-component-{number}\""),
        );
        line(out, "        environment_variables = {");
        line(out, "          CHANNEL   = channel");
        line(out, "          COMMIT    = app.commit_id");
        line(out, &format!("          COMPONENT = \"component-{number}\""));
        line(
            out,
            "          TOKEN     = secret(\"service/registry:token\")\n        }",
        );
        if used {
            line(
                out,
                &format!("        output bundle{stage}_{number}\n        export IMAGE_TAG"),
            );
        }
        line(out, "      }");
    }
    line(out, "    }\n  }\n");
}

/// Tests of what the stage before has built.
fn test_stage(out: &mut String, index: usize, stage: usize, actions: usize, builds: usize) {
    let from = stage - 1;
    line(
        out,
        &format!("  stage test{stage} \"Test-{stage}\" {{\n    parallel {{"),
    );
    for number in 0..actions {
        let build = number % builds;
        if number % 2 == 0 {
            line(out, &format!("      action unit{stage}_{number} = test.codebuild {{"));
            line(out, &format!("        input          = [app, bundle{from}_{build}]"));
            line(out, "        primary_source = app");
            line(out, &format!("        project_name   = \"service-{index}-test\""));
            line(
                out,
                &format!("        environment_variables = {{ IMAGE = image{from}_{build}.IMAGE_TAG }}\n      }}"),
            );
        } else {
            line(out, &format!("      action lint{stage}_{number} = compute.commands {{"));
            line(out, &format!("        input    = bundle{from}_{build}"));
            line(
                out,
                "        commands = [\"npm ci\", \"npm run lint -- --max-warnings 0\", \"npm test\"]\n      }",
            );
        }
    }
    line(out, "    }\n  }\n");
}

/// An approval, then deployments side by side of what was built two stages before.
fn deploy_stage(out: &mut String, index: usize, stage: usize, actions: usize, builds: usize) {
    let from = stage - 2;
    line(out, &format!("  stage deploy{stage} \"Deploy-{stage}\" {{"));
    line(out, &format!("    action go{stage} = approval.manual {{"));
    line(
        out,
        &format!("      custom_data = \"Release ${{image{from}_0.IMAGE_TAG}} of service {index} to ${{channel}}?\""),
    );
    line(out, "      timeout     = 2d\n    }");
    if actions > 1 {
        line(out, "    parallel {");
        for number in 1..actions {
            deployment(out, index, stage, number, &format!("bundle{from}_{}", number % builds));
        }
        line(out, "    }");
    }
    line(out, "  }\n");
}

fn deployment(out: &mut String, index: usize, stage: usize, number: usize, bundle: &str) {
    match number % 3 {
        0 => {
            line(out, &format!("      action files{stage}_{number} = deploy.s3 {{"));
            line(out, &format!("        input         = {bundle}"));
            line(
                out,
                &format!("        bucket_name   = \"service-{index}-files-{stage}-{number}\""),
            );
            line(out, "        extract       = true");
            line(out, "        cache_control = \"max-age=300, public\"\n      }");
        }
        1 => {
            line(out, &format!("      action rollout{stage}_{number} = deploy.ecs {{"));
            line(out, &format!("        input              = {bundle}"));
            line(out, "        cluster_name       = \"production\"");
            line(
                out,
                &format!("        service_name       = \"service-{index}-{stage}-{number}\""),
            );
            line(out, "        deployment_timeout = 20\n      }");
        }
        _ => {
            line(
                out,
                &format!("      action stack{stage}_{number} = deploy.cloudformation {{"),
            );
            line(out, "        action_mode         = \"CREATE_UPDATE\"");
            line(
                out,
                &format!("        stack_name          = \"service-{index}-{stage}-{number}\""),
            );
            line(
                out,
                "        stack_role_arn      = \"arn:aws:iam::111122223333:role/service-cloudformation\"",
            );
            line(
                out,
                "        capabilities        = [\"CAPABILITY_IAM\", \"CAPABILITY_AUTO_EXPAND\"]",
            );
            line(
                out,
                &format!("        template_path       = {bundle}.file(\"deploy/template.yml\")"),
            );
            line(
                out,
                "        parameter_overrides = { Channel = channel, Commit = app.commit_id }\n      }",
            );
        }
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

//! What is simulated is checked as far as can be: a wrong file fails the action, with its place.

use pipe::ir::Action;
use pipe::run::RunOutcome;

use crate::support::runs::{ActionExt, Project, action, pipeline, source, stage};

/// Why the action fails with these files; nothing if it does not.
fn problem(deploy: &Action, files: &[(&str, &str)]) -> String {
    let project = Project::new(files);
    let name = deploy.name.value.clone();
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![deploy.clone()]),
    ]);
    let ran = project.run(&demo);
    if ran.outcome == RunOutcome::Succeeded {
        let log = ran.log(&format!("Do/{name}"));
        assert!(log.contains("checked app::"), "{log}");
        return String::new();
    }
    let failure = ran.failure(&format!("Do/{name}"));
    assert!(failure.help.is_some(), "{failure:#?}");
    failure.message
}

#[track_caller]
fn fails(deploy: &Action, files: &[(&str, &str)], message: &str) {
    let found = problem(deploy, files);
    assert!(found.contains(message), "{found}");
}

#[test]
fn image_definitions() {
    let ecs = action("ecs", "Deploy/AWS/ECS/1").input("app");
    let file = |text: &'static str| [("imagedefinitions.json", text)];
    let good = "[{\"name\": \"web\", \"imageUri\": \"repo/web:1\"}]";
    assert_eq!(problem(&ecs, &file(good)), "");
    assert_eq!(
        problem(&ecs.clone().set("FileName", "out/i.json"), &[("out/i.json", good)]),
        ""
    );
    fails(
        &ecs,
        &file("[{\"name\": \"web\",\n  \"image\": \"x\"}]"),
        "`imagedefinitions.json` in `app`, line 1, column 2: an image has no `imageUri`",
    );
    fails(&ecs, &file("[]"), "the list of images is empty");
    fails(&ecs, &file("{}"), "the list of images has to be a list, not an object");
    fails(
        &ecs,
        &file("[{\"name\": \"web\", \"imageUri\": \"x\\n\"}]"),
        "holds a blank or a line break",
    );
    let twice = "[{\"name\": \"w\", \"imageUri\": \"x\"}, {\"name\": \"w\", \"imageUri\": \"y\"}]";
    fails(
        &ecs,
        &file(twice),
        "line 1, column 34: the container `w` stands here twice",
    );
    let long = format!("[{{\"name\": \"web\", \"imageUri\": \"{}\"}}]", "x".repeat(100 << 10));
    fails(
        &ecs,
        &[("imagedefinitions.json", &long)],
        "has 102433 bytes: AWS takes 102400 of such a file",
    );
    fails(
        &ecs.set("FileName", "gone.json"),
        &file(good),
        "`FileName` names `gone.json`",
    );
}

#[test]
fn application_specifications_for_servers() {
    let deploy = action("deploy", "Deploy/AWS/CodeDeploy/1").input("app");
    let with = |text: &str| {
        let files = [("appspec.yml", text), ("scripts/stop.sh", ""), ("www/index.html", "")];
        problem(&deploy, &files)
    };
    let good = "version: 0.0\nos: linux\nfiles:\n  - source: /www\n    destination: /srv\nhooks:\n  ApplicationStop:\n    - location: scripts/stop.sh\n      timeout: 60\n";
    assert_eq!(with(good), "");
    let changed = |from: &str, to: &str, message: &str| {
        let found = with(&good.replace(from, to));
        assert!(found.contains(message), "{found}");
    };
    changed("0.0", "1.0", "line 1, column 10: the only `version` is 0.0");
    changed("os: linux\n", "", "the AppSpec has no `os`");
    changed("linux", "mac", "`os` is `linux` or `windows`");
    changed(
        "/www",
        "dist",
        "line 4, column 13: the artifact has no file or folder `dist`",
    );
    changed(
        "scripts/stop.sh",
        "stop.sh",
        "the artifact has no file or folder `stop.sh`",
    );
    changed("ApplicationStop", "AfterStop", "`hooks` cannot have `AfterStop`");
    changed("60", "soon", "`timeout` is a number of seconds");
    changed("os: linux", "os: [", "does not parse: line");
}

#[test]
fn blue_green_deployments() {
    let mut deploy = action("deploy", "Deploy/AWS/CodeDeployToECS/1").input("app");
    for (key, value) in [
        ("TaskDefinitionTemplateArtifact", "app"),
        ("AppSpecTemplateArtifact", "app"),
        ("Image1ArtifactName", "app"),
        ("Image1ContainerName", "IMAGE1_NAME"),
    ] {
        deploy = deploy.set(key, value);
    }
    let task = r#"{"family": "web", "containerDefinitions": [{"name": "web", "image": "<IMAGE1_NAME>"}]}"#;
    let spec = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: <TASK_DEFINITION>\n        LoadBalancerInfo:\n          ContainerName: web\n          ContainerPort: 80\n";
    let with = |task: &str, spec: &str, image: &str| {
        problem(
            &deploy,
            &[
                ("taskdef.json", task),
                ("appspec.yaml", spec),
                ("imageDetail.json", image),
            ],
        )
    };
    let image = "{\"ImageURI\": \"repo/web@sha256:1\"}";
    assert_eq!(with(task, spec, image), "");
    let assert_in = |found: String, message: &str| assert!(found.contains(message), "{found}");
    assert_in(
        with(task, &spec.replace(": web", ": api"), image),
        "`appspec.yaml` in `app`, line 8, column 26: the task definition has no container `api`",
    );
    assert_in(
        with(task, &spec.replace("<TASK_DEFINITION>", "web:1"), image),
        "`appspec.yaml` in `app`, line 6, column 25: `TaskDefinition` is `web:1`",
    );
    assert_in(
        with(&task.replace("<IMAGE1_NAME>", "web:1"), spec, image),
        "no container's `image` is `<IMAGE1_NAME>`",
    );
    assert_in(
        with(&task.replace("family", "fam"), spec, image),
        "the task definition has no `family`",
    );
    assert_in(with(task, spec, "{}"), "the image's description has no `ImageURI`");
    assert_in(
        with(task, &spec.replace("ECS::Service", "ECS::Task"), image),
        "`Type` is `AWS::ECS::Service`",
    );
    let hooks = format!("{spec}Hooks:\n  - BeforeBreakfast: fn\n");
    assert_in(with(task, &hooks, image), "a hook cannot have `BeforeBreakfast`");
}

#[test]
fn templates_and_their_parameters() {
    let deploy = action("deploy", "Deploy/AWS/CloudFormation/1").input("app");
    let deploy = deploy
        .set("TemplatePath", "app::t.yml")
        .set("TemplateConfiguration", "app::c.json");
    let template = "Parameters:\n  Tag: {Type: String}\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Sub '${Tag}-x'\n";
    let good = r#"{"Parameters": {"Tag": "1"}, "Tags": {"a": "b"}, "StackPolicy": {"Statement": []}}"#;
    let with =
        |template: &str, configuration: &str| problem(&deploy, &[("t.yml", template), ("c.json", configuration)]);
    assert_eq!(with(template, good), "");
    let assert_in = |found: String, message: &str| assert!(found.contains(message), "{found}");
    assert_in(with("Parameters: {}\n", good), "the template has no `Resources`");
    assert_in(
        with(&template.replace("Type: AWS", "Typ: AWS"), good),
        "line 5, column 5: the resource `Topic` has no `Type`",
    );
    assert_in(
        with(template, r#"{"Parameters": {"Tog": "1"}}"#),
        "the template, `t.yml` in `app`, has no parameter `Tog`",
    );
    assert_in(
        with(template, r#"{"Parameters": {"Tag": ["1"]}}"#),
        "`Tag` has to be a string, not a list",
    );
    assert_in(
        with(template, r#"{"Parameter": {}}"#),
        "a template's configuration cannot have `Parameter`",
    );

    let overridden = |text: &str| {
        let deploy = deploy.clone().set("ParameterOverrides", text);
        problem(
            &deploy,
            &[("t.yml", template), ("c.json", "{}"), ("out.json", "{\"tag\": \"7\"}")],
        )
    };
    assert_eq!(
        overridden(r#"{"Tag": {"Fn::GetParam": ["app", "out.json", "tag"]}}"#),
        ""
    );
    assert_eq!(overridden(r#"{"Tag": {"Fn::GetArtifactAtt": ["app", "URL"]}}"#), "");
    for (text, message) in [
        (
            r#"{"Tog": "1"}"#,
            "`ParameterOverrides`, line 1, column 2: the template, `t.yml` in `app`, has no parameter `Tog`",
        ),
        (
            r#"{"Tag": {"Fn::GetParam": ["app", "out.json", "tog"]}}"#,
            "`out.json` in `app` has no key `tog`",
        ),
        (
            r#"{"Tag": {"Fn::GetParam": ["app", "gone.json", "tag"]}}"#,
            "the artifact `app` has no file `gone.json`",
        ),
        (
            r#"{"Tag": {"Fn::GetParam": ["other", "out.json", "tag"]}}"#,
            "`other`, which is not an input",
        ),
        (
            r#"{"Tag": {"Fn::GetParam": ["app"]}}"#,
            "`Fn::GetParam` takes an artifact's name, a file in it, and a key",
        ),
        (
            r#"{"Tag": {"Fn::GetArtifactAtt": ["app", "Size"]}}"#,
            "`BucketName`, `ObjectKey` or `URL`",
        ),
        (r#"{"Tag": {"Ref": "x"}}"#, "`Ref` cannot stand in overrides"),
        (r#"{"Tag": "#, "`ParameterOverrides` does not parse"),
    ] {
        assert_in(overridden(text), message);
    }
}

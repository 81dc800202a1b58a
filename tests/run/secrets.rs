//! Secrets: where their values come from, and that they never show.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use pipe::ir::{EnvironmentKind, Pipeline};
use pipe::run::plan::plan;
use pipe::run::secrets::{Masker, SHORTEST, Secrets, Sources};
use pipe::run::{RunOptions, RunOutcome};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::runs::{ActionExt, Project, Ran, StandardDrivers, build, commands, pipeline, source, stage};

/// An action that prints the secret `shop/npm:token`.
fn printing(project: &Project, options: &RunOptions) -> Ran {
    let action = commands("login", &["echo \"it is $TOKEN.\"; echo ${#TOKEN}"]).input("app");
    let login = action.env("TOKEN", "shop/npm:token", EnvironmentKind::SecretsManager);
    let demo = pipeline(vec![stage("Source", vec![source("app")]), stage("Do", vec![login])]);
    project.run_with(&demo, options)
}

fn with(project: &Project, file: Option<&str>, command: Option<&str>) -> RunOptions {
    let file = file.map(|name| project.path().join(name));
    RunOptions {
        secrets: Sources::new(file, command.map(str::to_owned)),
        ..project.options()
    }
}

fn assert_is_masked(ran: &Ran, length: usize) {
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let log = ran.log("Do/login");
    assert!(log.contains(&format!("\nit is ***.\n{length}\n")), "{log}");
}

#[test]
fn values_come_from_a_file() {
    let project = Project::new(&[
        (
            "names.env",
            "# a comment\nexport SHOP_NPM_TOKEN='a$ecret value'\nOTHER=x\n",
        ),
        ("full.env", "PIPE_SECRET_SHOP_NPM_TOKEN=\"12 34\"\n"),
        ("secrets.json", "{\"shop/npm:token\": \"from json\", \"n\": 3}"),
    ]);
    assert_is_masked(&printing(&project, &with(&project, Some("names.env"), None)), 13);
    assert_is_masked(&printing(&project, &with(&project, Some("full.env"), None)), 5);
    assert_is_masked(&printing(&project, &with(&project, Some("secrets.json"), None)), 9);
    let mut options = with(&project, Some("full.env"), None);
    options
        .environment
        .insert("PIPE_SECRET_SHOP_NPM_TOKEN".to_owned(), "nearer".to_owned());
    assert_is_masked(&printing(&project, &options), 6);
}

#[test]
fn a_file_that_is_not_understood_is_refused_without_its_secrets() {
    let problem = |text: &str| {
        let project = Project::new(&[("secrets", text)]);
        let options = with(&project, Some("secrets"), None);
        assert_eq!(printing(&project, &options).outcome, RunOutcome::Unusable);
        let message = options.secrets.check().unwrap_err().message;
        assert!(!message.contains("hidden"), "{message}");
        message
    };
    assert!(problem("SHOP_NPM_TOKEN=hidden$x\n").contains("line 1: the value of `SHOP_NPM_TOKEN` holds `$`"));
    assert!(problem("hidden hidden\n").contains(": line 1 is not understood"));
    assert!(problem("# a\nA=b\n\n  C='hidden\nD=e\n").contains(": line 4 is not understood"));
    assert!(problem("{\"shop/npm:token\": \"hidden").contains("EOF"));
    assert!(problem("{\"shop/npm:token\": null}").contains("`shop/npm:token` is null"));
    let gone = Sources::new(Some("nowhere/at/all".into()), None).check();
    assert!(gone.unwrap_err().message.contains("nowhere/at/all"));
}

#[test]
fn a_file_that_others_can_read_is_warned_of() {
    let project = Project::new(&[("secrets", "A=bcde\n")]);
    let path = project.path().join("secrets");
    let warning = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Sources::new(Some(path.clone()), None).warning()
    };
    assert!(warning(0o644).unwrap().contains("(mode 644)"));
    assert!(warning(0o640).unwrap().contains("chmod 600"));
    assert_eq!(warning(0o600), None);
}

#[test]
fn values_come_from_a_command() {
    let project = Project::new(&[]);
    let asked = project.path().join("asked");
    let command = format!("echo asked >>{}; echo \"value of $PIPE_SECRET_NAME\"", asked.display());
    assert_is_masked(&printing(&project, &with(&project, None, Some(&command))), 23);
    assert_eq!(lines(&asked), 1, "once for each name");
    let refused = |command: &str| {
        let options = with(&project, None, Some(command));
        assert_eq!(printing(&project, &options).outcome, RunOutcome::Refused);
        options.secrets.refusal("shop/npm:token").unwrap().message
    };
    assert_eq!(
        refused("echo 'locked: log in' >&2; exit 4"),
        "the secret `shop/npm:token` has no value: the command for secrets ended with exit status 4: locked: log in"
    );
    assert!(refused("true").contains("printed nothing"));
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn a_secret_too_short_to_mask_is_told_of_once() {
    let project = Project::new(&[]);
    let mut options = project.options();
    options
        .environment
        .insert("PIPE_SECRET_PIN".to_owned(), "123".to_owned());
    let pin = |name: &str| commands(name, &["true"]).env("PIN", "pin", EnvironmentKind::SecretsManager);
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("A", vec![pin("a")]),
        stage("B", vec![pin("b")]),
    ]);
    let ran = project.run_with(&demo, &options);
    let told: Vec<String> = ran
        .records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap())
        .collect();
    let note = "the secret `pin` is not masked: it is shorter than 4 characters";
    assert_eq!(told.iter().filter(|event| event.contains(note)).count(), 1, "{told:#?}");
}

/// Few letters, so that secrets overlap and begin like each other; none of what the mask is made of.
fn secret() -> impl Strategy<Value = String> {
    let letters = vec(select(vec!['a', 'b', 'c', '"', '\\', '\n', ' ', 'ä', '/', '%']), 1..12);
    letters.prop_map(String::from_iter)
}

fn encode(secret: &str, form: usize) -> String {
    match form {
        0 => secret.to_owned(),
        1 => STANDARD.encode(secret),
        2 => URL_SAFE.encode(format!("x{secret}y")),
        3 => serde_json::Value::from(secret).to_string(),
        4 => percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
        _ => "cab\n".to_owned(),
    }
}

fn masked_in_parts(known: &Secrets, text: &str, cuts: &[Index]) -> String {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(text.len());
    let (mut masker, mut out, mut from) = (Masker::default(), Vec::new(), 0);
    for cut in cuts {
        masker.push(known, &text.as_bytes()[from..cut], &mut out);
        from = cut;
    }
    masker.finish(known, &mut out);
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing of a secret is left, and it makes no difference where the text is cut.
    #[test]
    fn no_secret_is_left(secrets in vec(secret(), 1..4), pieces in vec((any::<Index>(), 0..7usize), 0..12), cuts in vec(any::<Index>(), 0..8)) {
        let known = Secrets::default();
        known.add_all(secrets.iter().map(String::as_str));
        let text: String = pieces.iter().map(|(index, form)| encode(&secrets[index.index(secrets.len())], *form)).collect();
        let out = masked_in_parts(&known, &text, &cuts);
        prop_assert_eq!(&out, &known.mask(&text));
        for secret in secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= SHORTEST) {
            for (form, encoded) in [secret.to_owned(), STANDARD.encode(secret)].into_iter().enumerate() {
                // The last characters of base64 hold bits of what stands beside.
                let certain = &encoded[..if form == 0 { encoded.len() } else { secret.len() * 8 / 6 }];
                prop_assert!(!out.contains(certain), "{certain:?} in {out:?} of {text:?}");
            }
        }
    }

    /// What holds no secret is as it was.
    #[test]
    fn other_text_is_unchanged(secrets in vec("[a-c]{4,10}", 1..4), text in "[d-z \n]{0,200}", cuts in vec(any::<Index>(), 0..8)) {
        let known = Secrets::default();
        known.add_all(secrets.iter().map(String::as_str));
        prop_assert_eq!(masked_in_parts(&known, &text, &cuts), text);
    }
}

/// Prints the length of the field `password` of the secret `shop/database`, by both ways to hand it to an action.
fn printing_a_field(project: &Project, options: &RunOptions) -> Ran {
    project.run_with(&field_pipeline(), options)
}

fn field_pipeline() -> Pipeline {
    let reference = "shop/database:password";
    let login = commands("login", &["echo \"it is $PW.\"; echo ${#PW}"]).input("app");
    let login = login.env("PW", reference, EnvironmentKind::SecretsManager);
    let build = build("build").input("app").set(
        "EnvironmentVariables",
        &format!(r#"[{{"name":"PW","value":"{reference}","type":"SECRETS_MANAGER"}}]"#),
    );
    pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![login, build]),
    ])
}

const PRINTS_PW: &str = "version: 0.2\nphases: {build: {commands: ['echo \"it is $PW.\"; echo ${#PW}']}}\n";

#[test]
fn a_field_of_a_secret_is_asked_for_by_its_key() {
    let database = r#"{"user": "shop", "password": "correct horse"}"#;
    let secrets = format!(r#"{{"shop/database": {database}}}"#);
    let project = Project::new(&[("buildspec.yml", PRINTS_PW), ("secrets.json", &secrets)]);
    let file = with(&project, Some("secrets.json"), None);
    let mut environment = project.options();
    let variable = "PIPE_SECRET_SHOP_DATABASE".to_owned();
    environment.environment.insert(variable, database.to_owned());
    let command = r#"test "$PIPE_SECRET_NAME" = shop/database && cat secrets"#;
    let command = command.replace("cat secrets", &format!("echo '{database}'"));
    for options in [file, environment, with(&project, None, Some(&command))] {
        let ran = printing_a_field(&project, &options);
        assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
        for place in ["Do/login", "Do/build"] {
            let log = ran.log(place);
            assert!(log.contains("\nit is ***.\n13\n"), "{log}");
        }
    }
}

#[test]
fn a_field_that_a_secret_has_not_is_refused() {
    let project = Project::new(&[("buildspec.yml", PRINTS_PW)]);
    let refused = |database: &str| {
        let mut options = project.options();
        let variable = "PIPE_SECRET_SHOP_DATABASE".to_owned();
        options.environment.insert(variable, database.to_owned());
        assert_eq!(printing_a_field(&project, &options).outcome, RunOutcome::Refused);
        let demo = field_pipeline();
        let refusals = plan(&demo, &StandardDrivers, &options).unwrap_err();
        let words = refusals.iter().map(|refusal| refusal.message.clone());
        words.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(refused("{\"user\": \"hidden\"}"), @r"
    the secret `shop/database` has no key `password`
    the secret `shop/database` has no key `password`
    ");
    insta::assert_snapshot!(refused("hidden"), @r"
    the secret `shop/database` is not JSON, and `shop/database:password` asks for its key `password`
    the secret `shop/database` is not JSON, and `shop/database:password` asks for its key `password`
    ");
}

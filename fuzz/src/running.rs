//! What holds of any file that a run reads or that stands in its folder: what builds and people write, what is unpacked, what a
//! crash or an editor left behind. The fuzz targets and `tests/fuzz.rs` both call these.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pipe::compile::{Main, Options, compile};
use pipe::ir::Pipeline;
use pipe::run::archive::{self, Limits};
use pipe::run::drivers::buildspec::reports;
use pipe::run::drivers::buildspec::spec::{ReportFormat, Spec};
use pipe::run::history::{self, page};
use pipe::run::journal::{self, Journal};
use pipe::run::store::Store;
use pipe::run::{restore, setup, simulate};
use pipe::source::MemoryHost;

/// Reading a buildspec ends, and says what is wrong with it.
pub fn buildspec(text: &str) {
    match Spec::read(text, "buildspec.yml") {
        Ok(read) => assert!(read.warnings.iter().all(|warning| warning.starts_with("buildspec.yml"))),
        Err(problem) => assert!(problem.starts_with("buildspec.yml"), "{problem}"),
    }
}

/// Reading a report of any format ends, whatever it is taken for.
pub fn report(text: &str) {
    for format in FORMATS {
        match reports::parse(text, format) {
            Ok(content) => assert!(!content.summary().is_empty()),
            Err(problem) => assert!(!problem.is_empty()),
        }
    }
}

const FORMATS: [ReportFormat; 10] = [
    ReportFormat::JunitXml,
    ReportFormat::CucumberJson,
    ReportFormat::NunitXml,
    ReportFormat::Nunit3Xml,
    ReportFormat::TestngXml,
    ReportFormat::VisualStudioTrx,
    ReportFormat::CloverXml,
    ReportFormat::CoberturaXml,
    ReportFormat::JacocoXml,
    ReportFormat::SimpleCov,
];

/// The pipeline that scripts and journals are held against.
const PIPELINE: &str = r#"
pipeline release {
  role_arn = "arn:aws:iam::111122223333:role/release"
  artifact_store = "artifacts"
  stage Source { action app = source.codecommit { repository_name = "app", branch_name = "main" } }
  stage Build {
    parallel {
      action unit = test.codebuild { input = app, project_name = "unit" }
      action image = build.codebuild { input = app, project_name = "image" }
    }
    on failure { retry = "FAILED_ACTIONS" }
  }
  stage Prod {
    action approve = approval.manual {}
    action rollout = invoke.lambda { function_name = "rollout" }
  }
}
"#;

/// [`PIPELINE`], compiled.
pub fn pipeline() -> &'static Pipeline {
    static COMPILED: OnceLock<Pipeline> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let main = Main::Text {
            name: "main.pipe".to_owned(),
            path: Some(PathBuf::from("main.pipe")),
            text: PIPELINE.to_owned(),
        };
        let host = MemoryHost { files: BTreeMap::new() };
        let compiled = compile(&host, &main, &Options::default()).expect("it can be read");
        compiled
            .pipelines
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
    })
}

/// Reading a script ends; what it says can be played, and comes to an end.
pub fn script(text: &str) {
    match simulate::read(text, pipeline()) {
        Ok(script) => {
            simulate::simulate(pipeline(), &script).in_words();
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

/// Whatever stands in a journal, reading it ends; what can be read can be gone on with, and be shown.
///
/// As it is, and with each line signed anew: what a checksum keeps out is what this is about.
pub fn journal(text: &str) {
    let folder = tempfile::tempdir().expect("there is room");
    let pipeline = serde_json::to_vec(pipeline()).expect("a pipeline is JSON");
    fs::write(folder.path().join(setup::PIPELINE), pipeline).expect("there is room");
    journal_of(folder.path(), text);
    let signed: String = text.split_inclusive('\n').map(signed).collect();
    journal_of(folder.path(), &signed);
}

fn journal_of(run_dir: &Path, text: &str) {
    fs::write(run_dir.join(journal::FILE_NAME), text).expect("there is room");
    let read = journal::read(run_dir);
    let opened = Journal::open(run_dir).map(|(journal, records)| {
        drop(journal);
        records
    });
    let Ok(records) = read else {
        assert!(opened.is_err(), "what cannot be read is not written on");
        return;
    };
    assert_eq!(
        opened.as_ref().ok(),
        Some(&records),
        "a writer reads what a reader reads"
    );
    // What a crash cut off is gone now.
    assert_eq!(journal::read(run_dir).ok().as_ref(), Some(&records));
    if let Ok(run) = history::read(run_dir) {
        page::page(&run);
        history::list::Row::of(&run);
    }
    let _ = restore::look(run_dir);
}

/// A line with the checksum that belongs to it, as `journal` writes it.
fn signed(line: &str) -> String {
    let body = line.trim_end_matches('\n');
    let body = body.rsplit_once(",\"crc\":").map_or(body, |(body, _)| body);
    format!("{body},\"crc\":\"{:08x}\"}}\n", crc32fast::hash(body.as_bytes()))
}

/// Unpacking an archive ends, and leaves nothing outside; what was taken can be packed and is the same when it is unpacked again.
pub fn archive(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is room");
    let store = Store::new(folder.path().join("store"));
    let file = folder.path().join("a.zip");
    fs::write(&file, bytes).expect("there is room");
    let limits = Limits {
        free_bytes: 1 << 20,
        ..Limits::default()
    };
    let Ok(artifact) = archive::import(&store, &file, &limits) else {
        return;
    };
    let inside = folder.path().join("inside");
    store
        .unpack(&artifact, &inside)
        .expect("what was taken can be laid out");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("it is there").flatten().collect();
    assert_eq!(left.len(), 3, "only the store, the archive and the folder: {left:?}");
    let mut packed = std::io::Cursor::new(Vec::new());
    if archive::export(&store, &artifact, &mut packed).is_ok() {
        fs::write(&file, packed.into_inner()).expect("there is room");
        let again = archive::import(&store, &file, &Limits::default()).expect("what was packed can be unpacked");
        assert_eq!(again, artifact, "packed and unpacked it is the same");
    }
}

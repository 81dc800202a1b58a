//! What people see of a run: on a terminal of any size, in plain lines, in the logs of CI systems.

use std::path::PathBuf;

use insta::assert_snapshot;
use pipe::ir::ConditionResult;
use pipe::run::event::{ConditionStatus, Event, RuleName, RuleStatus};
use pipe::run::outcome::{RunStatus, StageStatus};
use pipe::run::planned::Position;
use pipe::run::view::live::canvas::{Canvas, Size};
use pipe::run::view::live::scene::Scene;
use pipe::run::view::plain::{Dialect, Plain};
use pipe::run::view::{Context, Question, View};

use crate::support::runs::{Project, commands, pipeline, stage};
use crate::support::story::{Story, action_name};

const ID: &str = "7f3c1a2b-0000-4000-8000-000000000000";
const OTHER: &str = "c0ffee00-0000-4000-8000-000000000000";

fn context() -> Context {
    Context {
        run_dir: PathBuf::from("/state/runs").join(ID),
        given: String::new(),
        colour: false,
    }
}

fn memory(rows: u16, columns: u16) -> vt100::Parser {
    vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 1000)
}

/// A terminal in memory, with the live view on it.
struct Terminal {
    scene: Scene,
    canvas: Canvas<Vec<u8>>,
    size: Size,
}

impl Terminal {
    fn new(rows: usize, columns: usize) -> Self {
        Self {
            scene: Scene::new(context()),
            canvas: Canvas::new(Vec::new()),
            size: Size { rows, columns },
        }
    }

    fn coloured(mut self) -> Self {
        self.scene = Scene::new(Context {
            colour: true,
            ..context()
        });
        self
    }

    /// Takes in what has happened since, and draws.
    fn show(&mut self, story: &Story, from: usize) -> usize {
        for record in &story.records[from..] {
            self.scene.record(&story.execution, record);
        }
        let above = self.scene.take_above();
        let frame = self.scene.frame(story.now, self.size);
        self.canvas.draw(&above, frame, self.size);
        story.records.len()
    }

    /// What was drawn since the last time.
    fn bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.canvas.out_mut())
    }

    fn screen(mut self) -> String {
        let (rows, columns) = (self.size.rows as u16, self.size.columns as u16);
        let mut parser = memory(rows, columns);
        parser.process(&self.bytes());
        let contents = parser.screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
}

/// A build of three members in the second of two steps.
fn building() -> Story {
    let mut story = Story::new(
        ID,
        &[
            "Source/app",
            "Build/install",
            "Build/lint@2",
            "Build/unit@2",
            "Build/browser@2",
            "Build/package@3",
            "Ask/go?",
            "Deploy/ecs~",
        ],
    );
    story.stage("Source").starts("Source/app").after(320).ok("Source/app");
    story.stage_ends("Source", StageStatus::Succeeded);
    story
        .stage("Build")
        .starts("Build/install")
        .after(4200)
        .ok("Build/install");
    story
        .starts("Build/lint")
        .starts("Build/unit")
        .starts("Build/browser")
        .after(2100);
    story
}

fn prints(terminal: &mut Terminal, story: &Story, action: &str, line: &str) {
    terminal.scene.output(&story.execution, &action_name(action), line);
}

#[test]
fn a_stage_is_drawn_as_its_steps() {
    for columns in [80, 200] {
        let mut terminal = Terminal::new(24, columns);
        let mut story = building();
        prints(&mut terminal, &story, "Build/unit", "nothing is known of this run yet");
        let drawn = terminal.show(&story, 0);
        prints(
            &mut terminal,
            &story,
            "Build/unit",
            "ok 12 - the cart adds up, whatever the currency",
        );
        prints(&mut terminal, &story, "Build/browser", &"日本語 wide ".repeat(30));
        story.after(1300).ok("Build/lint").after(200);
        terminal.show(&story, drawn);
        insta::with_settings!({ snapshot_suffix => columns.to_string() }, { assert_snapshot!(terminal.screen()) });
    }
}

#[test]
fn a_terminal_that_changes_its_size_keeps_no_pieces_of_a_frame() {
    let mut story = building();
    for (rows, columns) in [(6_u16, 80_u16), (24, 30), (3, 20), (50, 200)] {
        let mut terminal = Terminal::new(24, 80);
        terminal.show(&story, 0);
        let mut parser = memory(24, 80);
        parser.process(&terminal.bytes());
        // Where the frame begins, so that rows are dropped from below it.
        let (row, column) = parser.screen().cursor_position();
        let line = parser.screen().rows(0, 80).nth(row.into()).unwrap();
        assert!(column == 0 && is_head(&line), "{line}");
        parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        terminal.size = Size {
            rows: rows.into(),
            columns: columns.into(),
        };
        story.after(1000);
        terminal.show(&story, story.records.len());
        parser.process(&terminal.bytes());
        let lines = with_history(&mut parser);
        let heads = lines.iter().filter(|line| is_head(line)).count();
        assert_eq!(heads, 1, "{rows}×{columns}: {lines:#?}");
        assert!(
            lines[0].starts_with("run 7f3c1a2b of demo"),
            "{rows}×{columns}: {lines:#?}"
        );
    }
}

/// Whether a frame begins with this line.
fn is_head(line: &str) -> bool {
    line.starts_with(|c| ('⠀'..='⣿').contains(&c))
}

/// All lines of a terminal, those that are out of sight first.
fn with_history(parser: &mut vt100::Parser) -> Vec<String> {
    let (_, columns) = parser.screen().size();
    parser.screen_mut().set_scrollback(usize::MAX);
    let mut lines = Vec::new();
    for above in (1..=parser.screen().scrollback()).rev() {
        parser.screen_mut().set_scrollback(above);
        lines.extend(parser.screen().rows(0, columns.into()).next());
    }
    parser.screen_mut().set_scrollback(0);
    lines.extend(parser.screen().rows(0, columns.into()));
    lines
}

#[test]
fn what_has_ended_stays_and_the_report_comes_last() {
    let mut terminal = Terminal::new(40, 80);
    let mut story = building();
    let drawn = terminal.show(&story, 0);
    story.ok("Build/lint").after(900).fails("Build/unit").after(100);
    let drawn = { terminal.show(&story, drawn) };
    story
        .ok("Build/browser")
        .stage_ends("Build", StageStatus::Failed)
        .ends_as(RunStatus::Failed);
    terminal.show(&story, drawn);
    assert_snapshot!(terminal.screen());
}

#[test]
fn success_ends_with_counts_and_the_critical_path() {
    let mut terminal = Terminal::new(40, 80);
    let mut story = building();
    story
        .ok("Build/lint")
        .after(900)
        .ok("Build/unit")
        .after(100)
        .ok("Build/browser");
    story.starts("Build/package").after(50).ok("Build/package");
    story.stage_ends("Build", StageStatus::Succeeded);
    story
        .stage("Ask")
        .starts("Ask/go")
        .after(61_000)
        .ok("Ask/go")
        .stage_ends("Ask", StageStatus::Succeeded);
    story.stage("Deploy").starts("Deploy/ecs").after(1).ok("Deploy/ecs");
    story
        .stage_ends("Deploy", StageStatus::Succeeded)
        .ends_as(RunStatus::Succeeded);
    terminal.show(&story, 0);
    assert_snapshot!(terminal.screen());
}

#[test]
fn a_hundred_parallel_actions_fit_any_terminal() {
    let names: Vec<String> = (0..100).map(|index| format!("Test/shard-{index}")).collect();
    let planned: Vec<&str> = std::iter::once("Source/app")
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut story = Story::new(ID, &planned);
    story.stage("Test");
    for name in &names[..70] {
        story.starts(name).after(10);
    }
    for name in names[..60].iter().rev() {
        story.after(30).ok(name);
    }
    story.fails(&names[65]).after(5000);
    for (rows, columns) in [(24, 80), (24, 200), (8, 80), (100, 200), (3, 20), (1, 1), (2, 5)] {
        let mut terminal = Terminal::new(rows, columns);
        terminal.show(&story, 0);
        for name in &names {
            prints(
                &mut terminal,
                &story,
                name,
                "a line of output that is far longer than any narrow terminal is wide",
            );
        }
        let frame = terminal.scene.frame(story.now, terminal.size);
        assert!(frame.len() < rows.max(1), "{rows}: {frame:#?}");
        let is_wide = |line: &String| console_width(line) >= columns.max(2);
        assert!(!frame.iter().any(is_wide), "{columns}: {frame:#?}");
        if rows == 24 {
            terminal.show(&story, story.records.len());
            insta::with_settings!({ snapshot_suffix => columns.to_string() }, { assert_snapshot!(terminal.screen()) });
        }
    }
}

fn console_width(line: &str) -> usize {
    let mut parser = memory(1, 500);
    parser.process(line.as_bytes());
    parser.screen().cursor_position().1.into()
}

#[test]
fn a_question_stands_at_the_bottom_until_it_is_answered() {
    let mut terminal = Terminal::new(24, 80);
    let mut story = Story::new(ID, &["Ask/go?", "Ask/check", "Deploy/ecs~"]);
    story.stage("Ask").starts("Ask/go").starts("Ask/check").after(3000);
    let drawn = terminal.show(&story, 0);
    let question = Question {
        name: action_name("Ask/go"),
        message: Some("Release 1.4 to beta?\n\u{1b}[2Jreally".to_owned()),
        link: Some("https://example.com/changes".to_owned()),
    };
    terminal.scene.question(ID, &question);
    terminal.show(&story, drawn);
    let frame = terminal.scene.frame(story.now, terminal.size);
    assert!(
        frame.last().unwrap().contains("[y/n, and a comment if you like] _"),
        "{frame:#?}"
    );
    terminal.scene.typed("n: it rains");
    prints(&mut terminal, &story, "Ask/check", "still looking");
    story.after(1000);
    let drawn = terminal.show(&story, drawn);
    let before = terminal.scene.frame(story.now, terminal.size).join("\n");
    story.tell(Event::ApprovalAnswered {
        name: action_name("Ask/go"),
        approved: true,
        comment: "from elsewhere".to_owned(),
        by: "anna".to_owned(),
    });
    terminal.show(&story, drawn);
    assert!(!terminal.scene.is_asking());
    assert_snapshot!(format!("{before}\n--- answered\n{}", terminal.screen()));
}

#[test]
fn a_narrow_question_is_whole_and_shows_the_end_of_what_is_typed() {
    let mut terminal = Terminal::new(24, 40);
    let mut story = Story::new(ID, &["Ask/go?", "Deploy/ecs~"]);
    story.stage("Ask").starts("Ask/go").after(3000);
    terminal.show(&story, 0);
    let message = "Release the shop 1.4 to production, with all that has been changed since 1.3? ".repeat(4);
    terminal.scene.question(
        ID,
        &Question {
            name: action_name("Ask/go"),
            message: Some(message),
            link: Some(format!("https://example.com/{}", "changes/".repeat(6))),
        },
    );
    let before = terminal.scene.frame(story.now, terminal.size).join("\n");
    terminal.scene.typed("y: when the wind is in the east, 日本語 and all");
    let frame = terminal.scene.frame(story.now, terminal.size);
    assert!(frame.iter().all(|line| console_width(line) < 40), "{frame:#?}");
    assert_snapshot!(format!("{before}\n--- typed\n{}", frame.last().unwrap()));
    // However low the terminal is, the line that is typed is there.
    let frame = terminal.scene.frame(story.now, Size { rows: 4, columns: 20 });
    assert_eq!(frame.last().unwrap(), "  approve? …nd all_");
}

/// Terminals that break lines anew know of a row how long it has ever been, and whether it was broken, until it is cleared as a
/// whole.
#[test]
fn each_row_is_cleared_before_something_is_in_it() {
    let mut story = building();
    let mut terminal = Terminal::new(24, 80);
    let drawn = terminal.show(&story, 0);
    terminal.bytes();
    story.after(1000);
    terminal.show(&story, drawn);
    let text = String::from_utf8(terminal.bytes()).unwrap();
    let (_, frame) = text.split_once("\u{1b}[?7l").unwrap();
    let (frame, _) = frame.split_once("\u{1b}[?7h").unwrap();
    assert!(frame.lines().count() > 3, "{frame:?}");
    assert!(frame.lines().all(|row| row.starts_with("\u{1b}[K")), "{frame:?}");
    story.ok("Build/lint").ok("Build/unit").ok("Build/browser");
    story.stage_ends("Build", StageStatus::Succeeded);
    terminal.show(&story, drawn);
    let text = String::from_utf8(terminal.bytes()).unwrap();
    assert!(text.starts_with("\r\u{1b}[K\r\n\u{1b}[J\u{1b}[A✓ Build"), "{text:?}");
}

#[test]
fn what_is_said_has_its_colours_where_there_are_some() {
    let said = "\u{1b}[31;1merror[unknown-name]:\u{1b}[0m cannot find `x`\u{1b}[2J\u{7}\n  \u{1b}[36mhelp";
    let mut plain = Terminal::new(24, 80);
    plain.scene.say(said);
    assert_eq!(
        plain.scene.take_above(),
        "error[unknown-name]: cannot find `x`\n  help\n"
    );
    let mut coloured = Terminal::new(24, 80).coloured();
    coloured.scene.say(said);
    assert_eq!(
        coloured.scene.take_above(),
        "\u{1b}[31;1merror[unknown-name]:\u{1b}[0m cannot find `x`\n  \u{1b}[36mhelp\u{1b}[0m\n"
    );
}

#[test]
fn of_several_runs_each_report_says_which_it_is_of() {
    let mut second = Story::new(OTHER, &["Source/app", "Prod/ecs"]);
    second.after(4000).puts_back("Prod", ID);
    second
        .stage("Prod")
        .starts("Prod/ecs")
        .after(10)
        .ok("Prod/ecs")
        .stage_ends("Prod", StageStatus::Succeeded)
        .ends_as(RunStatus::Succeeded);
    let mut first = building();
    first
        .after(6000)
        .fails("Build/unit")
        .ok("Build/lint")
        .ok("Build/browser");
    first
        .stage_ends("Build", StageStatus::Failed)
        .ends_as(RunStatus::Failed);
    let lines = plain(&[&first, &second], Dialect::Plain);
    let mut terminal = Terminal::new(60, 80);
    let (begin, end) = first.records.split_at(first.records.len() - 1);
    for record in begin {
        terminal.scene.record(ID, record);
    }
    terminal.show(&second, 0);
    terminal.scene.record(ID, &end[0]);
    terminal.show(&second, second.records.len());
    assert_snapshot!(format!("{lines}\n--- on a terminal\n{}", terminal.screen()));
}

#[test]
fn several_runs_have_a_head_each() {
    let mut terminal = Terminal::new(24, 80);
    let mut first = building();
    let mut second = Story::new(OTHER, &["Source/app", "Build/install"]);
    second
        .stage("Source")
        .starts("Source/app")
        .after(300)
        .ok("Source/app")
        .stage_ends("Source", StageStatus::Succeeded);
    second.tell(Event::StageWaiting {
        stage: "Build".to_owned(),
        reason: pipe::run::event::Waiting::Occupied {
            execution_id: ID.to_owned(),
        },
    });
    terminal.show(&first, 0);
    first.after(0);
    second.now = first.now;
    terminal.show(&second, 0);
    assert_snapshot!(terminal.screen());
}

#[test]
fn colours_are_of_the_sixteen_and_only_if_wanted() {
    let mut story = building();
    story
        .fails("Build/unit")
        .stage_ends("Build", StageStatus::Failed)
        .ends_as(RunStatus::Failed);
    let show = |terminal: &mut Terminal| {
        for to in 0..story.records.len() {
            terminal.scene.record(ID, &story.records[to]);
            let above = terminal.scene.take_above();
            let frame = terminal.scene.frame(story.now, terminal.size);
            terminal.canvas.draw(&above, frame, terminal.size);
        }
    };
    let mut plain = Terminal::new(24, 80);
    show(&mut plain);
    let mut coloured = Terminal::new(24, 80).coloured();
    show(&mut coloured);
    let codes = |mut terminal: Terminal| {
        let text = String::from_utf8(terminal.bytes()).unwrap();
        let pattern = regex::Regex::new("\u{1b}\\[([0-9;]*)m").unwrap();
        let mut codes: Vec<String> = pattern.captures_iter(&text).map(|found| found[1].to_owned()).collect();
        codes.sort();
        codes.dedup();
        codes
    };
    assert_eq!(codes(plain), Vec::<String>::new());
    assert_eq!(codes(coloured), ["0", "1", "2", "31", "32"]);
}

/// The lines of the plain view.
fn plain(stories: &[&Story], dialect: Dialect) -> String {
    let mut out = Vec::new();
    let mut view = Plain::new(&mut out, context(), dialect);
    let mut records: Vec<_> = stories
        .iter()
        .flat_map(|story| story.records.iter().map(|record| (story.execution.as_str(), record)))
        .collect();
    records.sort_by_key(|(_, record)| record.time);
    for (execution, record) in records {
        view.record(execution, record);
        if let Event::ActionStarted { name, .. } = &record.event {
            view.output(execution, name, &["::warning::printed by the action".into()]);
        }
    }
    view.finish();
    String::from_utf8(out).unwrap()
}

fn failing() -> Story {
    let mut story = building();
    story
        .fails("Build/unit")
        .retried("Build", 2)
        .starts("Build/unit#2")
        .after(3000);
    story.ok("Build/lint").ok("Build/browser").fails("Build/unit#2");
    story
        .stage_ends("Build", StageStatus::Failed)
        .ends_as(RunStatus::Failed);
    story
}

#[test]
fn a_report_has_what_was_written_over_progress() {
    let project = Project::new(&[]);
    let tail = |command: &str| {
        let pipeline = pipeline(vec![stage("Do", vec![commands("a", &[command])])]);
        let tail = project.run(&pipeline).failure("Do/a").tail;
        // The first line is the command.
        tail[1..].join("\n")
    };
    let uploads = r"for i in $(seq 1 100); do printf '\ruploading part %d of 100' $i; done";
    assert_eq!(
        tail(&format!(r"{uploads}; printf '\rERROR: the disk is full\n'; exit 1")),
        "ERROR: the disk is full"
    );
    assert_eq!(
        tail(r"for i in $(seq 1 200); do printf '\rprogress %d%%' $i; done; exit 1"),
        "progress 200%"
    );
    assert_eq!(
        tail(r"echo begins; for i in $(seq 1 200); do printf '\000\001\376\377\n'; done; echo ends; exit 1"),
        "begins\n(999 bytes of binary output)\nends"
    );
}

#[test]
fn plain_lines_say_the_same() {
    assert_snapshot!(plain(&[&failing()], Dialect::Plain));
}

#[test]
fn logs_of_ci_systems_are_folded_and_marked() {
    let story = failing();
    assert_snapshot!("github", plain(&[&story], Dialect::GitHub));
    assert_snapshot!("buildkite", plain(&[&story], Dialect::Buildkite));
    let marks = plain(&[&story], Dialect::GitLab);
    let marks: Vec<&str> = marks.lines().filter(|line| line.contains('\u{1b}')).collect();
    assert_snapshot!("gitlab", marks.join("\n").replace('\u{1b}', "ESC").replace('\r', "CR"));
    let says = |name: &'static str| Dialect::detect(|asked| (asked == name).then(|| "true".to_owned()));
    assert_eq!(
        ["GITHUB_ACTIONS", "BUILDKITE", "GITLAB_CI", "CI"].map(says),
        [Dialect::GitHub, Dialect::Buildkite, Dialect::GitLab, Dialect::Plain]
    );
}

#[test]
fn groups_of_several_runs_do_not_nest() {
    let mut second = Story::new(OTHER, &["Source/app"]);
    second
        .after(5000)
        .stage("Source")
        .starts("Source/app")
        .after(10)
        .ok("Source/app");
    second
        .stage_ends("Source", StageStatus::Succeeded)
        .ends_as(RunStatus::Succeeded);
    let out = plain(&[&failing(), &second], Dialect::GitHub);
    let mut depth = 0;
    for line in out.lines() {
        depth += i32::from(line.starts_with("::group::")) - i32::from(line.starts_with("::endgroup::"));
        assert!((0..=1).contains(&depth), "{out}");
    }
    assert_eq!(depth, 0, "{out}");
    assert!(out.contains("c0ffee00 Source/app ok in 10 ms"), "{out}");
}

#[test]
fn a_stopped_run_says_what_became_of_all() {
    let mut story = building();
    story.tell(Event::StopRequested {
        reason: "interrupted".to_owned(),
        abandon: true,
    });
    story
        .ok("Build/lint")
        .abandoned("Build/unit")
        .abandoned("Build/browser");
    story
        .stage_ends("Build", StageStatus::Stopped)
        .ends_as(RunStatus::Stopped);
    let out = plain(&[&story], Dialect::Plain);
    let (_, closing) = out.split_once("Build/browser ended").unwrap();
    assert_snapshot!(closing);
    let mut terminal = Terminal::new(40, 100);
    terminal.show(&story, 0);
    let screen = terminal.screen();
    assert!(
        screen.contains("what runs is asked to end (INT, after 5 s TERM, then KILL); again: kill it"),
        "{screen}"
    );
}

#[test]
fn a_condition_that_is_not_met_is_a_cause() {
    let mut story = Story::new(ID, &["Source/app", "Prod/ecs~"]);
    story
        .stage("Source")
        .starts("Source/app")
        .ok("Source/app")
        .stage_ends("Source", StageStatus::Succeeded);
    story.stage("Prod");
    let rule = |rule: &str| RuleName {
        stage: "Prod".to_owned(),
        position: Position::BeforeEntry,
        rule: rule.to_owned(),
        attempt: 1,
    };
    for (name, status, message) in [
        ("hours", RuleStatus::Failed, "it is Sunday"),
        ("alarm", RuleStatus::Succeeded, "yes"),
    ] {
        story.tell(Event::RuleStarted {
            name: rule(name),
            driver: "deployment_window".to_owned(),
            log: "logs/x".to_owned(),
        });
        story.tell(Event::RuleFinished {
            name: rule(name),
            status,
            simulated: false,
            message: message.to_owned(),
        });
    }
    story.tell(Event::ConditionFinished {
        stage: "Prod".to_owned(),
        position: Position::BeforeEntry,
        status: ConditionStatus::Failed,
        result: Some(ConditionResult::Fail),
    });
    story.stage_ends("Prod", StageStatus::Failed).ends_as(RunStatus::Failed);
    assert_snapshot!(plain(&[&story], Dialect::Plain));
}

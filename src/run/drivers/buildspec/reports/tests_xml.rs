//! Results of tests in XML.

use roxmltree::Node;

use super::{Results, Verdict};

/// Elements of a name anywhere below.
fn all<'a>(root: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    root.descendants().filter(move |node| node.tag_name().name() == name)
}

fn is_called(node: Node, name: &str) -> bool {
    node.tag_name().name() == name
}

fn has_child(node: Node, names: &[&str]) -> bool {
    node.children().any(|child| names.contains(&child.tag_name().name()))
}

/// `class.test`, or what of it there is.
fn name_of(class: Option<&str>, name: Option<&str>) -> String {
    let parts = [class, name].into_iter().flatten().filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join(".");
    if name.is_empty() {
        "(without a name)".to_owned()
    } else {
        name
    }
}

/// JUnit's, Surefire's and what else calls itself so.
pub(super) fn junit(root: Node) -> Option<Results> {
    if !is_called(root, "testsuites") && !is_called(root, "testsuite") {
        return None;
    }
    let mut out = Results::default();
    for test in all(root, "testcase") {
        let verdict = if has_child(test, &["failure", "error"]) {
            Verdict::Failed
        } else if has_child(test, &["skipped"]) {
            Verdict::Skipped
        } else {
            Verdict::Passed
        };
        out.add(|| name_of(test.attribute("classname"), test.attribute("name")), verdict);
    }
    Some(out)
}

/// NUnit 2's.
pub(super) fn nunit(root: Node) -> Option<Results> {
    if !is_called(root, "test-results") {
        return None;
    }
    let mut out = Results::default();
    for test in all(root, "test-case") {
        let says = |attribute: &str, value: &str| {
            test.attribute(attribute)
                .is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        let verdict = if says("executed", "False") || says("result", "Ignored") || says("result", "Skipped") {
            Verdict::Skipped
        } else if says("success", "False") || says("result", "Failure") || says("result", "Error") {
            Verdict::Failed
        } else {
            Verdict::Passed
        };
        out.add(|| name_of(None, test.attribute("name")), verdict);
    }
    Some(out)
}

/// NUnit 3's.
pub(super) fn nunit3(root: Node) -> Option<Results> {
    if !is_called(root, "test-run") {
        return None;
    }
    let mut out = Results::default();
    for test in all(root, "test-case") {
        let verdict = match test.attribute("result") {
            Some("Failed") => Verdict::Failed,
            Some("Skipped" | "Inconclusive") => Verdict::Skipped,
            _ => Verdict::Passed,
        };
        let full = test.attribute("fullname").or(test.attribute("name"));
        out.add(|| name_of(None, full), verdict);
    }
    Some(out)
}

/// TestNG's own; methods that only prepare or clean up are no tests.
pub(super) fn testng(root: Node) -> Option<Results> {
    if !is_called(root, "testng-results") {
        return None;
    }
    let mut out = Results::default();
    for test in all(root, "test-method").filter(|test| test.attribute("is-config") != Some("true")) {
        let verdict = match test.attribute("status") {
            Some("FAIL") => Verdict::Failed,
            Some("SKIP") => Verdict::Skipped,
            _ => Verdict::Passed,
        };
        let class = test.parent_element().filter(|parent| is_called(*parent, "class"));
        let class = class.and_then(|class| class.attribute("name"));
        out.add(|| name_of(class, test.attribute("name")), verdict);
    }
    Some(out)
}

/// Visual Studio's.
pub(super) fn trx(root: Node) -> Option<Results> {
    if !is_called(root, "TestRun") {
        return None;
    }
    let mut out = Results::default();
    for test in all(root, "UnitTestResult") {
        let verdict = match test.attribute("outcome") {
            Some("Passed" | "PassedButRunAborted" | "Warning" | "Completed") => Verdict::Passed,
            Some("NotExecuted" | "Inconclusive" | "NotRunnable" | "Pending" | "Disconnected" | "InProgress") => {
                Verdict::Skipped
            }
            // Without an outcome a test has not ended well.
            _ => Verdict::Failed,
        };
        out.add(|| name_of(None, test.attribute("testName")), verdict);
    }
    Some(out)
}

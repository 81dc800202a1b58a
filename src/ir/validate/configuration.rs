//! What actions and rules are given: configuration, commands, environment, output variables and files, time limits.

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::ir::limits::{self, Limit};
use crate::ir::{Action, Configuration, EnvironmentKind, Node, Origin, Rule, Text, TextPart, codes};

/// The provider of the actions and rules that run commands by themselves.
const COMMANDS: &str = "Commands";

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    for (_, action) in ctx.actions() {
        let name = words::action(action);
        configuration(name, &action.configuration, action.origin, &ACTION_VALUE, diags);
        size(name, &action.configuration, action.origin, diags);
        commands(name, &action.commands, &action.type_id.provider, action.origin, diags);
        environment(action, diags);
        outputs(action, diags);
        action_timeout(action, diags);
    }
    for (_, _, rule) in ctx.rules() {
        let name = words::rule(rule);
        let most = limits::RULE_CONFIGURATION_ENTRIES.max;
        if rule.configuration.len() > most {
            diags.emit(Diagnostic::new(
                &codes::CONFIG_KEY_INVALID,
                rule.origin,
                format!(
                    "rule `{name}` has {} configuration keys, and {most} is the most",
                    rule.configuration.len()
                ),
            ));
        }
        configuration(name, &rule.configuration, rule.origin, &RULE_VALUE, diags);
        commands(name, &rule.commands, &rule.type_id.provider, rule.origin, diags);
        rule_timeout(rule, diags);
    }
}

/// How long a value may be: above the first a warning, above the second an error.
struct ValueLimits {
    documented: Limit,
    refused: Limit,
}

const ACTION_VALUE: ValueLimits = ValueLimits {
    documented: limits::CONFIGURATION_VALUE,
    refused: limits::CONFIGURATION_VALUE_REFUSED,
};
const RULE_VALUE: ValueLimits = ValueLimits {
    documented: limits::RULE_CONFIGURATION_VALUE,
    refused: limits::RULE_CONFIGURATION_VALUE,
};

fn configuration(name: &str, entries: &Configuration, whole: Origin, limits: &ValueLimits, diags: &mut Diagnostics) {
    for (key, entry) in entries {
        let at = place(entry.origin, whole);
        if !limits::CONFIGURATION_KEY.fits(key) {
            let message = if key.is_empty() {
                format!("a configuration key of `{name}` is empty")
            } else {
                format!(
                    "the configuration key `{}` of `{name}` is too long: {}",
                    words::short(key),
                    words::too_long(key, limits::CONFIGURATION_KEY.max)
                )
            };
            diags.emit(
                Diagnostic::new(&codes::CONFIG_KEY_INVALID, place(entry.key_origin, at), message)
                    .with_help("use a key of this action's provider"),
            );
        }
        let key = words::short(key);
        if entry.value.parts().is_empty() {
            diags.emit(
                Diagnostic::new(
                    &codes::CONFIG_VALUE_EMPTY,
                    at,
                    format!("`{key}` of `{name}` is empty, and AWS refuses empty values"),
                )
                .with_help(format!("give `{key}` a value, or leave it out")),
            );
        }
        value_length(name, &key, &entry.value, at, limits, diags);
    }
}

fn value_length(name: &str, key: &str, value: &Text, at: Origin, limits: &ValueLimits, diags: &mut Diagnostics) {
    if at_most(value, limits.documented.max) {
        return;
    }
    let length = length(value);
    let refused = limits.refused.max;
    diags.emit(if length > refused {
        Diagnostic::new(
            &codes::CONFIG_VALUE_TOO_LONG,
            at,
            format!("`{key}` of `{name}` is too long: it has {length} characters, and {refused} is the most"),
        )
        .with_help("put the text in a file of an artifact, or shorten it")
    } else {
        Diagnostic::new(
            &codes::CONFIG_VALUE_LONG,
            at,
            format!(
                "`{key}` of `{name}` has {length} characters, and AWS documents {} as the most",
                limits.documented.max
            ),
        )
        .with_help("shorten it to be safe: the service is known to take more today")
    });
}

/// What is written already; references become something else, so they count as nothing. A value that is refused by itself
/// has its own report.
fn size(name: &str, entries: &Configuration, whole: Origin, diags: &mut Diagnostics) {
    let bytes: usize = entries.values().map(|entry| literal_bytes(&entry.value)).sum();
    let most = limits::CONFIGURATION_SIZE.max;
    let refused = |text: &Text| !at_most(text, limits::CONFIGURATION_VALUE_REFUSED.max);
    if bytes <= most || entries.values().any(|entry| refused(&entry.value)) {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::CONFIG_VALUE_TOO_LONG,
            whole,
            format!("the configuration of `{name}` is too long: it has {bytes} bytes, and {most} is the most"),
        )
        .with_help("put the texts in files of an artifact, or shorten them"),
    );
}

fn literal_bytes(text: &Text) -> usize {
    let of = |part: &TextPart| match part {
        TextPart::Literal(literal) => literal.len(),
        TextPart::Variable(_) | TextPart::Deploy(_) => 0,
    };
    text.parts().iter().map(of).sum()
}

/// As CodePipeline counts it: references as they are written. A value known when deploying counts as nothing.
fn length(text: &Text) -> usize {
    let of = |part: &TextPart| match part {
        TextPart::Literal(literal) => literal.chars().count(),
        TextPart::Variable(variable) => variable.namespace.len() + variable.key.len() + "#{.}".len(),
        TextPart::Deploy(_) => 0,
    };
    text.parts().iter().map(of).sum()
}

/// Whether the text has at most so many characters, without counting them where its bytes are few enough.
fn at_most(text: &Text, most: usize) -> bool {
    let bytes: usize = text
        .parts()
        .iter()
        .map(|part| match part {
            TextPart::Literal(literal) => literal.len(),
            TextPart::Variable(variable) => variable.namespace.len() + variable.key.len() + "#{.}".len(),
            TextPart::Deploy(_) => 0,
        })
        .sum();
    bytes <= most || length(text) <= most
}

fn commands(name: &str, commands: &[Node<Text>], provider: &str, whole: Origin, diags: &mut Diagnostics) {
    let Some(first) = commands.first() else { return };
    if provider != COMMANDS {
        diags.emit(
            Diagnostic::new(
                &codes::COMMANDS_MISPLACED,
                place(first.origin, whole),
                format!("`{name}` is given commands, and its provider `{provider}` runs none"),
            )
            .with_help("remove them, or use the provider `Commands`"),
        );
        return;
    }
    let most = limits::COMMANDS.max;
    if let Some(command) = commands.get(most) {
        let message = format!("`{name}` has {} commands, and {most} is the most", commands.len());
        diags.emit(
            Diagnostic::new(&codes::COMMANDS_LIMITS, place(command.origin, whole), message)
                .with_label(format!("the {} command", words::ordinal(most + 1)))
                .with_help("put them in a script, and run that"),
        );
    }
    for command in commands {
        let (message, help) = if command.value.parts().is_empty() {
            (format!("a command of `{name}` is empty"), "remove it")
        } else if has_line_break(&command.value) {
            (
                format!("a command of `{name}` has several lines, and AWS takes one"),
                "give each line as a command of its own, or put them in a script",
            )
        } else if !at_most(&command.value, limits::COMMAND.max) {
            (
                format!(
                    "a command of `{name}` is too long: it has {} characters, and {} is the most",
                    length(&command.value),
                    limits::COMMAND.max
                ),
                "put it in a script, and run that",
            )
        } else {
            continue;
        };
        diags.emit(Diagnostic::new(&codes::COMMANDS_LIMITS, place(command.origin, whole), message).with_help(help));
    }
}

fn has_line_break(text: &Text) -> bool {
    text.parts()
        .iter()
        .any(|part| matches!(part, TextPart::Literal(literal) if literal.contains(['\n', '\r'])))
}

fn environment(action: &Action, diags: &mut Diagnostics) {
    let name = words::action(action);
    let most = limits::ENVIRONMENT_VARIABLES.max;
    if let Some(variable) = action.environment.get(most) {
        let message = format!(
            "`{name}` has {} environment variables, and {most} is the most",
            action.environment.len()
        );
        diags.emit(
            Diagnostic::new(
                &codes::ENVIRONMENT_LIMITS,
                place(variable.name.origin, action.origin),
                message,
            )
            .with_label(format!("the {} variable", words::ordinal(most + 1)))
            .with_help("set the others in the commands themselves"),
        );
    }
    for variable in &action.environment {
        let key = variable.name.value.as_str();
        let at = place(variable.name.origin, action.origin);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !limits::ENVIRONMENT_NAME.fits(key) || !key.bytes().all(legal) {
            let message = format!(
                "AWS does not take `{}` as an environment variable's name",
                words::short(key)
            );
            diags.emit(
                Diagnostic::new(&codes::ENVIRONMENT_LIMITS, at, message).with_help(format!(
                    "use 1 to {} letters, digits and `_`",
                    limits::ENVIRONMENT_NAME.max
                )),
            );
        }
        let value = &variable.value.value;
        let value_at = place(variable.value.origin, at);
        if value.parts().is_empty() || !at_most(value, limits::ENVIRONMENT_VALUE.max) {
            let message = if value.parts().is_empty() {
                format!("the environment variable `{key}` of `{name}` is empty, and AWS refuses empty values")
            } else {
                format!(
                    "the environment variable `{key}` of `{name}` is too long: it has {} characters, and {} is the most",
                    length(value),
                    limits::ENVIRONMENT_VALUE.max
                )
            };
            diags.emit(
                Diagnostic::new(&codes::ENVIRONMENT_LIMITS, value_at, message)
                    .with_help("give it another value, or leave the variable out"),
            );
        }
        match variable.kind {
            EnvironmentKind::Plaintext => {}
            EnvironmentKind::ParameterStore => diags.emit(
                Diagnostic::new(
                    &codes::ENV_SECRET_TYPE_UNSUPPORTED,
                    value_at,
                    format!("`{key}` of `{name}` comes from the parameter store, from which actions take no variables"),
                )
                .with_help("keep it in Secrets Manager"),
            ),
            EnvironmentKind::SecretsManager if action.type_id.provider == COMMANDS => {}
            EnvironmentKind::SecretsManager => diags.emit(
                Diagnostic::new(
                    &codes::ENV_SECRET_OUTSIDE_COMMANDS,
                    value_at,
                    format!(
                        "`{key}` of `{name}` is a secret, which AWS documents for `{COMMANDS}` actions and not for `{}`",
                        action.type_id.provider
                    ),
                )
                .with_help("give the secret in the way that the provider's own page shows"),
            ),
        }
    }
}

fn outputs(action: &Action, diags: &mut Diagnostics) {
    let name = words::action(action);
    list(
        &codes::OUTPUT_VARIABLES_LIMITS,
        &action.output_variables,
        ["output variable", "name of an output variable"],
        name,
        (limits::OUTPUT_VARIABLES, limits::OUTPUT_VARIABLE),
        action.origin,
        diags,
    );
    for output in &action.outputs {
        list(
            &codes::OUTPUT_FILES_LIMITS,
            &output.files,
            ["file pattern", "file pattern"],
            &output.name.value,
            (limits::OUTPUT_FILES, limits::OUTPUT_FILE),
            place(output.name.origin, action.origin),
            diags,
        );
    }
}

/// Reports a list that is too long, and its entries that are empty or too long.
fn list(
    code: &'static Code,
    entries: &[Node<String>],
    [what, entry]: [&str; 2],
    owner: &str,
    (number, length): (Limit, Limit),
    whole: Origin,
    diags: &mut Diagnostics,
) {
    if let Some(first_too_many) = entries.get(number.max) {
        diags.emit(
            Diagnostic::new(
                code,
                place(first_too_many.origin, whole),
                format!(
                    "`{owner}` has {}, and {} is the most",
                    words::count(entries.len(), what),
                    number.max
                ),
            )
            .with_label(format!("the {} one", words::ordinal(number.max + 1)))
            .with_help("leave some out, or join them"),
        );
    }
    for text in entries {
        let problem = match text.value.as_str() {
            "" => format!("a {entry} of `{owner}` is empty"),
            long if !length.fits(long) => format!(
                "the {entry} `{}` of `{owner}` is too long: {}",
                words::short(long),
                words::too_long(long, length.max)
            ),
            _ => continue,
        };
        diags.emit(Diagnostic::new(code, place(text.origin, whole), problem).with_help("shorten it, or leave it out"));
    }
}

fn action_timeout(action: &Action, diags: &mut Diagnostics) {
    let Some(timeout) = &action.timeout_minutes else { return };
    let name = words::action(action);
    let at = place(timeout.origin, action.origin);
    if action.type_id.category != "Approval" {
        diags.emit(
            Diagnostic::new(
                &codes::TIMEOUT_ON_NON_APPROVAL,
                at,
                format!("`{name}` has a timeout, and CodePipeline takes one for approvals only"),
            )
            .with_help("remove it, and set the limit where the action does its work"),
        );
    } else if !limits::TIMEOUT.holds(timeout.value as usize) {
        diags.emit(timeout_report(
            &codes::APPROVAL_TIMEOUT_RANGE,
            "approval",
            name,
            timeout.value,
            at,
        ));
    }
}

fn rule_timeout(rule: &Rule, diags: &mut Diagnostics) {
    if let Some(timeout) = &rule.timeout_minutes
        && !limits::TIMEOUT.holds(timeout.value as usize)
    {
        let at = place(timeout.origin, rule.origin);
        let name = words::rule(rule);
        diags.emit(timeout_report(
            &codes::RULE_TIMEOUT_RANGE,
            "rule",
            name,
            timeout.value,
            at,
        ));
    }
}

fn timeout_report(code: &'static Code, what: &str, name: &str, minutes: u64, at: Origin) -> Diagnostic {
    let minutes = words::count(minutes as usize, "minute");
    Diagnostic::new(
        code,
        at,
        format!("{what} `{name}` has a timeout of {minutes}, and AWS takes 5 minutes to 60 days"),
    )
    .with_help("give a time from 5 minutes to 60 days")
}

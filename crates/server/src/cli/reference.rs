//! Writes `docs/reference/cli.md` from clap's definition, and holds the page to it.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

#[test]
fn the_command_line_reference_is_generated() {
    let mut root = super::Cli::command();
    root.build();
    let mut page = String::from("# Command line\n\nGenerated from the command's own `--help`.\n");
    write_exit_codes(&mut page, &root);
    write_commands(&mut page, &root, "bellwire");
    crate::reference::hold("cli.md", &page);
}

fn write_exit_codes(page: &mut String, root: &Command) {
    let text = root.get_after_help().unwrap().to_string();
    let mut lines = text.lines();
    writeln!(
        page,
        "\n## {}\n\n| code | meaning |\n|---|---|",
        lines.next().unwrap().trim_end_matches(':')
    )
    .unwrap();
    for line in lines {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        writeln!(page, "| {code} | {meaning} |").unwrap();
    }
}

fn write_commands(page: &mut String, command: &Command, name: &str) {
    let shown = |sub: &&Command| sub.get_name() != "help" && !sub.is_hide_set();
    let mut below = command.get_subcommands().filter(shown).peekable();
    if below.peek().is_none() {
        write_command(page, command, name);
    } else if let (Some(more), true) = (command.get_after_help(), name.contains(' ')) {
        writeln!(page, "\n## {name}\n\n```text\n{more}\n```").unwrap();
    }
    for sub in below {
        write_commands(page, sub, &format!("{name} {}", sub.get_name()));
    }
}

fn write_command(page: &mut String, command: &Command, name: &str) {
    let about = command.get_about().unwrap();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    writeln!(page, "\n## {name}\n\n{about}.\n\n```text\n{usage}\n```").unwrap();
    let shown = |arg: &&Arg| !matches!(arg.get_id().as_str(), "help" | "version");
    let mut args = command.get_arguments().filter(shown).peekable();
    if args.peek().is_some() {
        page.push_str("\n| | |\n|---|---|\n");
    }
    for arg in args {
        writeln!(page, "| `{}` | {} |", form(arg).replace('|', "\\|"), meaning(arg)).unwrap();
    }
    if let Some(more) = command.get_after_help() {
        writeln!(page, "\n```text\n{more}\n```").unwrap();
    }
}

/// How an argument is written.
fn form(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().iter().map(|n| format!("<{n}>"));
    let value = value.collect::<Vec<_>>().join(" ");
    let short = arg.get_short().map_or(String::new(), |short| format!("-{short}, "));
    match arg.get_long() {
        Some(long) if arg.get_action().takes_values() => format!("{short}--{long} {value}"),
        Some(long) => format!("{short}--{long}"),
        None => value,
    }
}

fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if let Some(variable) = arg.get_env() {
        write!(text, " [env: {}]", variable.display()).unwrap();
    }
    let usual: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if arg.get_action().takes_values() && usual.iter().any(|value| !value.is_empty()) {
        write!(text, " [default: {}]", usual.join(", ")).unwrap();
    }
    let possible: Vec<_> =
        arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if !possible.is_empty() && arg.get_action().takes_values() {
        write!(text, " [{}]", possible.join(", ")).unwrap();
    }
    text.replace('|', "\\|")
}

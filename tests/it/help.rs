//! What the program says about itself, as people read it.

use crate::support::program::Program;

/// Every command, in the order of the help.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["demo"],
    &["daemon"],
    &["health"],
    &["sync"],
    &["sync", "projects"],
    &["sync", "usage"],
    &["sync", "occupancy"],
    &["backfill"],
    &["coverage"],
    &["report"],
    &["forecast"],
    &["budget"],
    &["budget", "set"],
    &["budget", "list"],
    &["budget", "remove"],
    &["bill"],
    &["bill", "show"],
    &["bill", "explain"],
    &["bill", "close"],
    &["bill", "adjust"],
    &["bill", "reconcile"],
    &["bill", "compare"],
    &["bill", "verify"],
    &["resale"],
    &["resale", "margin"],
    &["resale", "statement"],
    &["tag"],
    &["tag", "set"],
    &["tag", "import"],
    &["tag", "list"],
    &["tag", "clear"],
    &["query"],
    &["init"],
    &["check"],
    &["api"],
    &["api", "projects"],
    &["api", "projects", "list"],
    &["api", "projects", "get"],
    &["api", "projects", "create"],
    &["api", "projects", "enable"],
    &["api", "projects", "disable"],
    &["api", "projects", "delete"],
    &["api", "projects", "recording-server"],
    &["api", "certificates"],
    &["api", "certificates", "enable"],
    &["api", "certificates", "disable"],
    &["api", "certificates", "reset"],
    &["api", "rules"],
    &["api", "rules", "list"],
    &["api", "rules", "create"],
    &["api", "rules", "update"],
    &["api", "rules", "delete"],
    &["api", "channels"],
    &["api", "channels", "list"],
    &["api", "channels", "users"],
    &["api", "channels", "role"],
    &["api", "channels", "co-host"],
    &["api", "usage"],
    &["simulator"],
    &["migrate"],
    &["lake"],
    &["lake", "export"],
    &["lake", "verify"],
    &["lake", "files"],
    &["backup"],
    &["restore"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_explains_itself() {
    let mut program = Program::new();
    program.set("COLUMNS", "100");
    for &command in COMMANDS {
        let outcome = program.run(&[command, &["--help"]].concat()).exits(0);
        let name = [&["help"], command].concat().join("_");
        insta::assert_snapshot!(name, outcome.stdout);
        assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
    }
}

#[test]
fn every_command_of_the_help_is_tested() {
    let program = Program::new();
    let help = program.run(&["--help"]).exits(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let mut names: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    names.retain(|name| *name != "help");
    let known: Vec<&str> =
        COMMANDS.iter().filter(|command| command.len() == 1).map(|command| command[0]).collect();
    assert_eq!(names, known);
}

#[test]
fn the_version_is_that_of_the_package() {
    let said = format!("agora-usage {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Program::new().run(&["--version"]).exits(0).stdout, said);
}

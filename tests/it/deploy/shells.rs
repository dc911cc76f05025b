//! Completions and manual pages.

use std::process::{Command, Stdio};

use crate::support::program::Program;

#[test]
fn every_shell_gets_completions_that_know_the_commands() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = program.run(&["completions", shell]).exits(0).stdout;
        for word in ["backfill", "certificates", "grace-seconds"] {
            assert!(script.contains(word), "{shell}: '{word}' is missing");
        }
    }
    program.run(&["completions", "tcl"]).exits(2).says(&["possible values", "bash"]);
}

#[test]
fn bash_completes_a_command() {
    let program = Program::new();
    let script = program.run(&["completions", "bash"]).exits(0).stdout;
    std::fs::write(program.folder().join("completions"), script).expect("written");
    let asked = "source ./completions; COMP_WORDS=(agora-usage backf) COMP_CWORD=1; \
        _agora__usage agora-usage backf agora-usage; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", asked])
        .current_dir(program.folder())
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "backfill\n");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let program = Program::new();
    let page = program.run(&["man"]).exits(0).stdout;
    assert!(page.contains(".TH agora-usage 1"), "{page}");
    assert!(page.contains("Exit codes: 0 done"), "{page}");

    let folder = program.folder().join("share/man1");
    let said = program.run(&["man", &folder.display().to_string()]).exits(0);
    said.says(&["wrote the pages of all commands into"]);
    for name in ["agora-usage", "agora-usage-daemon", "agora-usage-api-rules-create"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_a_way_out() {
    let program = Program::new();
    let file = program.folder().join("file");
    std::fs::write(&file, "").expect("written");
    let folder = file.join("man1").display().to_string();
    program.run(&["man", &folder]).exits(1).says(&[&folder, "hint: choose another folder"]);
}

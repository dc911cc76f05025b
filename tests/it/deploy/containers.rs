//! Image, compose and Kubernetes: what a static look can tell. That they work is
//! tried by `scripts/check-compose` with a real engine.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use agora_usage::config::Settings;

use super::{read, repository};
use crate::support::program::Program;
use crate::support::simulated::Running;

/// Paths that the image's build takes from the repository.
fn copied() -> BTreeSet<String> {
    let dockerfile = read("Dockerfile");
    let lines = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    lines
        .filter(|line| !line.starts_with("--from") && !line.starts_with("agora-usag[e]"))
        .flat_map(|line| line.split_whitespace().rev().skip(1))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_image_is_built_from_what_docker_is_given() {
    let ignore = read(".dockerignore");
    let given: BTreeSet<String> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        // Of this folder the build gets one file.
        .map(|path| if path.starts_with("deploy/") { "deploy" } else { path }.to_owned())
        .collect();
    assert_eq!(copied(), given);
}

#[test]
fn the_image_is_built_from_every_file_that_the_code_includes() {
    let copied = copied();
    let mut included = 0;
    for source in rust_files(&repository().join("src")) {
        let text = std::fs::read_to_string(&source).expect("read");
        let calls = ["include_str!(\"", "include_bytes!(\""];
        let rests = calls.iter().flat_map(|call| text.split(call).skip(1));
        for path in rests.filter_map(|rest| rest.split('"').next()) {
            let file = normal(&source.parent().expect("a folder").join(path));
            let file = file.strip_prefix(repository()).expect("in the repository").to_owned();
            let top = file.iter().next().expect("a name").to_string_lossy();
            // Fixtures are included by tests alone.
            assert!(copied.contains(&*top) || top == "tests", "{}: {path}", source.display());
            included += 1;
        }
    }
    assert!(included > 20, "{included} calls were found");
}

/// Without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        if component == Component::ParentDir {
            normal.pop();
        } else {
            normal.push(component);
        }
        normal
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("listed").map(|entry| entry.expect("entry"));
    let of = |path: PathBuf| if path.is_dir() { rust_files(&path) } else { vec![path] };
    let files = entries.flat_map(|entry| of(entry.path()));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn the_manifest_is_valid_where_the_image_compiles_its_dependencies() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["Cargo.toml", "Cargo.lock"] {
        std::fs::write(folder.path().join(name), read(name)).expect("written");
    }
    std::fs::create_dir(folder.path().join("src")).expect("made");
    std::fs::write(folder.path().join("src/lib.rs"), "").expect("written");
    std::fs::write(folder.path().join("src/main.rs"), "fn main() {}").expect("written");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(folder.path())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a settings file says, apart from this machine's environment.
fn settings(path: &Path) -> Settings {
    Settings::load(Some(path), Some("postgres://localhost/x")).expect("valid settings")
}

#[test]
fn the_demo_of_compose_knows_the_credentials_of_its_simulator() {
    let program = Program::new();
    let simulator = Running::start(&program, &["--listen", "0.0.0.0", "--seed", "1"]);
    let demo = settings(&repository().join("deploy/compose/demo.toml"));
    let [account] = &demo.accounts[..] else { panic!("one account: {demo:?}") };
    assert_eq!(account.account.as_str(), "demo");
    account.api_settings().expect("credentials and an allowed host");
    let toml = read("deploy/compose/demo.toml");
    let [_, (_, id), (_, secret)] = &simulator.lines[..] else { panic!("three lines") };
    assert!(toml.contains(&format!("customer_id = \"{id}\"")), "{toml}");
    assert!(toml.contains(&format!("customer_secret = \"{secret}\"")), "{toml}");
    assert!(simulator.lines[0].1.starts_with("http://127.0.0.1:"), "{:?}", simulator.lines[0]);
    let compose = read("docker-compose.yml");
    assert!(
        compose
            .contains(r#"["simulator", "--listen", "0.0.0.0", "--port", "8080", "--seed", "1"]"#)
    );
}

#[test]
fn settings_files_of_compose_and_kubernetes_are_valid() {
    settings(&repository().join("deploy/compose/account.toml"));
    let map = read("deploy/kubernetes/config-map.yaml");
    let (_, block) = map.split_once("agora-usage.toml: |\n").expect("a settings file");
    let toml: Vec<&str> =
        block.lines().map(|line| line.strip_prefix("    ").expect("indented")).collect();
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), toml.join("\n")).expect("written");
    assert_eq!(settings(file.path()).accounts.len(), 1);
}

#[test]
fn image_and_manifests_agree_on_user_port_and_version() {
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.contains("USER 10001:10001") && dockerfile.contains("EXPOSE 9464"));
    let image = format!("image: agora-usage:{}\n", env!("CARGO_PKG_VERSION"));
    for name in ["deployment", "cron-job"] {
        let manifest = read(&format!("deploy/kubernetes/{name}.yaml"));
        for text in [
            &image[..],
            "runAsUser: 10001\n",
            "enableServiceLinks: false\n",
            "mountPath: /reports\n",
        ] {
            assert!(manifest.contains(text), "{name}: '{text}' is missing");
        }
    }
    assert!(read("deploy/kubernetes/deployment.yaml").contains("containerPort: 9464\n"));
}

#[test]
fn containers_take_the_variables_of_a_lake_and_need_none() {
    let compose = read("docker-compose.yml");
    let (_, rest) = compose.split_once("env_file: ${DAEMON_VARIABLES:-./").expect("a file");
    let (default, _) = rest.split_once('}').expect("a file by default");
    let set = read(default).lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(set, 0, "{default} sets something");
    for name in ["deployment", "cron-job"] {
        let manifest = read(&format!("deploy/kubernetes/{name}.yaml"));
        let words: Vec<&str> = manifest.split_whitespace().collect();
        let secret = "envFrom: - secretRef: name: agora-usage-lake optional: true";
        assert!(words.join(" ").contains(secret), "{name}");
        // docs/scale.md: 607 MiB at most; files of a lake are made in /tmp.
        assert!(manifest.contains("memory: 1Gi\n"), "{name}");
        assert!(words.join(" ").contains("sizeLimit: 2Gi"), "{name}");
    }
    let example = read("deploy/kubernetes/secret.example.yaml");
    assert!(example.contains("create secret generic agora-usage-lake "));
}

#[test]
fn arguments_in_the_files_are_those_of_the_program() {
    let program = Program::new();
    let daemon = program.run(&["daemon", "--help"]).exits(0).stdout;
    for name in
        ["kubernetes/deployment.yaml", "kubernetes/cron-job.yaml", "systemd/agora-usage.service"]
    {
        let text = read(&format!("deploy/{name}"));
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("args:") || line.starts_with("ExecStart="));
        let flags: Vec<&str> = line
            .expect("arguments")
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .filter(|word| word.starts_with("--"))
            .collect();
        assert!(flags.contains(&"--grace-seconds"), "{name}: {flags:?}");
        for flag in flags {
            assert!(
                daemon.contains(&format!("{flag} ")) || daemon.contains(&format!("{flag}\n")),
                "{name}: {flag}"
            );
        }
    }
}

//! The service of systemd may write little: the folders of the example settings are in it.

use std::path::{Path, PathBuf};

use super::read;

/// Settings that name a place that the program writes into.
const WRITTEN: [&str; 3] = ["data_folder", "report_folder", "lake_url"];

/// Values of a key of the unit, a list each.
fn of_unit(key: &str) -> Vec<String> {
    let unit = read("deploy/systemd/agora-usage.service");
    let values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn the_service_may_write_into_every_folder_of_the_example_settings() {
    assert_eq!(of_unit("ProtectSystem"), ["strict"]);
    let state = |name: &String| Path::new("/var/lib").join(name);
    let states: Vec<PathBuf> = of_unit("StateDirectory").iter().map(state).collect();
    let [started_in] = &of_unit("WorkingDirectory")[..] else { panic!("one folder") };
    let started_in = PathBuf::from(started_in.replace("%S", "/var/lib"));
    let writable: Vec<PathBuf> =
        [states.clone(), of_unit("ReadWritePaths").iter().map(PathBuf::from).collect()].concat();
    let example = read("deploy/agora-usage.example.toml");
    for key in WRITTEN {
        let start = format!("# {key} = \"");
        let value = example.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
        let folder = started_in.join(value.unwrap_or_else(|| panic!("no line for {key}")));
        // By components, so that a name that only begins alike is another folder.
        let may_write = writable.iter().any(|writable| folder.starts_with(writable));
        assert!(may_write, "{key} = {}: the service may write {writable:?}", folder.display());
    }
    // What the comment above the line offers is no setting that is in force.
    let unit = read("deploy/systemd/agora-usage.service");
    assert!(unit.contains("\n#ReadWritePaths=/srv/"), "{unit}");
}

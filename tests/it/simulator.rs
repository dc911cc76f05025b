//! `simulator`: the account that it prints, the program as its client, and its end.

use rustix::process::Signal;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::simulated::Running;

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_its_account_serves_and_stops_when_told() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program.set("AGORA_USAGE_NOW", "2031-05-08T18:00:00Z").set("DATABASE_URL", database.url());
    let simulator = Running::start(&program, &["--projects", "4", "--seed", "7"]);
    let names: Vec<_> = simulator.lines.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["AGORA_BASE_URL", "AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET"]);
    for (name, value) in &simulator.lines {
        program.set(name, value.as_str());
    }
    program.run(&["sync", "projects"]).exits(0).says(&["4 projects listed"]);
    simulator.stop(Signal::TERM);
}

#[test]
fn the_same_seed_is_the_same_account_and_a_taken_port_is_refused() {
    let mut program = Program::new();
    program.set("AGORA_USAGE_NOW", "2031-05-08T18:00:00Z");
    let first = Running::start(&program, &["--seed", "7"]);
    let second = Running::start(&program, &["--seed", "7"]);
    let other = Running::start(&program, &["--seed", "8"]);
    assert_eq!(first.lines[1..], second.lines[1..]);
    assert_ne!(first.lines[1..], other.lines[1..]);
    let (_, port) = first.lines[0].1.rsplit_once(':').expect("a port");
    let said = format!("error: cannot listen on 127.0.0.1:{port}");
    program.run(&["simulator", "--port", port]).exits(1).says(&[&said]);
    first.stop(Signal::INT);
}

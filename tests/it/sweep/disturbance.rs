//! Runs the program while something goes wrong, and takes the trouble away again.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::schedule::{DatabaseFault, ProcessFault, Step};
use super::tally::Tally;
use crate::support::own_server::OwnServer;
use crate::support::world::{PANICKED, Run, World};

/// Between two looks at what a run does.
const LOOK: Duration = Duration::from_millis(3);

/// One run of the step's command, to its end.
pub(super) async fn disturbed_run(
    world: &mut World,
    server: &mut OwnServer,
    database: &str,
    step: &Step,
    tally: &mut Tally,
) {
    if matches!(step.database, DatabaseFault::ReadOnly) {
        let only_read = "set default_transaction_read_only = on";
        server.execute("postgres", &format!("alter database {database} {only_read}")).await;
    }
    let begin = || match step.process.limits() {
        Some(limits) => world.begin_limited(&limits, step.command),
        None => world.begin(step.command),
    };
    let mut runs = vec![begin()];
    if matches!(step.process, ProcessFault::Twice) {
        runs.push(begin());
    }
    strike_process(&mut runs[0], world, step.process);
    strike_database(server, database, step.database).await;
    for run in runs {
        let status = run.end();
        world.note(&format!("ended: {status}"));
        tally.add(match status.code() {
            Some(code) => format!("runs that ended with {code}"),
            None => "runs that a signal ended".to_owned(),
        });
        // What cannot be had of memory ends a program wherever it stands.
        let is_starved = matches!(step.process, ProcessFault::LittleMemory { .. });
        assert!(status.code() != Some(PANICKED) || is_starved, "it panicked");
    }
    server.settle().await;
    if matches!(step.database, DatabaseFault::ReadOnly) {
        let reset = format!("alter database {database} reset default_transaction_read_only");
        server.execute("postgres", &reset).await;
    }
}

fn strike_process(run: &mut Run, world: &World, fault: ProcessFault) {
    let process = Pid::from_child(&run.child);
    // One that has ended by itself is no failure: its process is waited for later.
    let send = |signal| kill_process(process, signal).expect("a process that was not waited for");
    match fault {
        ProcessFault::Kill { after_ms } => {
            pause(after_ms);
            send(Signal::KILL);
        }
        ProcessFault::KillAtReport => {
            let reports = world.program.folder().join("reports/default");
            while run.child.try_wait().expect("asked").is_none() {
                let entries = std::fs::read_dir(&reports).into_iter().flatten().flatten();
                let mut names = entries.map(|entry| entry.file_name());
                if names.any(|name| name.to_string_lossy().starts_with('.')) {
                    run.child.kill().expect("killed");
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
        ProcessFault::Paused { after_ms, for_ms } => {
            pause(after_ms);
            send(Signal::STOP);
            pause(for_ms);
            send(Signal::CONT);
        }
        _ => {}
    }
}

async fn strike_database(server: &mut OwnServer, database: &str, fault: DatabaseFault) {
    match fault {
        DatabaseFault::None | DatabaseFault::ReadOnly => {}
        DatabaseFault::Crash { after_ms } => {
            pause(after_ms);
            server.crash();
        }
        DatabaseFault::Restart { after_ms, pause_ms } => {
            pause(after_ms);
            server.shut_down();
            pause(pause_ms);
            server.bring_up();
        }
        DatabaseFault::CancelledStatements { for_ms } => {
            let cancel = format!(
                "select pg_cancel_backend(pid) from pg_stat_activity where datname = '{database}'"
            );
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(for_ms) {
                server.execute("postgres", &cancel).await;
                std::thread::sleep(10 * LOOK);
            }
        }
        DatabaseFault::FullDisk { kib, for_ms } => {
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(for_ms) {
                for process in server.processes() {
                    let limit = Rlimit { current: Some(kib * 1024), maximum: None };
                    // One that has just ended has no limits any more.
                    let _ = prlimit(Some(process), Resource::Fsize, limit);
                }
                std::thread::sleep(LOOK);
            }
        }
        DatabaseFault::LockedTable { for_ms } => {
            let seconds = Duration::from_millis(for_ms).as_secs_f64();
            let lock = format!(
                "do $$ begin \
                     if to_regclass('agora.usage_daily') is not null then \
                         lock table agora.usage_daily in access exclusive mode; \
                     end if; \
                     perform pg_sleep({seconds}); \
                 end $$"
            );
            server.execute(database, &lock).await;
        }
    }
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

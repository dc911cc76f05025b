//! The whole life of a cluster, on the PostgreSQL of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Row};

use super::postmaster::{RunningServer, ServerState, observe};
use super::*;

struct Place {
    _folder: tempfile::TempDir,
    settings: ClusterSettings,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/tmp").expect("temporary folder");
        // The user that runs the server for root must pass it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let settings = ClusterSettings { data_folder: folder.path().join("data"), durable: false };
        Self { _folder: folder, settings }
    }

    fn acquire(&self) -> PrivateCluster {
        PrivateCluster::acquire(&self.settings).expect("a share")
    }

    fn cluster(&self) -> PathBuf {
        self.settings.data_folder.join("postgres")
    }

    fn running(&self) -> Option<RunningServer> {
        match observe(&self.cluster()).expect("observed") {
            ServerState::Stopped => None,
            ServerState::Changing(server) | ServerState::Ready(server) => Some(server),
        }
    }

    fn kill_server(&self) {
        let server = self.running().expect("running");
        let pid = Pid::from_raw(server.pid).expect("a process id");
        kill_process(pid, Signal::KILL).expect("killed");
        while self.running().is_some() {
            thread::yield_now();
        }
    }
}

fn ask(options: &PgConnectOptions, question: &'static str) -> String {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(
        async {
            let mut connection = options.connect().await.expect("connected");
            let rows = sqlx::raw_sql(question).fetch_all(&mut connection).await.expect("answered");
            rows.first().expect("a row").get::<String, _>(0)
        },
    )
}

#[test]
fn two_threads_share_a_server_and_the_last_one_out_stops_it() {
    let place = Place::new();
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| place.acquire());
        let second = scope.spawn(|| place.acquire());
        (first.join().expect("first"), second.join().expect("second"))
    });
    assert_eq!(first.socket_folder(), second.socket_folder());
    let socket_folder = first.socket_folder().to_path_buf();
    first.release().expect("released");
    let options = second.connect_options("postgres");
    assert_eq!(ask(&options, "show server_encoding"), "UTF8");
    drop(second);
    assert_eq!(place.running(), None);
    assert!(!socket_folder.exists(), "an empty socket folder is left behind");
}

#[test]
fn a_server_left_running_is_found_and_used_again() {
    let place = Place::new();
    place.acquire().leave_running();
    let left = place.running().expect("running");
    let again = place.acquire();
    assert_eq!(place.running(), Some(left));
    again.release().expect("released");
    assert_eq!(place.running(), None);
}

#[test]
fn the_address_works_as_text_too_and_the_cluster_is_as_promised() {
    let place = Place::new();
    let cluster = place.acquire();
    let url = cluster.connection_url("postgres");
    let options: PgConnectOptions = url.parse().expect("an address");
    let question = "select concat_ws(' ', current_setting('listen_addresses'),
        current_setting('TimeZone'), datcollate, split_part(current_setting('server_version'), '.', 1))
        from pg_database where datname = current_database()";
    let expected = format!(" UTC C.UTF-8 {}", cluster.version());
    assert_eq!(ask(&options, question).replace("Etc/UTC", "UTC"), expected);
    let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(cluster.socket_folder().to_path_buf()), 0o700);
    assert_eq!(mode(cluster.socket_folder().join(".s.PGSQL.5432")), 0o700);
    assert_eq!(mode(place.cluster()), 0o700);
    for file in ["pg_hba.conf", "postgresql.conf", "postmaster.pid", "PG_VERSION"] {
        assert_eq!(mode(place.cluster().join(file)), 0o600, "{file}");
    }
    for entry in fs::read_dir(&place.settings.data_folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(path.clone()) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_durable_cluster_writes_to_disk_before_it_answers() {
    let mut place = Place::new();
    place.settings.durable = true;
    let cluster = place.acquire();
    let options = cluster.connect_options("postgres");
    let question = "select concat_ws(' ', current_setting('fsync'),
        current_setting('full_page_writes'), current_setting('synchronous_commit'))";
    assert_eq!(ask(&options, question), "on on on");
}

#[test]
fn a_killed_server_is_started_again_with_its_data() {
    let mut place = Place::new();
    place.settings.durable = true;
    let cluster = place.acquire();
    let options = cluster.connect_options("postgres");
    ask(&options, "create table kept as select 'data' as what; select 'made'");
    place.kill_server();
    let other = place.acquire();
    assert_eq!(ask(&other.connect_options("postgres"), "select what from kept"), "data");
    drop(other);
    assert!(place.running().is_some(), "the first share still counts");
    drop(cluster);
    assert_eq!(place.running(), None);
}

#[test]
fn a_stale_pid_file_whose_process_is_another_program_is_cleaned() {
    let place = Place::new();
    let cluster = place.acquire();
    place.kill_server();
    cluster.leave_running();
    let pid_file = place.cluster().join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).expect("left by the killed server");
    let (stale, rest) = text.split_once('\n').expect("lines");
    // A program of the server's own user: PostgreSQL alone would take it for a server.
    let user = ServerUser::for_cluster(&place.cluster()).expect("user");
    let mut program =
        program(Path::new("/bin/sleep"), &user).arg("60").spawn().expect("sleep starts");
    fs::write(&pid_file, format!("{}\n{rest}", program.id())).expect("write");
    assert_ne!(stale, program.id().to_string());

    let again = place.acquire();
    assert_eq!(ask(&again.connect_options("postgres"), "select 'up'"), "up");
    drop(again);
    assert!(program.try_wait().expect("asked").is_none(), "the other program was not stopped");
    program.kill().expect("kill");
    program.wait().expect("wait");
}

#[test]
fn a_cluster_that_was_half_made_is_made_again() {
    let place = Place::new();
    let unfinished = place.settings.data_folder.join("postgres.new");
    fs::create_dir_all(unfinished.join("base")).expect("create");
    fs::set_permissions(&place.settings.data_folder, fs::Permissions::from_mode(0o755))
        .expect("chmod");
    fs::write(unfinished.join("PG_VERSION"), "15\n").expect("write");
    let cluster = place.acquire();
    assert_eq!(ask(&cluster.connect_options("postgres"), "select 'up'"), "up");
    assert!(!unfinished.exists());
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.cluster()).expect("create");
    fs::write(place.cluster().join("thesis.txt"), "years of work").expect("write");
    let user = ServerUser::for_cluster(&place.settings.data_folder.join("none")).expect("user");
    user.take_over(&place.cluster()).expect("chown");
    let error = PrivateCluster::acquire(&place.settings).expect_err("refused");
    assert!(matches!(error, ClusterError::NotACluster { .. }), "{error}");
    assert!(place.cluster().join("thesis.txt").exists());
}

#[test]
fn a_server_whose_socket_was_removed_is_restarted_when_nobody_uses_it() {
    let place = Place::new();
    let cluster = place.acquire();
    let before = place.running().expect("running");
    fs::remove_dir_all(cluster.socket_folder()).expect("removed");
    let error = PrivateCluster::acquire(&place.settings).expect_err("in use");
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
    cluster.leave_running();
    let again = place.acquire();
    assert_ne!(place.running().expect("running").pid, before.pid);
    drop(again);
}

#[test]
fn without_programs_nothing_is_left_in_the_way() {
    let place = Place::new();
    let nothing = SearchPlaces { path: None, version_folders: vec!["/nonexistent".into()] };
    let error = PrivateCluster::acquire_with(&place.settings, &nothing).expect_err("none");
    assert!(matches!(error, ClusterError::NoBinaries { .. }), "{error}");
    place.acquire().release().expect("released");
}

#[test]
fn a_start_that_fails_shows_the_end_of_the_log() {
    let place = Place::new();
    place.acquire().release().expect("released");
    fs::write(place.cluster().join("postgresql.conf"), "no_such_setting = 1\n").expect("write");
    let error = PrivateCluster::acquire(&place.settings).expect_err("refused").to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn a_data_folder_closed_to_the_server_s_user_is_refused_before_anything_is_made() {
    let place = Place::new();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    fs::create_dir_all(&place.settings.data_folder).expect("create");
    fs::set_permissions(&place.settings.data_folder, fs::Permissions::from_mode(0o700))
        .expect("chmod");
    let error = PrivateCluster::acquire(&place.settings).expect_err("refused");
    assert!(matches!(error, ClusterError::FolderClosed { .. }), "{error}");
    assert!(!place.cluster().exists());
}

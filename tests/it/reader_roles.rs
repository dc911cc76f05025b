//! `migrate --grant-reader`: which roles may become readers, and what a reader is told.

use crate::support::database::TestDatabase;
use crate::support::two_accounts::two_accounts;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_could_do_more_is_refused() {
    let (database, program) = two_accounts().await;
    let granted = "select relname from pg_class \
                   where relnamespace = 'agora'::regnamespace and relacl::text like '%it_odd_%'";
    for (role, make, arguments, said) in [
        ("it_odd_super", "alter role it_odd_super superuser", &[][..], "superuser"),
        ("it_odd_bypass", "alter role it_odd_bypass bypassrls", &[], "bypasses row security"),
        ("it_odd_owner", "grant create on schema agora to it_odd_owner", &[], "may create some"),
        (
            "it_odd_member",
            "grant pg_read_all_data to it_odd_member",
            &["--tenant", "east"],
            "a member of 'pg_read_all_data'",
        ),
        ("it_odd_stray", "", &["--tenant", "north"], "no account 'north'"),
    ] {
        database.url_of_a_role(role).await;
        database.execute(make).await;
        let arguments = [&["migrate", "--grant-reader", role][..], arguments].concat();
        program.run(&arguments).exits(1).says(&[said, "hint: "]);
    }
    assert_eq!(database.rows(granted).await, ["(it_odd)"; 0]);
    database.url_of_a_role("it_odd_writer").await;
    database.execute("grant update on agora.project to it_odd_writer").await;
    let arguments = ["migrate", "--grant-reader", "it_odd_writer"];
    program.run(&arguments).exits(1).says(&["it may write to agora.project", "hint: "]);
    for (name, exit) in [("pg_monitor", 2), ("public", 2), ("it_odd_nobody", 1)] {
        program.run(&["migrate", "--grant-reader", name]).exits(exit).says(&["error: ", "hint: "]);
    }
    program.run(&["migrate", "--tenant", "east"]).exits(2);
    database.execute("alter role it_odd_super nosuperuser").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_runs_what_writes_is_told_which_role_may() {
    let (database, mut program) = two_accounts().await;
    let url = database.url_of_a_role("it_reader_who_writes").await;
    let owner = database.value("select current_user").await;
    program.run(&["migrate", "--grant-reader", "it_reader_who_writes"]).exits(0);
    let told = format!("name the role that owns the tables, '{owner}', in DATABASE_URL");
    program
        .set("DATABASE_URL", &url)
        .set("AGORA_CUSTOMER_ID", "c")
        .set("AGORA_CUSTOMER_SECRET", "s")
        .set("AGORA_USAGE_NOW", "2031-03-01T00:00:00Z");
    for arguments in [
        &["report", "--month", "2031-01"][..],
        &["bill", "close", "--month", "2031-01"],
        &["backfill", "--from", "2031-01-01", "--to", "2031-01-02"],
        &["tag", "set", "P_east", "team=live"],
        &["migrate"],
    ] {
        let outcome = program.run(arguments).exits(1);
        let refused = "error: the role 'it_reader_who_writes' may not write to this database\n";
        outcome.says(&[refused, "hint: a role that only reads may run `query`", &told]);
    }
    program.run(&["query", "projects"]).exits(0);
    // A role that was granted nothing, for which there is no schema to be seen.
    let url = database.url_of_a_role("it_stranger_who_writes").await;
    program.set("DATABASE_URL", &url);
    let refused = "error: the role 'it_stranger_who_writes' may not write to this database\n";
    program.run(&["report", "--month", "2031-01"]).exits(1).says(&[refused, &told]);
    let said = ["permission denied", "migrate --grant-reader ROLE"];
    program.run(&["query", "projects"]).exits(1).says(&said);
    // Nor can one that may create nothing begin an empty database.
    let empty = TestDatabase::empty();
    empty.execute("revoke create on schema public from public").await;
    program.set("DATABASE_URL", empty.url_of_a_role("it_stranger_who_writes").await);
    let refused = "the role 'it_stranger_who_writes' may not create tables in this database";
    program.run(&["migrate"]).exits(1).says(&[refused, "hint: as an administrator: grant create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_created_on_request_whatever_its_name() {
    let (database, program) = two_accounts().await;
    let name = format!("it'\"; drop table agora.bill; -- {}", std::process::id());
    let said = ["has no role", "add --create"];
    program.run(&["migrate", "--grant-reader", &name]).exits(1).says(&said);
    let said = ["was created without a password", "may read"];
    program.run(&["migrate", "--grant-reader", &name, "--create"]).exits(0).says(&said);
    let quoted = name.replace('\'', "''");
    let role = format!(
        "select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, \
         has_table_privilege(oid, 'agora.bill', 'select') from pg_roles where rolname = '{quoted}'"
    );
    assert_eq!(database.rows(&role).await, ["(t,f,f,f,f,t)"]);
    let identifier = name.replace('"', "\"\"");
    database.execute(&format!("drop owned by \"{identifier}\"; drop role \"{identifier}\"")).await;
    // The entry that it leaves lets nobody in, and stops nothing.
    program.run(&["migrate"]).exits(0);
    database.execute("select agora.secure_rows()").await;
}

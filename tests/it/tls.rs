//! Whom the program trusts: certificates of the database and of the platform.

use crate::support::database::TestDatabase;
use crate::support::filled_lake::FilledLake;
use crate::support::object_server::ObjectServer;
use crate::support::own_server::OwnServer;
use crate::support::program::Program;
use crate::support::raw_server::{RawServer, answer, json};
use crate::support::tls::{Authority, Backend, front};

/// A PostgreSQL, the authority that the program is told to trust, and another one.
struct Place {
    program: Program,
    server: OwnServer,
    trusted: Authority,
    other: Authority,
}

impl Place {
    fn new() -> Self {
        let program = Program::new();
        let server = OwnServer::start(program.folder().join("data"));
        Self { program, server, trusted: Authority::new(), other: Authority::new() }
    }

    /// Address of the database behind this port; everything about its certificate must be right.
    fn url(&self, port: u16) -> String {
        let root = self.trusted.write(self.program.folder(), "trusted.pem");
        format!(
            "postgres://postgres:hidden-password@localhost:{port}/postgres\
             ?sslmode=verify-full&sslrootcert={}",
            root.display()
        )
    }

    fn backend(&self) -> Backend {
        Backend::Postgres(self.server.socket())
    }
}

#[test]
fn a_database_with_the_right_certificate_is_used() {
    let mut place = Place::new();
    let port = front(Some(place.trusted.server("localhost")), place.backend());
    let url = place.url(port);
    place.program.set("DATABASE_URL", url);
    place.program.run(&["migrate"]).exits(0);
    place.program.run(&["query", "projects"]).exits(0);
}

#[test]
fn a_database_whose_certificate_is_another_s_or_for_another_host_is_refused() {
    let mut place = Place::new();
    let of_another = front(Some(place.other.server("localhost")), place.backend());
    let for_another_host = front(Some(place.trusted.server("elsewhere.example")), place.backend());
    let without_tls = front(None, place.backend());
    for (port, cause) in
        [(of_another, "certificate"), (for_another_host, "certificate"), (without_tls, "TLS")]
    {
        let url = place.url(port);
        place.program.set("DATABASE_URL", url);
        let outcome = place.program.run(&["migrate", "-vv"]).exits(1);
        assert!(!outcome.stderr.contains("hidden-password"), "{}", outcome.stderr);
        outcome.says(&["error: the database cannot be reached", cause]);
    }
}

#[test]
fn a_platform_whose_certificate_nobody_vouches_for_gets_no_credentials() {
    let platform = RawServer::start(vec![json("200 OK", r#"{"projects":[]}"#)]);
    let port = front(Some(Authority::new().server("localhost")), Backend::Port(platform.port()));
    let mut program = Program::new();
    program
        .set("AGORA_BASE_URL", format!("https://localhost:{port}"))
        .set("AGORA_CUSTOMER_ID", "fake-customer")
        .set("AGORA_CUSTOMER_SECRET", "fake-secret")
        .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1");
    program.run(&["api", "projects", "list"]).exits(1).says(&["certificate"]);
    assert!(platform.received().is_empty());
    // Nor does one without encryption, unless it is this machine.
    program.set("AGORA_BASE_URL", "http://platform.example");
    program.run(&["api", "projects", "list"]).exits(78).says(&["https"]);
}

/// A client of this platform, which trusts the authority alone.
fn client_of(platform: &RawServer) -> Program {
    let trusted = Authority::new();
    let port = front(Some(trusted.server("localhost")), Backend::Port(platform.port()));
    let mut program = Program::new();
    let root = trusted.write(program.folder(), "trusted.pem");
    program
        .set("SSL_CERT_FILE", root.display().to_string())
        .set("AGORA_BASE_URL", format!("https://localhost:{port}"))
        .set("AGORA_CUSTOMER_ID", "fake-customer")
        .set("AGORA_CUSTOMER_SECRET", "fake-secret");
    program
}

#[test]
fn a_platform_of_a_private_authority_is_asked_with_credentials() {
    let platform = RawServer::start(vec![json("200 OK", r#"{"projects":[]}"#)]);
    client_of(&platform).run(&["api", "projects", "list"]).exits(0);
    assert!(platform.received()[0].head.to_lowercase().contains("authorization: basic "));
}

#[test]
fn a_ca_file_adds_an_authority_and_is_checked_before_anything_is_sent() {
    let platform = RawServer::start(vec![json("200 OK", r#"{"projects":[]}"#)]);
    let mut program = client_of(&platform);
    let trusted = program.folder().join("trusted.pem").display().to_string();
    let other = Authority::new().write(program.folder(), "other.pem").display().to_string();
    program.set("SSL_CERT_FILE", &other);
    program.run(&["api", "projects", "list"]).exits(1).says(&["certificate"]);
    let empty = program.folder().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").expect("written");
    program.set("AGORA_USAGE_CA_FILE", "/dev/zero");
    program
        .run(&["api", "projects", "list"])
        .exits(78)
        .says(&["ca_file: /dev/zero is larger than"]);
    for (file, cause) in [("missing.pem", "cannot be read"), ("empty.pem", "no certificate in PEM")]
    {
        let path = program.folder().join(file).display().to_string();
        program.set("AGORA_USAGE_CA_FILE", path);
        let refused = program.run(&["api", "projects", "list"]).exits(78);
        refused.says(&["ca_file: ", file, cause, "(set by AGORA_USAGE_CA_FILE)"]);
    }
    assert!(platform.received().is_empty());
    program.set("AGORA_USAGE_CA_FILE", trusted);
    program.run(&["api", "projects", "list"]).exits(0);
}

#[test]
fn a_certificate_that_is_none_is_refused_by_file_and_number_before_a_client_is_built() {
    let mut program = Program::new();
    let good = Authority::new().write(program.folder(), "good.pem");
    let good = std::fs::read_to_string(good).expect("read");
    let junk = "-----BEGIN CERTIFICATE-----\nanVuaw==\n-----END CERTIFICATE-----\n";
    let cut = &good[..good.len() / 2];
    let file = program.folder().join("bundle.pem");
    program.set("AGORA_USAGE_CA_FILE", file.display().to_string());
    for (bundle, number) in [
        ([&good, junk].concat(), 2),
        ([junk, &good].concat(), 1),
        ([&good, &good, cut].concat(), 3),
    ] {
        std::fs::write(&file, bundle).expect("written");
        // Also by a command that asks nobody.
        let refused = program.run(&["check"]).exits(78);
        let which = format!("ca_file: certificate {number} of {} is none: ", file.display());
        refused.says(&[&which, "(set by AGORA_USAGE_CA_FILE)"]);
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let mut program = Program::new();
    let database = TestDatabase::new();
    let settings = program.folder().join("agora-usage.toml");
    std::fs::write(&settings, "plan = \"fixed\"\n").expect("written");
    program.set("DATABASE_URL", database.url());
    for name in ["CA_FILE", "ACCOUNTS_FILE", "LAKE_URL", "PLAN", "WORKERS", "Base_Url"] {
        program.set(&format!("AGORA_USAGE_{name}"), "");
    }
    program.run(&["check"]).exits(0).says(&["settings   ok", "fixed-usd"]);
    std::fs::write(&settings, "plan = \"weekly\"\n").expect("written");
    program.run(&["check"]).exits(78).says(&["plan = 'weekly' is not known", "agora-usage.toml)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_also_holds_for_the_object_store_of_a_lake() {
    let mut filled = FilledLake::new().await;
    let store = ObjectServer::start().await;
    let (_, port) = store.address().rsplit_once(':').expect("a port");
    let authority = Authority::new();
    let backend = Backend::Port(port.parse().expect("a port"));
    let port = front(Some(authority.server("localhost")), backend);
    let trusted = authority.write(filled.program.folder(), "trusted.pem").display().to_string();
    let other = Authority::new().write(filled.program.folder(), "other.pem").display().to_string();
    let url = "s3://bucket/lake";
    filled
        .program
        .set("SSL_CERT_FILE", &other)
        .set("AWS_ENDPOINT", format!("https://localhost:{port}"))
        .set("AWS_ACCESS_KEY_ID", "test-id")
        .set("AWS_SECRET_ACCESS_KEY", "hush-secret")
        .set("AWS_REGION", "eu-central-1")
        .set("AGORA_USAGE_CA_FILE", &trusted)
        .set("AGORA_USAGE_LAKE_URL", url);
    filled.export().exits(0).says(&["27 partitions published", url]);
    filled.verify().exits(0).says(&[" 0 differences"]);
    assert!(store.signed() && !store.objects().is_empty());
    // Bounds of the client stay those of the environment.
    filled.program.set("AWS_TIMEOUT", "soon");
    filled.export().exits(78).says(&["the lake's address cannot be used", "soon"]);
}

#[test]
fn c23_a_redirect_to_plain_http_takes_no_credentials_along() {
    let plain = RawServer::start(vec![json("200 OK", r#"{"projects":[]}"#)]);
    for target in [plain.base_url(), format!("http://localhost:{}", plain.port())] {
        let headers = format!("Location: {target}/dev/v1/projects/\r\n");
        let platform = RawServer::start(vec![answer("307 Temporary Redirect", &headers, "")]);
        let outcome = client_of(&platform).run(&["api", "projects", "list"]).exits(1);
        outcome.says(&["the server redirects", "status 307"]);
        assert_eq!(platform.received().len(), 1);
    }
    assert!(plain.received().is_empty());
}

use super::account::hosts;
use super::*;
use crate::domain::{Service, UsageSource};

fn settings(toml: &str) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("agora-usage.toml");
    std::fs::write(&path, toml).expect("written");
    Settings::load(Some(&path), Some("postgres://localhost/x"))
}

fn message(toml: &str) -> String {
    settings(toml).expect_err("refused").to_string()
}

#[test]
fn defaults_are_those_of_the_readme() {
    let settings = settings("").expect("valid");
    let account = &settings.accounts[0];
    assert_eq!(account.account.as_str(), "default");
    assert_eq!(account.collect.source, UsageSource::V3);
    let services = [Service::Rtc, Service::CloudRecording, Service::Miniapp];
    assert_eq!(account.collect.services, services);
    assert_eq!(account.hosts[0].as_str(), "https://api.agora.io/");
    assert!(matches!(account.api_settings(), Err(ConfigError::NoCredentials { .. })));
    assert_eq!(account.price_books().expect("embedded").all()[0].name, "tiered-usd");
}

#[test]
fn halves_of_credentials_and_empty_lists_of_hosts_are_refused() {
    for (half, missing) in [
        ("customer_id = ''\ncustomer_secret = 'b'", "has no customer id"),
        ("customer_id = 'a'\ncustomer_secret = ''", "has no customer secret"),
        ("", "has no customer id and secret"),
    ] {
        let settings = settings(half).expect("valid");
        let error = settings.accounts[0].api_settings().expect_err(half).to_string();
        assert!(error.ends_with(missing), "{half}: {error}");
    }
    let pair = message("customer_id = 'a:b'\ncustomer_secret = 'c'");
    assert!(pair.contains("customer_id holds a colon"), "{pair}");
    assert!(message("base_url = ' , '").contains("names no host"));
    assert!(message("base_url = 'https://api.agora.io/#x'").contains("without a path"));
}

#[test]
fn an_account_takes_over_what_it_does_not_say_itself_except_credentials() {
    let settings = settings(
        r#"
        plan = "fixed"
        services = ["rtc"]
        [[account]]
        name = "east"
        customer_id = "a"
        customer_secret = "b"
        usage_api = "v1"
        [[account]]
        name = "west"
        plan = "tiered"
        "#,
    );
    let settings = settings.expect("valid");
    let names: Vec<_> = settings.accounts.iter().map(|a| a.account.to_string()).collect();
    assert_eq!(names, ["east", "west"]);
    let [east, west] = &settings.accounts[..] else { panic!("two accounts") };
    assert_eq!((east.plan.as_str(), west.plan.as_str()), ("fixed", "tiered"));
    assert_eq!(east.collect.source, UsageSource::V1);
    assert!(east.api_settings().is_ok());
    assert!(matches!(west.api_settings(), Err(ConfigError::NoCredentials { .. })));
    assert!(matches!(settings.chosen(Some("north")), Err(ConfigError::UnknownAccount(_))));
}

#[test]
fn a_bad_value_names_key_and_source() {
    let text = message("workers = \"many\"");
    assert!(text.contains("workers") && text.contains("agora-usage.toml"), "{text}");
    let text = message("wokers = 3");
    assert!(text.contains("wokers"), "{text}");
    assert!(message("services = [\"rtc\", \"telephone\"]").contains("'telephone' is not known"));
    assert!(message("usage_api = \"v2\"").contains("use v3 or v1"));
    assert!(message("[[account]]\nname = \"a/b\"").contains("'a/b' is not a name"));
    assert!(
        message("[[account]]\nname=\"a\"\n[[account]]\nname=\"a\"").contains("described twice")
    );
}

#[test]
fn c47_a_secret_of_the_wrong_kind_is_not_quoted() {
    let text = message("customer_secret = 123454321");
    assert!(!text.contains("123454321"), "{text}");
    let debug = format!("{:?}", settings("customer_secret = \"hush-hush\"").expect("valid"));
    assert!(!debug.contains("hush-hush"));
}

#[test]
fn c23_a_host_without_tls_is_refused_unless_it_is_this_machine() {
    let host = |text: &str, allow_http| hosts(text, allow_http).map(|urls| urls.len());
    assert!(host("http://api.agora.io", false).is_err());
    assert_eq!(host("http://api.agora.io", true).expect("allowed"), 1);
    assert_eq!(host("http://127.0.0.1:8080,https://b.example", false).expect("valid"), 2);
    let error = hosts("https://me:hidden@api.agora.io", false).expect_err("refused").to_string();
    assert!(!error.contains("hidden"), "{error}");
    assert!(hosts("https://api.agora.io/dev/v1", false).is_err());
    assert!(hosts("api.agora.io", false).is_err());
}

#[test]
fn c47_an_address_that_is_a_secret_is_neither_quoted_nor_printed() {
    let text = message("alert_webhook_url = \"http://hooks.example/hush-hush\"");
    assert!(text.contains("alert_webhook_url cannot be used: http would"), "{text}");
    assert!(!text.contains("hush-hush"), "{text}");
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), "https://ping.example/hush-hush\n").expect("written");
    let toml = format!("dead_man_ping_url_file = \"{}\"", file.path().display());
    let settings = settings(&toml).expect("valid");
    assert!(settings.observe.dead_man_ping.is_some());
    assert!(!format!("{settings:?}").contains("hush-hush"));
    assert!(message("listen_address = \"9464\"").contains("is not an address and port"));
}

#[test]
fn names_of_hosts_have_no_scheme_and_no_port() {
    let hosts = |toml: &str| settings(toml).expect("valid").observe.allowed_hosts;
    assert_eq!(
        hosts("allowed_hosts = \"a.example, B.example\""),
        hosts("allowed_hosts = [\"b.example\", \"A.example.\"]")
    );
    let refused = message("allowed_hosts = [\"https://usage.example.com\"]");
    assert!(refused.contains("'https://usage.example.com' is not the name of a host"), "{refused}");
    assert!(
        message("allowed_hosts = \"usage.example.com:443\"").contains("without scheme and port")
    );
}

#[test]
fn the_example_sets_nothing_and_every_line_of_it_is_a_key() {
    let as_it_is = settings(EXAMPLE).expect("valid");
    assert_eq!(as_it_is.accounts[0].collect.policy.look_back_days, 7);
    let (common, account) = EXAMPLE.split_once("# --- More accounts").expect("section");
    let uncommented = |text: &str| {
        let is_setting = |line: &&str| {
            line.starts_with("# [")
                || line.split_once(" = ").is_some_and(|(key, _)| {
                    key.strip_prefix("# ").is_some_and(|key| !key.contains(' '))
                })
        };
        text.lines().filter(is_setting).map(|line| &line[2..]).collect::<Vec<_>>().join("\n")
    };
    let secret = tempfile::NamedTempFile::new().expect("file");
    let path = secret.path().display().to_string();
    let folder = tempfile::tempdir().expect("folder");
    let authorities = folder.path().join("ca.pem");
    let signed = rcgen::generate_simple_self_signed(Vec::new()).expect("a certificate");
    std::fs::write(&authorities, signed.cert.pem()).expect("written");
    let listed = folder.path().join("accounts.csv");
    std::fs::write(&listed, "name,plan\nlisted,fixed\n").expect("written");
    let all = format!("{}\n{}", uncommented(common), uncommented(account))
        .replace("accounts.csv", &listed.display().to_string())
        .replace("/etc/ssl/company-ca.pem", &authorities.display().to_string())
        .replace("/run/secrets/agora-east", &path)
        .replace("/run/secrets/agora", &path);
    let set = settings(&all).expect("every key is known");
    let defaults = settings("").expect("valid");
    let names: Vec<_> = set.accounts.iter().map(|own| own.account.as_str()).collect();
    assert_eq!(names, ["default", "east", "listed"]);
    assert_eq!(set.accounts[0].collect.policy, defaults.accounts[0].collect.policy);
    assert_eq!(set.accounts[0].hosts, defaults.accounts[0].hosts);
    assert_eq!(set.accounts[0].collect.services, defaults.accounts[0].collect.services);
}

/// Keys that a table may have, from the refusal of one that it may not.
fn known_keys(table: &str) -> Vec<String> {
    let refusal = message(&format!("{table}no_such_key = 1"));
    let (_, expected) = refusal.split_once("expected").expect("a list of keys");
    let is_key =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    expected.split('`').filter(is_key).map(str::to_owned).collect()
}

#[test]
fn the_example_explains_every_key() {
    let keys = known_keys("");
    assert!(keys.len() > 25 && keys.contains(&"database_url".to_owned()), "{keys:?}");
    // Told in a sentence: setting them beside the others is refused.
    let in_words = ["price_book", "customer_secret_env"];
    assert!(in_words.iter().all(|key| EXAMPLE.contains(key)));
    let is_told_elsewhere = |key: &str| in_words.contains(&key);
    let is_table =
        |key: &str| matches!(key, "account" | "budget" | "schedule") || is_told_elsewhere(key);
    for key in keys.iter().filter(|key| !is_table(key)) {
        let line = format!("\n# {key} = ");
        assert!(EXAMPLE.contains(&line), "the example has no line for '{key}'");
    }
    for table in ["\n# [schedule]\n", "\n# [[account]]\n", "\n# [[budget]]\n"] {
        assert!(EXAMPLE.contains(table), "{table}");
    }
    let of_account = known_keys("[[account]]\n");
    for key in of_account.iter().filter(|key| *key != "name") {
        let is_known = keys.contains(key) || is_told_elsewhere(key);
        assert!(is_known, "'{key}' is for accounts alone, and not explained");
    }
}

#[test]
fn a_budget_of_one_scope_is_given_once() {
    let budget = |scope: &str, amount: &str| format!("[[budget]]\n{scope}amount = \"{amount}\"\n");
    let (account, project) = (budget("", "20"), budget("project = \"P1\"\n", "5"));
    assert!(settings(&format!("{account}{project}")).is_ok());
    let error = settings(&format!("{project}{account}{}", budget("project = \"P1\"\n", "6")));
    let message = error.expect_err("twice").to_string();
    assert!(message.contains("budget of project P1 is there twice"), "{message}");
}

#[test]
fn recording_beside_rtc_may_count_twice() {
    let twice = |toml: &str| settings(toml).expect("valid").accounts[0].may_count_recording_twice();
    assert!(twice("services = \"rtc, recording\""));
    assert!(!twice("services = [\"recording\"]"));
    assert!(!twice("services = [\"rtc\", \"recording\"]\nusage_api = \"v1\""));
}

#[test]
fn price_books_are_files_or_names_of_built_in_ones() {
    let folder = tempfile::tempdir().expect("folder");
    let contract = folder.path().join("contract.toml");
    let lines = "name = \"contract\"\nextends = \"tiered-usd\"\nvalid_to = \"2025-07\"\n";
    std::fs::write(&contract, lines).expect("written");
    let contract = contract.display();
    let list = settings(&format!("price_books = ['{contract}', 'standard-usd']")).expect("valid");
    let books = list.accounts[0].price_books().expect("two books");
    let chosen = |month: &str| {
        let month = crate::domain::Month::parse(month).expect("valid");
        books.in_force(month).expect("one book").name.clone()
    };
    assert_eq!((chosen("2025-07"), chosen("2025-08")), ("contract".into(), "standard-usd".into()));

    let refused = |toml: &str| {
        let settings = settings(toml).expect("valid");
        settings.accounts[0].price_books().expect_err("refused").to_string()
    };
    assert!(refused("price_books = 'tiered-usd, fixed-usd'").contains("both hold for account"));
    assert!(refused("price_book = 'none.toml'").contains("none.toml cannot be read"));
    assert!(refused("plan = 'weekly'").contains("use one of tiered, fixed, standard"));
    assert!(message("price_book = 'a'\nprice_books = ['b']").contains("use one of them"));
}

/// What goes wrong while a secret is typed, with it in place of `SECRET`.
const SLIPS: [&str; 12] = [
    "customer_secret = SECRET",
    "customer_secret = \"SECRET",
    "customer_secret = \"SECRET\" x",
    "customer_secret \"SECRET\"",
    "customer_secret = [\"SECRET\"]",
    "database_url = \"postgres://u:SECRET@h/x\" x",
    "workers = \"SECRET\"",
    "allow_http = \"SECRET\"",
    "budget = \"SECRET\"",
    "services = 'SECRET'",
    "[[account]]\nname = \"east\"\ncustomer_secret = SECRET",
    "[schedule]\nusage = [\"SECRET\"]",
];

#[test]
fn no_slip_in_the_settings_prints_a_secret() {
    for slip in SLIPS.iter().filter(|slip| !slip.starts_with("services")) {
        let text = slip.replace("SECRET", "topsecretvalue");
        let error = message(&text);
        assert!(!error.contains("topsecret"), "{slip}: {error}");
        assert!(error.contains("agora-usage.toml"), "{slip}: {error}");
        // However the text is cut, and whatever follows.
        for end in 0..text.len() {
            for rest in ["", "\n", "\"", " x", "]", "\u{0}"] {
                let cut = format!("{}{rest}", &text[..end]);
                let told = settings(&cut).map_err(|error| error.to_string());
                assert!(told.err().is_none_or(|error| !error.contains("topsecret")), "{cut}");
            }
        }
    }
    for account in [
        "name,customer_secret,plan\neast,a,b,topsecretvalue",
        "name,requests_per_second\neast,topsecretvalue",
        "name,accounts\neast,topsecretvalue",
    ] {
        let error = accounts_file::from_text(account, true).expect_err(account);
        assert!(!error.contains("topsecret"), "{account}: {error}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused_with_what_may_be() {
    for key in [
        "look_back_days",
        "api_history_months",
        "requests_per_second",
        "statistics_requests_per_second",
        "accounts_at_once",
        "workers",
        "attempts_per_host",
        "channel_page_size",
        "channel_retention_days",
        "no_success_hours",
    ] {
        let error = message(&format!("{key} = {}", u32::MAX));
        let said = format!("{key} = 4294967295 is out of range: ");
        assert!(error.starts_with(&said) && error.contains("agora-usage.toml"), "{error}");
    }
    for key in ["workers", "attempts_per_host", "request_timeout_seconds", "max_body_bytes"] {
        assert!(message(&format!("{key} = 0")).contains("is out of range: 1 to "), "{key}");
    }
}

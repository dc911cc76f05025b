//! Many random cases of the pure parts, drawn from a seed.
//!
//! An ordinary run takes a thousand cases of a fixed seed; `make soak` says how
//! many, and from which seed on.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

const CASES_VARIABLE: &str = "AGORA_TEST_SWEEP_CASES";
const SEED_VARIABLE: &str = "AGORA_TEST_SWEEP_SEED";
const DEFAULT_CASES: u32 = 1_000;
const DEFAULT_SEED: u64 = 1;

/// Settings of a property: as many cases as `PROPTEST_CASES` says, else `usual_cases`.
pub(crate) fn config(usual_cases: u32) -> Config {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return Config::default();
    }
    Config::with_cases(usual_cases)
}

/// Holds a property against random cases; a failure names the smallest case found, and the seed.
pub(crate) fn hold<S: Strategy<Value: Debug>>(
    cases: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    let number = number_of(CASES_VARIABLE, u64::from(DEFAULT_CASES));
    let seed = number_of(SEED_VARIABLE, DEFAULT_SEED);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: u32::try_from(number).expect("fewer than 2^32 cases"),
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    match TestRunner::new_with_rng(config, random).run(cases, property) {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => {
            panic!(
                "{reason}\nsmallest case: {case:#?}\nrepeat with {SEED_VARIABLE}={seed} {CASES_VARIABLE}={number}"
            )
        }
        Err(TestError::Abort(reason)) => panic!("no cases: {reason}"),
    }
}

fn number_of(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number"))
}

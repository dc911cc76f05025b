//! The inner loops of a load, opened to `benches/` alone.
//!
//! Owns nothing and promises nothing: each function calls the code that the
//! program runs, with what surrounds it (network, database) left out.

use crate::agora_api::usage_v1;
use crate::domain::{AccountId, DateRange, DayUsage};
use crate::store::usage::{UsageAnswer, answer_sha256, compared, encoded};

/// Decodes a body of usage v1.
///
/// # Errors
/// A text that says what of the body cannot be read.
pub fn decode(body: &[u8], range: DateRange) -> Result<Vec<DayUsage>, String> {
    usage_v1::decoded(body, range)
}

/// Encodes cells for a binary COPY; gives the size in bytes.
#[must_use]
pub fn encode(account: &AccountId, days: &[DayUsage]) -> usize {
    encoded(account, days)
}

/// Compares an answer with stored cells; gives how many are new and how many have changed.
#[must_use]
pub fn compare(answer: &UsageAnswer, stored: &[DayUsage]) -> (usize, usize) {
    compared(answer, stored)
}

/// Hashes what an answer says.
#[must_use]
pub fn hash(days: &[DayUsage]) -> [u8; 32] {
    answer_sha256(days)
}

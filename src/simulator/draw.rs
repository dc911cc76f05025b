//! Numbers that look random and are the same on every machine.
//!
//! A draw is a function of the seed and of what it is for, not of the draws
//! before it. Any day can be computed by itself, without a table, and a new
//! kind of draw changes none of the old ones.

/// What a draw is for; keeps the draws for different purposes apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Topic {
    CustomerId = 1,
    CustomerSecret,
    ProjectId,
    AppId,
    Certificate,
    Creation,
    Habits,
    IdleDay,
    Amount,
    ChannelPeriod,
    Channel,
    ChannelUsers,
    RequestId,
    ChannelUser,
    Mode,
    Fault,
    LateDay,
    NewCertificate,
}

/// Draws 64 bits for a topic and the numbers that tell one case from another.
pub(super) fn draw(seed: u64, topic: Topic, case: &[u64]) -> u64 {
    let start = mix(mix(seed) ^ topic as u64);
    case.iter().fold(start, |state, number| mix(state ^ number))
}

/// Draws 32 hexadecimal digits.
pub(super) fn hex_32(seed: u64, topic: Topic, number: u64) -> String {
    let half = |part| draw(seed, topic, &[number, part]);
    format!("{:016x}{:016x}", half(0), half(1))
}

/// The step of the generator known as `splitmix64`: different inputs, different outputs.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_its_published_numbers() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn draws_differ_by_seed_topic_and_case() {
        let first = draw(1, Topic::Amount, &[1, 2]);
        assert_eq!(first, draw(1, Topic::Amount, &[1, 2]));
        assert_ne!(first, draw(2, Topic::Amount, &[1, 2]));
        assert_ne!(first, draw(1, Topic::IdleDay, &[1, 2]));
        assert_ne!(first, draw(1, Topic::Amount, &[2, 1]));
        assert_eq!(hex_32(1, Topic::AppId, 7).len(), 32);
    }
}

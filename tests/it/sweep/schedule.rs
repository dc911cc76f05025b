//! What goes wrong on which day: drawn from a seed, the same each time.

use crate::support::dice::Dice;

/// Longest wait before a fault strikes: about as long as a run takes on a quiet machine.
const LONGEST_RUN_MS: u64 = 900;

/// Faults of the platform, each with an aim.
const PLATFORM: [&str; 20] = [
    "status=500@usage",
    "status=503@projects",
    "status=429@usage",
    "retry-after=0@usage",
    "retry-after=soon@projects",
    "latency-ms=20@usage",
    "slow-body-ms=20@usage",
    "cut-body@usage",
    "cut-body=30@projects",
    "html@usage",
    "error-with-200@usage",
    "content-type=text/plain@usage",
    "gzip@usage",
    "numbers-as-strings@usage",
    "duplicate-rows@usage",
    "missing-rows@usage",
    "no-rows@usage",
    "refuse@usage",
    "stuck-pages@channels",
    "drift=3@channels",
];

/// Commands that write.
const COMMANDS: [&[&str]; 5] = [
    &["daemon", "--once", "-v"],
    &["daemon", "--once", "-v"],
    &["sync", "usage", "-v"],
    &["backfill", "--from", "2031-04-26", "--to", "2031-05-09", "--again", "-v"],
    &["report", "--month", "2031-04", "--format", "all", "-v"],
];

/// What goes wrong with the database while the program runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum DatabaseFault {
    None,
    /// A process of the server dies, so that it recovers from its log.
    Crash {
        after_ms: u64,
    },
    /// It is stopped, and started again.
    Restart {
        after_ms: u64,
        pause_ms: u64,
    },
    /// Statements are cut off, as those that take too long are.
    CancelledStatements {
        for_ms: u64,
    },
    /// Transactions are read-only unless they ask for more.
    ReadOnly,
    /// No file of the server can grow past a size.
    FullDisk {
        kib: u64,
        for_ms: u64,
    },
    /// Somebody else holds a table.
    LockedTable {
        for_ms: u64,
    },
}

/// What goes wrong with the program itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum ProcessFault {
    None,
    Kill {
        after_ms: u64,
    },
    /// Killed while the files of a report are written.
    KillAtReport,
    /// Killed by the first write past a size, in blocks of 512 bytes.
    KillAtWrite {
        blocks: u64,
    },
    /// The first write past a size fails, in blocks of 512 bytes.
    FullVolume {
        blocks: u64,
    },
    LittleMemory {
        mib: u64,
    },
    Paused {
        after_ms: u64,
        for_ms: u64,
    },
    /// Another one does the same at the same time.
    Twice,
}

/// A day: what is told otherwise from now on, what is run, and what goes wrong.
#[derive(Debug)]
pub(super) struct Step {
    /// Number of the project, days ago, per cent.
    pub(super) restatements: Vec<(usize, u32, u64)>,
    pub(super) command: &'static [&'static str],
    pub(super) platform: Vec<String>,
    pub(super) database: DatabaseFault,
    pub(super) process: ProcessFault,
}

impl Step {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let restatement = |dice: &mut Dice| {
            let project = usize::try_from(dice.roll(3)).expect("few");
            let days_ago = 1 + u32::try_from(dice.roll(6)).expect("few");
            (project, days_ago, dice.roll(3) * 70)
        };
        let restated = dice.roll(4);
        let faults = dice.roll(4);
        Self {
            restatements: (0..restated).map(|_| restatement(dice)).collect(),
            command: *dice.pick(&COMMANDS[..]),
            platform: (0..faults)
                .map(|_| format!("{}%{}", dice.pick(&PLATFORM), 5 + dice.roll(60)))
                .collect(),
            database: DatabaseFault::draw(dice),
            process: ProcessFault::draw(dice),
        }
    }
}

impl DatabaseFault {
    fn draw(dice: &mut Dice) -> Self {
        let after_ms = dice.roll(LONGEST_RUN_MS);
        match dice.roll(10) {
            0 | 1 => Self::Crash { after_ms },
            2 => Self::Restart { after_ms, pause_ms: dice.roll(400) },
            3 => Self::CancelledStatements { for_ms: after_ms },
            4 => Self::ReadOnly,
            5 => Self::FullDisk { kib: 8 << dice.roll(8), for_ms: after_ms },
            6 => Self::LockedTable { for_ms: after_ms },
            _ => Self::None,
        }
    }
}

impl ProcessFault {
    fn draw(dice: &mut Dice) -> Self {
        let after_ms = dice.roll(LONGEST_RUN_MS);
        match dice.roll(12) {
            0 | 1 => Self::Kill { after_ms },
            2 => Self::KillAtReport,
            3 => Self::KillAtWrite { blocks: dice.roll(24) },
            4 => Self::FullVolume { blocks: dice.roll(24) },
            5 => Self::LittleMemory { mib: 300 + dice.roll(900) },
            6 => Self::Paused { after_ms, for_ms: dice.roll(500) },
            7 => Self::Twice,
            _ => Self::None,
        }
    }

    /// Limits that the shell sets for the run.
    pub(super) fn limits(self) -> Option<String> {
        match self {
            Self::KillAtWrite { blocks } => Some(format!("ulimit -f {blocks}")),
            Self::FullVolume { blocks } => Some(format!("trap '' XFSZ; ulimit -f {blocks}")),
            Self::LittleMemory { mib } => Some(format!("ulimit -v {}", mib * 1024)),
            _ => None,
        }
    }
}

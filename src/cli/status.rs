//! Exit statuses.

/// What a subcommand answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// 0
    Fine,
    /// 1: errors were found, it is not formatted, the run failed.
    No,
    /// 2: bad arguments, an unreadable file.
    CouldNotAsk,
    /// A run's own: 0 to 2 as above, 3 refused, 75 waits for an approval, 130 and 143 interrupted.
    OfRun(u8),
}

impl Status {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::No => 1,
            Self::CouldNotAsk => 2,
            Self::OfRun(code) => code,
        }
    }
}

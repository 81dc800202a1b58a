//! The terminal while somebody is asked: it gives each key at once and shows none, because the line that is being typed is drawn
//! with the rest.

use crate::run::terminal::Modes;

/// Gives the terminal back as it was when it is dropped.
pub(super) struct Keys {
    before: Modes,
}

impl Keys {
    /// None where there is no terminal to type at, or another program has it.
    pub(super) fn take() -> Option<Self> {
        let before = Modes::now()?;
        before.clone().key_by_key().set();
        Some(Self { before })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.before.set();
    }
}

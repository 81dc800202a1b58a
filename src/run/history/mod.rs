//! What is known of runs afterwards, and from other processes: which there are, what became of each, what they printed.
//!
//! All of it comes from the journals and the folders beside them; nothing here is needed to carry a run out.

pub mod clean;
pub mod control;
pub mod find;
pub mod index;
pub mod list;
pub mod logs;
pub mod page;
pub mod shell;
mod standing;
mod stored;

pub use find::NotFound;
pub use standing::Standing;
pub use stored::{ReadError, StoredRun, read};

//! Small, well-timed requests to those who own entries: what is wrong, and the change that mends it.
//! Must not know chat's forms, nor how a platform sends a message.

pub mod check;
pub mod edit;
pub mod estimate;
pub mod fix;
pub mod guess;
pub mod kept;
pub mod misspelt;
pub mod onboard;
pub mod round;
pub mod standing;
pub mod track;
pub mod trend;
pub mod week;

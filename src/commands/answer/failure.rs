//! What a person is told when an act could not be done.
//! Must not log twice: the chain goes to the log here, once, with the reference the person sees.

use super::names::short_ref;
use crate::{
    catalog::{Catalog, EntityRef},
    chat::{Reply, Status, Text},
    commands::{Asking, StoreHealth, answer::names::label},
    error::UserError,
    store::StoreError,
};

/// The store did not take an act; `what` says which, as a sentence.
pub fn not_recorded(command: &str, what: &str, asking: &Asking<'_>, error: &StoreError) -> Reply {
    match error {
        // Of two deliveries of one act only one may say that it was done.
        StoreError::Claimed => {
            let lead = "This was delivered twice; it was taken on the first time, and is not done again.";
            Reply::new(Status::Refused, command, lead.into())
        }
        StoreError::Away(_) if asking.store == StoreHealth::Absent => {
            let said = UserError::new(format!("{what} `steward ask` only reads.")).kept("Nothing was changed.");
            let said = said.next("Ask in chat; for a sync run `steward sync`.");
            Reply { status: Status::Refused, ..Reply::fault(command, &said) }
        }
        StoreError::Away(_) => {
            tracing::warn!(command, %error, "an act was refused: the store is away");
            let said =
                UserError::new(format!("{what} PostgreSQL cannot be reached, and every change is written down there first."));
            let said = said.kept("Nothing was changed.").next("Try again in a few minutes; answers still work.");
            Reply { status: Status::Refused, ..Reply::fault(command, &said) }
        }
        StoreError::Failed(cause) => {
            // A time to the millisecond finds the line in the log without any memory of ours.
            let reference = format!("{:x}", asking.now.timestamp_millis());
            tracing::error!(command, reference, error = format!("{cause:#}"), "an act failed in the store");
            let said = UserError::new(format!("{what} The database refused it, which is a fault of ours."));
            let said = said.kept("Nothing was changed.").next(format!("Tell whoever runs Steward: reference {reference}."));
            Reply::fault(command, &said)
        }
    }
}

/// The store could not be asked; `needs` says what it keeps, as the beginning of a sentence.
pub fn not_answered(command: &str, needs: &str, asking: &Asking<'_>, error: &StoreError) -> Reply {
    match error {
        StoreError::Away(_) => {
            let why = match asking.store {
                StoreHealth::Absent => "which `steward ask` does not use; ask in chat".to_owned(),
                StoreHealth::AwaySince(since) => {
                    tracing::warn!(command, %error, "a question was refused: the store is away");
                    format!("which cannot be reached since {}", since.format("%H:%M UTC"))
                }
                StoreHealth::Reachable => "which cannot be reached now".to_owned(),
            };
            let said = UserError::new(format!("{needs} is kept in PostgreSQL, {why}."));
            Reply { status: Status::Refused, ..Reply::fault(command, &said) }
        }
        // No question claims anything.
        StoreError::Claimed => Reply::new(Status::Refused, command, "This was answered before.".into()),
        StoreError::Failed(cause) => {
            let reference = format!("{:x}", asking.now.timestamp_millis());
            tracing::error!(command, reference, error = format!("{cause:#}"), "a question failed in the store");
            let said = UserError::new(format!("{needs} could not be read: the database refused, which is a fault of ours."));
            Reply::fault(command, &said.next(format!("Tell whoever runs Steward: reference {reference}.")))
        }
    }
}

/// "Only admins may start a sync. Admins are Platform and Ana Silva."
pub fn admins_only(catalog: &Catalog, command: &str, act: &str, admins: &[EntityRef]) -> Reply {
    let names: Vec<String> =
        admins.iter().map(|admin| if catalog.find(admin).is_some() { label(catalog, admin) } else { short_ref(admin) }).collect();
    let who = match names.as_slice() {
        [] => "Nobody is one yet: name a group under access.admins in steward.yaml.".to_owned(),
        [one] => format!("They are: {one}."),
        [all @ .., last] => format!("They are: {} and {last}.", all.join(", ")),
    };
    Reply::new(Status::Refused, command, Text::plain(format!("Only admins may {act}. {who} Nothing was changed.")))
}

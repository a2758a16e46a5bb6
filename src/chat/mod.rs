//! The chat model that every platform shares: request, reply, form, text, command definitions, limits.
//! Pure, and a stranger to the catalog: it knows entity references only as words.

mod command;
mod custom;
mod form;
pub mod limits;
mod line;
pub mod markdown;
mod message;
pub mod paging;
mod question;
mod reply;
mod request;
mod text;
pub mod width;

pub use command::{
    Access, ActDef, ArgumentDef, ArgumentType, Arguments, BadCommandFile, CommandDef, CommandSet, Example, LineFault, Visibility,
};
pub use custom::{CustomCommand, CustomCommands};
pub use form::{Choice, Decimals, Field, FieldKind, Form, FormState, Required, ShownWhen, complete};
pub use message::{DeliveryError, Mark, Message, Posted, Urgency};
pub use question::{BadPhrase, Phrase, Question, ReadPhrases, Reading};
pub use reply::{
    Audience, Block, Button, Card, Does, Fact, Freshness, ListItem, ListStyle, Provenance, Reply, Response, Status, Tone, Weight,
};
pub use request::{Account, Act, Place, Platform, Request, Submission, Value};
pub use text::{Channel, Person, Span, Text};

//! The frames of Socket Mode. Must not refuse one for what it does not know.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What arrived in one frame.
#[derive(Debug)]
pub(super) enum Frame {
    /// The connection is good from now on.
    Hello {
        connections: u64,
    },
    /// It will be closed soon, for this reason.
    Disconnect {
        reason: String,
    },
    Envelope(Envelope),
    /// Of a type that is not known here; acknowledged where it has a number.
    Unknown {
        kind: String,
        envelope_id: Option<String>,
    },
}

/// Something for us.
#[derive(Debug)]
pub struct Envelope {
    pub id: String,
    pub kind: EnvelopeKind,
    /// The JSON that HTTP would have brought.
    pub payload: Box<RawValue>,
    /// Whether Slack takes an answer in the acknowledgement.
    pub accepts_payload: bool,
    /// How often it was told before, where Slack says so.
    pub attempt: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeKind {
    SlashCommand,
    Interactive,
    Event,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wire {
    #[serde(rename = "type")]
    kind: Box<RawValue>,
    envelope_id: Box<RawValue>,
    payload: Option<Box<RawValue>>,
    accepts_response_payload: Box<RawValue>,
    retry_attempt: Box<RawValue>,
    reason: Box<RawValue>,
    num_connections: Box<RawValue>,
}

/// A field of another shape than expected is as good as none.
fn read<T: for<'a> Deserialize<'a> + Default>(raw: &RawValue) -> T {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// `None` for what is no JSON object.
pub(super) fn parse_frame(text: &str) -> Option<Frame> {
    let Wire { kind, envelope_id, payload, accepts_response_payload, retry_attempt, reason, num_connections } =
        serde_json::from_str(text).ok()?;
    let kind: String = read(&kind);
    let envelope_id = Some(read::<String>(&envelope_id)).filter(|id| !id.is_empty());
    let envelope_kind = match kind.as_str() {
        "hello" => return Some(Frame::Hello { connections: read(&num_connections) }),
        "disconnect" => return Some(Frame::Disconnect { reason: read(&reason) }),
        "slash_commands" => EnvelopeKind::SlashCommand,
        "interactive" => EnvelopeKind::Interactive,
        "events_api" => EnvelopeKind::Event,
        _ => return Some(Frame::Unknown { kind, envelope_id }),
    };
    Some(match (envelope_id, payload) {
        (Some(id), Some(payload)) => {
            let accepts_payload = read(&accepts_response_payload);
            let attempt = read(&retry_attempt);
            Frame::Envelope(Envelope { id, kind: envelope_kind, payload, accepts_payload, attempt })
        }
        (envelope_id, _) => Frame::Unknown { kind, envelope_id },
    })
}

/// `{"envelope_id": …, "payload": …}`.
pub(super) fn acknowledgement(envelope_id: &str, payload: Option<&RawValue>) -> String {
    #[derive(serde::Serialize)]
    struct Acknowledged<'a> {
        envelope_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a RawValue>,
    }
    serde_json::to_string(&Acknowledged { envelope_id, payload }).expect("texts under text keys are JSON")
}

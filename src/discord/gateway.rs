//! Discord's gateway by serenity: what is heard goes to whoever listens. Must not answer anything.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use serenity::{
    Client,
    all::{ConnectionStage, GatewayError, Interaction, Message, Ready, ResumedEvent, ShardStageUpdateEvent},
    async_trait,
    client::{ClientBuilder, Context, EventHandler},
    gateway::ShardManager,
    model::gateway::GatewayIntents,
};
use tokio::{
    sync::{OnceCell, mpsc::UnboundedSender},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    DiscordClient,
    parse::{Incoming, Words, parse_interaction, parse_message},
};

/// Interactions need none; words that name us, or are said to us alone, come with these and without the right to read all.
const INTENTS: GatewayIntents = GatewayIntents::GUILD_MESSAGES.union(GatewayIntents::DIRECT_MESSAGES);

/// Between tries to connect; serenity reconnects by itself while it can.
const TRIES: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_secs(1)).with_max_delay(Duration::from_secs(60)).with_jitter();

/// A connection that is not closed in time is dropped.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// What the gateway tells.
#[derive(Debug)]
pub enum Heard {
    /// Discord takes us for this user.
    Opened {
        name: String,
    },
    /// The connection was lost and goes on where it was.
    Resumed,
    /// The connection is gone; serenity opens another.
    Closed,
    /// No connection can be opened; `is_final` where somebody has to change something first.
    NotOpened {
        reason: String,
        is_final: bool,
    },
    Acted(Box<Incoming>),
    Said(Box<Words>),
    PassedOver(&'static str),
}

struct Ear {
    heard: UnboundedSender<Heard>,
    me: OnceCell<String>,
}

impl Ear {
    fn tell(&self, heard: Heard) {
        // Nobody listens any more: the process stops.
        let _ = self.heard.send(heard);
    }
}

#[async_trait]
impl EventHandler for Ear {
    async fn ready(&self, _: Context, ready: Ready) {
        let _ = self.me.set(ready.user.id.to_string());
        self.tell(Heard::Opened { name: ready.user.name.clone() });
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        self.tell(Heard::Resumed);
    }

    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        if event.old == ConnectionStage::Connected {
            self.tell(Heard::Closed);
        }
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        self.tell(match parse_interaction(interaction) {
            Some(incoming) => Heard::Acted(Box::new(incoming)),
            None => Heard::PassedOver("interaction"),
        });
    }

    async fn message(&self, _: Context, message: Message) {
        let Some(me) = self.me.get() else { return };
        if let Some(words) = parse_message(&message, me) {
            self.tell(Heard::Said(Box::new(words)));
        }
    }
}

/// Listens until `stop`.
pub async fn listen(client: &DiscordClient, heard: UnboundedSender<Heard>, stop: &CancellationToken) {
    let mut pauses = TRIES.build();
    while !stop.is_cancelled() {
        let ear = Ear { heard: heard.clone(), me: OnceCell::new() };
        let built = ClientBuilder::new_with_http(client.for_gateway(), INTENTS).event_handler(ear).await;
        let ended = match built {
            Ok(gateway) => run(gateway, stop).await,
            Err(error) => Err(error),
        };
        if stop.is_cancelled() {
            return;
        }
        let (reason, is_final) = why(&ended);
        let _ = heard.send(Heard::NotOpened { reason, is_final });
        let pause = pauses.next().unwrap_or_else(|| {
            pauses = TRIES.build();
            Duration::from_secs(60)
        });
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn run(mut gateway: Client, stop: &CancellationToken) -> Result<(), serenity::Error> {
    let shards: Arc<ShardManager> = Arc::clone(&gateway.shard_manager);
    tokio::select! {
        ended = gateway.start() => ended,
        () = stop.cancelled() => {
            let _ = timeout(CLOSE_WITHIN, shards.shutdown_all()).await;
            Ok(())
        }
    }
}

/// In words that hold no token.
fn why(ended: &Result<(), serenity::Error>) -> (String, bool) {
    let (reason, is_final) = match ended {
        Ok(()) => ("the connection was closed", false),
        Err(serenity::Error::Gateway(GatewayError::InvalidAuthentication)) => {
            ("Discord does not take the token: set a new one in discord.token", true)
        }
        Err(serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents | GatewayError::InvalidGatewayIntents)) => {
            ("Discord does not allow this bot to hear messages", true)
        }
        Err(serenity::Error::Gateway(_)) => ("the gateway closed the connection", false),
        Err(_) => ("the gateway could not be reached", false),
    };
    (reason.to_owned(), is_final)
}

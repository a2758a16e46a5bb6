//! Which outward action is done by what. Must not do any itself.

use serde_json::{Map, Value as Json};

use super::doing::{Doing, Stop, Trouble};
use crate::template::{pure::Done, run::Acted};

/// Does one round of an outward action.
pub(super) async fn act(action: &str, mut doing: Doing<'_>) -> Result<Acted, Stop> {
    let acted = match doing.find_folder() {
        Ok(None) => act_there(action, &mut doing).await,
        Ok(Some(folder)) => doing.act_in(&folder, action).await,
        Err(trouble) => Err(trouble),
    };
    let Doing { log, warnings, .. } = doing;
    match acted {
        Ok(output) => Ok(Acted::Done(Done { output, log, warnings, ..Done::default() })),
        Err(Trouble::Failed(reason)) => Ok(Acted::Failed(reason)),
        Err(Trouble::Unknown(reason)) => Ok(Acted::Unknown(reason)),
        Err(Trouble::Stop(stop)) => Err(stop),
    }
}

async fn act_there(action: &str, doing: &mut Doing<'_>) -> Result<Map<String, Json>, Trouble> {
    match action {
        "publish:github" => doing.publish().await,
        "github:repo:create" => doing.create().await,
        "github:repo:push" => doing.push().await,
        "publish:github:pull-request" => doing.propose().await,
        "github:branch-protection:create" => doing.protect().await,
        "github:actions:dispatch" => doing.dispatch().await,
        "github:issues:label" => doing.label().await,
        "github:webhook" => doing.add_webhook().await,
        "catalog:register" => doing.register().await,
        "catalog:fetch" => doing.fetch_entities().await,
        "http:backstage:request" => doing.request().await,
        "slack:notify" => doing.notify().await,
        other => Err(Trouble::Failed(format!("{other} is not done here"))),
    }
}

/// Names and values of an object.
pub(super) fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}

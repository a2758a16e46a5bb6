//! Relations between entities, in both directions.
//! Must not know where they were declared.

use serde::{Deserialize, Serialize};

use super::EntityRef;

/// One edge as its source entity emits it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Relation {
    #[serde(rename = "type")]
    pub relation_type: RelationType,
    pub target: EntityRef,
}

/// Backstage's well-known relation types
/// (<https://backstage.io/docs/features/software-catalog/well-known-relations>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RelationType {
    OwnedBy,
    OwnerOf,
    DependsOn,
    DependencyOf,
    ProvidesApi,
    ApiProvidedBy,
    ConsumesApi,
    ApiConsumedBy,
    PartOf,
    HasPart,
    ChildOf,
    ParentOf,
    MemberOf,
    HasMember,
}

impl RelationType {
    /// The same edge seen from the other end.
    pub fn opposite(self) -> Self {
        use RelationType::*;
        match self {
            OwnedBy => OwnerOf,
            OwnerOf => OwnedBy,
            DependsOn => DependencyOf,
            DependencyOf => DependsOn,
            ProvidesApi => ApiProvidedBy,
            ApiProvidedBy => ProvidesApi,
            ConsumesApi => ApiConsumedBy,
            ApiConsumedBy => ConsumesApi,
            PartOf => HasPart,
            HasPart => PartOf,
            ChildOf => ParentOf,
            ParentOf => ChildOf,
            MemberOf => HasMember,
            HasMember => MemberOf,
        }
    }

    /// The name as Backstage writes it, `dependsOn`.
    pub fn as_str(self) -> &'static str {
        use RelationType::*;
        match self {
            OwnedBy => "ownedBy",
            OwnerOf => "ownerOf",
            DependsOn => "dependsOn",
            DependencyOf => "dependencyOf",
            ProvidesApi => "providesApi",
            ApiProvidedBy => "apiProvidedBy",
            ConsumesApi => "consumesApi",
            ApiConsumedBy => "apiConsumedBy",
            PartOf => "partOf",
            HasPart => "hasPart",
            ChildOf => "childOf",
            ParentOf => "parentOf",
            MemberOf => "memberOf",
            HasMember => "hasMember",
        }
    }
}

//! The built-in kinds, field by field: the one table behind checks, relations and did-you-mean.

use super::{Field, KindRules, MapRule, Need, Others, RelationRule, Shape, TextRule};
use crate::catalog::RelationType;

/// The whole document, but for what its kind asks of `spec`.
pub static ENVELOPE: MapRule = MapRule {
    fields: &[
        required("apiVersion", Shape::Literal(&Shape::Text(TextRule::ApiVersion)), "apiVersion: backstage.io/v1alpha1"),
        required("kind", Shape::Literal(&Shape::Text(TextRule::Kind)), "kind: Component"),
        required("metadata", Shape::Literal(&Shape::Map(&METADATA)), "metadata: { name: payments-api }"),
        optional("spec", Shape::Map(&ANYTHING), "spec: { type: service, lifecycle: production, owner: team-a }"),
    ],
    others: Others::Refused,
};

/// Every built-in kind, the commonest first.
pub static BUILT_IN_KINDS: &[KindRules] = &[
    kind("Component", CORE_VERSIONS, COMPONENT),
    kind("API", CORE_VERSIONS, API),
    kind("Resource", CORE_VERSIONS, RESOURCE),
    kind("System", CORE_VERSIONS, SYSTEM),
    kind("Domain", CORE_VERSIONS, DOMAIN),
    kind("Group", CORE_VERSIONS, GROUP),
    kind("User", CORE_VERSIONS, USER),
    kind("Location", CORE_VERSIONS, LOCATION),
    kind("Template", &["scaffolder.backstage.io/v1beta3"], TEMPLATE),
];

const CORE_VERSIONS: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];

const TEXT: Shape = Shape::Text(TextRule::NotEmpty);
const TEXTS: Shape = Shape::Texts(TextRule::NotEmpty);

static ANYTHING: MapRule = MapRule { fields: &[], others: Others::Accepted };

/// What every kind may say of itself.
pub static METADATA: MapRule = MapRule {
    fields: &[
        required("name", Shape::Literal(&Shape::Text(TextRule::Name)), "name: payments-api"),
        optional("namespace", Shape::Literal(&Shape::Text(TextRule::Namespace)), "namespace: payments"),
        optional("uid", TEXT, "uid: some-text"),
        optional("etag", TEXT, "etag: some-text"),
        optional("title", TEXT, "title: Payments API"),
        optional("description", Shape::Text(TextRule::Any), "description: Takes payments"),
        optional("labels", Shape::TextMap(TextRule::LabelValue), "labels: { tier: gold }"),
        optional("annotations", Shape::TextMap(TextRule::Any), "annotations: { example.com/id: \"42\" }"),
        optional("tags", Shape::Texts(TextRule::Tag), "tags: [java, payments]"),
        optional("links", Shape::Maps(&LINK), "links: [{ url: \"https://example.com\" }]"),
    ],
    others: Others::Accepted,
};

static LINK: MapRule = MapRule {
    fields: &[
        required("url", Shape::Text(TextRule::Url), "url: https://example.com"),
        optional("title", Shape::Text(TextRule::NotBlank), "title: Dashboard"),
        optional("icon", Shape::Text(TextRule::NotBlank), "icon: dashboard"),
        optional("type", TEXT, "type: dashboard"),
    ],
    others: Others::Accepted,
};

const OWNER: Field = relation(required("owner", TEXT, "owner: team-a"), RelationType::OwnedBy, Some("Group"));
const PART_OF_SYSTEM: Field = relation(optional("system", TEXT, "system: payments"), RelationType::PartOf, Some("System"));
const DEPENDS_ON: Field = relation(optional("dependsOn", TEXTS, "dependsOn: [component:ledger]"), RelationType::DependsOn, None);
const DEPENDENCY_OF: Field =
    relation(optional("dependencyOf", Shape::Unchecked, "dependencyOf: [component:shop]"), RelationType::DependencyOf, None);
const TYPE: Field = required("type", TEXT, "type: service");
const OPTIONAL_TYPE: Field = optional("type", TEXT, "type: product-area");
const LIFECYCLE: Field = required("lifecycle", TEXT, "lifecycle: production");

const COMPONENT: MapRule = MapRule {
    fields: &[
        TYPE,
        LIFECYCLE,
        OWNER,
        PART_OF_SYSTEM,
        relation(optional("subcomponentOf", TEXT, "subcomponentOf: shop"), RelationType::PartOf, Some("Component")),
        relation(optional("providesApis", TEXTS, "providesApis: [payments-api]"), RelationType::ProvidesApi, Some("API")),
        relation(optional("consumesApis", TEXTS, "consumesApis: [payments-api]"), RelationType::ConsumesApi, Some("API")),
        DEPENDS_ON,
        DEPENDENCY_OF,
    ],
    others: Others::Accepted,
};

const API: MapRule = MapRule {
    fields: &[
        required("type", TEXT, "type: openapi"),
        LIFECYCLE,
        OWNER,
        PART_OF_SYSTEM,
        required("definition", TEXT, "definition: { $text: ./openapi.yaml }"),
    ],
    others: Others::Accepted,
};

const RESOURCE: MapRule = MapRule {
    fields: &[required("type", TEXT, "type: database"), OWNER, PART_OF_SYSTEM, DEPENDS_ON, DEPENDENCY_OF],
    others: Others::Accepted,
};

const SYSTEM: MapRule = MapRule {
    fields: &[OWNER, relation(optional("domain", TEXT, "domain: commerce"), RelationType::PartOf, Some("Domain")), OPTIONAL_TYPE],
    others: Others::Accepted,
};

const DOMAIN: MapRule = MapRule {
    fields: &[
        OWNER,
        relation(optional("subdomainOf", TEXT, "subdomainOf: commerce"), RelationType::PartOf, Some("Domain")),
        OPTIONAL_TYPE,
    ],
    others: Others::Accepted,
};

static PROFILE: MapRule = MapRule {
    fields: &[
        optional("displayName", TEXT, "displayName: Ada Lovelace"),
        optional("email", TEXT, "email: ada@example.com"),
        optional("picture", TEXT, "picture: https://example.com/ada.png"),
    ],
    others: Others::Accepted,
};

const PROFILE_FIELD: Field = optional("profile", Shape::Map(&PROFILE), "profile: { displayName: Ada Lovelace }");

const GROUP: MapRule = MapRule {
    fields: &[
        required("type", TEXT, "type: team"),
        PROFILE_FIELD,
        relation(optional("parent", TEXT, "parent: engineering"), RelationType::ChildOf, Some("Group")),
        relation(required("children", TEXTS, "children: [] (or the groups below it)"), RelationType::ParentOf, Some("Group")),
        relation(optional("members", TEXTS, "members: [ada]"), RelationType::HasMember, Some("User")),
    ],
    others: Others::Accepted,
};

const USER: MapRule = MapRule {
    fields: &[
        PROFILE_FIELD,
        relation(
            required("memberOf", TEXTS, "memberOf: [] (or the groups of this person)"),
            RelationType::MemberOf,
            Some("Group"),
        ),
    ],
    others: Others::Accepted,
};

const LOCATION: MapRule = MapRule {
    fields: &[
        optional("type", TEXT, "type: url"),
        optional("target", TEXT, "target: ./catalog/all.yaml"),
        optional("targets", TEXTS, "targets: [./catalog/all.yaml]"),
        optional("presence", Shape::Choice(&["required", "optional"]), "presence: optional"),
    ],
    others: Others::Accepted,
};

const FREE_TEXT: Shape = Shape::Text(TextRule::Any);

static PERMISSIONS: MapRule =
    MapRule { fields: &[optional("tags", Shape::Texts(TextRule::Any), "tags: [admin]")], others: Others::Accepted };
const PERMISSIONS_FIELD: Field =
    optional("backstage:permissions", Shape::Map(&PERMISSIONS), "backstage:permissions: { tags: [admin] }");

static FORM_PAGE: MapRule = MapRule { fields: &[PERMISSIONS_FIELD], others: Others::Accepted };

static SECRETS: MapRule =
    MapRule { fields: &[optional("schema", Shape::Map(&ANYTHING), "schema: { type: object }")], others: Others::Accepted };

static PRESENTATION: MapRule = MapRule {
    fields: &[optional("buttonLabels", Shape::Map(&BUTTON_LABELS), "buttonLabels: { createButtonText: Create }")],
    others: Others::Accepted,
};

static BUTTON_LABELS: MapRule = MapRule {
    fields: &[
        optional("backButtonText", FREE_TEXT, "backButtonText: Back"),
        optional("createButtonText", FREE_TEXT, "createButtonText: Create"),
        optional("reviewButtonText", FREE_TEXT, "reviewButtonText: Review"),
    ],
    others: Others::Accepted,
};

static RECOVERY: MapRule =
    MapRule { fields: &[optional("EXPERIMENTAL_strategy", FREE_TEXT, "EXPERIMENTAL_strategy: none")], others: Others::Accepted };

static DECORATOR: MapRule = MapRule {
    fields: &[
        optional("id", FREE_TEXT, "id: github-token"),
        optional("input", Shape::Map(&ANYTHING), "input: { host: github.com }"),
    ],
    others: Others::Accepted,
};

static STEP: MapRule = MapRule {
    fields: &[
        optional("id", FREE_TEXT, "id: fetch"),
        optional("name", FREE_TEXT, "name: Fetch the skeleton"),
        required("action", FREE_TEXT, "action: fetch:template"),
        optional("input", Shape::Map(&ANYTHING), "input: { url: ./skeleton }"),
        optional("if", Shape::TextOrBool, "if: ${{ parameters.publish }}"),
        PERMISSIONS_FIELD,
    ],
    others: Others::Accepted,
};

static OUTPUT: MapRule = MapRule {
    fields: &[
        optional(
            "links",
            Shape::Maps(&OUTPUT_LINK),
            "links: [{ title: Repository, url: \"${{ steps.publish.output.remoteUrl }}\" }]",
        ),
        optional("text", Shape::Maps(&OUTPUT_TEXT), "text: [{ title: Done, content: It is there. }]"),
    ],
    others: Others::Texts,
};

static OUTPUT_LINK: MapRule = MapRule {
    fields: &[
        optional("if", Shape::TextOrBool, "if: ${{ parameters.publish }}"),
        optional("url", TEXT, "url: ${{ steps.publish.output.remoteUrl }}"),
        optional("entityRef", TEXT, "entityRef: ${{ steps.register.output.entityRef }}"),
        optional("title", TEXT, "title: Repository"),
        optional("icon", TEXT, "icon: github"),
    ],
    others: Others::Accepted,
};

static OUTPUT_TEXT: MapRule = MapRule {
    fields: &[
        optional("if", Shape::TextOrBool, "if: ${{ parameters.publish }}"),
        optional("title", TEXT, "title: Done"),
        optional("icon", TEXT, "icon: info"),
        optional("content", FREE_TEXT, "content: It is there."),
    ],
    others: Others::Accepted,
};

const TEMPLATE: MapRule = MapRule {
    fields: &[
        TYPE,
        relation(optional("owner", TEXT, "owner: team-a"), RelationType::OwnedBy, Some("Group")),
        optional("lifecycle", TEXT, "lifecycle: production"),
        optional(
            "parameters",
            Shape::MapOrMaps(&FORM_PAGE),
            "parameters: [{ title: About it, properties: { name: { type: string } } }]",
        ),
        optional("secrets", Shape::Map(&SECRETS), "secrets: { schema: { type: object } }"),
        optional("presentation", Shape::Map(&PRESENTATION), "presentation: { buttonLabels: { createButtonText: Create } }"),
        optional("EXPERIMENTAL_recovery", Shape::Map(&RECOVERY), "EXPERIMENTAL_recovery: { EXPERIMENTAL_strategy: none }"),
        optional("formDecorators", Shape::Maps(&DECORATOR), "formDecorators: [{ id: github-token }]"),
        optional("EXPERIMENTAL_formDecorators", Shape::Maps(&DECORATOR), "EXPERIMENTAL_formDecorators: [{ id: github-token }]"),
        required("steps", Shape::Maps(&STEP), "steps: [{ action: \"fetch:template\", input: { url: ./skeleton } }]"),
        optional("output", Shape::Map(&OUTPUT), "output: { links: [] }"),
    ],
    others: Others::Accepted,
};

const fn kind(kind: &'static str, api_versions: &'static [&'static str], spec: MapRule) -> KindRules {
    KindRules { kind, api_versions, spec }
}

const fn required(name: &'static str, shape: Shape, example: &'static str) -> Field {
    Field { name, need: Need::Required, shape, relation: None, example }
}

const fn optional(name: &'static str, shape: Shape, example: &'static str) -> Field {
    Field { name, need: Need::Optional, shape, relation: None, example }
}

const fn relation(mut field: Field, relation_type: RelationType, default_kind: Option<&'static str>) -> Field {
    field.relation = Some(RelationRule { relation_type, default_kind });
    field
}

//! The people of the fake's organisation: teams, members and the identities behind them.

use serde_json::{Map, Value as Json, json};

use super::{
    graphql::FieldError,
    resolve::{Node, Resolved},
};

#[derive(Debug, Clone, Default)]
pub struct People {
    pub teams: Vec<Team>,
    pub members: Vec<Member>,
    /// Login and what the identity provider calls them; none where there is no identity provider.
    pub identities: Option<Vec<(String, String)>>,
    /// What the token may not see: `teams`, `members`, `identities`, `addresses`.
    pub hidden: Vec<&'static str>,
    /// Answers a page shorter than its own count, once there is more than this.
    pub cut_members_to: Option<usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Team {
    pub slug: String,
    pub parent: Option<String>,
    pub members: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Member {
    pub id: i64,
    pub login: String,
    pub name: Option<String>,
    pub verified: Vec<String>,
}

impl People {
    pub fn add_team(&mut self, slug: &str, parent: Option<&str>, members: &[&str]) {
        let members = members.iter().map(|login| (*login).to_owned()).collect();
        self.teams.push(Team { slug: slug.to_owned(), parent: parent.map(str::to_owned), members });
    }

    pub fn add_member(&mut self, login: &str, name: &str, verified: &[&str]) {
        let id = 1_000 + self.members.len() as i64;
        let verified = verified.iter().map(|email| (*email).to_owned()).collect();
        self.members.push(Member { id, login: login.to_owned(), name: Some(name.to_owned()), verified });
    }

    /// So many members `user-00000`…, one team that holds `in_large` of them, and nested teams of ten.
    pub fn generated(members: usize, in_large: usize) -> Self {
        let mut people = Self::default();
        for index in 0..members {
            people.add_member(&format!("user-{index:05}"), &format!("User {index}"), &[]);
        }
        let login = |index: usize| people.members[index % members].login.clone();
        let large = (0..in_large).map(login).collect();
        let mut teams = vec![Team { slug: "everybody".to_owned(), parent: None, members: large }];
        for team in 0..140 {
            let parent = if team == 0 { "everybody".to_owned() } else { format!("team-{:03}", (team - 1) / 3) };
            let members = (0..10).map(|index| login(team * 10 + index)).collect();
            teams.push(Team { slug: format!("team-{team:03}"), parent: Some(parent), members });
        }
        people.teams = teams;
        people
    }
}

/// What a query can look into below the organisation.
#[derive(Clone)]
pub enum OrgNode<'m> {
    Team(&'m People, &'m Team),
    Member(&'m People, &'m Member),
    Provider(&'m People),
    Identity(&'m (String, String)),
    Vouched(&'m str),
    Address(&'m str),
    List {
        kind: &'static str,
        nodes: Vec<OrgNode<'m>>,
        total: usize,
        end: Option<String>,
        next: bool,
    },
    /// An account of which only the login is known.
    Login(&'m str),
}

impl OrgNode<'_> {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Team(..) => "Team",
            Self::Member(..) | Self::Login(_) => "User",
            Self::Provider(_) => "OrganizationIdentityProvider",
            Self::Identity(_) => "ExternalIdentity",
            Self::Vouched(_) => "ExternalIdentitySamlAttributes",
            Self::Address(_) => "UserEmailMetadata",
            Self::List { kind, .. } => kind,
        }
    }
}

fn hidden(what: &str) -> FieldError {
    let message = format!(
        "Your token has not been granted the required scopes to execute this query. The '{what}' field requires one of the \
         following scopes: ['read:org'], but your token has only been granted the: ['repo'] scopes."
    );
    FieldError { kind: "INSUFFICIENT_SCOPES", message }
}

fn object(node: Option<OrgNode<'_>>) -> Result<Resolved<'_>, FieldError> {
    Ok(node.map_or(Resolved::Leaf(Json::Null), |node| Resolved::Object(Node::Org(node))))
}

fn leaf<'m>(value: impl Into<Json>) -> Result<Resolved<'m>, FieldError> {
    Ok(Resolved::Leaf(value.into()))
}

/// A window of a list. A cursor is the place of the last one given.
fn list<'m>(
    kind: &'static str,
    all: impl ExactSizeIterator<Item = OrgNode<'m>>,
    args: &Map<String, Json>,
) -> Result<Resolved<'m>, FieldError> {
    let first = args.get("first").and_then(Json::as_u64).unwrap_or(0) as usize;
    if first == 0 || first > 100 {
        let message = format!("You must provide a `first` value of 1 to 100 to properly paginate the `{kind}` connection.");
        return Err(FieldError { kind: "MISSING_PAGINATION_BOUNDARIES", message });
    }
    let start = match args.get("after").and_then(Json::as_str) {
        None => 0,
        Some(after) => after.strip_prefix("at:").and_then(|at| at.parse().ok()).ok_or_else(|| FieldError {
            kind: "INVALID_CURSOR_ARGUMENTS",
            message: format!("`{after}` does not appear to be a valid cursor."),
        })?,
    };
    let total = all.len();
    let end = (start + first).min(total);
    let nodes: Vec<OrgNode<'m>> = all.skip(start).take(first).collect();
    let cursor = (!nodes.is_empty()).then(|| format!("at:{end}"));
    object(Some(OrgNode::List { kind, nodes, total, end: cursor, next: end < total }))
}

/// A field of the organisation itself; `None` where it is not about people.
pub fn of_owner<'m>(people: &'m People, field: &str, args: &Map<String, Json>) -> Option<Result<Resolved<'m>, FieldError>> {
    let is_hidden = |what: &str| people.hidden.contains(&what);
    Some(match field {
        "teams" if is_hidden("teams") => Err(hidden("slug")),
        "teams" => list("TeamConnection", people.teams.iter().map(|team| OrgNode::Team(people, team)), args),
        "team" => {
            let slug = args["slug"].as_str().unwrap_or_default();
            object(people.teams.iter().find(|team| team.slug == slug).map(|team| OrgNode::Team(people, team)))
        }
        "membersWithRole" if is_hidden("members") => Err(hidden("login")),
        "membersWithRole" => {
            let total = people.members.len();
            let given = &people.members[..people.cut_members_to.unwrap_or(total).min(total)];
            let all = given.iter().map(|member| OrgNode::Member(people, member));
            let mut cut = list("OrganizationMemberConnection", all, args);
            if let Ok(Resolved::Object(Node::Org(OrgNode::List { total: told, .. }))) = &mut cut {
                *told = total;
            }
            cut
        }
        "samlIdentityProvider" if is_hidden("identities") => {
            let message = "You do not have permission to view this organization's identity provider.".to_owned();
            Err(FieldError { kind: "FORBIDDEN", message })
        }
        "samlIdentityProvider" => object(people.identities.as_ref().map(|_| OrgNode::Provider(people))),
        _ => return None,
    })
}

pub fn resolve<'m>(node: &OrgNode<'m>, field: &str, args: &Map<String, Json>) -> Result<Resolved<'m>, FieldError> {
    match (node, field) {
        (OrgNode::List { nodes, .. }, "nodes") => {
            Ok(Resolved::List(nodes.iter().map(|node| Resolved::Object(Node::Org(node.clone()))).collect()))
        }
        (OrgNode::List { total, .. }, "totalCount") => leaf(*total),
        (OrgNode::List { end, next, .. }, "pageInfo") => {
            Ok(Resolved::Object(Node::PageInfo { start: None, end: end.clone(), next: *next, previous: false }))
        }
        (OrgNode::Team(_, team), "slug") => leaf(team.slug.clone()),
        (OrgNode::Team(_, team), "name") => leaf(team.slug.replace('-', " ")),
        (OrgNode::Team(_, team), "url") => leaf(format!("https://github.com/orgs/acme/teams/{}", team.slug)),
        (OrgNode::Team(..), "description") => leaf(Json::Null),
        (OrgNode::Team(..), "privacy") => leaf("VISIBLE"),
        (OrgNode::Team(_, team), "databaseId" | "id") => leaf(team.slug.len()),
        (OrgNode::Team(people, team), "parentTeam") => {
            let parent = team.parent.as_ref().and_then(|parent| people.teams.iter().find(|team| team.slug == *parent));
            object(parent.map(|parent| OrgNode::Team(people, parent)))
        }
        (OrgNode::Team(_, team), "members") => {
            assert_eq!(args["membership"], json!("IMMEDIATE"), "members of teams below are asked for there");
            let all = team.members.iter().map(|login| OrgNode::Login(login));
            list("TeamMemberConnection", all, args)
        }
        (OrgNode::Member(_, member), "login") => leaf(member.login.clone()),
        (OrgNode::Member(_, member), "name") => leaf(member.name.clone()),
        (OrgNode::Member(_, member), "databaseId") => leaf(member.id),
        (OrgNode::Member(_, member), "url") => leaf(format!("https://github.com/{}", member.login)),
        (OrgNode::Member(people, _), "organizationVerifiedDomainEmails") if people.hidden.contains(&"addresses") => {
            Err(FieldError { kind: "FORBIDDEN", message: "Resource not accessible by integration".to_owned() })
        }
        (OrgNode::Member(_, member), "organizationVerifiedDomainEmails") => leaf(member.verified.clone()),
        (OrgNode::Login(login), "login") => leaf(*login),
        (OrgNode::Login(_), "organizationVerifiedDomainEmails") => leaf(Vec::<String>::new()),
        (OrgNode::Login(_), _) => leaf(Json::Null),
        (OrgNode::Provider(people), "externalIdentities") => {
            let all = people.identities.as_deref().unwrap_or_default().iter().map(OrgNode::Identity);
            list("ExternalIdentityConnection", all, args)
        }
        (OrgNode::Identity((login, _)), "user") => object(Some(OrgNode::Login(login))),
        (OrgNode::Identity((_, id)), "samlIdentity") => object(Some(OrgNode::Vouched(id))),
        (OrgNode::Identity(_), "scimIdentity") => leaf(Json::Null),
        (OrgNode::Vouched(id), "nameId") => leaf(*id),
        (OrgNode::Vouched(_), "username") => leaf(Json::Null),
        (OrgNode::Vouched(id), "emails") => {
            Ok(Resolved::List(id.contains('@').then(|| Resolved::Object(Node::Org(OrgNode::Address(id)))).into_iter().collect()))
        }
        (OrgNode::Address(address), "value") => leaf(*address),
        _ => panic!("schema.graphql promises {}.{field}, which the fake cannot resolve", node.type_name()),
    }
}

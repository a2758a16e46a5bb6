//! Addresses with gaps, `https://grafana.example.com/dashboards?tag={{ value }}`, as the configuration writes them.
//! Must not know where the values come from; whatever they are, they stay inside of their gap.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved: no value can end a path, begin a query or name another host.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same with slashes, for values that are paths by themselves: `acme/payments-api`.
const PATH: &AsciiSet = &VALUE.remove(b'/');
/// No address of use is longer; a value can be any length.
const LONGEST: usize = 2_000;

/// A checked template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Gap(Gap),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Value,
    Path,
    Name,
    Namespace,
    Kind,
}

/// What goes into the gaps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filling<'a> {
    pub value: &'a str,
    pub name: &'a str,
    pub namespace: &'a str,
    pub kind: &'a str,
}

impl AddressTemplate {
    /// Reads a template; `Err` says what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while let Some((literal, behind)) = rest.split_once("{{") {
            let Some((gap, after)) = behind.split_once("}}") else {
                return Err(format!("{text:?} has {{{{ without }}}}; write {{{{ value }}}}"));
            };
            pieces.extend((!literal.is_empty()).then(|| Piece::Literal(literal.to_owned())));
            pieces.push(Piece::Gap(Gap::parse(gap.trim())?));
            rest = after;
        }
        if rest.contains("}}") {
            return Err(format!("{text:?} has }}}} without {{{{; write {{{{ value }}}}"));
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Literal(rest.to_owned())));
        let template = Self(pieces);
        // The host must be written: a value that chose it could lead anywhere.
        let begins_well = matches!(template.0.first(), Some(Piece::Literal(literal)) if has_host(literal));
        if !begins_well || template.fill(Filling { value: "a", name: "a", namespace: "a", kind: "a" }).is_none() {
            return Err(format!(
                "{text:?} is not an address; it begins with http:// or https:// and a host, as in https://example.com/{{{{ value }}}}"
            ));
        }
        Ok(template)
    }

    /// The address; `None` where the value is empty, or far too long for one.
    pub fn fill(&self, filling: Filling<'_>) -> Option<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => out.push_str(literal),
                Piece::Gap(Gap::Path) => {
                    // A dot segment would climb out of the folder that the template names.
                    let climbs = filling.value.split('/').any(|segment| matches!(segment, "." | ".."));
                    let value = Some(filling.value.trim_matches('/')).filter(|value| !value.is_empty() && !climbs)?;
                    out.extend(utf8_percent_encode(value, PATH));
                }
                Piece::Gap(gap) => {
                    let value = match gap {
                        Gap::Value | Gap::Path => filling.value,
                        Gap::Name => filling.name,
                        Gap::Namespace => filling.namespace,
                        Gap::Kind => filling.kind,
                    };
                    let value = Some(value).filter(|value| !matches!(*value, "" | "." | ".."))?;
                    out.extend(utf8_percent_encode(value, VALUE));
                }
            }
        }
        let is_address = out.len() <= LONGEST && url::Url::parse(&out).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        is_address.then_some(out)
    }
}

impl Gap {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "value" => Self::Value,
            "path" => Self::Path,
            "name" => Self::Name,
            "namespace" => Self::Namespace,
            "kind" => Self::Kind,
            other => {
                return Err(format!("there is no {{{{ {other} }}}}; write value, path (keeps slashes), name, namespace or kind"));
            }
        })
    }
}

/// `https://host/`, or `https://host` with the gap in its path or query.
fn has_host(literal: &str) -> bool {
    let rest = literal.strip_prefix("https://").or_else(|| literal.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.find(['/', '?', '#']).is_some_and(|at| at > 0) && !rest.contains(char::is_whitespace))
}

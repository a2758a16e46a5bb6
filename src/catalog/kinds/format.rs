//! What a text may look like, field by field, and how to say so.

/// The longest name, namespace, tag or label, as in Kubernetes.
const LONGEST_NAME: usize = 63;

/// The longest prefix of a label or annotation key: a DNS name.
const LONGEST_PREFIX: usize = 253;

/// What a text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRule {
    Any,
    NotEmpty,
    /// More than white space.
    NotBlank,
    ApiVersion,
    Kind,
    Name,
    Namespace,
    Tag,
    LabelValue,
    /// Key of a label or annotation.
    Key,
    Url,
}

impl TextRule {
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::NotEmpty => !text.is_empty(),
            Self::NotBlank => text.chars().any(|c| !is_javascript_space(c)),
            Self::ApiVersion => is_prefixed(text, |name| fits(name, LONGEST_NAME) && all(name, |c| c.is_ascii_alphanumeric())),
            Self::Kind => {
                fits(text, LONGEST_NAME)
                    && text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && all(text, |c| c.is_ascii_alphanumeric())
            }
            Self::Name => is_name(text),
            Self::Namespace => is_dns_label(text),
            Self::Tag => {
                fits(text, LONGEST_NAME)
                    && text
                        .split('-')
                        .all(|part| !part.is_empty() && all(part, |c| matches!(c, 'a'..='z' | '0'..='9' | ':' | '+' | '#')))
            }
            Self::LabelValue => text.is_empty() || is_name(text),
            Self::Key => is_prefixed(text, is_name),
            Self::Url => url::Url::parse(text).is_ok(),
        }
    }

    /// What such a text is called, as in "not a valid name".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Any | Self::NotEmpty | Self::NotBlank => "text",
            Self::ApiVersion => "apiVersion",
            Self::Kind => "kind",
            Self::Name => "name",
            Self::Namespace => "namespace",
            Self::Tag => "tag",
            Self::LabelValue => "label",
            Self::Key => "key",
            Self::Url => "address",
        }
    }

    /// What such a text looks like, as in "a name is …".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Any => "any text will do",
            Self::NotEmpty | Self::NotBlank => "it must not be empty",
            Self::ApiVersion => "it looks like backstage.io/v1alpha1",
            Self::Kind => "a kind is letters and digits, a letter first, at most 63 characters",
            Self::Name => {
                "a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)"
            }
            Self::Namespace => "a namespace is small letters and digits, with - between them, at most 63 characters",
            Self::Tag => "a tag is small letters, digits and : + #, with single - between them, at most 63 characters",
            Self::LabelValue => {
                "a label is letters and digits, with - _ . between them, at most 63 characters (an annotation may be any text)"
            }
            Self::Key => "such a key is a name, or a domain and a name as in example.com/name",
            Self::Url => "a link is a whole address, such as https://example.com/page",
        }
    }

    /// The nearest text that the rule accepts, where one can be made.
    pub fn suggest(self, text: &str) -> Option<String> {
        let (lower, keep): (bool, fn(char) -> bool) = match self {
            Self::Name => (true, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
            Self::LabelValue => (false, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
            Self::Namespace => (true, |c| c.is_ascii_alphanumeric()),
            Self::Tag => (true, |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '+' | '#')),
            Self::Any | Self::NotEmpty | Self::NotBlank | Self::ApiVersion | Self::Kind | Self::Key | Self::Url => return None,
        };
        let mut made = String::new();
        for c in text.chars() {
            let c = if lower { c.to_ascii_lowercase() } else { c };
            if keep(c) {
                made.push(c);
            } else if !made.ends_with('-') {
                made.push('-');
            }
            if made.len() == LONGEST_NAME {
                break;
            }
        }
        let made = made.trim_matches(|c: char| !c.is_ascii_alphanumeric() && (self != Self::Tag || c == '-')).to_owned();
        (!made.is_empty() && self.accepts(&made)).then_some(made)
    }
}

fn fits(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest
}

fn all(text: &str, accept: fn(char) -> bool) -> bool {
    text.chars().all(accept)
}

fn is_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    fits(text, LONGEST_NAME)
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && all(text, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_dns_label(text: &str) -> bool {
    fits(text, LONGEST_NAME)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && all(text, |c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

fn is_prefixed(text: &str, is_suffix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        None => is_suffix(text),
        // A second slash is in the suffix, where no rule takes it.
        Some((prefix, suffix)) => fits(prefix, LONGEST_PREFIX) && prefix.split('.').all(is_dns_label) && is_suffix(suffix),
    }
}

/// White space to JavaScript's `trim`, which differs from Unicode's in two characters.
fn is_javascript_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

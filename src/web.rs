//! Plain HTTP: where each client is made, and where any address is read, within limits and never from inside of the network
//! unless the operator has named the host. Must not know what is read, nor why.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, ClientBuilder, Method, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::{error::chain, requests::Requests};

/// To connect; the address is either near or wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One request and its whole answer: a descriptor is small, and a page of another catalog takes seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// As browsers of the cautious kind: who leads further leads in circles.
const MAX_REDIRECTS: usize = 5;
/// Attempts at an address that answers with a fault of its own.
const MAX_ATTEMPTS: u32 = 3;
/// After a first fault; doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// A server that asks for a longer wait is asked again with the next sync.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Whether a page is there: it answers within this, along all it leads to, or counts as away.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);
/// Azure answers every machine at this public address with what the machine may know.
const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// A client as all here are: who asks, how long it may take, and that no redirect is followed with a token in hand.
///
/// By itself it goes wherever it is sent, through the machine's proxy: that is for hosts that the operator has configured. What
/// anybody may name is read through [`Web`].
pub fn build_client(request_timeout: Duration, more: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
    let client = Client::builder().user_agent("steward").connect_timeout(CONNECT_TIMEOUT).timeout(request_timeout);
    let client = more(client.redirect(reqwest::redirect::Policy::none()));
    client.build().map_err(|error| format!("the HTTP client could not be made: {}", chain(&error)))
}

/// A whole answer; `None` where it is longer than this.
pub async fn read_at_most(mut response: Response, max_bytes: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > max_bytes {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// A client for any address. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Web {
    trusted: Arc<HashSet<String>>,
    /// Made when first needed: without certificate authorities on the machine only this fails.
    guarded: Arc<OnceLock<Client>>,
    open: Arc<OnceLock<Client>>,
}

/// What to read.
#[derive(Debug)]
pub struct Get<'a> {
    pub url: &'a Url,
    /// Sent to the host of the address alone, not along redirects to others.
    pub bearer: Option<&'a SecretString>,
    pub accept: &'static str,
    /// A longer answer is an error.
    pub max_bytes: usize,
}

/// A request of any kind, sent once.
#[derive(Debug)]
pub struct Letter<'a> {
    pub method: &'a str,
    pub url: &'a Url,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a str>,
    pub timeout: Duration,
    /// A longer answer is cut off.
    pub max_bytes: usize,
}

/// Whatever it answered; redirects are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// Nothing has arrived there.
    NotSent(String),
    /// It may have arrived.
    Unsure(String),
}

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Steward does not go there.
    #[error("{host} is not read: {why}")]
    NotAllowed { host: String, why: String },
    #[error("the server says there is no such page ({status})")]
    Missing { status: u16 },
    #[error("the server answers {status}: {why}")]
    Status { status: u16, why: &'static str },
    #[error("it is longer than {max_bytes} bytes")]
    TooLong { max_bytes: usize },
    #[error("it leads on more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    #[error("the address cannot be reached: {0}")]
    Unreachable(String),
}

/// Why an address is refused that leads inside.
const INSIDE: &str = "the address is inside of the network; an operator can allow its host by a target of a source of type url in \
                      steward.yaml";

/// Says whether an address may be read at all, as far as it can be told without asking for it.
pub fn check_address(url: &Url) -> Result<(), WebError> {
    let refuse = |why: &str| {
        Err(WebError::NotAllowed { host: url.host_str().unwrap_or_else(|| url.as_str()).to_owned(), why: why.to_owned() })
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("only http and https are");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("an address must not carry a name or password");
    }
    match url.host() {
        None => refuse("the address names no host"),
        Some(Host::Ipv4(ip)) if is_inside(IpAddr::V4(ip)) => refuse(INSIDE),
        Some(Host::Ipv6(ip)) if is_inside(IpAddr::V6(ip)) => refuse(INSIDE),
        Some(Host::Domain(name)) if is_inside_name(name) => refuse(INSIDE),
        Some(Host::Ipv4(_) | Host::Ipv6(_) | Host::Domain(_)) => Ok(()),
    }
}

impl Web {
    /// Hosts of `trusted` may be anywhere: the operator has named these addresses.
    pub fn new<'a>(trusted: impl IntoIterator<Item = &'a Url>) -> Self {
        let trusted = trusted.into_iter().filter_map(authority).collect();
        Self { trusted: Arc::new(trusted), guarded: Arc::default(), open: Arc::default() }
    }

    /// Whether the address may be read, as far as it can be told without asking for it.
    pub fn check(&self, url: &Url) -> Result<(), WebError> {
        if self.is_trusted(url) { Ok(()) } else { check_address(url) }
    }

    /// Reads an address whole. Tries again where the server or the way to it has a fault.
    pub async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, WebError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let fault = match self.get_once(get).await {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => fault,
            };
            let (asked, error) = match fault {
                Fault::Final(error) => return Err(error),
                Fault::Passing { error, wait } => (wait, error),
            };
            let pause = asked.unwrap_or(wait);
            if attempt == MAX_ATTEMPTS || pause > LONGEST_WAIT {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            wait *= 2;
            attempt += 1;
        }
    }

    /// One attempt, along its redirects. They are followed here, so that each is judged like a first address.
    async fn get_once(&self, get: &Get<'_>) -> Result<Vec<u8>, Fault> {
        let mut url = get.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url).map_err(Fault::Final)?;
            let mut request = self.client(&url).map_err(Fault::Final)?.get(url.clone()).header(header::ACCEPT, get.accept);
            if let Some(token) = get.bearer.filter(|_| url.origin() == get.url.origin()) {
                request = request.bearer_auth(token.expose_secret());
            }
            Requests::REST.note();
            let response = request.send().await.map_err(|error| unreachable(&url, error))?;
            match response.status() {
                status if status.is_redirection() => url = next(&url, &response)?,
                StatusCode::OK => {
                    return match read_at_most(response, get.max_bytes).await {
                        Ok(Some(bytes)) => Ok(bytes),
                        Ok(None) => Err(Fault::Final(WebError::TooLong { max_bytes: get.max_bytes })),
                        Err(error) => {
                            let error = WebError::Unreachable(format!("the answer broke off: {}", chain(&error.without_url())));
                            Err(Fault::Passing { error, wait: None })
                        }
                    };
                }
                _ => return Err(refused(&response)),
            }
        }
        Err(Fault::Final(WebError::TooManyRedirects))
    }

    /// Asks once whether something answers at an address, and reads nothing of it; gives the last status.
    pub async fn probe(&self, url: &Url) -> Result<u16, WebError> {
        let asked = async {
            let head = self.probe_by(Method::HEAD, url).await;
            match head {
                // Some servers know HEAD not at all, or answer it wrongly: what is no good news is asked for in full.
                Ok(status) if status >= 400 && status != StatusCode::TOO_MANY_REQUESTS.as_u16() => {
                    self.probe_by(Method::GET, url).await
                }
                told => told,
            }
        };
        let late = |_| Err(WebError::Unreachable("no answer in time".to_owned()));
        tokio::time::timeout(PROBE_TIMEOUT, asked).await.unwrap_or_else(late)
    }

    async fn probe_by(&self, method: Method, url: &Url) -> Result<u16, WebError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let request = self.client(&url)?.request(method.clone(), url.clone()).header(header::ACCEPT, "*/*");
            Requests::REST.note();
            let response = request.send().await.map_err(|error| unreachable(&url, error).error())?;
            match response.status() {
                status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
                    url = next(&url, &response).map_err(Fault::error)?;
                }
                status => return Ok(status.as_u16()),
            }
        }
        Err(WebError::TooManyRedirects)
    }

    /// Sends a request, one attempt.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<Sent, SendError> {
        let not_sent = |error: String| SendError::NotSent(error);
        self.check(letter.url).map_err(|error| not_sent(error.to_string()))?;
        let method = reqwest::Method::from_bytes(letter.method.as_bytes()).map_err(|error| not_sent(error.to_string()))?;
        let client = self.client(letter.url).map_err(|error| not_sent(error.to_string()))?;
        let mut request = client.request(method, letter.url.clone()).timeout(letter.timeout);
        for (name, value) in letter.headers {
            request = request.header(name, value);
        }
        if let Some(body) = letter.body {
            request = request.body(body.to_owned());
        }
        Requests::REST.note();
        let response = request.send().await.map_err(|error| {
            let is_sent = !(error.is_connect() || error.is_builder());
            let said = chain(&error.without_url());
            if is_sent { SendError::Unsure(said) } else { SendError::NotSent(said) }
        })?;
        let status = response.status().as_u16();
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        // It was done, whatever comes of its answer.
        let body = read_at_most(response, letter.max_bytes).await.ok().flatten().unwrap_or_default();
        Ok(Sent { status, headers, body })
    }

    fn is_trusted(&self, url: &Url) -> bool {
        authority(url).is_some_and(|authority| self.trusted.contains(&authority))
    }

    fn client(&self, url: &Url) -> Result<&Client, WebError> {
        let cell = if self.is_trusted(url) { &self.open } else { &self.guarded };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let is_guarded = !self.is_trusted(url);
        let client = build_client(REQUEST_TIMEOUT, |client| {
            // A proxy would look the name up itself, past the guard.
            let client = client.no_proxy();
            if is_guarded { client.dns_resolver(Arc::new(Guard)) } else { client }
        });
        let client = client.map_err(WebError::Unreachable)?;
        Ok(cell.get_or_init(|| client))
    }
}

/// `scheme://host:port`.
fn authority(url: &Url) -> Option<String> {
    Some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?))
}

enum Fault {
    Final(WebError),
    /// May be gone soon; with the wait that the server asks for.
    Passing {
        error: WebError,
        wait: Option<Duration>,
    },
}

impl Fault {
    fn error(self) -> WebError {
        match self {
            Self::Final(error) | Self::Passing { error, .. } => error,
        }
    }
}

fn next(url: &Url, response: &Response) -> Result<Url, Fault> {
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok());
    let status = response.status().as_u16();
    next.ok_or(Fault::Final(WebError::Status { status, why: "it leads on and does not say where" }))
}

fn refused(response: &Response) -> Fault {
    let status = response.status();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|secs| secs.to_str().ok()?.trim().parse().ok());
    let status_number = status.as_u16();
    let told = |why| WebError::Status { status: status_number, why };
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Fault::Final(WebError::Missing { status: status_number }),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Fault::Final(told("it wants somebody to sign in")),
        StatusCode::TOO_MANY_REQUESTS => {
            Fault::Passing { error: told("it is asked too often"), wait: wait.map(Duration::from_secs) }
        }
        _ if status.is_server_error() => Fault::Passing { error: told("it has a fault"), wait: wait.map(Duration::from_secs) },
        _ => Fault::Final(told("that is not a page")),
    }
}

fn unreachable(url: &Url, error: reqwest::Error) -> Fault {
    let is_timeout = error.is_timeout();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(found) = cause {
        if found.is::<Inside>() {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Fault::Final(WebError::NotAllowed { host, why: INSIDE.to_owned() });
        }
        cause = found.source();
    }
    let host = url.host_str().unwrap_or_default();
    let said = match chain(&error.without_url()) {
        _ if is_timeout => "no answer in time".to_owned(),
        said if said.contains("dns error") => format!("{host} could not be found; is the name right?"),
        said if said.contains("Connection refused") => format!("nothing answers at {host}"),
        said => said,
    };
    Fault::Passing { error: WebError::Unreachable(said), wait: None }
}

/// Looks names up and gives no address inside: what was looked up is what is connected to, so a name cannot change between
/// check and use.
struct Guard;

/// A name that leads inside.
#[derive(Debug, thiserror::Error)]
#[error("the name leads inside of the network")]
struct Inside;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One address inside is enough: an honest name has none.
            if found.iter().any(|address| is_inside(address.ip())) {
                return Err(Box::new(Inside) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Names that are looked up on the machine or its own network alone.
fn is_inside_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.') || [".localhost", ".local", ".internal", ".localdomain"].iter().any(|ending| name.ends_with(ending))
}

/// Whether an address is not on the open internet: this machine, its networks, its cloud's metadata, and what is reserved
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, and the one for IPv6).
fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_inside_v4(ip),
        IpAddr::V6(ip) => is_inside_v6(ip),
    }
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        || ip == AZURE
}

fn is_inside_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match [a, b, c, d, e, f] {
        // An IPv4 address written as IPv6, by each of the ways there are.
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => is_inside_v4(v4(g, h)),
        [0x2002, high, low, ..] => is_inside_v4(v4(high, low)),
        // Only 2000::/3 is given out; of it, Teredo and the documentation's are nobody's server.
        _ => a & 0xe000 != 0x2000 || (a == 0x2001 && (b == 0 || b == 0xdb8)) || (a == 0x3fff && b < 0x1000),
    }
}

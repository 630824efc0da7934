//! The codes of egress.

use super::{Again, Code, Scope, Told};
use crate::error::ErrorKind::{
    AuthRequired, BudgetExhausted, Denied, Invalid, Malformed, Other, RateLimited, Timeout,
    Unavailable, Unsupported,
};

const REPORT: &str = "report it to the adapter's author";
const PASSES: &str = "nothing: it is tried again; if it stays, look at the provider's status page";
const CONNECT: &str = "connect the account again with a proper value";

pub(super) const CODES: &[Code] = &[
    Code::new(
        "egress.access-log",
        Unavailable,
        "the use of the credential could not be written down, so nothing was sent",
        "nothing: it is tried again; if it stays, look at the disk of the store",
    )
    .healthy()
    .scope(Scope::Host),
    Code::new("egress.auth", Invalid, "the credential cannot be put into a request", CONNECT)
        .scope(Scope::Connection),
    Code::new("egress.body", Invalid, "the request has a body where none is allowed", REPORT)
        .told(Told::Author),
    Code::new(
        "egress.bomb",
        Malformed,
        "the answer grows out of all proportion when unpacked",
        REPORT,
    ),
    Code::new(
        "egress.breaker-open",
        Unavailable,
        "the provider's host has failed too often of late and is not asked for a while",
        "nothing: it is tried again by itself; `plughouse breaker list` shows when",
    )
    .again(Again::Later)
    .healthy(),
    Code::new(
        "egress.calls",
        BudgetExhausted,
        "the call has sent as many requests as it may",
        "have the adapter return its page earlier, or raise http_calls in [budget]",
    ),
    Code::new("egress.connect", Unavailable, "the provider's host took no connection", PASSES),
    Code::new(
        "egress.connect-timeout",
        Timeout,
        "no connection to the provider's host in time",
        PASSES,
    ),
    Code::new("egress.connection", Unavailable, "the connection ended before the answer", PASSES),
    Code::new(
        "egress.credential-missing",
        AuthRequired,
        "the connection has no value for its credential",
        CONNECT,
    ),
    Code::new(
        "egress.deadline",
        Timeout,
        "the time of the whole call was over",
        "have the adapter read smaller pages, or raise wall_s in [budget]",
    )
    .healthy()
    .scope(Scope::Package)
    .told(Told::Author),
    Code::new(
        "egress.denied",
        Denied,
        "manifest, grant, consent or address policy forbids the request",
        "see which layer said no and the line that would allow it, in the details of the error",
    ),
    Code::new(
        "egress.encoding",
        Malformed,
        "the answer is packed in a way that cannot be read",
        REPORT,
    ),
    Code::new("egress.endpoint", Invalid, "the adapter named its endpoint wrongly", REPORT)
        .told(Told::Author),
    Code::new("egress.header", Invalid, "a header of the request cannot be sent", REPORT)
        .told(Told::Author),
    Code::new(
        "egress.host-answer",
        Malformed,
        "a token endpoint, or another service that the host asks itself, redirects or answers far \
         too much",
        "if it stays: look at its address, in the package's manifest or in the configuration",
    )
    .again(Again::Many)
    .scope(Scope::Connection)
    .told(Told::Operator),
    Code::new("egress.http", Malformed, "the provider's host does not speak HTTP/1.1", PASSES)
        .again(Again::Many)
        .scope(Scope::Provider),
    Code::new(
        "egress.inject",
        Unsupported,
        "the route needs a secret in its body, which this host cannot put there",
        "use the adapter without it",
    ),
    Code::new(
        "egress.link",
        Invalid,
        "the adapter was given a link that cannot be followed",
        REPORT,
    )
    .told(Told::Author),
    Code::new(
        "egress.lookup",
        Unavailable,
        "the name of the provider's host has no address",
        PASSES,
    ),
    Code::new("egress.method", Invalid, "the request has a method that cannot be sent", REPORT)
        .told(Told::Author),
    Code::new(
        "egress.origin",
        Invalid,
        "the connection's variables make no proper address of the endpoint",
        CONNECT,
    )
    .scope(Scope::Connection),
    Code::new(
        "egress.override",
        Invalid,
        "the connection sends an endpoint to an address that will not do",
        "connect again with another origin",
    )
    .scope(Scope::Connection),
    Code::new("egress.path", Invalid, "the request has a path that cannot be sent", REPORT)
        .told(Told::Author),
    Code::new(
        "egress.query",
        Invalid,
        "the request sets a parameter that is the credential's",
        REPORT,
    )
    .told(Told::Author),
    Code::new(
        "egress.quota",
        RateLimited,
        "the provider's quota is used up but for what is kept for people",
        "nothing: work goes on when the quota begins anew; a sync that a person starts may use \
         what is kept",
    )
    .again(Again::Later),
    Code::new(
        "egress.rate-limit",
        RateLimited,
        "the provider's limit leaves no room before the call's deadline",
        "nothing: it is tried again when there is room",
    )
    .again(Again::Later),
    Code::new(
        "egress.redirects",
        Malformed,
        "the provider redirects without end or to nowhere",
        REPORT,
    ),
    Code::new(
        "egress.refusals",
        BudgetExhausted,
        "too many requests of the call were refused",
        REPORT,
    ),
    Code::new(
        "egress.request-bytes",
        BudgetExhausted,
        "the body of a request is larger than it may be",
        "have the adapter send less at once, or raise the limit in [budget]",
    ),
    Code::new(
        "egress.response-bytes",
        BudgetExhausted,
        "the answers of the call are larger than they may be",
        "have the adapter read smaller pages, or raise the limit in [budget]",
    ),
    Code::new(
        "egress.secret-echo",
        Denied,
        "an answer held a secret of the connection and was thrown away",
        "have the adapter not ask for what shows the credential",
    )
    .told(Told::Author),
    Code::new(
        "egress.secret-in-request",
        Denied,
        "the adapter wrote a secret of the connection into a request",
        "remove the package until its author has explained it",
    ),
    Code::new(
        "egress.secret-short",
        Invalid,
        "the secret is too short to be told from ordinary text",
        "connect the account with a longer one",
    )
    .scope(Scope::Connection),
    Code::new("egress.silent", Timeout, "the provider did not begin its answer in time", PASSES),
    Code::new("egress.stall", Timeout, "the provider's answer stopped in the middle", PASSES),
    Code::new(
        "egress.tls",
        Unavailable,
        "no secure connection to the provider's host",
        "if it stays: its certificate is bad, or this machine's list of certificates is old",
    ),
    Code::new(
        "egress.tls-setup",
        Other,
        "secure connections cannot be set up on this machine",
        "install the machine's list of certificates and start again",
    )
    .scope(Scope::Host)
    .told(Told::Operator),
    Code::new(
        "egress.token-unavailable",
        Unavailable,
        "the token endpoint gives no access token now",
        "nothing: it is tried again; the details of the error and `plughouse connection show` say why",
    )
    .healthy()
    .scope(Scope::Connection)
    .told(Told::Nobody),
    Code::new(
        "egress.truncated",
        Unavailable,
        "the provider's answer ended before its end",
        PASSES,
    ),
    Code::new(
        "egress.user-agent",
        Invalid,
        "the configured user agent cannot be sent in a header",
        "write one without line ends",
    )
    .scope(Scope::Host)
    .told(Told::Operator),
    Code::new(
        "egress.variable",
        Invalid,
        "a variable of the connection has no value, or one that the manifest forbids",
        CONNECT,
    )
    .scope(Scope::Connection),
];

//! The codes of the sandbox.

use super::{Again, Code, Scope, Told};
use crate::error::ErrorKind::{
    BudgetExhausted, Denied, Malformed, Other, Timeout, Unavailable, Unsupported,
};

const REPORT: &str = "report it to the adapter's author";
const REBUILD: &str = "build the adapter again with the current SDK";
const SMALLER: &str = "raise the named limit in the manifest's [budget], or have the adapter read \
smaller pages";

pub(super) const CODES: &[Code] = &[
    Code::new(
        "sandbox.abi",
        Malformed,
        "the adapter returned what its contract does not allow",
        REBUILD,
    ),
    Code::new(
        "sandbox.answer",
        Malformed,
        "the adapter's answer breaks a rule of the contract",
        REPORT,
    ),
    Code::new(
        "sandbox.blob",
        Unsupported,
        "the adapter wants to send a stored blob, which this host does not keep",
        "have the adapter send the bytes themselves",
    )
    .told(Told::Author),
    Code::new(
        "sandbox.busy",
        Unavailable,
        "every instance of the sandbox is in use",
        "raise the limit of instances, or sync less at the same time",
    )
    .again(Again::Later)
    .healthy()
    .scope(Scope::Host),
    Code::new(
        "sandbox.checkpoint",
        Malformed,
        "the adapter returned a checkpoint that is too large to be kept",
        REPORT,
    ),
    Code::new(
        "sandbox.compile",
        Malformed,
        "the component cannot be compiled, or not within its limits",
        "build the adapter again, and smaller",
    )
    .scope(Scope::Package),
    Code::new(
        "sandbox.compiler",
        Unavailable,
        "the process that compiles components failed",
        "start the host again, and see that it may start processes",
    )
    .healthy()
    .scope(Scope::Host),
    Code::new(
        "sandbox.component",
        Malformed,
        "the file is no component, or a damaged one",
        "build it with `plughouse adapter build`",
    )
    .again(Again::No)
    .scope(Scope::Package),
    Code::new(
        "sandbox.component-size",
        BudgetExhausted,
        "the component is larger than this host takes",
        "build it for size",
    )
    .again(Again::No)
    .scope(Scope::Package),
    Code::new(
        "sandbox.contract",
        Denied,
        "the component does not follow a contract that this host speaks",
        REBUILD,
    )
    .told(Told::Author),
    Code::new("sandbox.cpu", BudgetExhausted, "the call used up its CPU time", SMALLER),
    Code::new(
        "sandbox.describe",
        Malformed,
        "the component says something else about itself than its manifest",
        "make them equal and pack the adapter again",
    )
    .again(Again::No)
    .scope(Scope::Package),
    Code::new(
        "sandbox.host-calls",
        BudgetExhausted,
        "the adapter called functions of the host too often in one call",
        REPORT,
    ),
    Code::new(
        "sandbox.import",
        Denied,
        "the component wants functions that no adapter gets",
        "remove what needs them: an adapter reaches the outside through `http` alone",
    )
    .told(Told::Author),
    Code::new("sandbox.json", Malformed, "the payload of a record is not one JSON object", REPORT)
        .scope(Scope::Record),
    Code::new(
        "sandbox.list-size",
        BudgetExhausted,
        "the adapter handed over too much at once",
        "have it return smaller pages, or spans instead of copies",
    ),
    Code::new("sandbox.memory", BudgetExhausted, "the call used up its memory", SMALLER),
    Code::new(
        "sandbox.needs",
        BudgetExhausted,
        "the component needs more than this host gives one instance",
        "build it smaller, or raise memory_mib in [budget]",
    )
    .again(Again::No)
    .scope(Scope::Package),
    Code::new(
        "sandbox.no-webhooks",
        Unsupported,
        "the adapter does not handle deliveries",
        "read by schedule instead",
    ),
    Code::new(
        "sandbox.precompiled",
        Denied,
        "the file is compiled code, which nobody has checked",
        "pack the component itself",
    )
    .told(Told::Author),
    Code::new(
        "sandbox.pure",
        Denied,
        "the adapter wanted to send a request where the contract lets it only compute",
        REPORT,
    )
    .told(Told::Author),
    Code::new(
        "sandbox.random",
        BudgetExhausted,
        "the adapter asked for too many random bytes at once",
        REPORT,
    ),
    Code::new(
        "sandbox.send-many",
        BudgetExhausted,
        "the adapter handed over too many requests at once",
        REPORT,
    ),
    Code::new(
        "sandbox.span",
        Malformed,
        "a record points to a place that its answer does not have",
        REPORT,
    ),
    Code::new("sandbox.stack", BudgetExhausted, "the adapter recursed too deep", REPORT),
    Code::new(
        "sandbox.state-quota",
        BudgetExhausted,
        "the adapter keeps more state than it may",
        REPORT,
    ),
    Code::new("sandbox.trap", Other, "the adapter crashed", REPORT),
    Code::new(
        "sandbox.unnamed",
        Other,
        "the adapter reported an error without a proper code",
        REPORT,
    ),
    Code::new("sandbox.wall", Timeout, "the call took longer than it may", SMALLER)
        .healthy()
        .scope(Scope::Entity)
        .told(Told::Author),
];

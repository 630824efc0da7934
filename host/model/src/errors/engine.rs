//! The codes of the engine.

use super::{Again, Code, Scope, Told};
use crate::error::ErrorKind::{Conflict, Denied, Invalid, Malformed, Other, Timeout, Unsupported};

const REPORT: &str = "report it to the adapter's author";

pub(super) const CODES: &[Code] = &[
    Code::new(
        "engine.account",
        Malformed,
        "the adapter named no account for the credential",
        REPORT,
    ),
    Code::new(
        "engine.checkpoint-repeats",
        Malformed,
        "the adapter returned a checkpoint again, so it would read the same pages for ever",
        REPORT,
    ),
    Code::new(
        "engine.checkpoint-size",
        Malformed,
        "the adapter returned a checkpoint that is too large to be kept",
        REPORT,
    ),
    Code::new(
        "engine.empty-id",
        Malformed,
        "the adapter returned a record or part without an id",
        REPORT,
    )
    .scope(Scope::Record),
    Code::new(
        "engine.fenced",
        Other,
        "a newer run of the connection has taken over, so this one may not write any more",
        "nothing, unless it happens often: then two hosts work on one store",
    )
    .scope(Scope::Connection)
    .told(Told::Operator),
    Code::new(
        "engine.foreign-entity",
        Malformed,
        "the adapter returned a record of an entity that it was not asked for",
        REPORT,
    ),
    Code::new(
        "engine.foreign-variable",
        Malformed,
        "the adapter set a variable that its manifest does not let it set",
        REPORT,
    ),
    Code::new(
        "engine.id-size",
        Malformed,
        "the adapter returned an id that is too long to be a key",
        REPORT,
    )
    .scope(Scope::Record),
    Code::new(
        "engine.order",
        Invalid,
        "the payload of the job is nothing that this version can do",
        "edit it, or run the version that queued it",
    )
    .told(Told::Operator),
    Code::new(
        "engine.other-account",
        Conflict,
        "the credential opens another account than the one that the connection has read so far",
        "connect the other account under a name of its own",
    )
    .again(Again::Person)
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "engine.overdue",
        Timeout,
        "the work did not stop in time when it was asked to",
        REPORT,
    )
    .again(Again::Few)
    .healthy()
    .scope(Scope::Package)
    .told(Told::Author),
    Code::new(
        "engine.package",
        Denied,
        "the connection's package is not installed, was disabled, or is refused by trust or grant",
        "install or enable it; `plughouse plugin list` shows what is there",
    )
    .again(Again::Later)
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.package-file",
        Invalid,
        "the file is no package, or a damaged one",
        "pack it with `plughouse adapter pack`, or fetch it again",
    )
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.package-older",
        Invalid,
        "the package is older than one that was installed before",
        "say why the older version is wanted, or install a newer one",
    )
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.package-pending",
        Conflict,
        "another package waits for approval than the one that was looked at, or none",
        "look at what waits, and approve that",
    )
    .again(Again::No)
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.package-refused",
        Denied,
        "signature, trust, review or revocation speak against the package",
        "do what the error says; nothing lets in a package that nobody trusted has signed",
    )
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.package-wider",
        Invalid,
        "the package asks for more than was granted, and the approval has not named it",
        "look at what is wider, and type the name of the package to approve it",
    )
    .scope(Scope::Package)
    .told(Told::Operator),
    Code::new(
        "engine.pages-max",
        Malformed,
        "the adapter did not come to an end within the pages of one run",
        REPORT,
    ),
    Code::new(
        "engine.panic",
        Other,
        "the host itself failed at the job",
        "see the log, and report it to the makers of this host",
    )
    .scope(Scope::Host)
    .told(Told::Operator),
    Code::new(
        "engine.payload",
        Malformed,
        "the payload of a record could not be read for taking out what must not be stored",
        REPORT,
    )
    .scope(Scope::Record),
    Code::new(
        "engine.plan",
        Unsupported,
        "what was asked for is nothing that the package can read",
        "correct the entities of the task",
    )
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "engine.quarantined",
        Other,
        "the job has killed its workers again and again",
        "replace the package or find the cause, then retry the dead letter",
    )
    .again(Again::No)
    .told(Told::Operator),
    Code::new(
        "engine.record-size",
        Malformed,
        "a record is too large to be stored",
        "ask the adapter's author to read fewer fields",
    )
    .scope(Scope::Record),
    Code::new(
        "engine.store",
        Other,
        "the store could not write or read, and the run ended",
        "see the log: disk full, disk failing, or the data directory is not writable",
    )
    .again(Again::Many)
    .healthy()
    .scope(Scope::Host)
    .told(Told::Operator),
    Code::new(
        "engine.trust",
        Other,
        "whom this host trusts cannot be read",
        "correct trust.toml in the data directory",
    )
    .again(Again::Later)
    .scope(Scope::Host)
    .told(Told::Operator),
    Code::new(
        "engine.variable",
        Malformed,
        "the adapter set a variable to a value that its manifest forbids",
        REPORT,
    ),
];

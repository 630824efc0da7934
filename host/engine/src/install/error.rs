//! Why a package is not installed, or not loaded.

use std::time::Duration;

use model::store::StoreError;
use model::{Error, ErrorKind};
use package::trust::TrustError;
use package::{BundleError, VerifyError};

use crate::mapping::MappingError;

/// The code of what an installed package may not run for: it is disabled, gone, or not trusted any
/// more.
const PACKAGE: &str = "engine.package";

/// How long work whose package may not run waits until it is looked at again. A person has to let
/// the package run, and wants to see it go on then; a letter for each tick of a schedule helps nobody.
const PACKAGE_WAIT: Duration = Duration::from_mins(1);

/// Why a package is not installed, or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file is no package.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// What is remembered of trust is damaged.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Whom the operator trusts cannot be read.
    #[error("whom this host trusts cannot be read: {0}")]
    Unreadable(String),
    /// Signature, trust, revocation or version speak against it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The component does not compile, imports what it may not, or is not what its manifest says.
    #[error(transparent)]
    Component(#[from] Error),
    /// A conversion schema of the package cannot be used.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A downgrade needs a reason.
    #[error("a downgrade needs a reason; say why the older version is wanted")]
    NoReason,
    /// Nobody has approved what the package may do.
    #[error("not approved; nothing was installed")]
    Declined,
    /// No package of this digest waits for approval.
    #[error("no package {name} of {digest} waits for approval; look at what waits")]
    NotPending {
        /// `publisher/id`.
        name: String,
        /// What was to be approved.
        digest: String,
    },
    /// Whoever approves more than was granted has not named it.
    #[error(
        "{name} may do more than was granted: {}; type its name to approve the difference",
        wider.join("; ")
    )]
    Unconfirmed {
        /// `publisher/id`.
        name: String,
        /// What is wider, one line each.
        wider: Vec<String>,
    },
    /// What the package may do is more than was granted.
    #[error(
        "{name} may do more than was granted: {}; install it again to approve the difference",
        wider.join("; ")
    )]
    Ungranted {
        /// `publisher/id`.
        name: String,
        /// What is wider, one line each.
        wider: Vec<String>,
    },
    /// The stored grant cannot be read.
    #[error("the stored grant of {name} cannot be read; remove the package and install it again")]
    Grant {
        /// `publisher/id`.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A grant that cannot be written.
    #[error("the grant cannot be written")]
    Encode(#[source] serde_json::Error),
    /// There is no such package.
    #[error("no package `{name}` is installed; installed are: {known}")]
    NotInstalled {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Somebody has said that it may not run.
    #[error("{name} was disabled ({reason}); `plughouse plugin enable {name}` lets it run again")]
    Disabled {
        /// `publisher/id`.
        name: String,
        /// Why.
        reason: String,
    },
    /// The stored file is another package than the one that was installed.
    #[error("the stored file of {name} is not what was installed; install it again")]
    Swapped {
        /// `publisher/id`.
        name: String,
    },
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InstallError {
    /// Whether the package was refused, rather than something having failed.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Bundle(_)
            | Self::Trust(_)
            | Self::Verify(_)
            | Self::Component(_)
            | Self::Mapping(_)
            | Self::NoReason
            | Self::Declined
            | Self::NotPending { .. }
            | Self::Unconfirmed { .. }
            | Self::Ungranted { .. }
            | Self::Disabled { .. }
            | Self::Swapped { .. } => true,
            Self::Unreadable(_)
            | Self::Grant { .. }
            | Self::Encode(_)
            | Self::NotInstalled { .. }
            | Self::Store(_) => false,
        }
    }

    /// The error of work that needs the installed package `name`. All that speaks against the
    /// package is one code, under which work waits for it; what failed in the host keeps its own.
    pub fn of_work(self, name: &str) -> Error {
        let error = Error::from(self);
        let message = format!("package {name} cannot be loaded: {}", error.message);
        if matches!(error.kind, ErrorKind::Other | ErrorKind::Unavailable) {
            return Error { message, ..error };
        }
        Error::new(ErrorKind::Denied, PACKAGE, message).retry_after(PACKAGE_WAIT)
    }

    /// The code, and who is to blame: a file that was brought is invalid, whatever in it is.
    fn code(&self) -> (ErrorKind, &str) {
        match self {
            Self::Bundle(_) => (ErrorKind::Invalid, "engine.package-file"),
            Self::Verify(VerifyError::Rollback { .. }) | Self::NoReason => {
                (ErrorKind::Invalid, "engine.package-older")
            }
            Self::Verify(_) | Self::Declined => (ErrorKind::Denied, "engine.package-refused"),
            Self::NotPending { .. } => (ErrorKind::Conflict, "engine.package-pending"),
            Self::Unconfirmed { .. } => (ErrorKind::Invalid, "engine.package-wider"),
            Self::Component(error) if error.kind == ErrorKind::Unavailable => {
                (ErrorKind::Unavailable, &error.code)
            }
            Self::Component(error) => (ErrorKind::Invalid, &error.code),
            Self::Mapping(_) => (ErrorKind::Invalid, "mapping.schema"),
            Self::Trust(_) | Self::Unreadable(_) => (ErrorKind::Other, "engine.trust"),
            Self::Encode(_) | Self::Store(_) => (ErrorKind::Other, "engine.store"),
            Self::Ungranted { .. }
            | Self::Grant { .. }
            | Self::NotInstalled { .. }
            | Self::Disabled { .. }
            | Self::Swapped { .. } => (ErrorKind::Denied, PACKAGE),
        }
    }
}

impl From<InstallError> for Error {
    fn from(error: InstallError) -> Self {
        let (kind, code) = error.code();
        let message = match &error {
            InstallError::Component(error) => error.message.clone(),
            error => error.to_string(),
        };
        Self::new(kind, code, message)
    }
}

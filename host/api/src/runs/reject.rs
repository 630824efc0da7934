//! What a run could not do.

use std::collections::BTreeMap;

use model::run::Run;
use model::store::{REJECTS_COUNTED_MAX, StoredReject};
use model::{Timestamp, errors};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::RunCounts;
use crate::list::{Cursor, Limit, Total};

/// What became of the records of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunOutcomes {
    /// Of all its entities together.
    counts: RunCounts,
    /// Its rejects by their codes.
    codes: Vec<RejectCode>,
    /// How many rejects the codes were counted among; of more than 10,000 the first.
    rejects: Total,
}

/// Rejects of one code.
#[derive(Debug, Serialize, ToSchema)]
struct RejectCode {
    /// The code.
    code: String,
    /// What it means, where it is one of the host's.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<String>,
    /// How many there are.
    count: u64,
}

impl RunOutcomes {
    pub(super) fn of(run: &Run, codes: BTreeMap<String, u64>) -> Self {
        let count = codes.values().sum();
        let most = u64::try_from(REJECTS_COUNTED_MAX).unwrap_or(u64::MAX);
        let mut codes: Vec<_> = codes
            .into_iter()
            .map(|(code, count)| {
                let meaning = errors::find(&code).map(|it| it.meaning.to_owned());
                RejectCode { code, meaning, count }
            })
            .collect();
        codes.sort_by_key(|code| std::cmp::Reverse(code.count));
        let rejects = Total { count, at_least: count >= most };
        Self { counts: RunCounts::of_run(run), codes, rejects }
    }
}

/// Which rejects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RejectListing {
    /// Of this code; otherwise of all.
    pub(super) code: Option<String>,
    pub(super) cursor: Option<Cursor>,
    pub(super) limit: Option<Limit>,
}

/// A record that could not be read, or not be mapped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectView {
    /// Its place among the rejects of the run.
    number: u64,
    /// The entity.
    entity: String,
    /// The provider's id, where one could be read.
    external_id: Option<String>,
    /// The stable code.
    code: String,
    /// What a person reads.
    message: String,
    /// What the provider sent, as text, up to 64 KiB of it.
    payload: Option<String>,
    /// When.
    at: Timestamp,
}

impl RejectView {
    pub(super) fn of((number, reject): (u64, StoredReject)) -> Self {
        Self {
            number,
            entity: reject.entity,
            external_id: reject.id,
            code: reject.error.code,
            message: reject.error.message,
            payload: reject.payload,
            at: reject.at,
        }
    }
}

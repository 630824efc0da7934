//! The tables; all keys and values are bytes of our own encoding (see [`crate::codec`]).

use model::store::StoreError;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use crate::disk::Disk as _;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Rows that can be read, in a snapshot or in the transaction that writes.
pub(crate) trait Rows: ReadableTable<&'static [u8], &'static [u8]> {}

impl<T: ReadableTable<&'static [u8], &'static [u8]>> Rows for T {}

/// A table of a snapshot.
pub(crate) type Snapshot = ReadOnlyTable<&'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident $variant:ident $name:literal)*) => {
        /// The name of a table.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Table {
            $($(#[$doc])* $variant,)*
        }

        impl Table {
            /// How many there are.
            pub(crate) const COUNT: usize = [$($name),*].len();

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        /// All tables, open in the transaction that writes.
        pub(crate) struct Tables<'t> {
            $(pub(crate) $field: redb::Table<'t, &'static [u8], &'static [u8]>,)*
        }

        impl<'t> Tables<'t> {
            pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
                Ok(Self {
                    $($field: transaction.open_table(Table::$variant.definition())?,)*
                })
            }

            pub(crate) fn rows(
                &self,
                table: Table,
            ) -> &redb::Table<'t, &'static [u8], &'static [u8]> {
                match table {
                    $(Table::$variant => &self.$field,)*
                }
            }

            pub(crate) fn of(
                &mut self,
                table: Table,
            ) -> &mut redb::Table<'t, &'static [u8], &'static [u8]> {
                match table {
                    $(Table::$variant => &mut self.$field,)*
                }
            }
        }
    };
}

tables! {
    /// Facts about the store itself.
    meta Meta "meta"
    /// tenant, connection, entity, id → record.
    records Records "records"
    /// tenant, id → canonical record and its links.
    canonical Canonical "canonical"
    /// tenant, record type, id → nothing: the canonical records of a type.
    record_types RecordTypes "record-types"
    /// tenant, identity, id → nothing: which canonical records are known by it.
    identities Identities "identities"
    /// tenant, kind, name, version → text of a tenant.
    schemas Schemas "schemas"
    /// tenant, connection, entity → what is bound to it.
    bindings Bindings "bindings"
    /// tenant, connection, entity, kind, part → lane and its state.
    lanes Lanes "lanes"
    /// tenant, connection, run → run.
    runs Runs "runs"
    /// tenant, start, run, connection → nothing: the order in which runs of a tenant began.
    starts Starts "starts"
    /// tenant, connection, run → nothing: the run has not ended.
    unfinished Unfinished "unfinished"
    /// tenant, connection, run, number → reject.
    rejects Rejects "rejects"
    /// tenant, number → event.
    events Events "events"
    /// tenant, consumer → how far it has followed the events.
    consumers Consumers "consumers"
    /// tenant, connection, entity, part, entity of the record, id → the newest full read that has
    /// met the record.
    members Members "members"
    /// tenant, connection, entity → deletions that wait for a person.
    held Held "held"
    /// tenant → tenant.
    tenants Tenants "tenants"
    /// tenant, integration → integration.
    integrations Integrations "integrations"
    /// name → package.
    packages Packages "packages"
    /// name → package that waits for approval.
    pending Pending "pending-packages"
    /// One row, written when the store is made.
    trust Trust "trust"
    /// tenant, connection → connection.
    connections Connections "connections"
    /// tenant, connection → the state of a connection that is, or was, not active.
    states States "states"
    /// tenant, queue → counts.
    queues Queues "queues"
    /// tenant → the last id of a job.
    job_ids JobIds "job-ids"
    /// tenant, queue, session → session.
    sessions Sessions "sessions"
    /// tenant, queue, session, number → job.
    jobs Jobs "jobs"
    /// tenant, queue, session, number → failures of a job that is to be tried again.
    failures Failures "failures"
    /// queue, tenant, package, connection, due, session → nothing: every session that becomes due.
    ready Ready "ready"
    /// queue, tenant, package, due, connection → nothing: the first of those of each connection.
    heads Heads "heads"
    /// tenant, queue, key → the job that holds it and until when.
    dedupes Dedupes "dedupes"
    /// end, tenant, queue, key → nothing: the order in which dedupe keys end by themselves.
    dedupe_ends DedupeEnds "dedupe-ends"
    /// tenant, job → dead letter.
    letters Letters "letters"
    /// tenant, job → payload of a dead letter.
    letter_payloads LetterPayloads "letter-payloads"
    /// tenant, scope → pause.
    pauses Pauses "pauses"
    /// tenant, queue, session → the package that may not work there, and the letter that says so.
    quarantines Quarantines "quarantines"
    /// tenant, task → task.
    tasks Tasks "tasks"
    /// due instant, tenant, task → nothing.
    due_tasks DueTasks "due-tasks"
    /// tenant, package, host → breaker that is open.
    breakers Breakers "breakers"
    /// owner, kind, object, field → generation and sealed secret.
    sealed Sealed "sealed"
    /// owner → its data keys, or that they were destroyed.
    keys Keys "keys"
    /// tenant, connection → credential.
    credentials Credentials "credentials"
    /// due instant, tenant, connection → nothing: when a credential is to be refreshed.
    due_credentials DueCredentials "due-credentials"
    /// tenant, connection → nothing: somebody has the lease to refresh its credential.
    refreshes Refreshes "refreshes"
    /// package, tenant or nothing → app.
    apps Apps "apps"
    /// id → flow.
    flows Flows "flows"
    /// end, id, tenant → nothing: the order in which flows expire.
    flow_ends FlowEnds "flow-ends"
    /// tenant, number → uses of a secret.
    accesses Accesses "accesses"
    /// tenant, connection, number → nothing: those of a connection.
    connection_accesses ConnectionAccesses "connection-accesses"
    /// id → API key.
    api_keys ApiKeys "api-keys"
    /// tenant or nothing, instant, id → nothing: the order in which API keys of a tenant, or of
    /// operators, were made.
    made_api_keys MadeApiKeys "made-api-keys"
    /// hash → session of a browser.
    logins Logins "logins"
    /// API key, begin, hash → nothing: the order in which sessions of a key were begun.
    key_logins KeyLogins "key-logins"
    /// end, hash → nothing: the order in which sessions of browsers expire.
    login_ends LoginEnds "login-ends"
    /// scope, key → request that was heard, and its answer.
    requests Requests "requests"
    /// when it was heard, scope, key → nothing: the order in which requests are forgotten.
    heard_requests HeardRequests "heard-requests"
    /// tenant, draft → draft.
    drafts Drafts "drafts"
    /// tenant, last change, draft → nothing: the order in which drafts are forgotten.
    touched_drafts TouchedDrafts "touched-drafts"
    /// tenant, number → conflict.
    conflicts Conflicts "conflicts"
    /// tenant, connection, entity, id → number of the open conflict of a record of a provider.
    open_conflicts OpenConflicts "open-conflicts"
    /// tenant, connection or nothing, open or all, number → nothing: the lists of conflicts.
    conflict_lists ConflictLists "conflict-lists"
    /// One row: who has the lead.
    lead Lead "lead"
}

impl Table {
    fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }

    /// Opens the table in a snapshot.
    pub(crate) fn read(self, snapshot: &ReadTransaction) -> Result<Snapshot, StoreError> {
        snapshot.open_table(self.definition()).disk()
    }
}

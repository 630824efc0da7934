//! What one adapter call may use, and why that much.
//!
//! A manifest asks for a budget, the operator sets the limits; the smaller number counts. Nothing
//! here is ever stored, so a new release may choose better defaults.

use std::time::Duration;

/// One tick of the epoch clock: how often a guest's budget is looked at, and the grain of fairness
/// between guests.
pub const TICK: Duration = Duration::from_millis(5);

/// The limits that the operator may set; every field has a default with its reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// CPU time of one call, the host's work on its behalf included. 2 s: parsing a 16 MiB answer takes 0.2 s, and a bulk page may need ten.
    pub cpu: Duration,
    /// Wall time of one call, waiting for the provider and for rate limits included. 60 s: longer
    /// waits are the engine's, which can persist them.
    pub wall: Duration,
    /// All linear memories of an instance together. 64 MiB: a 16 MiB answer three times over.
    pub memory_bytes: usize,
    /// Calls of host functions in one call. 10 000: ten for each record of a page of a thousand.
    pub host_calls: u64,
    /// HTTP requests of one call. 100: a page whose every record needs one more request.
    pub http_calls: u32,
    /// All response bodies of one call together. 16 MiB: the largest page that a provider sends.
    pub response_bytes: u64,
    /// The body of one request. 8 MiB: the largest single upload among the known providers is
    /// 4 MiB; larger files go in pieces.
    pub request_bytes: u64,
    /// What the guest may hand over in one host call or one result. 16 MiB: a whole answer turned
    /// into records without spans.
    pub transfer_bytes: usize,
    /// Instances that live at the same time; further calls wait. One package
    /// has three quarters of them at most. 1 000: 64 KiB each, and the pool
    /// reserves 8 TiB of address space, which is what 47 bits hold sixteen times.
    pub instances: u32,
    /// The component before compilation. 16 MiB: an adapter in JavaScript has 12.
    pub component_bytes: usize,
    /// Time to compile one component. 20 s: 12 MB take 7 s on two cores.
    pub compile: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(2),
            wall: Duration::from_mins(1),
            memory_bytes: 64 << 20,
            host_calls: 10_000,
            http_calls: 100,
            response_bytes: 16 << 20,
            request_bytes: 8 << 20,
            transfer_bytes: 16 << 20,
            instances: 1_000,
            component_bytes: 16 << 20,
            compile: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// The limits of one package: what its manifest asks for, at most what the operator grants.
    #[must_use]
    pub(crate) fn within(mut self, budget: &package::manifest::Budget) -> Self {
        let mebibytes = |count: u32| u64::from(count) << 20;
        let memory = usize::try_from(mebibytes(budget.memory_mib)).unwrap_or(usize::MAX);
        self.cpu = self.cpu.min(Duration::from_millis(budget.cpu_ms.into()));
        self.wall = self.wall.min(Duration::from_secs(budget.wall_s.into()));
        self.memory_bytes = self.memory_bytes.min(memory);
        self.http_calls = self.http_calls.min(budget.http_calls);
        self.response_bytes = self.response_bytes.min(mebibytes(budget.response_mib));
        self
    }

    /// Instances of one package that live at the same time: three quarters of all, so that a package
    /// whose calls hang leaves room for the others.
    pub(crate) fn package_instances(&self) -> u32 {
        self.instances - self.instances / 4
    }

    /// The limits of `describe`, which computes nothing: 0.2 s are a cold start on a busy machine.
    #[must_use]
    pub(crate) fn tight(mut self) -> Self {
        self.cpu = self.cpu.min(Duration::from_millis(200));
        self.wall = self.wall.min(Duration::from_secs(5));
        self.host_calls = self.host_calls.min(100);
        self.http_calls = 0;
        self
    }
}

/// Calls that may wait for each place. 4: who stands behind more would hardly be served within its
/// wall time, and each holds what it is called with.
pub(crate) const WAITERS_PER_PLACE: u32 = 4;
/// The guest's part of the native stack. Compiled Rust needs a few KiB; recursion ends here or at
/// the end of the stack that the guest keeps in its own memory.
pub(crate) const STACK_BYTES: usize = 512 << 10;
/// A fiber's stack: the guest's part, and what our own functions need when they are polled on it
/// (an unoptimised TLS handshake takes most of 1 MiB).
pub(crate) const FIBER_STACK_BYTES: usize = 2 << 20;
/// Core instances of one component: a guest of the WASI profile has five.
pub(crate) const CORE_INSTANCES_MAX: u32 = 16;
/// Linear memories of one component: one is usual, an adapter of an older ABI brings a second.
pub(crate) const MEMORIES_MAX: u32 = 2;
/// What a pool slot holds at least, however little the operator grants: components that start with
/// more than is granted are then refused with words, not by the pool.
pub(crate) const SLOT_BYTES_MIN: usize = 64 << 20;
/// Tables of one component: one per core module and one for its shims.
pub(crate) const TABLES_MAX: u32 = 8;
/// Entries of one table: indirect functions of a large interpreter.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Bookkeeping of one core instance, and of one component instance.
pub(crate) const INSTANCE_BYTES_MAX: usize = 1 << 20;
/// Handles of component resources: the contract has none, WASI a few per stream.
pub(crate) const HANDLES_MAX: usize = 1024;
/// Memory that a pool slot keeps between two guests, zeroed instead of unmapped: what a page of
/// records touches. More costs more to clear than the page faults it saves.
pub(crate) const MEMORY_KEEP_BYTES: usize = 256 << 10;
/// The same for tables.
pub(crate) const TABLE_KEEP_BYTES: usize = 16 << 10;
/// The same for fiber stacks.
pub(crate) const STACK_KEEP_BYTES: usize = 32 << 10;

/// Requests of one `send-many`: more than a call may send anyway, few enough to answer each.
pub(crate) const SEND_MANY_MAX: usize = 1_000;
/// Requests of one `send-many` under way at once: browsers open six per host for the same reason.
pub(crate) const SEND_PARALLEL_MAX: usize = 8;
/// Bytes of one `host.random`, and of one call of `wasi:random`: keys and nonces have 32.
pub(crate) const RANDOM_BYTES_MAX: u32 = 64 << 10;

/// Log lines of one call; then one warning says that the rest was dropped.
pub(crate) const LOG_LINES_MAX: u32 = 1_000;
/// Bytes of one log line, fields included; the rest of the line is cut.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 4 << 10;
/// The longest secret that is found however a text is cut: a private key of 8192 bits has 6.4 KiB
/// of PEM.
pub(crate) const SECRET_BYTES_MAX: usize = 8 << 10;
/// A name that a component made up, in an error about it.
pub(crate) const SHOWN_BYTES_MAX: usize = 128;
/// What a WASI guest may print in one call, before it becomes log lines.
pub(crate) const PRINT_BYTES_MAX: usize = 64 << 10;

/// Records, tombstones and rejects of one page together: ten times the largest page of a provider.
pub(crate) const PAGE_ITEMS_MAX: usize = 20_000;
/// All payloads of a page together. Spans cost the guest nothing, so this stops one answer from
/// being claimed a thousand times: twice the largest answer.
pub(crate) const PAGE_PAYLOAD_BYTES_MAX: u64 = 32 << 20;
/// An id, a version or a name: twice the longest that a provider has (Graph, 512).
pub(crate) const NAME_BYTES_MAX: usize = 1 << 10;
/// A text for people, or a value of a pair.
pub(crate) const TEXT_BYTES_MAX: usize = 8 << 10;
/// Pairs in one list of details or headers.
pub(crate) const PAIRS_MAX: usize = 128;
/// Entities of one answer of `discover`: a large Salesforce org has 2 000.
pub(crate) const ENTITIES_MAX: usize = 10_000;
/// An error's message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 10;
/// An error's code.
pub(crate) const CODE_BYTES_MAX: usize = 96;
/// The longest wait that an adapter can ask for: providers reset daily quotas within a day.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// The cache of one connection, keys and values together.
pub(crate) const STATE_BYTES_MAX: usize = 1 << 20;
/// A key of the cache.
pub(crate) const STATE_KEY_BYTES_MAX: usize = 256;
/// A value of the cache: a quarter of it, so that one entry cannot evict everything.
pub(crate) const STATE_VALUE_BYTES_MAX: usize = 256 << 10;
/// What an entry costs besides its bytes, so that empty entries are not free.
pub(crate) const STATE_ENTRY_BYTES: usize = 128;
/// The caches of all connections; the ones unused for longest are emptied first.
pub(crate) const STATE_TOTAL_BYTES_MAX: usize = 64 << 20;

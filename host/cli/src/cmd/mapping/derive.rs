//! `plughouse mapping derive`: a record type that follows what the provider says of its fields.

use std::fmt;
use std::str::FromStr;

use ::mapping::RecordType;
use ::mapping::record_type::{Change, Changed, Contract, Policy};
use anyhow::Result;
use engine::mapping::{ContractEdit, DerivePorts, Derived, Deriving, Saved, derive};
use model::ConnectionId;
use model::egress::Priority;

use super::bind;
use super::site::Site;
use super::text::Name;
use crate::Global;
use crate::exit::Exit;
use crate::wire;

/// For which entity, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection whose account is asked.
    connection: ConnectionId,
    /// The entity.
    entity: String,
    /// One instance of a dynamic entity, as one of several databases.
    #[arg(long)]
    part: Option<String>,
    /// What happens upon changes, as `field=freeze,type=discard_row`: of `object`, `field` and
    /// `type` each `evolve`, `freeze`, `discard_value` or `discard_row`.
    #[arg(long, value_name = "WHAT=POLICY,…")]
    contract: Option<Edit>,
    /// Where in a record the fields stand, as `/properties`; otherwise stored records tell it.
    #[arg(long, value_name = "POINTER", value_parser = pointer)]
    at: Option<String>,
    /// Lets the schema map the entity, or the part.
    #[arg(long = "use")]
    bind: bool,
    /// Does not ask.
    #[arg(long, requires = "bind")]
    yes: bool,
}

/// What is different from the contract of the type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Edit(ContractEdit);

impl FromStr for Edit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut edit = ContractEdit::default();
        for part in text.split(',') {
            let (what, word) = part.split_once('=').unwrap_or((part, ""));
            let policy = Policy::of(word).ok_or_else(|| {
                let words = Policy::ALL.map(Policy::as_str).join(", ");
                format!("{part:?} has no policy: write {what}=POLICY with one of {words}")
            })?;
            let slot = match what {
                "object" => &mut edit.object,
                "field" => &mut edit.field,
                "type" => &mut edit.kind,
                _ => return Err(format!("{what:?} is none of object, field and type")),
            };
            *slot = Some(policy);
        }
        Ok(Self(edit))
    }
}

/// A JSON Pointer; the empty one is the whole record.
fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || (text.starts_with('/') && !text.ends_with('/')) {
        return Ok(text.to_owned());
    }
    Err("it is a JSON Pointer, as /properties, or nothing for the record itself".to_owned())
}

/// Derives the type and its schema, and binds the schema if that is wanted.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let derived = ask(global, &args).await?;
    let Args { connection, entity, part, bind, yes, .. } = args;
    let output = global.output();
    output.result(&derived, Shown(&derived))?;
    let Some(Saved { name, version, .. }) = derived.schema.clone().filter(|_| !derived.frozen)
    else {
        output.note(refusal(&derived));
        return Ok(Exit::Failed);
    };
    if bind {
        let schema = Some(Name { name, version: Some(version) });
        let args = bind::Args { connection, entity, schema, part, default: false, yes };
        return bind::run(global, args).await;
    }
    let (what, part) = match part {
        Some(part) => ("part", format!(" --part {part}")),
        None => ("entity", String::new()),
    };
    output.note(format_args!(
        "let it map the {what}: plughouse mapping use {connection} {entity} {name}@{version}{part}\n\
         then what is stored: plughouse mapping replay {connection} --entity {entity}"
    ));
    Ok(Exit::Done)
}

async fn ask(global: &Global, args: &Args) -> Result<Derived> {
    let site = Site::open(global, &args.connection).await?;
    site.entity(&args.entity)?;
    let Site { host, connection, package } = &site;
    let actor = wire::person();
    let mut session = host.session(package, connection, actor, Priority::Interactive).await?;
    let deriving = Deriving {
        connection,
        entity: &args.entity,
        part: args.part.as_deref(),
        contract: args.contract.map(|Edit(edit)| edit).unwrap_or_default(),
        at: args.at.as_deref(),
        author: global.terminal.variable("USER"),
        now: host.clock.now(),
    };
    let store = host.store.as_ref();
    let ports = DerivePorts { adapter: &mut session, schemas: store, records: store };
    Ok(derive(&deriving, ports).await?)
}

/// Why there is nothing to use, and what to do about it.
fn refusal(derived: &Derived) -> &'static str {
    if derived.record_type.is_some() {
        "the contract freezes the type, so nothing was saved and syncs go on with what was there: \
         let it follow with --contract field=evolve,type=evolve, then freeze it again"
    } else {
        "the contract keeps a new entity out, so nothing was saved: take it up with \
         --contract object=evolve"
    }
}

/// What was derived, as text.
struct Shown<'a>(&'a Derived);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Derived { record_type, schema, contract, changes, .. } = self.0;
        for change in changes {
            writeln!(f, "{}", difference(change))?;
        }
        saved(f, "record type", record_type.as_ref())?;
        saved(f, "conversion schema", schema.as_ref())?;
        let Contract { object, field, kind } = *contract;
        let [object, field, kind] = [object, field, kind].map(Policy::as_str);
        write!(f, "contract object={object},field={field},type={kind}")
    }
}

fn saved(f: &mut fmt::Formatter<'_>, what: &str, saved: Option<&Saved>) -> fmt::Result {
    let Some(Saved { name, version, changed }) = saved else { return Ok(()) };
    let how = if *changed { "is new" } else { "is as it was" };
    writeln!(f, "{what} {name}@{version} {how}")
}

fn difference(Change { origin, changed, policy }: &Change) -> String {
    let policy = policy.as_str();
    match changed {
        Changed::Entity => format!("{policy}: the entity is new"),
        Changed::Added(kind) => format!("{policy}: field {origin:?} is new, {kind}"),
        Changed::NoRoom(kind) => format!(
            "{policy}: field {origin:?} is new, {kind}, and left out: a type has at most {} fields",
            RecordType::FIELDS_MAX
        ),
        Changed::Retyped { from, to } => format!("{policy}: field {origin:?} is {to}, was {from}"),
        Changed::Removed => format!("{policy}: field {origin:?} is there no more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<ContractEdit, &str>) {
        match (text.parse::<Edit>(), expected) {
            (Ok(Edit(found)), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(says)) => assert!(found.contains(says), "{found}"),
            (found, expected) => panic!("{found:?} {expected:?}"),
        }
    }

    #[test]
    fn contract_names_what_is_different() {
        let edit = ContractEdit {
            field: Some(Policy::Freeze),
            kind: Some(Policy::DiscardRow),
            object: None,
        };
        check("type=discard_row,field=freeze", Ok(edit));
        check("type", Err("type=POLICY"));
        check("type=drop", Err("discard_value"));
        check("kind=freeze", Err("object, field and type"));
        check("", Err("POLICY"));
    }
}

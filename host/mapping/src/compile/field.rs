//! One field map: its operations, and the types at both ends.

use serde_json::Value as Json;

use super::Compiler;
use crate::diagnostic::Diagnostic;
use crate::ops::BuildError;
use crate::program::plan::{Fallback, Get, Map, Path, Target};
use crate::record_type::Field;
use crate::{Chain, Direction, FieldMap, Kind, Link, OnError, Value, ops};

impl<'c> Compiler<'c> {
    /// Checks the field map at a position.
    pub(super) fn map(&mut self, position: usize, map: &FieldMap) -> Option<Map> {
        let at = format!("/fields/{position}");
        let get = self.get(&at, &map.from, &map.ops);
        let targets = self.targets(&at, map, get.as_ref().map(|get| &get.view));
        let get = get?;
        if map.direction == Direction::Both {
            self.reversible(&at, map, &get.chain);
        }
        let targets = targets?;
        let fallback = self.fallback(&at, map, &targets)?;
        Some(Map { get, targets, fallback, direction: map.direction })
    }

    /// Checks how the address of a record is made.
    pub(super) fn link(&mut self, link: &Link) -> Option<Get> {
        let get = self.get("/url", &link.from, &link.ops)?;
        if !get.view.fits(&Kind::Text) {
            let message = format!("the address of a record is text, and this gives {}", get.view);
            let refused = Diagnostic::error("mapping.type", "/url", message);
            self.report.push(refused.types(&Kind::Text, &get.view));
        }
        Some(get)
    }

    fn get(&mut self, at: &str, from: &[String], ops: &[Json]) -> Option<Get> {
        let kinds: Vec<_> = from.iter().map(|pointer| self.source.kind(pointer)).collect();
        let source = match <[Kind; 1]>::try_from(kinds) {
            Ok([kind]) => kind,
            Err(kinds) if kinds.is_empty() => Kind::Any,
            Err(kinds) => Kind::Tuple(kinds),
        };
        if ops.is_empty() && from.len() != 1 {
            let message = match from.len() {
                0 => "there is neither a source nor an operation; write `from`, a JSON Pointer",
                _ => "several sources need an operation that makes one value of them, as concat",
            };
            self.report.error("schema.source", at, message);
            return None;
        }
        let (chain, view) = match Chain::build(ops, &source) {
            Ok(built) => built,
            Err(error) => {
                self.refuse_ops(at, from, ops, error);
                return None;
            }
        };
        let path = |pointer: &String| {
            let slot = self.slots.get(pointer.as_str()).copied().unwrap_or_default();
            Path { pointer: pointer.clone(), slot }
        };
        Some(Get { paths: from.iter().map(path).collect(), chain, view })
    }

    /// Reports every operation that cannot be built, or else the first one that gets a type that
    /// it does not take.
    fn refuse_ops(&mut self, at: &str, from: &[String], ops: &[Json], first: BuildError) {
        let alone = ops.iter().enumerate().filter_map(|(index, op)| {
            let error = Chain::parse(std::slice::from_ref(op), 0).err()?;
            let inner = error.pointer.strip_prefix("/0").unwrap_or_default();
            Some(BuildError { pointer: format!("/{index}{inner}"), ..error })
        });
        let mut errors: Vec<_> = alone.collect();
        if errors.is_empty() {
            errors.push(first);
        }
        for error in errors {
            let place = format!("{at}/ops{}", error.pointer);
            let source = from.first().map_or_else(String::new, |from| format!(" (from {from:?})"));
            let message = format!("{error}{source}");
            let mut refused = Diagnostic::error(error.code, &place, message);
            refused.op = error.op;
            refused.expected = error.expected.map(|kind| kind.to_string());
            refused.found = error.found.map(|kind| kind.to_string());
            self.report.push(refused);
        }
    }

    fn targets(&mut self, at: &str, map: &FieldMap, view: Option<&Kind>) -> Option<Vec<Target>> {
        let found: Vec<Option<&'c Field>> =
            map.to.iter().map(|name| self.target(at, name)).collect();
        let found: Vec<&'c Field> = found.into_iter().collect::<Option<_>>()?;
        let views = match (view?, found.len()) {
            (view, 1) => vec![view.clone()],
            (Kind::Tuple(kinds), count) if kinds.len() == count => kinds.clone(),
            (Kind::List(item), count) => vec![(**item).clone(); count],
            (Kind::Any, count) => vec![Kind::Any; count],
            (view, count) => {
                let message = format!("{count} targets take {count} values, and this gives {view}");
                let refused = Diagnostic::error("mapping.type", &format!("{at}/to"), message);
                self.report.push(refused.types(&format!("{count} values"), view));
                return None;
            }
        };
        let pairs = found.into_iter().zip(views);
        pairs.map(|(field, view)| self.fit(at, map, field, view)).collect()
    }

    fn target(&mut self, at: &str, name: &str) -> Option<&'c Field> {
        let found = self.record_type.field(name);
        if found.is_none() && !self.report.is_full() {
            let message = format!("`{}` has no field {name:?}", self.record_type.name);
            let near = near(name, self.record_type.fields.iter().map(|field| field.name.as_str()));
            let message =
                near.map_or(message.clone(), |near| format!("{message}; is it `{near}`?"));
            self.report.error("schema.target", &format!("{at}/to"), message);
        }
        found
    }

    fn reversible(&mut self, at: &str, map: &FieldMap, chain: &Chain) {
        let Some((index, op)) = chain.one_way() else { return };
        let target = map.to.join(", ");
        let reason = ops::find(op).map_or("", |spec| spec.reverse);
        let message = format!(
            "`{op}` goes one way only ({reason}), and `{target}` is written back; write \
             \"direction\": \"in\" on the field, or leave the operation out"
        );
        let refused = Diagnostic::error("mapping.one-way", &format!("{at}/ops/{index}"), message);
        self.report.push(refused.op(op));
    }

    fn fallback(&mut self, at: &str, map: &FieldMap, targets: &[Target]) -> Option<Fallback> {
        let json = match &map.on_error {
            OnError::SkipField => return Some(Fallback::Skip),
            OnError::RejectRecord => return Some(Fallback::Reject),
            OnError::Null => return Some(Fallback::Value(Value::Null)),
            OnError::Default(json) => json,
        };
        let place = format!("{at}/on_error/default");
        let [target] = targets else {
            let message = "a default is one value, and there are several targets; write \"null\"";
            self.report.error("mapping.default", &place, message);
            return None;
        };
        match Value::from_json(json).and_then(|value| value.typed(&target.kind)) {
            Ok(value) => Some(Fallback::Value(value)),
            Err(fault) => {
                let message = format!("the default of `{}` does not fit: {fault}", target.name);
                self.report.error("mapping.default", &place, message);
                None
            }
        }
    }

    /// Checks a view against the field that it goes to.
    fn fit(&mut self, at: &str, map: &FieldMap, field: &Field, view: Kind) -> Option<Target> {
        let kind = field.kind.kind();
        // JSON has no days, instants and amounts: they are read from what stands for them.
        let written = map.ops.is_empty()
            && match kind {
                Kind::Date | Kind::DateTime => view == Kind::Text,
                Kind::Money => view == Kind::Object,
                _ => false,
            };
        if !written && !view.fits(&kind) {
            let last = map.ops.len().checked_sub(1);
            let place = last.map_or(format!("{at}/to"), |last| format!("{at}/ops/{last}"));
            let message =
                format!("`{}` is {kind}, and this gives {view}{}", field.name, hint(&view, &kind));
            let mut refused = Diagnostic::error("mapping.type", &place, message);
            refused.op =
                last.and_then(|last| map.ops.get(last)).and_then(op_name).map(str::to_owned);
            self.report.push(refused.types(&kind, &view));
            return None;
        }
        let doc = self.docs.len();
        if map.direction == Direction::Both {
            self.docs.push(field.name.clone());
        }
        let kind = if kind == Kind::Any { view } else { kind };
        Some(Target { name: field.name.clone(), kind, doc })
    }
}

/// The name of an operation, as it is written.
pub(super) fn op_name(op: &Json) -> Option<&str> {
    op.as_str().or_else(|| op.get("op")?.as_str())
}

/// What probably helps.
fn hint(found: &Kind, wanted: &Kind) -> &'static str {
    match (found, wanted) {
        (Kind::Text, Kind::Integer) => "; add to_int",
        (Kind::Text, Kind::Decimal) => "; add to_decimal",
        (Kind::Decimal, Kind::Integer) => "; add round",
        (Kind::Text, Kind::Bool) => "; add to_bool",
        (Kind::Text, Kind::Date) => "; add parse_date",
        (Kind::Text, Kind::DateTime) => "; add parse_datetime",
        (Kind::Text, Kind::List(_)) => "; add list_split",
        (Kind::List(_), Kind::Text) => "; add list_join",
        (Kind::Bool | Kind::Integer | Kind::Decimal, Kind::Text) => "; add to_string",
        _ => "",
    }
}

/// The known name that was probably meant.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(name);
    let mut known = known.filter(|known| {
        let known = plain(known);
        known == wanted
            || (wanted.len() > 3 && (known.contains(&wanted) || wanted.contains(&known)))
    });
    known.next()
}

//! Every item of a list.

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Chain, Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "list_map",
    summary: "applies operations to every item of a list",
    params: &[Param {
        name: "ops",
        kind: ParamKind::Ops,
        required: true,
        summary: "the operations",
    }],
    types: "list of any → list of any",
    class: "bijective; as the weakest of the operations",
    reverse: "every item goes back by itself; its base is the item in its place",
    standard: None,
    example: Example {
        op: r#"{"op": "list_map", "ops": ["base64"]}"#,
        input: r#"["f", "fo"]"#,
        output: r#"["Zg==", "Zm8="]"#,
    },
    build: |args| Ok(Box::new(ListMap { ops: args.need("ops", Args::ops)? })),
}];

/// Bytes of all items of a list: a list of the longest texts would fill the memory of a host.
const BYTES_MAX: usize = 16 << 20;

#[derive(Debug)]
struct ListMap {
    ops: Chain,
}

impl Lens for ListMap {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let view = self.ops.view(&source.item()?).map_err(|e| e.within("ops"))?;
        Ok(Kind::List(Box::new(view)))
    }

    fn class(&self) -> Class {
        self.ops.class()
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        each(source.into_items()?, |_, item| match self.ops.read(item, work)? {
            // What is left out of a list would move what stands behind it.
            Value::Missing => Ok(Value::Null),
            view => Ok(view),
        })
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let bases = match base {
            Value::List(items) => items.as_slice(),
            _ => &[],
        };
        each(view.into_items()?, |at, item| {
            let Some(base) = bases.get(at) else {
                return self.ops.write(item, &Value::Missing, work).map_err(Fault::from);
            };
            let missing = || self.ops.read(base.clone(), work).is_ok_and(|view| view.is_missing());
            if item == Value::Null && missing() {
                return Ok(base.clone());
            }
            self.ops.write(item, base, work).map_err(Fault::from)
        })
    }
}

fn each<'a>(
    items: Vec<Value<'a>>,
    mut change: impl FnMut(usize, Value<'a>) -> Result<Value<'a>, Fault>,
) -> Result<Value<'a>, Fault> {
    let mut bytes = 0;
    let changed = items.into_iter().enumerate().map(|(at, item)| {
        let changed = change(at, item)
            .map_err(|fault| Fault::new(fault.code, format!("item {at}: {fault}")))?;
        bytes += weight(&changed);
        if bytes > BYTES_MAX {
            let message = format!("the items of the list would have more than {BYTES_MAX} bytes");
            return Err(Fault::new("mapping.list-length", message));
        }
        Ok(changed)
    });
    changed.collect::<Result<_, _>>().map(Value::List)
}

/// About how many bytes a value holds.
pub(crate) fn weight(value: &Value<'_>) -> usize {
    let parts: usize = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + weight(value)).sum()
        }
        _ => 0,
    };
    size_of::<Value<'_>>() + parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ops::laws::{chain, get, hold, put};

    const EMAILS: &str = r#"{"op": "list_map", "ops": ["email_norm"]}"#;
    const FIRSTS: &str = r#"{"op": "list_map", "ops": ["list_first"]}"#;

    #[test]
    fn operations_apply_to_every_item() {
        assert_eq!(get(EMAILS, r#"["A@B.C", null]"#), r#"["A@b.c",null]"#);
        assert_eq!(get(EMAILS, "[]"), "[]");
        assert_eq!(get(EMAILS, r#""a@b.c""#), "mapping.type");
        assert_eq!(put(FIRSTS, "[9,8,7]", "[[1,2],[3]]"), "[[9,2],[8],[7]]");
        assert_eq!(put(FIRSTS, "[9]", "[[1,2],[3]]"), "[[9,2]]");
    }

    #[test]
    fn items_without_a_view_keep_their_place() {
        let op = r#"{"op": "list_map", "ops": [{"op": "path", "path": "/x"}]}"#;
        assert_eq!(get(op, r#"[{"y":0},{"x":1}]"#), "[null,1]");
        assert_eq!(put(op, "[null,2]", r#"[{"y":0},{"x":1}]"#), r#"[{"y":0},{"x":2}]"#);
        assert_eq!(put(op, "[3,1]", r#"[{"y":0},{"x":1}]"#), r#"[{"y":0,"x":3},{"x":1}]"#);
    }

    #[test]
    fn faults_tell_the_item() {
        let failed = chain(EMAILS, &Kind::Any)
            .get(Value::parse(br#"["a@b.c", "b"]"#).unwrap(), &crate::NoReferences)
            .unwrap_err();
        assert_eq!(failed.fault.code, "mapping.email");
        assert!(failed.to_string().contains("item 1: `email_norm`: \"b\""), "{failed}");
    }

    #[test]
    fn errors_of_building_tell_the_place() {
        let op = json!({"op": "list_map", "ops": ["email_norm", "epoch_s"]});
        let refused = Chain::build(&[op], &Kind::List(Box::new(Kind::Text))).unwrap_err();
        assert_eq!(
            (refused.pointer.as_str(), refused.op.as_deref()),
            ("/0/ops/1", Some("epoch_s"))
        );
        let op = (0..20).fold(json!("trim"), |op, _| json!({"op": "list_map", "ops": [op]}));
        assert_eq!(Chain::build(&[op], &Kind::Any).unwrap_err().code, "op.limit");
    }

    #[test]
    fn size_is_bounded() {
        let many = json!(vec![0; crate::ops::LIST_MAX + 1]).to_string();
        assert_eq!(get(r#"{"op": "list_map", "ops": []}"#, &many), "mapping.list-length");
        let texts = json!(vec!["a".repeat(700_000); 20]).to_string();
        let longer = r#"{"op": "list_map", "ops": ["base64"]}"#;
        assert_eq!(get(longer, &texts), "mapping.list-length");
    }

    #[test]
    fn laws_hold() {
        let lists = |item: &'static str| {
            proptest::collection::vec(item.prop_map(Value::text), 0..4).prop_map(Value::List)
        };
        let texts = Kind::List(Box::new(Kind::Text));
        hold(EMAILS, &texts, lists("[a-c]{1,3}@[A-Ca-c]{1,3}"));
        hold(r#"{"op": "list_map", "ops": ["base64"]}"#, &texts, lists("\\PC{0,4}"));
        hold(
            r#"{"op": "list_map", "ops": ["trim", {"op": "list_split", "separator": ";"}, "list_first"]}"#,
            &texts,
            lists(" ?[a-c]{1,2}(;[a-c]{1,2}){0,2} ?"),
        );
    }
}

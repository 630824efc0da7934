//! What an account offers: the object types, and the properties of one.

use plughouse_sdk::json::{self, Item};
use plughouse_sdk::{Entity, Error, Field, FieldKind, Pair, unknown_entity};
use serde::Deserialize;

use crate::api;
use crate::object::Object;

/// What is read of a property; [`field`] knows them by position.
const FACTS: [&str; 11] = [
    "/name",
    "/label",
    "/type",
    "/fieldType",
    "/hasUniqueValue",
    "/calculated",
    "/modificationMetadata/readOnlyValue",
    "/referencedObjectType",
    "/options",
    "/hidden",
    "/groupName",
];

/// Lists the object types, or describes the one that is named.
pub(crate) fn entities(name: Option<&str>) -> Result<Vec<Entity>, Error> {
    let Some(name) = name else {
        return Ok(Object::ALL.into_iter().map(|object| entity(object, Vec::new())).collect());
    };
    let object = Object::of(name).ok_or_else(|| unknown_entity(name))?;
    let path = format!("/crm/v3/properties/{}", object.path());
    let response = api::checked(api::get(&path).send()?)?;
    let properties = json::list("/results", FACTS).read(&response)?;
    Ok(vec![entity(object, properties.items().iter().filter_map(field).collect())])
}

fn entity(object: Object, fields: Vec<Field>) -> Entity {
    Entity::new(object.entity(), object.label(), fields)
}

/// A property as a field; `None` for one without a name, which nobody could ask for.
fn field(property: &Item<'_>) -> Option<Field> {
    let is = |position| property.boolean(position) == Some(true);
    let name = property.text(0).filter(|name| !name.is_empty())?;
    let label = property.text(1).unwrap_or_else(|| name.clone());
    let target = property.text(7).and_then(|target| referenced(&target));
    let kind = match target {
        Some(_) => FieldKind::Reference,
        None => {
            kind_of(&property.text(2).unwrap_or_default(), &property.text(3).unwrap_or_default())
        }
    };
    let group = property.text(10).map(|group| ("group", group.as_ref()).into());
    let hidden = is(9).then(|| ("hidden", "true").into());
    Some(Field {
        writable: !is(5) && !is(6),
        unique: is(4),
        choices: property.get(8).map(|options| choices(options.raw())).unwrap_or_default(),
        target: target.map(|object| object.entity().to_owned()),
        details: group.into_iter().chain(hidden).collect(),
        ..Field::new(&name, &label, kind)
    })
}

/// An option of an enumeration.
#[derive(Deserialize)]
struct Choice {
    value: String,
    #[serde(default)]
    label: Option<String>,
}

/// The values of an enumeration with their labels; none where they are not in HubSpot's form.
fn choices(options: &[u8]) -> Vec<Pair> {
    let options: Vec<Choice> = serde_json::from_slice(options).unwrap_or_default();
    let pair = |choice: Choice| {
        let label = choice.label.unwrap_or_else(|| choice.value.clone());
        Pair { name: choice.value, value: label }
    };
    options.into_iter().map(pair).collect()
}

/// The object type that a reference points to, where it is one of ours.
fn referenced(object_type: &str) -> Option<Object> {
    match object_type {
        "COMPANY" => Some(Object::Company),
        "CONTACT" => Some(Object::Contact),
        "DEAL" => Some(Object::Deal),
        _ => None,
    }
}

/// All values are text on the wire; this is what they mean.
fn kind_of(data_type: &str, field_type: &str) -> FieldKind {
    match (data_type, field_type) {
        ("bool", _) | ("enumeration", "booleancheckbox") => FieldKind::Boolean,
        // `a;b`: several values, separated by semicolons.
        ("enumeration", "checkbox") => FieldKind::Choices,
        ("enumeration", _) => FieldKind::Choice,
        ("number", _) => FieldKind::Decimal,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::DateTime,
        ("string" | "phone_number", _) => FieldKind::Text,
        _ => FieldKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data_type: &str, field_type: &str, expected: FieldKind) {
        assert_eq!(kind_of(data_type, field_type), expected);
    }

    #[test]
    fn kinds_follow_type_and_widget() {
        check("string", "textarea", FieldKind::Text);
        check("phone_number", "phonenumber", FieldKind::Text);
        check("number", "number", FieldKind::Decimal);
        check("number", "calculation_rollup", FieldKind::Decimal);
        check("bool", "booleancheckbox", FieldKind::Boolean);
        check("enumeration", "booleancheckbox", FieldKind::Boolean);
        check("enumeration", "checkbox", FieldKind::Choices);
        check("enumeration", "radio", FieldKind::Choice);
        check("date", "date", FieldKind::Date);
        check("datetime", "date", FieldKind::DateTime);
        check("object_coordinates", "text", FieldKind::Other);
    }
}

//! JSON that has one reading only.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

/// Reads JSON; an object that repeats a key is refused, since two readers may take two values.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Unique.deserialize(&mut deserializer)?;
    deserializer.end()?;
    serde_json::from_slice(bytes)
}

/// Walks any value and keeps nothing of it.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            members.next_value_seed(Self)?;
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is repeated")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn check(text: &str, error: Option<&str>) {
        let found = from_slice::<Value>(text.as_bytes()).err().map(|error| error.to_string());
        assert_eq!(
            found.as_deref().map(|text| text.split(" at ").next().unwrap()),
            error,
            "{text}"
        );
    }

    #[test]
    fn a_repeated_key_is_refused_at_any_depth() {
        check(r#"{"a":1,"b":[1,-1,1.5,true,null,"x",{"a":{}}]}"#, None);
        check(r#"{"a":1,"a":1}"#, Some("the key `a` is repeated"));
        check(r#"{"a":1,"\u0061":1}"#, Some("the key `a` is repeated"));
        check(r#"[{"x":{"a":1,"b":1,"a":2}}]"#, Some("the key `a` is repeated"));
        check("{} {}", Some("trailing characters"));
        check(&"[".repeat(10_000), Some("recursion limit exceeded"));
    }
}

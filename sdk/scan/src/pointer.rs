//! The steps of JSON Pointers, as RFC 6901 writes them.

/// A name as a step.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name of a step: `~1` is `/` and `~0` is `~`; nothing else may follow a `~`.
pub fn unescape(step: &str) -> Option<String> {
    let mut parts = step.split('~');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(1)?;
        plain.push(match code {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        plain.push_str(rest);
    }
    Some(plain)
}

/// The position in an array that a step names: no sign and no leading zero.
pub fn index(step: &str) -> Option<usize> {
    let canonical = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_step_and_comes_back() {
        for (name, step) in [("", ""), ("a/b", "a~1b"), ("m~n", "m~0n"), ("~1", "~01"), ("é", "é")]
        {
            assert_eq!((escape(name).as_str(), unescape(step).as_deref()), (step, Some(name)));
        }
        for step in ["~", "~2", "a~", "~é", "~~1"] {
            assert_eq!(unescape(step), None, "{step}");
        }
    }
}

//! Bytes as hexadecimal digits.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends the digits of `bytes`.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    for byte in bytes {
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
}

/// Appends the bytes that `text` tells; nothing if it holds anything but whole pairs of digits.
pub(crate) fn decode(out: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    for [high, low] in pairs {
        out.push((digit(*high)? << 4) | digit(*low)?);
    }
    Some(())
}

fn digit(text: u8) -> Option<u8> {
    char::from(text).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_tell_the_bytes(bytes: Vec<u8>) {
            let (mut text, mut back) = (Vec::new(), Vec::new());
            push(&mut text, &bytes);
            prop_assert_eq!(decode(&mut back, &text), Some(()));
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: Vec<u8>) {
            decode(&mut Vec::new(), &text);
        }
    }

    #[test]
    fn odd_digits_and_other_letters_are_refused() {
        for text in ["0", "0g", "é0", " 00"] {
            assert_eq!(decode(&mut Vec::new(), text.as_bytes()), None, "{text:?}");
        }
    }
}

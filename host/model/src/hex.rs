//! Bytes as lower-case hexadecimal digits.

/// The digits of these bytes.
pub fn text(bytes: &[u8]) -> String {
    // Lists show thousands of ids, and formatting byte by byte costs more than the rest of them.
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

/// The bytes that these digits tell, if they are exactly so many.
pub fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
    let mut bytes = [0; N];
    for (byte, told) in bytes.iter_mut().zip(pairs) {
        *byte = pair(*told)?;
    }
    Some(bytes)
}

/// The bytes that these digits tell, however many they are.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().copied().map(pair).collect()
}

fn pair([high, low]: [u8; 2]) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

/// Upper case is no digit: bytes have one text.
fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_tell_the_bytes(told: Vec<u8>) {
            prop_assert_eq!(decode(text(&told).as_bytes()), Some(told));
        }

        #[test]
        fn digits_tell_so_many_bytes(told: [u8; 16]) {
            prop_assert_eq!(bytes(text(&told).as_bytes()), Some(told));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: Vec<u8>) {
            drop((decode(&text), bytes::<4>(&text)));
        }
    }

    #[test]
    fn odd_digits_and_other_letters_are_refused() {
        for text in ["0", "0g", "é0", " 00", "0A"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!((bytes::<2>(b"00"), bytes::<2>(b"000000")), (None, None));
    }
}

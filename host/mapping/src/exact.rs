//! Exact decimal arithmetic: what has no exact result has none.

use rust_decimal::Decimal;

/// Digits behind the point that a number may have.
const SCALE_MAX: i64 = 28;

/// Digits that fit 64 bits, whatever they are.
const SHORT: usize = 18;

/// Digits that survive binary floating point, in which `serde_json` holds fractions.
pub(crate) const BINARY_DIGITS: usize = 15;

/// A number in the grammar of JSON; `None` for other texts and for more than 28 digits, or 29 up
/// to 2^96 − 1.
///
/// Digits behind the point are kept (`1.50` stays `1.50`), an exponent is carried out.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (digits, exponent) = match rest.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (digits, ""),
    };
    if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if exponent == 0 && whole.len() + fraction.len() <= SHORT {
        let digits = whole.bytes().chain(fraction.bytes());
        let mantissa = digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        let scale = u32::try_from(fraction.len()).ok()?;
        return Some(Decimal::new(if negative { -mantissa } else { mantissa }, scale));
    }
    let scale = i64::try_from(fraction.len()).ok()? - exponent;
    let (mantissa, zeros) = mantissa(whole.bytes().chain(fraction.bytes()))?;
    let mantissa = if negative { -mantissa } else { mantissa };
    compose(mantissa, zeros - scale, scale)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) {
        return None;
    }
    // Larger ones are as far out of reach, and the sums below do not overflow.
    let size = i64::from(digits.parse().unwrap_or(u32::MAX));
    Some(if text.starts_with('-') { -size } else { size })
}

/// The digits without the zeros at their end, and how many these are.
fn mantissa(digits: impl Iterator<Item = u8>) -> Option<(i128, i64)> {
    let (mut mantissa, mut zeros) = (0_i128, 0);
    for digit in digits {
        zeros += 1;
        if digit != b'0' {
            mantissa = shift(mantissa, zeros)?.checked_add(i128::from(digit - b'0'))?;
            zeros = 0;
        }
    }
    Some((mantissa, zeros))
}

/// `mantissa` × 10^`power`.
fn shift(mantissa: i128, power: i64) -> Option<i128> {
    if mantissa == 0 {
        return Some(0);
    }
    mantissa.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)
}

/// `mantissa` × 10^`power`, with `scale` digits behind the point as far as there is room.
fn compose(mantissa: i128, power: i64, scale: i64) -> Option<Decimal> {
    let needed = if mantissa == 0 { 0 } else { (-power).max(0) };
    let with = |scale: i64| {
        let digits = shift(mantissa, power + scale)?;
        Decimal::try_from_i128_with_scale(digits, u32::try_from(scale).ok()?).ok()
    };
    with(scale.clamp(0, SCALE_MAX).max(needed)).or_else(|| with(needed))
}

/// A number of a document that `serde_json` has read; `None` if it may have lost digits there.
pub(crate) fn from_json(number: &serde_json::Number) -> Option<Decimal> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    if let Some(whole) = number.as_u64() {
        return Some(whole.into());
    }
    let text = number.to_string();
    let digits = text.split(['e', 'E']).next()?.bytes().filter(u8::is_ascii_digit);
    let significant = digits.skip_while(|digit| *digit == b'0').count();
    parse(&text).filter(|_| significant <= BINARY_DIGITS + usize::from(text.ends_with(".0")))
}

/// A number of a document, which a person may have written as a text to keep all of its digits.
pub(crate) fn from_number_or_text(json: &serde_json::Value) -> Option<Decimal> {
    match json {
        serde_json::Value::String(text) => parse(text),
        serde_json::Value::Number(number) => from_json(number),
        _ => None,
    }
}

/// A factor: a fraction of whole numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// `numerator` / `denominator`, neither of which is 0.
    pub(crate) const fn new(numerator: i128, denominator: i128) -> Self {
        Self { numerator, denominator }
    }

    /// The number as a factor; `None` for 0.
    pub(crate) fn of(number: Decimal) -> Option<Self> {
        let number = number.normalize();
        let denominator = 10_i128.checked_pow(number.scale())?;
        (!number.is_zero()).then(|| Self::new(number.mantissa(), denominator))
    }

    /// 1 / this.
    pub(crate) fn inverse(self) -> Self {
        Self::new(self.denominator, self.numerator)
    }

    /// This / `other`.
    pub(crate) fn over(self, other: Self) -> Self {
        let (numerator, other_numerator) = reduce(self.numerator, other.numerator);
        let (denominator, other_denominator) = reduce(self.denominator, other.denominator);
        Self::new(numerator * other_denominator, denominator * other_numerator)
    }

    /// Whether products with whole numbers are whole.
    pub(crate) fn is_whole(self) -> bool {
        self.numerator % self.denominator == 0
    }

    /// The product, rounded to so many digits behind the point; `None` when it is out of reach.
    pub(crate) fn rounded(self, number: Decimal, digits: u32) -> Option<Decimal> {
        let number = number.normalize();
        let (mantissa, denominator) = reduce(number.mantissa(), self.denominator);
        let (numerator, denominator) = reduce(self.numerator, denominator);
        let power = |digits| 10_i128.checked_pow(digits);
        let sign = denominator.signum();
        let (more, less) = reduce(power(digits)?, power(number.scale())?);
        let dividend = mantissa.checked_mul(numerator)?.checked_mul(more)?.checked_mul(sign)?;
        let divisor = denominator.checked_abs()?.checked_mul(less)?;
        let (quotient, rest) = (dividend / divisor, dividend % divisor);
        let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
        plain(if up { quotient + dividend.signum() } else { quotient }, digits)
    }

    /// The product, without zeros at its end; `None` when it has no end or more than 28 digits.
    pub(crate) fn times(self, number: Decimal) -> Option<Decimal> {
        let number = number.normalize();
        let (mantissa, denominator) = reduce(number.mantissa(), self.denominator);
        let (numerator, denominator) = reduce(self.numerator, denominator);
        let sign = denominator.signum();
        let (twos, rest) = factors(denominator.checked_abs()?, 2);
        let (fives, rest) = factors(rest, 5);
        if rest != 1 {
            return None;
        }
        let power = twos.max(fives);
        let missing =
            2_i128.checked_pow(power - twos)?.checked_mul(5_i128.checked_pow(power - fives)?)?;
        let digits = mantissa.checked_mul(numerator)?.checked_mul(missing)?.checked_mul(sign)?;
        plain(digits, number.scale().checked_add(power)?)
    }
}

/// The sum, without zeros at its end; `None` when it has more than 28 digits.
pub(crate) fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let scale = a.scale().max(b.scale());
    let digits = |n: Decimal| shift(n.mantissa(), i64::from(scale - n.scale()));
    plain(digits(a)?.checked_add(digits(b)?)?, scale)
}

/// `digits` / 10^`scale` in the shortest form.
fn plain(digits: i128, scale: u32) -> Option<Decimal> {
    let (mut digits, mut scale) = (digits, scale);
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    compose(digits, -i64::from(scale), 0)
}

/// Both without the factors that they share.
fn reduce(a: i128, b: i128) -> (i128, i128) {
    let (mut x, mut y) = (a.unsigned_abs(), b.unsigned_abs());
    while y != 0 {
        (x, y) = (y, x % y);
    }
    let shared = i128::try_from(x.max(1)).unwrap_or(1);
    (a / shared, b / shared)
}

/// How often `prime` divides the number, and what is left.
fn factors(mut number: i128, prime: i128) -> (u32, i128) {
    let mut count = 0;
    while number % prime == 0 && number != 0 {
        number /= prime;
        count += 1;
    }
    (count, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|number| number.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn numbers_keep_their_digits() {
        check("0", Some("0"));
        check("-0", Some("0"));
        check("0.00", Some("0.00"));
        check("1.50", Some("1.50"));
        check("-12.340", Some("-12.340"));
        check("1e3", Some("1000"));
        check("1.5E+1", Some("15"));
        check("15e-3", Some("0.015"));
        check("0e999999999999", Some("0"));
        check("79228162514264337593543950335", Some("79228162514264337593543950335"));
        check("0.0000000000000000000000000001", Some("0.0000000000000000000000000001"));
        check(&format!("1.{}", "0".repeat(100_000)), Some(&format!("1.{}", "0".repeat(28))));
    }

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for text in
            ["", "-", "+1", "01", ".5", "5.", "1e", "1e+", "NaN", "Infinity", "1_0", " 1", "٣"]
        {
            check(text, None);
        }
        check("79228162514264337593543950336", None);
        check("0.00000000000000000000000000001", None);
        check("1e999999999999", None);
        check("1e-999999999999", None);
        check(&"9".repeat(1 << 20), None);
    }

    #[test]
    fn fractions_read_by_serde_json_are_taken_only_when_no_digit_can_be_lost() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let number = serde_json::from_str(text).unwrap();
            assert_eq!(from_json(&number).map(|n| n.normalize().to_string()).as_deref(), expected);
        }
        check("18446744073709551615", Some("18446744073709551615"));
        check("-9223372036854775808", Some("-9223372036854775808"));
        check("0.1", Some("0.1"));
        check("1e2", Some("100"));
        check("0.123456789012345", Some("0.123456789012345"));
        check("0.12345678901234567", None);
        check("18446744073709551617", None);
    }

    #[test]
    fn products_and_sums_are_exact_or_nothing() {
        #[track_caller]
        fn check(found: Option<Decimal>, expected: Option<&str>) {
            assert_eq!(found.map(|number| number.to_string()).as_deref(), expected);
        }
        let number = |text| parse(text).unwrap();
        let by = |text| Ratio::of(number(text)).unwrap();
        check(by("0.01").times(number("1234")), Some("12.34"));
        check(by("0.01").inverse().times(number("12.34")), Some("1234"));
        check(by("-3").inverse().times(number("9")), Some("-3"));
        check(by("3").inverse().times(number("1")), None);
        check(Ratio::new(5, 9).times(number("18")), Some("10"));
        check(by("1e28").times(number("10")), None);
        check(by("1e-28").times(number("0.1")), None);
        check(by("7").times(number("0")), Some("0"));
        check(by("3").inverse().rounded(number("2"), 3), Some("0.667"));
        check(by("-6").inverse().rounded(number("0.3"), 1), Some("-0.1"));
        check(by("3").inverse().rounded(number("0.1"), 1), Some("0"));
        check(by("1e-9").rounded(number("1e28"), 18), Some("10000000000000000000"));
        check(by("3").rounded(number("1e28"), 28), None);
        check(add(number("0.10"), number("0.20")), Some("0.3"));
        check(add(number("1e28"), number("1e-28")), None);
        check(add(number("79228162514264337593543950335"), number("1")), None);
    }
}

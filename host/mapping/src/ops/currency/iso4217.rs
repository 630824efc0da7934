//! The active codes of ISO 4217, list one, by the digits of their minor units. Codes of metals,
//! tests and units of account without a minor unit are no currencies of a price.

const NONE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];

const TWO: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD",
    "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF",
    "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN",
    "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL",
    "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT",
    "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU",
    "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR",
    "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
    "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS", "VED",
    "VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

const FOUR: &[&str] = &["CLF", "UYW"];

/// The digits of the minor unit of a currency; `None` for what is no active code.
pub(super) fn digits(code: &str) -> Option<u32> {
    // The code of most amounts comes first.
    let tables = [(TWO, 2), (NONE, 0), (THREE, 3), (FOUR, 4)];
    let found = tables.iter().find(|(codes, _)| codes.binary_search(&code).is_ok());
    found.map(|(_, digits)| *digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_digits_of_the_standard() {
        #[track_caller]
        fn check(code: &str, expected: Option<u32>) {
            assert_eq!(digits(code), expected, "{code}");
        }
        check("EUR", Some(2));
        check("HUF", Some(2));
        check("ISK", Some(0));
        check("JPY", Some(0));
        check("TND", Some(3));
        check("CLF", Some(4));
        check("XCG", Some(2));
        check("DEM", None);
        check("HRK", None);
        check("XAU", None);
        check("eur", None);
        check("", None);
    }

    #[test]
    fn tables_are_sorted_and_no_code_is_in_two() {
        for table in [NONE, TWO, THREE, FOUR] {
            assert!(table.is_sorted_by(|a, b| a < b));
            let upper =
                |code: &&str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
            assert!(table.iter().all(upper));
        }
        assert!(NONE.iter().chain(THREE).chain(FOUR).all(|code| !TWO.contains(code)));
    }
}

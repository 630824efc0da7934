//! Language and country, in the three forms that the two sources want.

/// The languages that NewsAPI filters by; others are asked for without a filter.
const NEWSAPI_LANGUAGES: [&str; 14] =
    ["ar", "de", "en", "es", "fr", "he", "it", "nl", "no", "pt", "ru", "sv", "ud", "zh"];

/// Languages whose editions differ by country: `hl` keeps the country for these alone. With
/// `hl=de-DE` the provider redirects to `hl=de`.
const REGIONAL: [&str; 4] = ["en", "es", "pt", "zh"];

/// A language and a country: `en-GB`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Locale {
    language: String,
    country: String,
}

impl Locale {
    /// Reads `language-COUNTRY`; letters of either case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (language, country) = text.trim().split_once(['-', '_'])?;
        let letters = |part: &str, lengths: &[usize]| {
            lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
        };
        (letters(language, &[2, 3]) && letters(country, &[2])).then(|| Self {
            language: language.to_ascii_lowercase(),
            country: country.to_ascii_uppercase(),
        })
    }

    /// The language alone.
    pub(crate) fn language(&self) -> &str {
        &self.language
    }

    /// The language as a filter of NewsAPI, where it has one.
    pub(crate) fn newsapi_language(&self) -> Option<&str> {
        NEWSAPI_LANGUAGES.contains(&self.language()).then_some(self.language())
    }

    /// The triple of the feed, which must agree: with a mixed one the provider answers foreign news.
    pub(crate) fn triple(&self) -> [(&'static str, String); 3] {
        let Self { language, country } = self;
        let hl = if REGIONAL.contains(&self.language()) {
            format!("{language}-{country}")
        } else {
            language.clone()
        };
        let edition = match (language.as_str(), country.as_str()) {
            ("zh", "TW" | "HK") => "zh-Hant",
            ("zh", _) => "zh-Hans",
            (language, _) => language,
        };
        [("hl", hl), ("gl", country.clone()), ("ceid", format!("{country}:{edition}"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, hl: &str, gl: &str, ceid: &str) {
        let locale = Locale::parse(text).unwrap();
        assert_eq!(locale.triple().map(|(_, value)| value), [hl, gl, ceid]);
    }

    #[test]
    fn triple_agrees_with_itself() {
        check("en-GB", "en-GB", "GB", "GB:en");
        check("en_us", "en-US", "US", "US:en");
        check("de-DE", "de", "DE", "DE:de");
        check("pt-BR", "pt-BR", "BR", "BR:pt");
        check("zh-TW", "zh-TW", "TW", "TW:zh-Hant");
        check("zh-CN", "zh-CN", "CN", "CN:zh-Hans");
    }

    #[test]
    fn what_is_no_locale_is_refused() {
        for text in ["", "en", "english-GB", "en-GBR", "e1-GB", "en-GB&ceid=US:en", "-"] {
            assert_eq!(Locale::parse(text), None, "{text}");
        }
    }

    #[test]
    fn newsapi_filters_by_the_languages_it_has() {
        assert_eq!(Locale::parse("de-AT").unwrap().newsapi_language(), Some("de"));
        assert_eq!(Locale::parse("ja-JP").unwrap().newsapi_language(), None);
    }
}

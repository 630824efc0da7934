//! Articles, invented.

use crate::random::Random;

/// Time between two articles of a series.
const STEP_MS: i64 = 3 * 3_600_000;

const COMPANIES: [&str; 6] =
    ["Acme Widgets", "Globex", "Initech", "Umbrella Foods", "Wayne Logistics", "Wonka & Söhne"];
const EVENTS: [&str; 8] = [
    "opens plant in Leipzig",
    "names a new “chief of staff”",
    "reports second-quarter results – up 4 %",
    "signs \"deal\" with partners",
    "acquires a rival",
    "recalls 2,000 units",
    "raises funding",
    "wins ライセンス in Osaka",
];
/// Name, site and the id that `NewsAPI` knows the publisher by.
const PUBLISHERS: [(&str, &str, Option<&str>); 6] = [
    ("Example Times", "https://www.times.example", Some("example-times")),
    ("Sample Post", "https://www.post.example", None),
    ("Demo | Wire", "https://wire.example", None),
    ("Business - Daily", "https://business.daily.example", None),
    ("Der Beobachter", "https://beobachter.example", Some("der-beobachter")),
    ("東京サンプル", "https://tokyo.example", None),
];

/// An article.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Article {
    /// The number that ids and addresses are made of; unique.
    pub number: u64,
    /// The headline, without the publisher.
    pub title: String,
    /// What it says, if anything.
    pub description: Option<String>,
    /// The name of the publisher; may contain ` - `.
    pub publisher: String,
    /// The origin of the publisher.
    pub site: String,
    /// The id of the publisher at `NewsAPI`, where it has one.
    pub source_id: Option<String>,
    /// When it was published.
    pub published_ms: i64,
}

impl Article {
    /// The address of the article at its publisher.
    pub fn url(&self) -> String {
        format!("{}/news/{:x}", self.site, self.number)
    }

    /// The opaque id of Google News, between 126 and 654 characters long.
    pub fn guid(&self) -> String {
        let mut random = Random::of(0x0c11, self.number);
        let length = if random.one_in(20) { 654 } else { 126 + random.below(200) };
        let mut guid = format!("CBMi{:016x}", self.number);
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        while u64::try_from(guid.len()).is_ok_and(|held| held < length) {
            let place = usize::try_from(random.below(64)).unwrap_or_default();
            guid.push(letters.get(place).map_or('A', |letter| char::from(*letter)));
        }
        guid
    }
}

/// A series of articles, from the newest to the oldest.
pub(super) fn series(count: u64, seed: u64, newest_ms: i64) -> Vec<Article> {
    let times = (0..).map(|place| newest_ms - place * STEP_MS);
    (0..count).zip(times).map(|(number, at)| invented(number, seed, at)).collect()
}

/// An article about one of the companies.
pub(super) fn invented(number: u64, seed: u64, published_ms: i64) -> Article {
    let mut random = Random::of(seed, number);
    let company = random.pick(&COMPANIES);
    let title = format!("{company} {}", random.pick(&EVENTS));
    let place = usize::try_from(random.below(6)).unwrap_or_default();
    let (publisher, site, source_id) = PUBLISHERS.into_iter().nth(place).unwrap_or_default();
    let description = (!random.one_in(5)).then(|| {
        format!("{title}, says its spokeswoman.\nNumber {number} of our series about {company}.")
    });
    Article {
        number,
        title,
        description,
        publisher: publisher.to_owned(),
        site: site.to_owned(),
        source_id: source_id.map(str::to_owned),
        published_ms,
    }
}

//! Invents people, companies and deals from a seed.

use crate::hubspot::kind::{Kind, Source};
use crate::hubspot::table::Values;
use crate::random::Random;
use crate::time::{self, DAY_MS};

/// 2023-01-01: no record is older.
const BEGIN_MS: i64 = 1_672_531_200_000;

/// Records were created within two years from the beginning.
const CREATED_DAYS: u64 = 730;

/// Records were last changed within four months of their creation.
const CHANGED_DAYS: u64 = 120;

/// Ids rise by at most this much from record to record; real ones have gaps too.
const ID_STEP: u64 = 7;

const FIRST: [&str; 24] = [
    "Anna",
    "Ben",
    "Chloé",
    "Dmitri",
    "Emma",
    "Farid",
    "Grace",
    "Hiro",
    "Ingrid",
    "João",
    "Kateřina",
    "Liam",
    "María",
    "Nils",
    "Olga",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tara",
    "Uwe",
    "Vikram",
    "Zoë",
    "美咲",
];
const LAST: [&str; 24] = [
    "Almeida",
    "Bauer",
    "Castillo",
    "D'Angelo",
    "Eriksson",
    "Fischer",
    "García",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lefèvre",
    "Müller",
    "Nakamura",
    "O'Neil",
    "Petrov",
    "Quinn",
    "Rossi",
    "Schäfer",
    "Tanaka",
    "van der Berg",
    "Weber",
    "Yılmaz",
    "Zhang",
];
const COMPANY: [&str; 12] = [
    "Acme Widgets",
    "Globex",
    "Initech",
    "Umbrella Foods",
    "Stark Tools",
    "Wayne Logistics",
    "Hooli",
    "Vandelay Imports",
    "Soylent \"Green\" GmbH",
    "Tyrell Optics",
    "Cyberdyne",
    "Wonka & Söhne",
];
const DOMAIN: [&str; 12] = [
    "acme.example",
    "globex.example",
    "initech.example",
    "umbrella.example",
    "stark.example",
    "wayne.example",
    "hooli.example",
    "vandelay.example",
    "soylent.example",
    "tyrell.example",
    "cyberdyne.example",
    "wonka.example",
];
const JOB: [&str; 8] = [
    "Head of Purchasing",
    "Software Engineer",
    "VP Sales",
    "Office Manager",
    "CFO",
    "Data Analyst",
    "Plant Manager / R&D",
    "Chief \"Everything\" Officer",
];
const CITY: [(&str, &str, &str, &str); 6] = [
    ("Berlin", "Berlin", "Germany", "10115"),
    ("Austin", "TX", "United States", "78701"),
    ("Lyon", "Auvergne-Rhône-Alpes", "France", "69002"),
    ("São Paulo", "SP", "Brazil", "01310-100"),
    ("Osaka", "Osaka", "Japan", "530-0001"),
    ("Leeds", "West Yorkshire", "United Kingdom", "LS1 4DY"),
];
pub(super) const STAGES: [&str; 6] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
];
pub(super) const LEAD_STATUS: [&str; 4] = ["NEW", "OPEN", "IN_PROGRESS", "UNQUALIFIED"];
pub(super) const INDUSTRIES: [&str; 4] =
    ["COMPUTER_SOFTWARE", "MACHINERY", "FOOD_PRODUCTION", "LOGISTICS_AND_SUPPLY_CHAIN"];
pub(super) const DEAL_STAGES: [&str; 4] =
    ["appointmentscheduled", "contractsent", "closedwon", "closedlost"];
pub(super) const OWNERS: [&str; 3] = ["88842095", "88842096", "88842101"];

/// The number below which no id of the kind lies.
pub(super) fn first_id(kind: Kind) -> u64 {
    match kind {
        Kind::Contacts => 151_000_000_000,
        Kind::Companies => 9_000_000_000,
        Kind::Deals => 17_000_000_000,
    }
}

/// The id, the creation and the last change of a record.
pub(super) fn facts(kind: Kind, seed: u64, number: u64) -> (u64, i64, i64) {
    let mut random = Random::of(seed, number);
    let id = first_id(kind) + number * ID_STEP + random.below(ID_STEP);
    let created = BEGIN_MS + span(&mut random, CREATED_DAYS);
    (id, created, created + span(&mut random, CHANGED_DAYS))
}

fn span(random: &mut Random, days: u64) -> i64 {
    let days = i64::try_from(days).unwrap_or_default();
    i64::try_from(random.below(u64::MAX)).unwrap_or(i64::MAX).rem_euclid(days * DAY_MS)
}

/// The values of a record that nobody changed.
pub(super) fn values(kind: Kind, seed: u64, number: u64) -> Values {
    // The names are drawn from another series than the times, which are asked for more often.
    let mut random = Random::of(!seed, number);
    let invented = Invented::new(&mut random, number);
    let properties = kind.properties().iter();
    properties
        .map(|it| {
            (it.source == Source::Given).then(|| invented.value(it.name, &mut random)).flatten()
        })
        .collect()
}

/// What the values of one record have in common.
struct Invented {
    number: u64,
    first: &'static str,
    last: &'static str,
    company: &'static str,
    domain: &'static str,
    city: (&'static str, &'static str, &'static str, &'static str),
    stage: &'static str,
}

impl Invented {
    fn new(random: &mut Random, number: u64) -> Self {
        let pair = random.below(12);
        let place = |list: [&'static str; 12]| {
            list.into_iter().nth(usize::try_from(pair).unwrap_or_default()).unwrap_or_default()
        };
        let city = usize::try_from(random.below(6)).unwrap_or_default();
        Self {
            number,
            first: random.pick(&FIRST),
            last: random.pick(&LAST),
            company: place(COMPANY),
            domain: place(DOMAIN),
            city: CITY.into_iter().nth(city).unwrap_or_default(),
            stage: random.pick(&DEAL_STAGES),
        }
    }

    fn value(&self, property: &str, random: &mut Random) -> Option<String> {
        let (city, state, country, zip) = self.city;
        let value = match property {
            "address" => format!("{} Main St", 1 + random.below(200)),
            "city" => city.into(),
            "state" => return random.one_in(2).then(|| state.into()),
            "country" => country.into(),
            "zip" => zip.into(),
            "company" | "name" => self.company.into(),
            "firstname" => self.first.into(),
            "lastname" => self.last.into(),
            "email" => format!("c{}@{}", self.number, self.domain),
            "domain" => self.domain.into(),
            "website" => return random.one_in(3).then(|| format!("https://{}", self.domain)),
            "phone" => phone(random),
            // Most people have none.
            "mobilephone" => return random.one_in(4).then(|| phone(random)),
            "jobtitle" => return random.one_in(2).then(|| random.pick(&JOB).into()),
            "hs_lead_status" => return random.one_in(3).then(|| random.pick(&LEAD_STATUS).into()),
            "lifecyclestage" => random.pick(&STAGES).into(),
            "hubspot_owner_id" => return random.one_in(2).then(|| random.pick(&OWNERS).into()),
            "industry" => random.pick(&INDUSTRIES).into(),
            "numberofemployees" => (1 + random.below(5000)).to_string(),
            "annualrevenue" => format!("{}.5", random.below(9_000_000)),
            "description" => {
                format!("{} since {}.\nSecond line.", self.company, 1950 + random.below(70))
            }
            other => return self.deal_value(other, random),
        };
        Some(value)
    }

    fn deal_value(&self, property: &str, random: &mut Random) -> Option<String> {
        let won = self.stage == "closedwon";
        let value = match property {
            "amount" => {
                return (!random.one_in(6)).then(|| format!("{}.00", random.below(500_000)));
            }
            "closedate" => time::iso(BEGIN_MS + span(random, CREATED_DAYS)),
            // Null stands for the currency of the account.
            "deal_currency_code" => return random.one_in(2).then(|| "EUR".into()),
            "dealname" => format!("{} – order {}", self.company, self.number),
            "dealstage" => self.stage.into(),
            "dealtype" => "newbusiness".into(),
            "hs_deal_stage_probability" => if won { "1" } else { "0.2" }.into(),
            "hs_is_closed" => self.stage.starts_with("closed").to_string(),
            "hs_is_closed_won" => won.to_string(),
            "pipeline" => "default".into(),
            _ => return None,
        };
        Some(value)
    }
}

fn phone(random: &mut Random) -> String {
    format!("+49 30 {:07}", random.below(10_000_000))
}

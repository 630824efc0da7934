//! The kinds of objects and their properties.

use crate::hubspot::refuse::Refusal;

/// A kind of CRM object.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Kind {
    Contacts,
    Companies,
    Deals,
}

/// Where the value of a property comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Id,
    Created,
    Modified,
    Given,
}

/// A property of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// `type` of the API: string, number, enumeration, datetime, bool.
    pub(super) form: &'static str,
    pub(super) source: Source,
    /// Part of what a read returns that asks for nothing.
    pub(super) basic: bool,
}

const fn given(name: &'static str, label: &'static str, form: &'static str) -> Property {
    Property { name, label, form, source: Source::Given, basic: false }
}

const fn basic(name: &'static str, label: &'static str, form: &'static str) -> Property {
    Property { basic: true, ..given(name, label, form) }
}

const CREATED: Property =
    Property { source: Source::Created, ..basic("createdate", "Create Date", "datetime") };
const ID: Property =
    Property { source: Source::Id, ..basic("hs_object_id", "Record ID", "number") };
const MODIFIED: Property = Property {
    source: Source::Modified,
    ..basic("hs_lastmodifieddate", "Last Modified Date", "datetime")
};
const OWNER: Property = given("hubspot_owner_id", "Owner", "enumeration");
const STAGE: Property = given("lifecyclestage", "Lifecycle Stage", "enumeration");

/// In the order of the API, which is alphabetical.
const CONTACT: [Property; 20] = [
    given("address", "Street Address", "string"),
    // Nobody is invented with one: what it names must be there.
    given("associatedcompanyid", "Primary Associated Company ID", "number"),
    given("city", "City", "string"),
    given("company", "Company Name", "string"),
    given("country", "Country/Region", "string"),
    CREATED,
    basic("email", "Email", "string"),
    basic("firstname", "First Name", "string"),
    given("hs_lead_status", "Lead Status", "enumeration"),
    ID,
    OWNER,
    given("jobtitle", "Job Title", "string"),
    Property { name: "lastmodifieddate", ..MODIFIED },
    basic("lastname", "Last Name", "string"),
    STAGE,
    given("mobilephone", "Mobile Phone Number", "string"),
    given("phone", "Phone Number", "string"),
    given("state", "State/Region", "string"),
    given("website", "Website URL", "string"),
    given("zip", "Postal Code", "string"),
];

const COMPANY: [Property; 18] = [
    given("address", "Street Address", "string"),
    given("annualrevenue", "Annual Revenue", "number"),
    given("city", "City", "string"),
    given("country", "Country/Region", "string"),
    CREATED,
    given("description", "Description", "string"),
    basic("domain", "Company Domain Name", "string"),
    MODIFIED,
    ID,
    OWNER,
    given("industry", "Industry", "enumeration"),
    STAGE,
    basic("name", "Company name", "string"),
    given("numberofemployees", "Number of Employees", "number"),
    given("phone", "Phone Number", "string"),
    given("state", "State/Region", "string"),
    given("website", "Website URL", "string"),
    given("zip", "Postal Code", "string"),
];

const DEAL: [Property; 14] = [
    basic("amount", "Amount", "number"),
    basic("closedate", "Close Date", "datetime"),
    CREATED,
    given("deal_currency_code", "Currency", "enumeration"),
    basic("dealname", "Deal Name", "string"),
    basic("dealstage", "Deal Stage", "enumeration"),
    given("dealtype", "Deal Type", "enumeration"),
    given("hs_deal_stage_probability", "Deal probability", "number"),
    given("hs_is_closed", "Is Closed", "bool"),
    given("hs_is_closed_won", "Is Closed Won", "bool"),
    MODIFIED,
    ID,
    OWNER,
    basic("pipeline", "Pipeline", "enumeration"),
];

impl Kind {
    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::Deals => "deals",
        }
    }

    /// The property that a search for changes filters by; contacts have another than the rest.
    pub fn modified_property(self) -> &'static str {
        match self {
            Self::Contacts => "lastmodifieddate",
            Self::Companies | Self::Deals => "hs_lastmodifieddate",
        }
    }

    /// The id of the object type, as it stands in links to the web application.
    pub(super) fn type_id(self) -> &'static str {
        match self {
            Self::Contacts => "0-1",
            Self::Companies => "0-2",
            Self::Deals => "0-3",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Self, Refusal> {
        [Self::Contacts, Self::Companies, Self::Deals]
            .into_iter()
            .find(|kind| kind.name() == name || kind.type_id() == name)
            .ok_or_else(|| Refusal::no_kind(name))
    }

    pub(super) fn properties(self) -> &'static [Property] {
        match self {
            Self::Contacts => &CONTACT,
            Self::Companies => &COMPANY,
            Self::Deals => &DEAL,
        }
    }

    pub(super) fn property(self, name: &str) -> Option<usize> {
        self.properties().iter().position(|property| property.name == name)
    }

    /// The places of the properties that a read returns; unknown names are ignored, as the API does.
    pub(super) fn selection<'a>(self, names: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let mut places: Vec<usize> = names.filter_map(|name| self.property(name)).collect();
        let asked = !places.is_empty();
        // The system properties always come along.
        places.extend(self.properties().iter().enumerate().filter_map(|(place, property)| {
            (property.source != Source::Given || (!asked && property.basic)).then_some(place)
        }));
        places.sort_unstable();
        places.dedup();
        places
    }
}

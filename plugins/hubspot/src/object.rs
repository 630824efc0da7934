//! The object types that this adapter reads, and what differs between them.

/// An object type of the CRM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Object {
    Company,
    Contact,
    Deal,
}

impl Object {
    /// In the order of the manifest.
    pub(crate) const ALL: [Self; 3] = [Self::Company, Self::Contact, Self::Deal];

    /// Finds the object type of an entity.
    pub(crate) fn of(entity: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.entity() == entity)
    }

    /// The name in the manifest.
    pub(crate) fn entity(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
        }
    }

    /// The name in paths.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
        }
    }

    /// The name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Company => "Companies",
            Self::Contact => "Contacts",
            Self::Deal => "Deals",
        }
    }

    /// The property that a search filters by. Contacts have one of their own: with the other
    /// name the search answers everything or a 400.
    pub(crate) fn modified(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            Self::Company | Self::Deal => "hs_lastmodifieddate",
        }
    }

    /// What is read where nobody asks for particular fields. HubSpot itself answers with four to
    /// nine properties when it is asked for none; all of them would be several hundred.
    pub(crate) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Company => &[
                "name",
                "domain",
                "website",
                "phone",
                "industry",
                "numberofemployees",
                "annualrevenue",
                "address",
                "city",
                "state",
                "zip",
                "country",
                "description",
                "hubspot_owner_id",
                "createdate",
                "hs_lastmodifieddate",
            ],
            Self::Contact => &[
                "email",
                "firstname",
                "lastname",
                "phone",
                "mobilephone",
                "jobtitle",
                "company",
                "lifecyclestage",
                "associatedcompanyid",
                "hubspot_owner_id",
                "createdate",
                "lastmodifieddate",
            ],
            Self::Deal => &[
                "dealname",
                "amount",
                "deal_currency_code",
                "dealstage",
                "pipeline",
                "closedate",
                "hs_deal_stage_probability",
                "hs_is_closed_won",
                "hs_is_closed",
                "hubspot_owner_id",
                "createdate",
                "hs_lastmodifieddate",
            ],
        }
    }
}

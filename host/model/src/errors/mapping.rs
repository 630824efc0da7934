//! The codes of conversion schemas: why a value of a record does not fit.

use super::Code;
use crate::error::ErrorKind::Invalid;

const VALUE: &str = "correct the value at the provider, or let the mapping of the field take it";
const SMALLER: &str = "let the mapping make less of it";
const SCHEMA: &str = "correct the schema";

pub(super) const CODES: &[Code] = &[
    Code::new(
        "mapping.affix",
        Invalid,
        "the text does not begin or end with what is to be taken off",
        VALUE,
    ),
    Code::new("mapping.base64", Invalid, "the text is not Base64", VALUE),
    Code::new("mapping.bool", Invalid, "the value says neither true nor false", VALUE),
    Code::new(
        "mapping.budget",
        Invalid,
        "the operations of the record take more work than they may",
        SMALLER,
    ),
    Code::new(
        "mapping.cel",
        Invalid,
        "the expression has no answer for this record",
        "correct the expression",
    ),
    Code::new(
        "mapping.cel-steps",
        Invalid,
        "the expression takes more steps than it may",
        "make the expression simpler",
    ),
    Code::new(
        "mapping.conflict",
        Invalid,
        "what is to be written would not read back as it was meant",
        VALUE,
    ),
    Code::new(
        "mapping.contract",
        Invalid,
        "the record has a field that its derived type does not know, and the type's contract \
         leaves such records out",
        "take the field up with `plughouse mapping derive --contract field=evolve`",
    ),
    Code::new("mapping.country", Invalid, "the text is no country", VALUE),
    Code::new("mapping.currency", Invalid, "the text is no currency of ISO 4217", VALUE),
    Code::new("mapping.date", Invalid, "the text is no day of the expected form", VALUE),
    Code::new(
        "mapping.date-range",
        Invalid,
        "the day lies beyond the years that can be told",
        VALUE,
    ),
    Code::new("mapping.datetime", Invalid, "the text is no instant of the expected form", VALUE),
    Code::new(
        "mapping.default",
        Invalid,
        "the default of the schema does not fit its field",
        SCHEMA,
    ),
    Code::new("mapping.depth", Invalid, "the value is nested too deep", SMALLER),
    Code::new("mapping.doc-size", Invalid, "the record becomes larger than it may", SMALLER),
    Code::new("mapping.email", Invalid, "the text is no address of mail", VALUE),
    Code::new(
        "mapping.enum",
        Invalid,
        "the value is none of those that the mapping knows",
        "add it to the mapping",
    ),
    Code::new("mapping.json", Invalid, "the text is no JSON, or not in its one form", VALUE),
    Code::new("mapping.lang", Invalid, "the text is no language tag of BCP 47", VALUE),
    Code::new("mapping.list-length", Invalid, "the list has more items than it may", SMALLER),
    Code::new("mapping.money", Invalid, "the value is no amount with its currency", VALUE),
    Code::new("mapping.number", Invalid, "the value is no number of the expected form", VALUE),
    Code::new("mapping.number-inexact", Invalid, "the number cannot be told exactly", VALUE),
    Code::new(
        "mapping.number-range",
        Invalid,
        "the number is too large or has too many digits",
        VALUE,
    ),
    Code::new(
        "mapping.one-way",
        Invalid,
        "the mapping of the field cannot be turned round",
        SCHEMA,
    ),
    Code::new("mapping.path", Invalid, "a path of the schema leads nowhere", SCHEMA),
    Code::new("mapping.percent", Invalid, "the text is not percent-encoded", VALUE),
    Code::new("mapping.phone", Invalid, "the text is no telephone number", VALUE),
    Code::new(
        "mapping.refused",
        Invalid,
        "the text of a schema or of a record type is wrong",
        "correct it at the places that the error names",
    ),
    Code::new(
        "mapping.required",
        Invalid,
        "the field needs a value and the record has none",
        VALUE,
    ),
    Code::new(
        "mapping.schema",
        Invalid,
        "the active schema of the connection cannot be used",
        "correct it and save it anew, or bind another one: `plughouse mapping use`",
    ),
    Code::new("mapping.text-length", Invalid, "the text is longer than it may be", SMALLER),
    Code::new(
        "mapping.type",
        Invalid,
        "the value is of another type than the mapping takes",
        VALUE,
    ),
    Code::new("mapping.unicode", Invalid, "the text holds what no text may hold", VALUE),
    Code::new("mapping.unresolved", Invalid, "what the value refers to is not known yet", VALUE),
    Code::new("mapping.url", Invalid, "the text is no URL", VALUE),
];

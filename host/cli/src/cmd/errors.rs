//! `plughouse errors`: what the codes of the host mean, and what to do.

use std::fmt;

use anyhow::{Context as _, Result};
use model::ErrorKind;
use model::errors::{self, Again, CODES, Code, Rule, Scope, Told};
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;

/// Which code, or all, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// This code alone, as it stands in brackets behind an error.
    code: Option<String>,
    /// Writes the page `docs/errors.md`.
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

/// A code as it is shown.
#[derive(Serialize)]
struct Shown {
    code: &'static str,
    kind: ErrorKind,
    meaning: &'static str,
    action: &'static str,
    #[serde(flatten)]
    rule: Rule,
}

impl From<&'static Code> for Shown {
    fn from(code: &'static Code) -> Self {
        let rule = code.rule();
        let Code { code, kind, meaning, action, .. } = *code;
        Self { code, kind, meaning, action, rule }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, kind, meaning, action, rule } = self;
        writeln!(f, "{code} ({kind})")?;
        writeln!(f, "  what   {meaning}")?;
        writeln!(f, "  do     {action}")?;
        writeln!(f, "  again  {}", again(rule.again))?;
        writeln!(f, "  meets  {}", scope(rule.scope))?;
        write!(f, "  for    {}", told(rule.told))
    }
}

/// Shows one code, the table, or the page.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let output = global.output();
    if args.markdown {
        let page = markdown();
        output.result(&page, page.trim_end())?;
    } else if let Some(name) = &args.code {
        let code = errors::find(name).with_context(|| {
            format!(
                "{name} is no code of the host: codes with the name of an adapter are explained \
                 by its documentation, all others by `plughouse errors`"
            )
        })?;
        let shown = Shown::from(code);
        output.result(&shown, &shown)?;
    } else {
        let all: Vec<_> = CODES.into_iter().flatten().map(Shown::from).collect();
        output.list(&all, &["CODE", "KIND", "MEANING"], |shown| {
            vec![shown.code.to_owned(), shown.kind.to_string(), shown.meaning.to_owned()]
        })?;
    }
    Ok(Exit::Done)
}

/// The page of the documentation.
fn markdown() -> String {
    let mut page = String::from(HEAD);
    for kind in ErrorKind::ALL {
        let Rule { again: often, breaker, scope: reach, told: who } = kind.rule();
        let counts = if breaker { "yes" } else { "no" };
        let cells = [kind.meaning(), again(often), counts, scope(reach), told(who)];
        row(&mut page, kind.as_str(), &cells);
    }
    for part in CODES {
        let Some(name) = part.first().and_then(|code| code.code.split('.').next()) else {
            continue;
        };
        let head = "\n\n| code | kind | meaning | what to do |\n|---|---|---|---|\n";
        page.push_str(&["\n## ", name, head].concat());
        for Code { code, kind, meaning, action, .. } in part {
            row(&mut page, code, &[kind.as_str(), meaning, action]);
        }
    }
    page
}

const HEAD: &str = "\
# Errors

Written by `plughouse errors --markdown`; a test keeps it current.

Every error has a *kind*, which says what the host does about it, and a *code*, which says what has
happened. Codes that begin with the name of an adapter are explained by the adapter's own
documentation; `plughouse errors CODE` explains one of those below.

Work is tried again by the queues alone, and nowhere else. The wait begins at two seconds and
doubles with every attempt that moved no data, up to an hour; a wait that the provider asks for is
kept if it is longer. An attempt that moved data begins the count anew.

## Kinds

| kind | meaning | tried again | speaks against the host | would meet | who can help |
|---|---|---|---|---|---|
";

fn row(page: &mut String, name: &str, cells: &[&str]) {
    page.push_str(&["| `", name, "` | ", &cells.join(" | "), " |\n"].concat());
}

fn again(again: Again) -> &'static str {
    match again {
        Again::No => "no: it would end the same",
        Again::Later => "later, and this was no attempt",
        Again::Few => "a few times",
        Again::Many => "for hours",
        Again::Person => "when a person has acted",
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Record => "this record",
        Scope::Part => "the part of the entity",
        Scope::Entity => "the entity",
        Scope::Connection => "the connection",
        Scope::Package => "all connections of the package",
        Scope::Provider => "all that goes to the provider's host",
        Scope::Host => "all of this host",
    }
}

fn told(told: Told) -> &'static str {
    match told {
        Told::Nobody => "nobody needs to",
        Told::Tenant => "whoever owns the account",
        Told::Operator => "whoever runs the host",
        Told::Author => "whoever wrote the adapter",
    }
}

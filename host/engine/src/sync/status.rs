//! How an entity and a run ended: pure rules.

use model::errors::{Again, Scope};
use model::run::RunStatus;
use model::store::EntityEnd;
use model::{Error, Timestamp};

/// How one lane, or all lanes of one part, ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Why it was not read to its end.
    pub(super) error: Option<Error>,
    /// The provider did not show everything.
    pub(super) partial: bool,
    /// Somebody asked to stop.
    pub(super) cancelled: bool,
    /// Everything that changed before this instant has been read.
    pub(super) complete_until: Option<Timestamp>,
}

impl Ended {
    /// How two lanes of a part ended; what is told of completeness is the later one's.
    pub(super) fn and(self, later: Self) -> Self {
        Self {
            error: self.error.or(later.error),
            partial: self.partial || later.partial,
            cancelled: self.cancelled || later.cancelled,
            complete_until: later.complete_until,
        }
    }
}

/// Adds up how the parts of an entity ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    parts: u64,
    failed: u64,
    partial: bool,
    cancelled: bool,
    complete_until: Option<Timestamp>,
    error: Option<Error>,
}

impl Tally {
    /// Adds a part.
    pub(super) fn add(&mut self, ended: Ended) {
        // An entity is complete up to where its least complete part is.
        self.complete_until = match self.parts {
            0 => ended.complete_until,
            _ => self.complete_until.min(ended.complete_until),
        };
        self.parts += 1;
        self.partial |= ended.partial;
        self.cancelled |= ended.cancelled;
        if let Some(error) = ended.error {
            self.failed += 1;
            self.error.get_or_insert(error);
        }
    }

    /// Adds an error that stands for the whole entity.
    pub(super) fn fail(&mut self, error: Error) {
        self.add(Ended { error: Some(error), ..Ended::default() });
    }

    /// How the entity ended.
    pub(super) fn end(self, entity: &str) -> EntityEnd {
        let status = if self.cancelled {
            RunStatus::Cancelled
        } else if self.failed > 0 && self.failed == self.parts {
            RunStatus::Failed
        } else if self.failed > 0 || self.partial {
            RunStatus::Partial
        } else {
            RunStatus::Succeeded
        };
        EntityEnd {
            entity: entity.to_owned(),
            status,
            complete_until: self.complete_until,
            error: self.error,
            ..EntityEnd::default()
        }
    }
}

/// Whether an error would meet every other part of the entity likewise: the provider is away, or
/// says no to the account as a whole. What it says of one part leaves the others running.
pub(super) fn ends_entity(error: &Error) -> bool {
    error.rule().scope >= Scope::Entity
}

/// Whether an error would meet every other entity likewise.
pub(super) fn ends_run(error: &Error) -> bool {
    error.rule().again == Again::Person
}

/// How a run ended whose entities ended so.
pub(crate) fn of_run(entities: &[EntityEnd], cancelled: bool) -> RunStatus {
    let all = |status| entities.iter().all(|e| e.status == status);
    let any = |status| entities.iter().any(|e| e.status == status);
    if cancelled || any(RunStatus::Cancelled) {
        RunStatus::Cancelled
    } else if all(RunStatus::Succeeded) {
        RunStatus::Succeeded
    } else if any(RunStatus::Succeeded) || any(RunStatus::Partial) {
        RunStatus::Partial
    } else {
        RunStatus::Failed
    }
}

#[cfg(test)]
mod tests {
    use model::ErrorKind;

    use super::*;

    fn ended(letter: char) -> Ended {
        let error = Error::new(ErrorKind::NotFound, "test.gone", "gone");
        Ended {
            error: (letter == 'e').then_some(error),
            partial: letter == 'p',
            cancelled: letter == 'c',
            complete_until: None,
        }
    }

    #[track_caller]
    fn check(parts: &str, expected: RunStatus) {
        let mut tally = Tally::default();
        parts.chars().for_each(|letter| tally.add(ended(letter)));
        let end = tally.end("contact");
        assert_eq!(end.status, expected, "{parts}");
        assert_eq!(end.error.is_some(), parts.contains('e'), "{parts}");
    }

    #[test]
    fn entity_fails_only_when_every_part_fails() {
        check("", RunStatus::Succeeded);
        check("..", RunStatus::Succeeded);
        check(".p", RunStatus::Partial);
        check(".e", RunStatus::Partial);
        check("ee", RunStatus::Failed);
        check("e", RunStatus::Failed);
        check(".c", RunStatus::Cancelled);
    }

    #[track_caller]
    fn check_run(entities: &[RunStatus], expected: RunStatus) {
        let end = |status: &RunStatus| EntityEnd {
            entity: "contact".to_owned(),
            status: *status,
            ..EntityEnd::default()
        };
        assert_eq!(of_run(&entities.iter().map(end).collect::<Vec<_>>(), false), expected);
    }

    #[test]
    fn run_is_as_good_as_its_entities_together() {
        use RunStatus::{Cancelled, Failed, Partial, Succeeded};
        check_run(&[Succeeded, Succeeded], Succeeded);
        check_run(&[Succeeded, Failed], Partial);
        check_run(&[Partial, Failed], Partial);
        check_run(&[Succeeded, Partial], Partial);
        check_run(&[Failed, Failed], Failed);
        check_run(&[Succeeded, Cancelled], Cancelled);
    }

    #[test]
    fn entity_is_complete_up_to_its_least_complete_part() {
        let at = |s| Timestamp::from_second(s).ok();
        let part = |complete_until| Ended { complete_until, ..Ended::default() };
        let mut tally = Tally::default();
        tally.add(part(at(9)));
        tally.add(part(at(5)));
        assert_eq!(tally.end("contact").complete_until, at(5));
        let mut tally = Tally::default();
        tally.add(part(None));
        tally.add(part(at(5)));
        assert_eq!(tally.end("contact").complete_until, None);
    }

    /// Which kinds end an entity, and which the run.
    #[test]
    fn what_the_provider_says_of_one_part_leaves_the_others_running() {
        let error = |kind| Error::new(kind, "test.error", "it went wrong");
        let ends = |end: fn(&Error) -> bool| {
            let kinds = ErrorKind::ALL.into_iter().filter(|kind| end(&error(*kind)));
            kinds.map(ErrorKind::as_str).collect::<Vec<_>>().join(" ")
        };
        let entity = "auth-required rate-limited unavailable timeout unsupported denied";
        assert_eq!(ends(ends_entity), entity);
        assert_eq!(ends(ends_run), "auth-required");
    }
}

//! The room that is left on the disk.
//!
//! A write that the disk has no room for fails in the middle of a commit, after which redb takes
//! no other and has to be repaired. So the room is asked for before, and a change that might not
//! fit is refused whole; once there is room again, the next one goes through. What other programs
//! write between the question and the commit is what the margins are for.

use std::path::Path;

use model::store::{StoreError, StoreErrorKind};

use crate::writes::Writes;

/// Asks for the bytes that are free.
pub(crate) type FreeBytes = Box<dyn Fn() -> u64 + Send>;

/// Left free by all changes: what a commit needs beside its rows, and what others write meanwhile.
const MARGIN_BYTES: u64 = 16 << 20;

/// Left free by changes that bring something in: with it what is there is worked off.
const INTAKE_MARGIN_BYTES: u64 = 64 << 20;

/// What a row costs beside its bytes, at most but for rare splits: the page that it lies in is
/// written anew, and its share of the pages above.
const ROW_BYTES: u64 = 8 << 10;

/// Pages for large rows come in powers of two, so a byte may cost nearly another one.
const BYTES_PER_BYTE: u64 = 2;

/// The room that one commit finds, and what its changes take of it.
pub(crate) struct Room {
    free: u64,
}

impl Room {
    pub(crate) fn of(disk: &FreeBytes) -> Self {
        Self { free: disk() }
    }

    /// Refuses a change that brings something in where only others may go on.
    pub(crate) fn admit(&self, intake: bool) -> Result<(), StoreError> {
        if intake && self.free < INTAKE_MARGIN_BYTES { Err(self.full()) } else { Ok(()) }
    }

    /// Takes what rows may cost, or refuses them.
    pub(crate) fn take(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let (rows, bytes) = writes.size();
        let cost = u64::try_from(rows).unwrap_or(u64::MAX).saturating_mul(ROW_BYTES);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(BYTES_PER_BYTE);
        let cost = cost.saturating_add(bytes);
        match self.free.checked_sub(cost) {
            _ if writes.is_empty() => Ok(()),
            Some(free) if free >= MARGIN_BYTES => {
                self.free = free;
                Ok(())
            }
            _ => Err(self.full()),
        }
    }

    fn full(&self) -> StoreError {
        let message = format!(
            "the disk of the data directory is nearly full ({} MiB are left); make room, and the \
             store goes on by itself",
            self.free >> 20
        );
        StoreError::new(StoreErrorKind::Unavailable, message)
    }
}

/// Asks the operating system about the disk of a directory. One that does not answer refuses
/// nothing.
pub(crate) fn free_bytes(dir: &Path) -> FreeBytes {
    let dir = dir.to_owned();
    Box::new(move || {
        rustix::fs::statvfs(&dir)
            .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Table;

    #[track_caller]
    fn check(free: u64, intake: bool, row_bytes: usize, fits: bool) {
        let mut room = Room { free };
        let mut writes = Writes::default();
        writes.put(Table::Meta, b"", &vec![0; row_bytes]);
        let answer = room.admit(intake).and_then(|()| room.take(&writes));
        assert_eq!(answer.is_ok(), fits, "{answer:?}");
    }

    #[test]
    fn change_that_might_not_fit_is_refused_and_intake_is_first() {
        check(u64::MAX, true, 1 << 20, true);
        check(INTAKE_MARGIN_BYTES, true, 1 << 20, true);
        check(INTAKE_MARGIN_BYTES - 1, true, 0, false);
        check(INTAKE_MARGIN_BYTES - 1, false, 1 << 20, true);
        check(MARGIN_BYTES + ROW_BYTES, false, 0, true);
        check(MARGIN_BYTES + ROW_BYTES, false, 1, false);
        check(0, false, 0, false);
    }

    #[test]
    fn changes_of_one_commit_share_the_room() {
        let mut writes = Writes::default();
        writes.put(Table::Meta, b"", b"");
        let mut room = Room { free: MARGIN_BYTES + 3 * ROW_BYTES };
        let taken = std::iter::repeat_with(|| room.take(&writes)).take_while(Result::is_ok);
        assert_eq!(taken.count(), 3);
        assert!(room.take(&Writes::default()).is_ok());
    }

    #[test]
    fn disk_of_a_directory_has_some_room() {
        assert!(free_bytes(&std::env::temp_dir())() > 0);
        assert_eq!(free_bytes(Path::new("/nowhere"))(), u64::MAX);
    }
}

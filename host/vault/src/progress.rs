//! How much of a rotation is done.

/// Is told how many keys or secrets of a rotation are done so far.
pub type Progress<'a> = dyn Fn(u64) + Send + Sync + 'a;

pub(crate) struct Tally<'a> {
    pub(crate) done: u64,
    progress: &'a Progress<'a>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(progress: &'a Progress<'a>) -> Self {
        Self { done: 0, progress }
    }

    pub(crate) fn add(&mut self, more: u64) {
        self.done += more;
        (self.progress)(self.done);
    }
}

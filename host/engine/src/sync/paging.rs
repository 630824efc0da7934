//! How many records a page asks for, while the provider does not manage them in time.

/// No page is made smaller than this: a provider that cannot answer with so few is not helped by
/// being asked more often.
const PAGE_MIN: u32 = 10;

/// After so many pages in time the next one is twice as large. A page too large costs the time
/// that the provider was waited for, so growing must be rare beside it.
const PAGES_BEFORE_GROWTH: u32 = 16;

/// The size of the pages of one lane in one run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Paging {
    size: u32,
    /// What the manifest asks for.
    full: u32,
    /// It has not managed more than this in this run.
    max: u32,
    in_time: u32,
}

impl Paging {
    /// Pages of a lane that has so many records per page recorded.
    pub(super) fn new(full: u32, recorded: Option<u32>) -> Self {
        Self { size: recorded.unwrap_or(full).min(full), full, max: full, in_time: 0 }
    }

    /// Records per page.
    pub(super) fn size(self) -> u32 {
        self.size
    }

    /// What the lane is to remember; nothing while pages are as large as they should be.
    pub(super) fn recorded(self) -> Option<u32> {
        (self.size < self.full).then_some(self.size)
    }

    /// A page came in time.
    pub(super) fn came(&mut self) {
        self.in_time += 1;
        if self.in_time >= PAGES_BEFORE_GROWTH {
            self.size = self.size.saturating_mul(2).min(self.max);
            self.in_time = 0;
        }
    }

    /// A page did not come in time. False if it is as small as it may be.
    pub(super) fn timed_out(&mut self) -> bool {
        let half = (self.size / 2).max(PAGE_MIN.min(self.full));
        let smaller = half < self.size;
        (self.size, self.max, self.in_time) = (half, half, 0);
        smaller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of the pages asked for: `t` times out, a number of pages comes in time.
    #[track_caller]
    fn check(full: u32, recorded: Option<u32>, steps: &[Option<u32>], expected: &[u32]) {
        let mut paging = Paging::new(full, recorded);
        let mut sizes = vec![paging.size()];
        for step in steps {
            match step {
                None => {
                    paging.timed_out();
                }
                Some(pages) => (0..*pages).for_each(|_| paging.came()),
            }
            sizes.push(paging.size());
        }
        assert_eq!(sizes, expected);
        assert_eq!(paging.recorded(), Some(paging.size()).filter(|size| *size < full));
    }

    #[test]
    fn pages_are_halved_down_to_the_least() {
        check(100, None, &[None, None, None, None, None], &[100, 50, 25, 12, 10, 10]);
        check(4, None, &[None], &[4, 4]);
        check(0, None, &[None], &[0, 0]);
    }

    #[test]
    fn pages_grow_back_in_a_later_run_as_far_as_they_come_in_time() {
        check(100, Some(25), &[Some(15), Some(1), Some(16), Some(16)], &[25, 25, 50, 100, 100]);
        check(100, Some(25), &[Some(16), None, Some(64)], &[25, 50, 25, 25]);
        check(20, Some(25), &[Some(1)], &[20, 20]);
    }
}

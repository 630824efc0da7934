//! Lists through filters that the store does not know.

use crate::list::Cursor;
use crate::problem::Problem;

/// Items that one request looks at. What the filters leave out costs as much to read as what they
/// let through; where that many were looked at the part ends, however few it has found, and the
/// next one goes on from there.
pub(crate) const LOOKED_MAX: usize = 10_000;

/// Items that are read at once where filters leave some of them out.
const READ: usize = 500;

/// How many items to read at once for a part of so many.
pub(crate) fn batch(limit: usize, filtered: bool) -> usize {
    if filtered { limit.max(READ) } else { limit }
}

/// What becomes of an item.
pub(crate) enum Pick<T> {
    /// It is listed.
    Take(T),
    /// It is not.
    Pass,
    /// Neither it nor what follows.
    End,
}

impl<T> Pick<T> {
    /// The item, if it is wanted.
    pub(crate) fn only(item: T, wanted: bool) -> Self {
        if wanted { Self::Take(item) } else { Self::Pass }
    }
}

/// Part of a list, and the cursor of the next part.
pub(crate) struct Sifted<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// Collects up to `limit` items that are picked out of the lists that `fetch` reads, from a place
/// on, until one of them is empty. A place is where an item stands.
pub(crate) async fn sift<P, R, T, F>(
    mut place: Option<P>,
    limit: usize,
    mut fetch: impl FnMut(Option<P>) -> F,
    mut pick: impl FnMut(R) -> (P, Pick<T>),
) -> Result<Sifted<T>, Problem>
where
    P: Clone + serde::Serialize,
    F: Future<Output = Result<Vec<R>, Problem>>,
{
    let (mut items, mut looked) = (Vec::new(), 0);
    loop {
        let list = fetch(place.clone()).await?;
        if list.is_empty() {
            return Ok(Sifted { items, next: None });
        }
        for item in list {
            looked += 1;
            let (at, picked) = pick(item);
            match picked {
                Pick::Take(item) => items.push(item),
                Pick::Pass => {}
                Pick::End => return Ok(Sifted { items, next: None }),
            }
            place = Some(at);
            if items.len() >= limit || looked >= LOOKED_MAX {
                return Ok(Sifted { items, next: place.as_ref().map(Cursor::at) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found of the numbers up to `last` that `wanted` picks, and whether more may follow.
    async fn found(last: usize, limit: usize, wanted: fn(usize) -> bool) -> (Vec<usize>, bool) {
        let fetch = |after: Option<usize>| async move {
            let from = after.map_or(0, |after| after + 1);
            Ok((from..=last).take(100).collect())
        };
        let pick = |item| (item, Pick::only(item, wanted(item)));
        let sifted = sift(None, limit, fetch, pick).await.unwrap();
        (sifted.items, sifted.next.is_some())
    }

    #[tokio::test]
    async fn part_ends_where_it_is_full_or_was_looked_for_long() {
        assert_eq!(found(500, 3, |it| it % 200 == 0).await, (vec![0, 200, 400], true));
        assert_eq!(found(500, 4, |it| it % 200 == 0).await, (vec![0, 200, 400], false));
        let rare = |it| it == LOOKED_MAX - 1 || it == LOOKED_MAX;
        assert_eq!(found(2 * LOOKED_MAX, 9, rare).await, (vec![LOOKED_MAX - 1], true));
    }
}

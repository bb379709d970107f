//! Lists of what is in memory, a page at a time: sorted by a text that each has once.

use super::input;
use super::problem::Problem;

/// Which part of a list.
pub(super) struct Page {
    /// Those whose text comes after this.
    after: Option<String>,
    limit: usize,
}

impl Page {
    /// Reads `cursor` and `limit` of a query.
    pub(super) fn read(cursor: Option<String>, limit: Option<&str>) -> Result<Self, Problem> {
        let limit = input::limit(limit, 100, 1_000)? as usize;
        Ok(Self { after: cursor, limit })
    }

    /// Cuts the page out of a sorted list, and says where the next begins.
    pub(super) fn cut<T>(
        &self,
        sorted: Vec<T>,
        text: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let first = match &self.after {
            Some(after) => sorted.partition_point(|one| text(one) <= *after),
            None => 0,
        };
        let has_more = sorted.len() > first + self.limit;
        let page: Vec<T> = sorted.into_iter().skip(first).take(self.limit).collect();
        let next = page.last().map(&text).filter(|_| has_more);
        (page, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_even_if_the_list_changes() {
        let page = |cursor: Option<&str>, list: &[&str]| {
            let page = Page::read(cursor.map(str::to_owned), Some("2")).unwrap();
            page.cut(list.iter().map(|&one| one.to_owned()).collect(), Clone::clone)
        };
        let (first, next) = page(None, &["a", "b", "c"]);
        assert_eq!((first.join(""), next.as_deref()), ("ab".into(), Some("b")));
        let (second, next) = page(Some("b"), &["a", "c"]);
        assert_eq!((second.join(""), next), ("c".into(), None));
        assert!(Page::read(None, Some("0")).is_err());
    }
}

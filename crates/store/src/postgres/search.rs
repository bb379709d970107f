//! Questions that are put together of what a filter names, so that each finds its index.

use ::postgres::types::ToSql;

/// What has to be true, and the values in it.
pub(super) struct Search {
    terms: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync>>,
}

impl Search {
    /// Everything.
    pub(super) fn new() -> Self {
        Self { terms: vec!["TRUE".into()], values: Vec::new() }
    }

    /// Asks for more; `$` stands for the value.
    pub(super) fn and(&mut self, term: &str, value: impl ToSql + Sync + 'static) {
        let value = self.value(value);
        self.terms.push(term.replace('$', &value));
    }

    /// The same, if there is a value.
    pub(super) fn and_if(&mut self, term: &str, value: Option<impl ToSql + Sync + 'static>) {
        if let Some(value) = value {
            self.and(term, value);
        }
    }

    /// Asks for more, without a value: an index of a part of a table is used only if the question
    /// says so itself.
    pub(super) fn also(&mut self, term: String) {
        self.terms.push(term);
    }

    /// A value that stands elsewhere in the question, as it is written there.
    pub(super) fn value(&mut self, value: impl ToSql + Sync + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// What stands behind WHERE.
    pub(super) fn terms(&self) -> String {
        self.terms.join(" AND ")
    }

    /// The values, in the order of their numbers.
    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value).collect()
    }
}

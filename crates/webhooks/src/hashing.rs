//! How maps hash: by chance, so that nobody can choose names that collide; in tests always the same,
//! so that a seed is a whole life.

#[cfg(test)]
pub(crate) use foldhash::fast::FixedState as Hashing;
#[cfg(not(test))]
pub(crate) use foldhash::fast::RandomState as Hashing;

//! Laws of settling.

//! Every fault that was seen elsewhere must be found.

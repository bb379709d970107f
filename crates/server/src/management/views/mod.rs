//! What the API shows. The shapes are part of its promise: fields are added, never renamed, and one
//! that has nothing to say is `null`.

pub(super) mod delivery;
pub(super) mod replay;
pub(super) mod webhook;

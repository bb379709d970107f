//! What the C library has of freed memory, given back to the system.

/// Gives back whatever is free. It takes some milliseconds for each hundred megabytes, and locks one
/// arena after the other meanwhile: call it when things are calm. Only glibc has need of it.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "the C library offers it in no other way")]
        // SAFETY: `malloc_trim` may be called at any time, from any thread, and touches nothing in use.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

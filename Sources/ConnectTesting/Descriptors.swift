internal import CLinux
internal import Glibc

// A descriptor that a program inherits stays open when its owner closes it, and whoever waits for its end waits for ever.

/// Takes a connection whose descriptor no program inherits that another thread starts meanwhile; −1 as `accept(2)`.
func acceptPrivately(_ listener: Int32) -> Int32 { connectd_accept(listener, Int32(SOCK_CLOEXEC.rawValue)) }

/// Lets a program to be started inherit none of the descriptors from `first` on.
func closeAll(from first: Int32, _ actions: inout posix_spawn_file_actions_t) { _ = connectd_spawn_closes_from(&actions, first) }

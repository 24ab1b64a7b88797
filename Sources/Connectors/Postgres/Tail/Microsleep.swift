internal import Glibc

/// Rests for less than a millisecond or a few: shorter than anything that wants to wake the task would notice.
func microsleep(_ microseconds: Int) {
    var time = timespec(tv_sec: microseconds / 1_000_000, tv_nsec: microseconds % 1_000_000 * 1000)
    nanosleep(&time, nil)
}

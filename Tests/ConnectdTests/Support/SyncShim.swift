import ConnectTesting
import Foundation
import Glibc

/// Stands before the C library's fsync and fdatasync in a program under test: fails them, or keeps them waiting, where the log's files are concerned.
struct SyncShim {
    private static let source = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static int is_there(const char *variable) {
            const char *path = getenv(variable);
            return path && access(path, F_OK) == 0;
        }
        static int fails(int descriptor) {
            char link[64], path[4096];
            if (!is_there("CONNECTD_TEST_FAIL_SYNC") && !is_there("CONNECTD_TEST_HOLD_SYNC")) return 0;
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            ssize_t count = readlink(link, path, sizeof path - 1);
            if (count < 0) return 0;
            path[count] = 0;
            if (strstr(path, "/topics.db") == NULL) return 0;
            if (is_there("CONNECTD_TEST_HOLD_SYNC")) {
                const char *held = getenv("CONNECTD_TEST_HELD_SYNC");
                int file = held ? open(held, O_CREAT | O_WRONLY, 0600) : -1;
                if (file >= 0) close(file);
                while (is_there("CONNECTD_TEST_HOLD_SYNC")) usleep(2000);
            }
            return is_there("CONNECTD_TEST_FAIL_SYNC");
        }
        int fsync(int descriptor) { if (fails(descriptor)) { errno = EIO; return -1; } return syscall(SYS_fsync, descriptor); }
        int fdatasync(int descriptor) { if (fails(descriptor)) { errno = EIO; return -1; } return syscall(SYS_fdatasync, descriptor); }
        """

    private let library: PreloadedLibrary
    private let failing: String
    private let holding: String
    private let held: String

    /// Compiles it.
    init(in folder: TemporaryFolder) throws {
        library = try PreloadedLibrary("shim", source: Self.source, in: folder.path)
        failing = folder.file("fail")
        holding = folder.file("hold")
        held = folder.file("held")
    }

    /// What the program is started with.
    var variables: [String: String] {
        library.variables.merging(["CONNECTD_TEST_FAIL_SYNC": failing, "CONNECTD_TEST_HOLD_SYNC": holding, "CONNECTD_TEST_HELD_SYNC": held]) { $1 }
    }

    func fail() throws { try make(failing) }
    func hold() throws { try make(holding) }
    /// Whether one was kept waiting since it was made.
    var hasHeld: Bool { access(held, F_OK) == 0 }

    func heal() {
        unlink(failing)
        unlink(holding)
    }

    private func make(_ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else { throw TestFailure("\(path) cannot be made") }
    }
}

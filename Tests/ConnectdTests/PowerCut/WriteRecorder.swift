/// Records what a program does to the files of one folder, in the order in which it does it: the input of ``CutDisk``.
///
/// Every change is done and written to the trace under one lock, so that the trace's order is the files' order. A sync is not: it covers what
/// the trace held when it was called, and counts from when it returned. Files are told apart by inode, whatever descriptor or name they are reached by.
struct WriteRecorder {
    private let library: PreloadedLibrary
    let folder: String
    let trace: String

    /// - Parameters:
    ///   - folder: whose files are recorded. Shared memory (`-shm`) is left out: no disk ever has to have it.
    ///   - trace: takes the record, appended; outside of the folder.
    init(folder: String, trace: String, compiledIn build: String) throws {
        self.folder = folder
        self.trace = trace
        library = try PreloadedLibrary("recorder", source: Self.source, in: build)
    }

    /// For a program's environment.
    /// - Parameters:
    ///   - slow: ending of the files whose syncs take as long as a busy disk's where much was written.
    ///   - killedAt: size of the trace at which the program kills itself, in the middle of whatever it does.
    func variables(slow: String, killedAt: Int? = nil) -> [String: String] {
        var variables = library.variables
        variables["CONNECTD_TEST_RECORDED"] = folder
        variables["CONNECTD_TEST_TRACE"] = trace
        variables["CONNECTD_TEST_SLOW"] = slow
        if let killedAt { variables["CONNECTD_TEST_KILLED_AT"] = "\(killedAt)" }
        return variables
    }

    /// Every event is four numbers of 64 bits (kind, inode, number, bytes that follow) and those bytes; see ``WriteTrace``.
    private static let source = #"""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <limits.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdarg.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/uio.h>
        #include <unistd.h>

        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static char folder[PATH_MAX];
        static size_t folder_length;
        static int trace = -1;
        // Syncs of files with this ending take as long as a busy disk's where there is much to write, so that much is written meanwhile.
        static const char *slow;
        static uint64_t last_covered;
        static uint64_t position, killed_at = UINT64_MAX;

        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("CONNECTD_TEST_RECORDED"), *file = getenv("CONNECTD_TEST_TRACE"), *killed = getenv("CONNECTD_TEST_KILLED_AT");
            if (!path || !file || !realpath(path, folder)) return;
            int opened = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            // Far from the numbers that the program's own files get.
            trace = fcntl(opened, F_DUPFD_CLOEXEC, 900);
            if (trace < 0) abort();
            close(opened);
            folder_length = strlen(folder);
            position = lseek(trace, 0, SEEK_END);
            slow = getenv("CONNECTD_TEST_SLOW");
            if (killed) killed_at = strtoull(killed, NULL, 10);
        }

        static int ends_with(const char *path, const char *end) {
            size_t count = strlen(path), length = strlen(end);
            return count >= length && strcmp(path + count - length, end) == 0;
        }

        static int is_inside(const char *path) {
            if (trace < 0 || strncmp(path, folder, folder_length) != 0 || (path[folder_length] != '/' && path[folder_length])) return 0;
            return !ends_with(path, "-shm");
        }

        // Whether a descriptor is of a file in the folder, or of a folder in it; its facts and its path then.
        static int is_recorded(int descriptor, struct stat *facts, char *path) {
            char link[64];
            if (trace < 0 || fstat(descriptor, facts) != 0 || !(S_ISREG(facts->st_mode) || S_ISDIR(facts->st_mode))) return 0;
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            ssize_t count = readlink(link, path, PATH_MAX - 1);
            if (count < 0) return 0;
            path[count] = 0;
            return is_inside(path);
        }

        // Under the lock. Events of calls that come after a kill are nobody's any more.
        static void append(char kind, uint64_t inode, uint64_t number, const struct iovec *parts, int count, uint64_t bytes) {
            int code = errno;
            uint64_t head[4] = {kind, inode, number, bytes};
            struct iovec vectors[16] = {{head, sizeof head}};
            uint64_t left = bytes;
            int used = 1;
            for (int i = 0; i < count && left > 0; i++) {
                if (used == 16) abort();
                size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
                vectors[used++] = (struct iovec){parts[i].iov_base, size};
                left -= size;
            }
            if (left || syscall(SYS_writev, trace, vectors, used) != (ssize_t)(sizeof head + bytes)) abort();
            position += sizeof head + bytes;
            if (position >= killed_at) for (;;) { kill(getpid(), SIGKILL); pause(); }
            errno = code;
        }
        static void append_path(char kind, uint64_t inode, uint64_t number, const char *path) {
            struct iovec part = {(void *)path, strlen(path)};
            append(kind, inode, number, &part, 1, part.iov_len);
        }

        // MARK: making and removing

        static int record_open(int directory, const char *name, int flags, mode_t mode) {
            struct stat facts;
            char path[PATH_MAX];
            if (trace < 0 || !(flags & (O_CREAT | O_TRUNC))) return syscall(SYS_openat, directory, name, flags, mode);
            pthread_mutex_lock(&lock);
            int existed = fstatat(directory, name, &facts, 0) == 0;
            int opened = syscall(SYS_openat, directory, name, flags, mode), code = errno;
            if (opened >= 0 && is_recorded(opened, &facts, path)) {
                if (!existed) append_path('C', facts.st_ino, 0, path);
                else if (flags & O_TRUNC) append('T', facts.st_ino, 0, NULL, 0, 0);
            }
            pthread_mutex_unlock(&lock);
            errno = code;
            return opened;
        }
        #define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, int); va_end(list); }
        int open(const char *name, int flags, ...) { MODE return record_open(AT_FDCWD, name, flags, mode); }
        int open64(const char *name, int flags, ...) { MODE return record_open(AT_FDCWD, name, flags, mode); }
        int openat(int directory, const char *name, int flags, ...) { MODE return record_open(directory, name, flags, mode); }
        int openat64(int directory, const char *name, int flags, ...) { MODE return record_open(directory, name, flags, mode); }
        int __open_2(const char *name, int flags) { return record_open(AT_FDCWD, name, flags, 0); }
        int __open64_2(const char *name, int flags) { return record_open(AT_FDCWD, name, flags, 0); }
        int creat(const char *name, mode_t mode) { return record_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
        int creat64(const char *name, mode_t mode) { return record_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

        static int record_rename(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
            char before[PATH_MAX], after[PATH_MAX];
            struct stat facts;
            if (trace < 0) return syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
            pthread_mutex_lock(&lock);
            int known = from_directory == AT_FDCWD && realpath(from, before) != NULL;
            int result = syscall(SYS_renameat2, from_directory, from, to_directory, to, flags), code = errno;
            if (result == 0 && known && realpath(to, after) && stat(after, &facts) == 0 && (is_inside(before) || is_inside(after))) {
                struct iovec parts[2] = {{before, strlen(before) + 1}, {after, strlen(after)}};
                append('R', facts.st_ino, 0, parts, 2, parts[0].iov_len + parts[1].iov_len);
            }
            pthread_mutex_unlock(&lock);
            errno = code;
            return result;
        }
        int rename(const char *from, const char *to) { return record_rename(AT_FDCWD, from, AT_FDCWD, to, 0); }
        int renameat(int a, const char *from, int b, const char *to) { return record_rename(a, from, b, to, 0); }
        int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return record_rename(a, from, b, to, flags); }

        static int record_unlink(int directory, const char *name, int flags) {
            char path[PATH_MAX];
            if (trace < 0) return syscall(SYS_unlinkat, directory, name, flags);
            pthread_mutex_lock(&lock);
            int known = directory == AT_FDCWD && realpath(name, path) && is_inside(path);
            int result = syscall(SYS_unlinkat, directory, name, flags), code = errno;
            if (result == 0 && known && !(flags & AT_REMOVEDIR)) append_path('U', 0, 0, path);
            pthread_mutex_unlock(&lock);
            errno = code;
            return result;
        }
        int unlink(const char *name) { return record_unlink(AT_FDCWD, name, 0); }
        int unlinkat(int directory, const char *name, int flags) { return record_unlink(directory, name, flags); }

        // MARK: writing

        static ssize_t record_write(int descriptor, const struct iovec *parts, int count, off_t at) {
            struct stat facts;
            char path[PATH_MAX];
            if (!is_recorded(descriptor, &facts, path))
                return at < 0 ? syscall(SYS_writev, descriptor, parts, count) : syscall(SYS_pwritev, descriptor, parts, count, (unsigned long)at, 0ul);
            pthread_mutex_lock(&lock);
            uint64_t place = at;
            if (at < 0) {
                fstat(descriptor, &facts);
                place = fcntl(descriptor, F_GETFL) & O_APPEND ? facts.st_size : lseek(descriptor, 0, SEEK_CUR);
            }
            ssize_t done = at < 0 ? syscall(SYS_writev, descriptor, parts, count) : syscall(SYS_pwritev, descriptor, parts, count, (unsigned long)at, 0ul);
            if (done > 0) append('W', facts.st_ino, place, parts, count, done);
            pthread_mutex_unlock(&lock);
            return done;
        }
        static ssize_t record_bytes(int descriptor, const void *bytes, size_t count, off_t at) {
            struct iovec part = {(void *)bytes, count};
            return record_write(descriptor, &part, 1, at);
        }
        ssize_t write(int descriptor, const void *bytes, size_t count) { return record_bytes(descriptor, bytes, count, -1); }
        ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) { return record_bytes(descriptor, bytes, count, at); }
        ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) { return record_bytes(descriptor, bytes, count, at); }
        ssize_t writev(int descriptor, const struct iovec *parts, int count) { return record_write(descriptor, parts, count, -1); }
        ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at) { return record_write(descriptor, parts, count, at); }
        ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t at) { return record_write(descriptor, parts, count, at); }

        static int record_truncate(int descriptor, off_t size) {
            struct stat facts;
            char path[PATH_MAX];
            if (!is_recorded(descriptor, &facts, path)) return syscall(SYS_ftruncate, descriptor, size);
            pthread_mutex_lock(&lock);
            int result = syscall(SYS_ftruncate, descriptor, size);
            if (result == 0) append('T', facts.st_ino, size, NULL, 0, 0);
            pthread_mutex_unlock(&lock);
            return result;
        }
        int ftruncate(int descriptor, off_t size) { return record_truncate(descriptor, size); }
        int ftruncate64(int descriptor, off64_t size) { return record_truncate(descriptor, size); }

        // What would change a file in a way that is not recorded is told instead.
        static void tell(int descriptor, const char *what) {
            struct stat facts;
            char path[PATH_MAX];
            if (!is_recorded(descriptor, &facts, path)) return;
            pthread_mutex_lock(&lock);
            append_path('X', facts.st_ino, 0, what);
            pthread_mutex_unlock(&lock);
        }
        int fallocate(int descriptor, int mode, off_t at, off_t count) {
            tell(descriptor, "fallocate");
            return syscall(SYS_fallocate, descriptor, mode, at, count);
        }
        int fallocate64(int descriptor, int mode, off64_t at, off64_t count) { return fallocate(descriptor, mode, at, count); }
        int posix_fallocate(int descriptor, off_t at, off_t count) { return fallocate(descriptor, 0, at, count) == 0 ? 0 : errno; }
        int posix_fallocate64(int descriptor, off64_t at, off64_t count) { return fallocate(descriptor, 0, at, count) == 0 ? 0 : errno; }
        void *mmap(void *address, size_t count, int protection, int flags, int descriptor, off_t at) {
            if (descriptor >= 0 && protection & PROT_WRITE && flags & MAP_SHARED) tell(descriptor, "mmap");
            return (void *)syscall(SYS_mmap, address, count, protection, flags, descriptor, at);
        }
        void *mmap64(void *address, size_t count, int protection, int flags, int descriptor, off64_t at) {
            return mmap(address, count, protection, flags, descriptor, at);
        }

        // MARK: making durable

        static int record_sync(int descriptor, long call) {
            struct stat facts;
            char path[PATH_MAX];
            if (!is_recorded(descriptor, &facts, path)) return syscall(call, descriptor);
            pthread_mutex_lock(&lock);
            uint64_t covered = position;
            int is_slow = slow && ends_with(path, slow) && covered - last_covered > 1 << 20;
            last_covered = covered;
            pthread_mutex_unlock(&lock);
            if (is_slow) usleep(100000);
            int result = syscall(call, descriptor), code = errno;
            if (result == 0) {
                pthread_mutex_lock(&lock);
                if (S_ISDIR(facts.st_mode)) append_path('D', 0, covered, path);
                else append('S', facts.st_ino, covered, NULL, 0, 0);
                pthread_mutex_unlock(&lock);
            }
            errno = code;
            return result;
        }
        int fsync(int descriptor) { return record_sync(descriptor, SYS_fsync); }
        int fdatasync(int descriptor) { return record_sync(descriptor, SYS_fdatasync); }
        """#
}

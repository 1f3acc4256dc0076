/* Counts, records and fails what a program writes below some folders. Preloaded; Linux on x86_64 or aarch64.
 *
 * Functions of the C library cannot be wrapped for this: Rust programs also make system calls by themselves (rename of `tempfile`,
 * through `rustix`). So a seccomp filter turns every call that can write into a signal, whoever makes it, and the handler of the signal
 * makes the call in its place, from the one instruction that the filter lets through.
 *
 *   WRITES_BELOW  folders, with `:` between them; what happens elsewhere is passed on
 *   WRITES_LOG    a file for one record an operation: header, path, second path, bytes
 *   WRITES_FAIL   the number of the operation that fails, from 1
 *   WRITES_FACE   with what: ENOSPC, EIO, EROFS; SHORT: half of the bytes are written, and the next write to the same file gives ENOSPC
 *
 * Environment variables are read once and their text is not kept by the program's children: there are none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

/* The one system call instruction that is let through. */
long writes_call(long number, long a, long b, long c, long d, long e, long f);
extern char writes_called[];

#if defined(__x86_64__)
__asm__(".text\n.globl writes_call\n.hidden writes_call\n.hidden writes_called\nwrites_call:\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nmov %r8,%r10\nmov %r9,%r8\nmov 8(%rsp),%r9\n"
        "syscall\n.globl writes_called\nwrites_called:\nret\n");
#define ARCH AUDIT_ARCH_X86_64
#define ARGUMENT(context, at) \
    ((long)(context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9}[at]])
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
__asm__(".text\n.globl writes_call\n.hidden writes_call\n.hidden writes_called\nwrites_call:\n"
        "mov x8,x0\nmov x0,x1\nmov x1,x2\nmov x2,x3\nmov x3,x4\nmov x4,x5\nmov x5,x6\n"
        "svc #0\n.globl writes_called\nwrites_called:\nret\n");
#define ARCH AUDIT_ARCH_AARCH64
#define ARGUMENT(context, at) ((long)(context)->uc_mcontext.regs[at])
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#else
#error "x86_64 or aarch64"
#endif

enum kind { WRITE, OPEN, RENAME, TRUNCATE, SYNC, MKDIR, UNLINK, CLOSE, LINK, MODE, RMDIR, SYMLINK, OTHER };

struct record {
    uint32_t number, kind;
    int64_t result;            /* what the program was given: negative is an error */
    uint64_t inode, offset, bytes;
    uint32_t path, second, flags, is_folder;
};

static char below[8][PATH_MAX];
static int folders;
static int log_file = -1;
static long fail_at;
static int fail_with;
static int is_short;
static int short_file = -1;
static long counted;
static int locked;

static void lock(void) { while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE)) writes_call(__NR_sched_yield, 0, 0, 0, 0, 0, 0); }
static void unlock(void) { __atomic_store_n(&locked, 0, __ATOMIC_RELEASE); }

static int is_below(const char *path) {
    for (int at = 0; at < folders; at++) {
        size_t length = strlen(below[at]);
        if (!strncmp(path, below[at], length) && (path[length] == '/' || !path[length])) return 1;
    }
    return 0;
}

static void decimal(char *out, long value) {
    char digits[24];
    int count = 0;
    do digits[count++] = '0' + value % 10; while (value /= 10);
    while (count) *out++ = digits[--count];
    *out = 0;
}

static int path_of(int file, char *out) {
    char link[64] = "/proc/self/fd/";
    decimal(link + strlen(link), file);
    long length = writes_call(__NR_readlinkat, AT_FDCWD, (long)link, (long)out, PATH_MAX - 1, 0, 0);
    if (length < 0) return 0;
    out[length] = 0;
    return out[0] == '/';
}

/* A path as it would be found from the root; `.` and `..` are taken out by their names. */
static int absolute(int folder, const char *path, char *out) {
    if (!path) return 0;
    size_t used = 0;
    out[0] = 0;
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            if (writes_call(__NR_getcwd, (long)out, PATH_MAX, 0, 0, 0, 0) <= 0) return 0;
        } else if (!path_of(folder, out)) return 0;
        used = strlen(out);
    }
    while (*path) {
        while (*path == '/') path++;
        size_t length = strcspn(path, "/");
        if (length == 2 && path[0] == '.' && path[1] == '.') {
            while (used && out[--used] != '/') ;
            out[used] = 0;
        } else if (length && !(length == 1 && path[0] == '.')) {
            if (used + length + 2 >= PATH_MAX) return 0;
            out[used++] = '/';
            memcpy(out + used, path, length);
            out[used += length] = 0;
        }
        path += length;
    }
    return 1;
}

static void put(const void *bytes, size_t length) {
    while (length) {
        long written = writes_call(__NR_write, log_file, (long)bytes, (long)length, 0, 0, 0);
        if (written <= 0) _exit(99);
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

static void note(struct record *record, const char *path, const char *second, const struct iovec *pieces, int count) {
    if (log_file < 0) return;
    record->path = (uint32_t)strlen(path);
    record->second = (uint32_t)strlen(second);
    put(record, sizeof *record);
    put(path, record->path);
    put(second, record->second);
    uint64_t left = record->bytes;
    for (int at = 0; at < count && left; at++) {
        uint64_t length = pieces[at].iov_len < left ? pieces[at].iov_len : left;
        put(pieces[at].iov_base, length);
        left -= length;
    }
}

static void look(int file, struct record *record) {
    struct stat about;
#ifdef __NR_newfstatat
    if (writes_call(__NR_newfstatat, file, (long)"", (long)&about, AT_EMPTY_PATH, 0, 0) == 0) {
#else
    if (writes_call(__NR_fstat, file, (long)&about, 0, 0, 0, 0) == 0) {
#endif
        record->inode = about.st_ino;
        record->is_folder = S_ISDIR(about.st_mode);
    }
}

/* Takes the next number; the error that the operation is to give, or 0. */
static int next(struct record *record, int file) {
    record->number = (uint32_t)++counted;
    if (is_short && record->kind == WRITE && short_file >= 0 && short_file == file) {
        short_file = -1;
        return ENOSPC;
    }
    return counted == fail_at && !is_short ? fail_with : 0;
}

static long on_file(enum kind kind, long number, const long *a, const struct iovec *pieces, int count) {
    char path[PATH_MAX];
    int file = (int)a[0];
    if (file == log_file || !path_of(file, path) || !is_below(path)) return writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    struct record record = {.kind = kind};
    look(file, &record);
    lock();
    if (kind == CLOSE) {
        long flags = writes_call(__NR_fcntl, file, F_GETFL, 0, 0, 0, 0);
        if (record.is_folder || (flags & O_ACCMODE) == O_RDONLY) {
            unlock();
            return writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
    }
    long error = next(&record, file), result;
    uint64_t wanted = 0;
    for (int at = 0; at < count; at++) wanted += pieces[at].iov_len;
    if (kind == WRITE) {
        long flags = writes_call(__NR_fcntl, file, F_GETFL, 0, 0, 0, 0);
        long at = writes_call(__NR_lseek, file, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR, 0, 0, 0);
        record.offset = number == __NR_pwrite64 ? (uint64_t)a[3] : (uint64_t)(at < 0 ? 0 : at);
    }
    if (kind == TRUNCATE) record.offset = (uint64_t)a[1];
    if (error) {
        /* A file is closed even where closing it tells of an error. */
        if (kind == CLOSE) writes_call(number, a[0], 0, 0, 0, 0, 0);
        result = -error;
    } else if (kind == WRITE && is_short && counted == fail_at && count && pieces[0].iov_len > 1) {
        short_file = file;
        result = writes_call(__NR_write, file, (long)pieces[0].iov_base, (long)(pieces[0].iov_len / 2), 0, 0, 0);
    } else {
        result = writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    record.result = result;
    if (kind == WRITE && result > 0) record.bytes = (uint64_t)result;
    if (kind == WRITE && count == 0 && result > 0) record.kind = OTHER;
    (void)wanted;
    note(&record, path, "", pieces, count);
    unlock();
    return result;
}

static long on_link(long number, const long *a, const char *target, int folder, const char *name) {
    char path[PATH_MAX];
    if (!absolute(folder, name, path) || !is_below(path)) return writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    struct iovec content = {(void *)target, strlen(target)};
    struct record record = {.kind = SYMLINK, .bytes = content.iov_len};
    lock();
    long error = next(&record, -1);
    record.result = error ? -error : writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    note(&record, path, "", &content, 1);
    unlock();
    return record.result;
}

static long on_path(enum kind kind, long number, const long *a, int folder, const char *name, int second_folder, const char *second_name,
                    long flags) {
    char path[PATH_MAX], second[PATH_MAX] = "";
    int inside = absolute(folder, name, path) && is_below(path);
    if (second_name) inside |= absolute(second_folder, second_name, second) && is_below(second);
    if (!inside) return writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    struct record record = {.kind = kind, .flags = (uint32_t)flags};
    lock();
    long error = next(&record, -1);
    long result = error ? -error : writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    record.result = result;
    if (kind == OPEN && result >= 0) look((int)result, &record);
    note(&record, path, second, NULL, 0);
    unlock();
    return result;
}

static int creates(long flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)); }

static long handle(long number, const long *a) {
    struct iovec one = {(void *)a[1], (size_t)a[2]};
    const char *first = (const char *)a[0], *second = (const char *)a[1];
    switch (number) {
    case __NR_write: case __NR_pwrite64: return on_file(WRITE, number, a, &one, 1);
    case __NR_writev: case __NR_pwritev: return on_file(WRITE, number, a, (const struct iovec *)a[1], (int)a[2]);
    case __NR_ftruncate: return on_file(TRUNCATE, number, a, NULL, 0);
    case __NR_fallocate: return on_file(OTHER, number, a, NULL, 0);
    case __NR_fsync: case __NR_fdatasync: case __NR_syncfs: return on_file(SYNC, number, a, NULL, 0);
    case __NR_sendfile: return on_file(WRITE, number, a, NULL, 0);
    case __NR_copy_file_range: {
        long swapped[6] = {a[2], a[3], a[0], a[1], a[4], a[5]};
        char path[PATH_MAX];
        /* Such bytes cannot be logged from here. The program falls back to reading and writing. */
        if (path_of((int)swapped[0], path) && is_below(path)) return -EXDEV;
        return writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    case __NR_close: return on_file(CLOSE, number, a, NULL, 0);
    case __NR_fchmod: return on_file(MODE, number, a, NULL, 0);
    case __NR_openat:
        return creates(a[2]) ? on_path(OPEN, number, a, (int)a[0], second, 0, NULL, a[2])
                             : writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    case __NR_openat2: return on_path(OPEN, number, a, (int)a[0], second, 0, NULL, 0);
    case __NR_renameat: case __NR_renameat2:
        return on_path(RENAME, number, a, (int)a[0], second, (int)a[2], (const char *)a[3], 0);
    case __NR_linkat: return on_path(LINK, number, a, (int)a[0], second, (int)a[2], (const char *)a[3], 0);
    case __NR_symlinkat: return on_link(number, a, first, (int)a[1], (const char *)a[2]);
    case __NR_mkdirat: return on_path(MKDIR, number, a, (int)a[0], second, 0, NULL, 0);
    case __NR_unlinkat: return on_path(a[2] & AT_REMOVEDIR ? RMDIR : UNLINK, number, a, (int)a[0], second, 0, NULL, 0);
    case __NR_fchmodat: return on_path(MODE, number, a, (int)a[0], second, 0, NULL, 0);
    case __NR_truncate: return on_path(OTHER, number, a, AT_FDCWD, first, 0, NULL, 0);
#ifdef __NR_open
    case __NR_open:
        return creates(a[1]) ? on_path(OPEN, number, a, AT_FDCWD, first, 0, NULL, a[1])
                             : writes_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    case __NR_creat: return on_path(OPEN, number, a, AT_FDCWD, first, 0, NULL, O_WRONLY | O_CREAT | O_TRUNC);
    case __NR_rename: return on_path(RENAME, number, a, AT_FDCWD, first, AT_FDCWD, second, 0);
    case __NR_link: return on_path(LINK, number, a, AT_FDCWD, first, AT_FDCWD, second, 0);
    case __NR_symlink: return on_link(number, a, first, AT_FDCWD, second);
    case __NR_mkdir: return on_path(MKDIR, number, a, AT_FDCWD, first, 0, NULL, 0);
    case __NR_unlink: return on_path(UNLINK, number, a, AT_FDCWD, first, 0, NULL, 0);
    case __NR_rmdir: return on_path(RMDIR, number, a, AT_FDCWD, first, 0, NULL, 0);
    case __NR_chmod: return on_path(MODE, number, a, AT_FDCWD, first, 0, NULL, 0);
#endif
    default: return -ENOSYS;
    }
}

static const int TRAPPED[] = {
    __NR_write, __NR_pwrite64, __NR_writev, __NR_pwritev, __NR_ftruncate, __NR_fallocate, __NR_fsync, __NR_fdatasync, __NR_syncfs,
    __NR_sendfile, __NR_copy_file_range, __NR_close, __NR_fchmod, __NR_openat, __NR_openat2, __NR_renameat, __NR_renameat2,
    __NR_linkat, __NR_symlinkat, __NR_mkdirat, __NR_unlinkat, __NR_fchmodat, __NR_truncate,
#ifdef __NR_open
    __NR_open, __NR_creat, __NR_rename, __NR_link, __NR_symlink, __NR_mkdir, __NR_unlink, __NR_rmdir, __NR_chmod,
#endif
};
#define TRAPS (int)(sizeof TRAPPED / sizeof *TRAPPED)

static void trapped(int signal, siginfo_t *about, void *context) {
    (void)signal;
    ucontext_t *at = context;
    int before = errno;
    long arguments[6];
    for (int place = 0; place < 6; place++) arguments[place] = ARGUMENT(at, place);
    RESULT(at) = handle(about->si_syscall, arguments);
    errno = before;
}

static void refuse(const char *what) {
    perror(what);
    _exit(98);
}

static void filter(void) {
    struct sock_filter code[16 + 2 * TRAPS];
    int used = 0;
    uint64_t here = (uint64_t)(uintptr_t)writes_called;
#define ADD(...) code[used++] = (struct sock_filter)__VA_ARGS__
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)here, 0, 3));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(here >> 32), 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    for (int at = 0; at < TRAPS; at++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)TRAPPED[at], 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
    }
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog program = {(unsigned short)used, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) refuse("no_new_privs");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) refuse("seccomp");
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("WRITES_BELOW"), *log = getenv("WRITES_LOG"), *fail = getenv("WRITES_FAIL"), *face = getenv("WRITES_FACE");
    if (!folder) return;
    while (*folder && folders < 8) {
        size_t length = strcspn(folder, ":");
        if (length >= PATH_MAX) refuse("WRITES_BELOW");
        memcpy(below[folders], folder, length);
        below[folders++][length] = 0;
        folder += length + (folder[length] == ':');
    }
    if (log) {
        int opened = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        log_file = opened < 0 ? -1 : fcntl(opened, F_DUPFD_CLOEXEC, 900);
        if (log_file < 0) refuse(log);
        close(opened);
    }
    if (fail && face) {
        fail_at = atol(fail);
        is_short = !strcmp(face, "SHORT");
        fail_with = !strcmp(face, "ENOSPC") ? ENOSPC : !strcmp(face, "EIO") ? EIO : EROFS;
    }
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    action.sa_sigaction = trapped;
    if (sigaction(SIGSYS, &action, NULL)) refuse("SIGSYS");
    filter();
}

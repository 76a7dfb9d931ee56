// Functions that do not fit into a header: memory management that Swift's overlay does not provide, and the crash report.

#define _GNU_SOURCE
#include "CLinux.h"

#include <execinfo.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

void *clinux_reserve(size_t count) {
    void *start = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    // With huge pages, writing one byte would make 2 MiB resident.
    madvise(start, count, MADV_NOHUGEPAGE);
    return start;
}

// Two bytes go with each descriptor, as HAProxy's do: its receiver reads so many.
enum { CLINUX_BYTES_BESIDE_DESCRIPTOR = 2 };

// As many descriptors as Linux takes in one message (SCM_MAX_FD).
enum { CLINUX_DESCRIPTORS_MAX = 253 };

union clinux_descriptor_room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(CLINUX_DESCRIPTORS_MAX * sizeof(int))];
};

ssize_t clinux_send_descriptors(int carrier, const void *bytes, size_t count, const int *descriptors, size_t number) {
    union clinux_descriptor_room room;
    struct iovec content = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1};
    if (number > CLINUX_DESCRIPTORS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (number > 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(number * sizeof(int));
        memset(room.bytes, 0, message.msg_controllen);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(number * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, number * sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(carrier, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t clinux_receive_descriptors(
    int carrier, void *bytes, size_t count, int *descriptors, size_t most, size_t *number) {
    union clinux_descriptor_room room;
    struct iovec content = {bytes, count};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1};
    *number = 0;
    if (most > CLINUX_DESCRIPTORS_MAX) most = CLINUX_DESCRIPTORS_MAX;
    if (most > 0) {
        message.msg_control = room.bytes;
        // Without padding, in which another descriptor would have room. The system closes those that have none.
        message.msg_controllen = CMSG_LEN(most * sizeof(int));
    }
    ssize_t received;
    do received = recvmsg(carrier, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0 || most == 0) return received;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return received;
    *number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors, CMSG_DATA(header), *number * sizeof(int));
    return received;
}

int clinux_connect_over(int carrier) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    char bytes[CLINUX_BYTES_BESIDE_DESCRIPTOR] = {0};
    ssize_t sent = clinux_send_descriptors(carrier, bytes, sizeof bytes, &ends[1], 1);
    int reason = errno;
    close(ends[1]);
    if (sent > 0) return ends[0];
    close(ends[0]);
    errno = reason;
    return -1;
}

int clinux_accept_over(int carrier) {
    char bytes[CLINUX_BYTES_BESIDE_DESCRIPTOR];
    int received;
    size_t number;
    ssize_t count = clinux_receive_descriptors(carrier, bytes, sizeof bytes, &received, 1, &number);
    if (count < 0) return -1;
    if (number == 0) {
        // The end, or bytes without a descriptor.
        errno = count == 0 ? EPIPE : ECONNABORTED;
        return -1;
    }
    if (fcntl(received, F_SETFL, O_NONBLOCK) == 0) return received;
    int reason = errno;
    close(received);
    errno = reason;
    return -1;
}

void clinux_configure_heap(void) { mallopt(M_MMAP_THRESHOLD, 256 << 10); }
void clinux_trim_heap(void) { malloc_trim(0); }

int clinux_start_program(const char *path, char *const words[], char *const variables[], int *id, int *descriptor) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t child = 0;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int number = 0; number <= 2; number++)
        posix_spawn_file_actions_addopen(&actions, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int failure = posix_spawn(&child, path, &actions, &attributes, words, variables);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failure != 0) return failure;
    // The descriptor is not inherited by other programs.
    *descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    if (*descriptor < 0) {
        failure = errno;
        kill(-child, SIGKILL);
        waitpid(child, NULL, 0);
        return failure;
    }
    *id = child;
    return 0;
}

int clinux_collect_program(int id, int *code) {
    int status = 0;
    pid_t found = waitpid(id, &status, WNOHANG);
    if (found == 0 || (found < 0 && errno == EINTR)) return 0;
    // It has been collected already.
    if (found < 0) *code = 0;
    else if (WIFEXITED(status)) *code = WEXITSTATUS(status);
    else *code = WTERMSIG(status);
    return found > 0 && WIFEXITED(status) ? 1 : 2;
}

int clinux_leave_root(void) { return unshare(CLONE_FS) == 0 ? 0 : errno; }

int clinux_take_root(const char *path) {
    int failure = clinux_leave_root();
    if (failure != 0) return failure;
    return chroot(path) == 0 && chdir("/") == 0 ? 0 : errno;
}

// The crash report is written in C, so that it is evident that the signal handler neither allocates nor takes a lock.

enum { CLINUX_CRASH_FRAMES = 64, CLINUX_SIGNAL_STACK_BYTES = 65536 };
static char clinux_crash_words[192];

static void clinux_crash_say(const char *text) { (void)!write(2, text, strlen(text)); }

static void clinux_crash(int number, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    char thread[17] = {0};
    prctl(PR_GET_NAME, thread, 0, 0, 0);
    clinux_crash_say(clinux_crash_words);
    clinux_crash_say(
        number == SIGSEGV  ? "SIGSEGV"
        : number == SIGBUS ? "SIGBUS"
        : number == SIGFPE ? "SIGFPE"
        : number == SIGABRT ? "SIGABRT"
        : number == SIGTRAP ? "SIGTRAP"
                            : "SIGILL");
    clinux_crash_say(" in thread ");
    clinux_crash_say(thread);
    clinux_crash_say(" at, innermost frame first (addr2line -fe resolves the addresses):\n");
    void *frames[CLINUX_CRASH_FRAMES];
    backtrace_symbols_fd(frames, backtrace(frames, CLINUX_CRASH_FRAMES), 2);
    // Pending until the handler returns, and the handler has been reset: the core shows the faulting frame.
    raise(number);
}

void clinux_report_crashes(const char *words) {
    static const int numbers[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    strncpy(clinux_crash_words, words, sizeof clinux_crash_words - 1);
    void *frame[1];
    // The first call loads the unwinder, which allocates.
    backtrace(frame, 1);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old, action = {0};
        sigaction(numbers[i], NULL, &old);
        if (old.sa_handler != SIG_DFL) continue;
        action.sa_sigaction = clinux_crash;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
        sigaction(numbers[i], &action, NULL);
    }
}

void clinux_use_signal_stack(void) {
    stack_t stack = {.ss_sp = malloc(CLINUX_SIGNAL_STACK_BYTES), .ss_size = CLINUX_SIGNAL_STACK_BYTES};
    if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
}

void clinux_free_signal_stack(void) {
    stack_t none = {.ss_flags = SS_DISABLE}, stack;
    if (sigaltstack(&none, &stack) == 0 && !(stack.ss_flags & SS_DISABLE)) free(stack.ss_sp);
}

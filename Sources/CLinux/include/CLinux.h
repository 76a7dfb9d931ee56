// Linux system calls that Swift's Glibc overlay does not provide. Declarations and one-line shims only; the crash report
// is in CLinux.c.
//
// _GNU_SOURCE is not defined here: Glibc's own module is built without it, and a structure must not differ between two
// modules. The functions that it would declare are declared below.
#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/tls.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int ends[2], int flags);
extern int mkostemp(char *template, int flags);

// The first parameter is a sem_t *. Its header is not included, because its structures belong to Glibc's module.
struct timespec;
extern int sem_clockwait(void *semaphore, int clock, const struct timespec *limit);

// Starts a program (posix_spawn) and gives its process and a descriptor that becomes readable when it ends (pidfd). Returns an errno, or 0.
extern int clinux_start_program(
    const char *path, char *const words[], char *const variables[], int *id, int *descriptor);
// 0 while it runs; 1 with its exit code, or 2 with the signal that has ended it.
extern int clinux_collect_program(int id, int *code);

// Gives the calling thread a root directory and a working directory of its own, which are as before at first. Returns 0, or the error.
extern int clinux_leave_root(void);
// The same, and `path` is the new root directory.
extern int clinux_take_root(const char *path);

static inline int clinux_errno(void) { return errno; }

static inline int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int clinux_connect(int fd, const struct sockaddr *address, socklen_t length) {
    return connect(fd, address, length);
}
static inline int clinux_bind(int fd, const struct sockaddr *address, socklen_t length) {
    return bind(fd, address, length);
}
static inline int clinux_getsockname(int fd, struct sockaddr *address, socklen_t *length) {
    return getsockname(fd, address, length);
}
static inline int clinux_getpeername(int fd, struct sockaddr *address, socklen_t *length) {
    return getpeername(fd, address, length);
}
// The three calls of every request bypass glibc: its functions are cancellation points, which cost two atomic operations
// each in a multi-threaded process, a tenth of the cost of a request.
static inline ssize_t clinux_receive(int fd, void *bytes, size_t count) {
    return syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL);
}
static inline ssize_t clinux_send(int fd, const void *bytes, size_t count, int flags) {
    return syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0);
}
static inline int clinux_epoll_wait(int poller, struct epoll_event *events, int most, int milliseconds) {
    return (int)syscall(SYS_epoll_pwait, poller, events, most, milliseconds, NULL, 8);
}
// TLS by the kernel (Documentation/networking/tls.rst). The numbers of TCP_ULP and SOL_TLS are those of headers that differ from
// Glibc's.
static inline int clinux_use_tls(int fd) { return setsockopt(fd, 6, 31, "tls", sizeof "tls"); }
// A socket that is not connected cannot use it, which is another error than that nothing of this name is known.
static inline int clinux_knows_tls(int fd) { return clinux_use_tls(fd) == 0 || errno != ENOENT; }
// The length of what the kernel is given of a cipher; 0 for one that it is not given.
static inline socklen_t clinux_tls_keys_length(const void *keys) {
    switch (((const struct tls_crypto_info *)keys)->cipher_type) {
    case TLS_CIPHER_AES_GCM_128: return sizeof(struct tls12_crypto_info_aes_gcm_128);
    case TLS_CIPHER_AES_GCM_256: return sizeof(struct tls12_crypto_info_aes_gcm_256);
    case TLS_CIPHER_CHACHA20_POLY1305: return sizeof(struct tls12_crypto_info_chacha20_poly1305);
    default: return 0;
    }
}
static inline int clinux_encrypt_sent(int fd, const void *keys, socklen_t length) {
    return clinux_use_tls(fd) == 0 ? setsockopt(fd, 282, TLS_TX, keys, length) : -1;
}
// Sends a record of another type than content.
static inline ssize_t clinux_send_record(int fd, unsigned char type, const void *bytes, size_t count) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(1)];
    } control;
    struct iovec content = {(void *)bytes, count};
    struct msghdr message = {
        .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = 282;
    header->cmsg_type = TLS_SET_RECORD_TYPE;
    header->cmsg_len = CMSG_LEN(1);
    *CMSG_DATA(header) = type;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
// splice(2) without an offset and without waiting: SPLICE_F_MOVE | SPLICE_F_NONBLOCK, and SPLICE_F_MORE.
static inline ssize_t clinux_splice(int from, int to, size_t count, int more) {
    return syscall(SYS_splice, from, NULL, to, NULL, count, 1 | 2 | (more ? 4 : 0));
}
// F_SETPIPE_SZ is declared with _GNU_SOURCE only; its number is part of the kernel's interface.
static inline int clinux_set_pipe_size(int fd, int bytes) { return fcntl(fd, 1031, bytes); }
// Looks at the first byte without taking it. MSG_PEEK is a value of an enumeration, which Swift does not import as a number.
static inline ssize_t clinux_peek(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}
static inline void clinux_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Capabilities of the calling thread, as capabilities(7) numbers them. glibc has no wrappers.
static inline int clinux_set_capabilities(uint64_t permitted, uint64_t effective) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)effective, .permitted = (uint32_t)permitted, .inheritable = 0},
        {.effective = (uint32_t)(effective >> 32), .permitted = (uint32_t)(permitted >> 32), .inheritable = 0},
    };
    return (int)syscall(SYS_capset, &header, data);
}
static inline uint64_t clinux_permitted_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}
// Whether a change of user leaves the permitted capabilities as they are.
static inline int clinux_keep_capabilities(int on) { return prctl(PR_SET_KEEPCAPS, on, 0, 0, 0); }

static inline int clinux_stream_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static inline int clinux_datagram_socket(int family) {
    return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Moves the calling thread into a network namespace (CLONE_NEWNET).
static inline int clinux_enter_network(int fd) { return (int)syscall(SYS_setns, fd, 0x40000000); }

// Sends bytes with descriptors beside them, or without; does not wait. -1 with errno set.
ssize_t clinux_send_descriptors(int carrier, const void *bytes, size_t count, const int *descriptors, size_t number);
// Receives bytes, and at most `most` descriptors that are beside them, which are closed in programs that are started; does not wait.
ssize_t clinux_receive_descriptors(
    int carrier, void *bytes, size_t count, int *descriptors, size_t most, size_t *number);
// One end of a pair of sockets whose other end goes, as a descriptor, over `carrier`; -1 with errno set if that takes none now.
int clinux_connect_over(int carrier);
// The descriptor that comes next over `carrier`; -1 with errno set.
int clinux_accept_over(int carrier);

// Signs segments to and from peers in a network by RFC 2385 (TCP_MD5SIG_EXT with TCP_MD5SIG_FLAG_PREFIX). The structure is
// that of linux/tcp.h, whose other names differ from Glibc's. A key has 80 bytes at most.
static inline int clinux_sign_segments(
    int fd, const struct sockaddr *peer, socklen_t length, unsigned char prefix, const void *key, size_t count) {
    struct {
        struct sockaddr_storage peer;
        uint8_t flags, prefix;
        uint16_t count;
        int interface;
        uint8_t key[80];
    } signature = {.flags = 1, .prefix = prefix, .count = (uint16_t)count};
    if (count > sizeof signature.key || length > sizeof signature.peer) {
        errno = EINVAL;
        return -1;
    }
    __builtin_memcpy(&signature.peer, peer, length);
    __builtin_memcpy(signature.key, key, count);
    return setsockopt(fd, 6, 32, &signature, sizeof signature);
}

// Makes a listening TCP socket drop packets with the SYN flag (byte 13 of the header). Established connections are not
// affected.
static inline int clinux_drop_handshakes(int fd) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    };
    struct sock_fprog program = {.len = 4, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}
static inline int clinux_take_handshakes(int fd) {
    int unused = 0;
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

// Swift marks fork unavailable. It is used once, to become a daemon, before any thread exists.
static inline int clinux_fork(void) { return (int)fork(); }

// openat2 has no wrapper in glibc 2.36.
static inline int clinux_openat2(int directory, const char *path, struct open_how *how) {
    return (int)syscall(SYS_openat2, directory, path, how, sizeof(*how));
}

// epoll_event is a packed struct with a union, which Swift does not import well.
static inline int clinux_epoll_ctl(int poller, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(poller, operation, fd, &event);
}
static inline uint64_t clinux_event_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t clinux_event_flags(const struct epoll_event *event) { return event->events; }

// Opens an unnamed file. O_TMPFILE itself is declared only with _GNU_SOURCE.
static inline int clinux_open_unnamed(const char *directory) {
    return open(directory, __O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

// Reserves address space whose pages get memory when they are first written; NULL if there is none.
void *clinux_reserve(size_t count);
// Fixes the size from which the allocator maps an area of its own, which it returns to the system when it is freed.
void clinux_configure_heap(void);
// Returns free pages of all heaps to the system.
void clinux_trim_heap(void);

// Installs crash handlers for signals that have no handler. The report starts with `words`.
void clinux_report_crashes(const char *words);
// Gives the calling thread an alternate signal stack, in case its own has overflowed.
void clinux_use_signal_stack(void);
// Frees it, before the thread ends.
void clinux_free_signal_stack(void);

// Constants that Swift cannot import consistently.
enum { CLINUX_TCP = 6, CLINUX_MSG_NOSIGNAL = MSG_NOSIGNAL, CLINUX_MSG_MORE = MSG_MORE };
enum {
    CLINUX_READ_ANY_FILE = CAP_DAC_READ_SEARCH,
    CLINUX_BIND_LOW_PORTS = CAP_NET_BIND_SERVICE,
    CLINUX_RAW_SOCKETS = CAP_NET_RAW
};

#endif

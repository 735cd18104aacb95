#pragma once
#include <stdint.h>
#include <sys/types.h>

/* What Glibc's Swift module hides: functions behind _GNU_SOURCE, and constants that are casts or enumerations. */

/* accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC; -1 and errno on failure. */
int cposix_accept(int listener);
/* socket(2) of `family`, a stream, with SOCK_NONBLOCK | SOCK_CLOEXEC. */
int cposix_stream_socket(int family);
/* socket(2) of `family`, for datagrams, with SOCK_CLOEXEC. */
int cposix_datagram_socket(int family);
/* Sends without SIGPIPE; as send(2) with MSG_NOSIGNAL. */
ssize_t cposix_send(int socket, const void *bytes, size_t count);

/* malloc_trim(3): gives free pages of every arena back to the system. */
void cposix_trim_memory(void);

/* Whether the file system that holds `path` is memory by another name (tmpfs, ramfs); 0 also when it cannot be told. */
int cposix_is_memory(const char *path);

/* One readiness event: bits of CPOSIX_*, and the token given when the descriptor was added. */
typedef struct {
    uint32_t bits;
    uint64_t token;
} cposix_event;

enum {
    CPOSIX_READABLE = 1,  /* bytes, or the end of input */
    CPOSIX_WRITABLE = 2,
    CPOSIX_INPUT_ENDED = 4, /* the peer closed its sending half */
    CPOSIX_FAILED = 8,      /* error, a reset among them */
};

/* epoll_create1(EPOLL_CLOEXEC). */
int cposix_epoll_create(void);
/* Adds `descriptor`, edge-triggered, for everything of the above. */
int cposix_epoll_add(int epoll, int descriptor, uint64_t token);
/* For input alone, and once: nothing more is told until `again`. */
int cposix_epoll_add_once(int epoll, int descriptor, uint64_t token);
int cposix_epoll_again(int epoll, int descriptor, uint64_t token);
int cposix_epoll_remove(int epoll, int descriptor);
/* The events that are due, waiting for the first so many milliseconds; at most `capacity`, at most 256. */
int cposix_epoll_wait(int epoll, cposix_event *events, int capacity, int milliseconds);

/* eventfd(2): a descriptor by which one thread wakes another that waits for events. */
int cposix_eventfd(void);
void cposix_eventfd_signal(int descriptor);

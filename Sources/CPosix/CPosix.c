#define _GNU_SOURCE
#include "CPosix.h"

#include <linux/magic.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>

int cposix_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int cposix_stream_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int cposix_datagram_socket(int family) {
    return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

ssize_t cposix_send(int socket, const void *bytes, size_t count) {
    return send(socket, bytes, count, MSG_NOSIGNAL);
}

void cposix_trim_memory(void) {
    malloc_trim(0);
}

int cposix_is_memory(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

int cposix_epoll_create(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int cposix_epoll_add(int epoll, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int cposix_epoll_add_once(int epoll, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int cposix_epoll_again(int epoll, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

int cposix_epoll_remove(int epoll, int descriptor) {
    struct epoll_event ignored = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &ignored);
}

int cposix_epoll_wait(int epoll, cposix_event *events, int capacity, int milliseconds) {
    struct epoll_event found[256];
    int count = epoll_wait(epoll, found, capacity < 256 ? capacity : 256, milliseconds);
    for (int index = 0; index < count; index++) {
        uint32_t bits = 0;
        if (found[index].events & (EPOLLIN | EPOLLRDHUP)) bits |= CPOSIX_READABLE;
        if (found[index].events & EPOLLOUT) bits |= CPOSIX_WRITABLE;
        if (found[index].events & EPOLLRDHUP) bits |= CPOSIX_INPUT_ENDED;
        // Both halves are closed, without an error: there may be bytes to read, and closing before they are read would reset.
        if (found[index].events & EPOLLHUP) bits |= CPOSIX_READABLE | CPOSIX_INPUT_ENDED;
        if (found[index].events & EPOLLERR) bits |= CPOSIX_FAILED;
        events[index] = (cposix_event){.bits = bits, .token = found[index].data.u64};
    }
    return count;
}

int cposix_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void cposix_eventfd_signal(int descriptor) {
    (void)eventfd_write(descriptor, 1);
}

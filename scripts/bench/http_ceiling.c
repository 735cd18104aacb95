// What the machine gives a server that does nothing: one thread, one epoll instance, and for whatever arrives the same bytes back.
// No parsing, no date, no log, no limits. Usage: http_ceiling ANSWER; prints its port, then serves until it is killed.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

static void require(int condition, const char *what) {
    if (condition) return;
    perror(what);
    exit(1);
}

static void watch(int epoll, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = descriptor};
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

static int listening(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    require(listener >= 0, "socket");
    require(bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    require(listen(listener, 1024) == 0, "listen");
    require(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void admit(int epoll, int listener) {
    int client;
    while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, client);
    }
}

int main(int count, char **arguments) {
    require(count == 2, "usage: http_ceiling ANSWER");
    const char *body = arguments[1];
    // The fields that the service sends, as long as they are there.
    char answer[1024];
    int length = snprintf(
        answer, sizeof answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789abcdef\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: %zu\r\n\r\n%s",
        strlen(body), body);
    require(length < (int)sizeof answer, "answer too long");
    int listener = listening();
    int epoll = epoll_create1(0);
    require(epoll >= 0, "epoll_create1");
    watch(epoll, listener);
    static char input[65536];
    while (1) {
        struct epoll_event events[EVENTS];
        int readers[EVENTS], reading = 0;
        int due = epoll_wait(epoll, events, EVENTS, -1);
        for (int index = 0; index < due; index++) {
            int descriptor = events[index].data.fd;
            if (descriptor == listener) {
                admit(epoll, listener);
            } else if (recv(descriptor, input, sizeof input, 0) > 0) {
                readers[reading++] = descriptor;
            } else {
                close(descriptor);
            }
        }
        // All at once: a client that is woken by the first answer finds the others when it looks.
        for (int index = 0; index < reading; index++) {
            if (send(readers[index], answer, (size_t)length, MSG_NOSIGNAL) != length) close(readers[index]);
        }
    }
}

// For accept4 and clock_gettime.
#define _GNU_SOURCE
#include "floors.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// The server: one thread, epoll, answers every complete request at once.

struct connection {
    int file;
    size_t used, capacity;
    char *buffer;
};

static _Atomic int64_t requests_taken, bytes_taken;

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// Takes complete requests off the buffer's front and answers them. Returns -1 when the connection is of no use.
static int serve_buffer(struct connection *connection) {
    size_t start = 0;
    while (start < connection->used) {
        char *head = connection->buffer + start, *end = memmem(head, connection->used - start, "\r\n\r\n", 4);
        if (!end) break;
        *end = 0;
        char *length = strcasestr(head, "content-length:");
        *end = '\r';
        size_t body = length ? strtoul(length + 15, NULL, 10) : 0, whole = (size_t)(end - head) + 4 + body;
        if (start + whole > connection->used) break;
        start += whole;
        atomic_fetch_add(&requests_taken, 1);
        atomic_fetch_add(&bytes_taken, (int64_t)body);
        if (send(connection->file, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1) return -1;
    }
    memmove(connection->buffer, connection->buffer + start, connection->used - start);
    connection->used -= start;
    return 0;
}

static int read_connection(struct connection *connection) {
    if (connection->capacity - connection->used < 65536) {
        connection->capacity = connection->capacity * 2 + 131072;
        connection->buffer = realloc(connection->buffer, connection->capacity);
        if (!connection->buffer) abort();
    }
    ssize_t count = recv(connection->file, connection->buffer + connection->used, connection->capacity - connection->used - 1, 0);
    if (count <= 0) return -1;
    connection->used += (size_t)count;
    connection->buffer[connection->used] = 0;
    return serve_buffer(connection);
}

static void *serve(void *argument) {
    int listener = (int)(intptr_t)argument, poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                int file = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
                if (file < 0) continue;
                setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                connection = calloc(1, sizeof *connection);
                connection->file = file;
                event.data.ptr = connection;
                epoll_ctl(poll, EPOLL_CTL_ADD, file, &event);
            } else if (read_connection(connection) != 0) {
                close(connection->file);
                free(connection->buffer);
                free(connection);
            }
        }
    }
    return NULL;
}

int floor_http_server(void) {
    static int port;
    if (port) return port;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) || getsockname(listener, (struct sockaddr *)&address, &size)) return -1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener)) return -1;
    return port = ntohs(address.sin_port);
}

void floor_http_taken(int64_t *requests, int64_t *bytes) {
    *requests = atomic_load(&requests_taken);
    *bytes = atomic_load(&bytes_taken);
}

// The floor: libcurl's multi interface, one request per body, so many connections.

static size_t drop(char *data, size_t size, size_t count, void *user) {
    (void)data, (void)user;
    return size * count;
}

double floor_http_post(int port, int connections, int64_t count, size_t (*make)(int64_t number, char *body)) {
    curl_global_init(CURL_GLOBAL_ALL);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    CURLM *multi = curl_multi_init();
    CURL **handles = calloc((size_t)connections, sizeof *handles);
    char *bodies = malloc((size_t)connections * FLOOR_BODY_LIMIT), url[64];
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), "Expect:");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    int64_t next = 0, done = 0, failed = 0;
    for (int i = 0; i < connections && next < count; i++, next++) {
        CURL *handle = handles[i] = curl_easy_init();
        char *body = bodies + (size_t)i * FLOOR_BODY_LIMIT;
        curl_easy_setopt(handle, CURLOPT_URL, url);
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_PRIVATE, body);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)make(next, body));
        curl_multi_add_handle(multi, handle);
    }
    while (done < count && !failed) {
        int running, left;
        curl_multi_perform(multi, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *handle = message->easy_handle;
            if (message->data.result != CURLE_OK) failed++;
            done++;
            curl_multi_remove_handle(multi, handle);
            if (next < count) {
                char *body;
                curl_easy_getinfo(handle, CURLINFO_PRIVATE, &body);
                curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)make(next++, body));
                curl_multi_add_handle(multi, handle);
            }
        }
        if (done < count) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (int i = 0; i < connections; i++) curl_easy_cleanup(handles[i]);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    free(handles);
    free(bodies);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return failed ? -1 : (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

size_t floor_http_body(int64_t number, char *body) {
    return (size_t)snprintf(
        body, FLOOR_BODY_LIMIT, "{\"id\":%lld,\"customer\":\"customer-%lld\",\"total\":%lld.25,\"note\":\"order %lld of the day, to be delivered by bicycle before noon\",\"at\":%lld}",
        (long long)number, (long long)(number % 1000), (long long)(number % 1000), (long long)number, 1700000000000ll + (long long)number);
}

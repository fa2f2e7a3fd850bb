/* A load generator that costs next to nothing: prepared requests over kept-alive connections.
 *
 *   load HOST PORT REQUESTS ANSWERS CONNECTIONS RATE
 *
 * REQUESTS: for each request its lane and its length (32 bits each, little-endian), then its bytes. A lane is the
 * number of the connection that sends it, after all earlier requests of that lane were answered; ANY is whichever is
 * free. RATE 0 is a closed loop: each connection sends its next request when the last one is answered. Another RATE is
 * an open loop: request i is due at i / RATE seconds and its latency counts from then, whether or not a connection was
 * free, so that a server that stands still is charged for all that it kept waiting.
 *
 * ANSWERS: for each request, in the order of REQUESTS, when it was due and when it was answered (nanoseconds since
 * the start, 64 bits each) and the status (64 bits, 0 where none came). */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ANY = -1, NONE = -1, BUFFER = 1 << 16, EVENTS = 256 };
static const int64_t SECOND = 1000000000;

struct request { const char *bytes; int64_t length; int64_t next; };
struct answer { int64_t due, done, status; };
struct connection {
    int fd;
    int64_t request;          /* under way, or NONE */
    int64_t sent;
    int64_t first, last;      /* of its lane */
    int64_t body_left;        /* of the answer, -1 while its head is read */
    int64_t filled;
    int64_t status;
    int closing;
    char buffer[BUFFER];
};

static struct sockaddr_in server;
static struct request *requests;
static struct answer *answers;
static struct connection *connections;
static int64_t count, open_count, answered, shared_first = NONE, shared_last = NONE;
static int connection_count, poller;
static double rate;
static int64_t started;

static int64_t now(void) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return moment.tv_sec * SECOND + moment.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void append(int64_t *first, int64_t *last, int64_t request) {
    if (*first == NONE) *first = request; else requests[*last].next = request;
    *last = request;
}

static void read_requests(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) < 0) die(path);
    const char *at = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) die(path);
    const char *end = at + facts.st_size;
    int64_t room = 0;
    while (at < end) {
        int32_t lane;
        uint32_t length;
        memcpy(&lane, at, 4);
        memcpy(&length, at + 4, 4);
        if (count == room) {
            room = room ? 2 * room : 1024;
            requests = realloc(requests, (size_t)room * sizeof *requests);
            if (!requests) die("memory");
        }
        requests[count] = (struct request){at + 8, length, NONE};
        if (lane == ANY) append(&shared_first, &shared_last, count);
        else append(&connections[lane % connection_count].first, &connections[lane % connection_count].last, count);
        count++;
        at += 8 + length;
    }
    answers = calloc((size_t)count + 1, sizeof *answers);
    if (!answers) die("memory");
}

static void connect_to_server(struct connection *link) {
    int one = 1;
    link->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&server, sizeof server) < 0) die("connect");
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(link->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, link->fd, &event) < 0) die("epoll");
}

static void watch(struct connection *link, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = link};
    epoll_ctl(poller, EPOLL_CTL_MOD, link->fd, &event);
}

static void disconnect(struct connection *link) {
    if (link->fd >= 0) close(link->fd);
    link->fd = -1;
}

static int64_t take(struct connection *link) {
    int64_t *first = link->first != NONE ? &link->first : &shared_first;
    int64_t request = *first;
    if (request == NONE || (rate > 0 && request >= open_count)) return NONE;
    *first = requests[request].next;
    return request;
}

static void finish(struct connection *link, int64_t status);

static void push(struct connection *link) {
    struct request *request = &requests[link->request];
    while (link->sent < request->length) {
        ssize_t put = send(link->fd, request->bytes + link->sent, (size_t)(request->length - link->sent), MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) { watch(link, EPOLLIN | EPOLLOUT); return; }
        if (put < 0) return; /* the answer, or the end of the connection, is read next */
        link->sent += put;
    }
    watch(link, EPOLLIN);
}

static void begin(struct connection *link) {
    if (link->request != NONE || (link->request = take(link)) == NONE) return;
    if (link->fd < 0) connect_to_server(link);
    link->sent = link->filled = 0;
    link->body_left = -1;
    link->closing = 0;
    if (rate == 0) answers[link->request].due = now() - started;
    push(link);
}

static void finish(struct connection *link, int64_t status) {
    answers[link->request].done = now() - started;
    answers[link->request].status = status;
    answered++;
    link->request = NONE;
    if (link->closing || status == 0) disconnect(link);
    begin(link);
}

/* The value of a header in the buffered head, or NULL. */
static const char *header(const char *head, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line; line = memchr(line, '\n', (size_t)(end - line))) {
        if (++line + length < end && strncasecmp(line, name, length) == 0) return line + length;
    }
    return NULL;
}

static void read_head(struct connection *link) {
    char *end = memmem(link->buffer, (size_t)link->filled, "\r\n\r\n", 4);
    if (!end) {
        if (link->filled == BUFFER) finish(link, 0);
        return;
    }
    const char *length = header(link->buffer, end + 2, "content-length:");
    const char *closing = header(link->buffer, end + 2, "connection: close");
    link->status = strtol(link->buffer + 9, NULL, 10);
    link->closing = closing != NULL;
    link->body_left = (length ? strtoll(length, NULL, 10) : 0) - (link->filled - (end + 4 - link->buffer));
}

static void pull(struct connection *link) {
    for (;;) {
        int64_t at = link->body_left < 0 ? link->filled : 0;
        ssize_t got = recv(link->fd, link->buffer + at, (size_t)(BUFFER - at), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            if (link->request == NONE) disconnect(link); else finish(link, 0);
            return;
        }
        if (link->request == NONE) continue;
        if (link->body_left < 0) {
            link->filled += got;
            read_head(link);
        } else link->body_left -= got;
        if (link->request != NONE && link->filled && link->body_left == 0) { finish(link, link->status); return; }
        if (link->request == NONE) return;
    }
}

static void prepare_timer(int timer) {
    int64_t due = started + (int64_t)((double)open_count * (double)SECOND / rate);
    struct itimerspec when = {.it_value = {due / SECOND, due % SECOND}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) < 0) die("timer");
}

static void open_due(int timer) {
    int64_t moment = now() - started;
    while (open_count < count) {
        int64_t due = (int64_t)((double)open_count * (double)SECOND / rate);
        if (due > moment) break;
        answers[open_count++].due = due;
    }
    if (open_count < count) prepare_timer(timer);
    for (int each = 0; each < connection_count; each++) begin(&connections[each]);
}

static void run(void) {
    struct epoll_event events[EVENTS];
    int timer = -1;
    started = now();
    if (rate > 0) {
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        if (timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event) < 0) die("timer");
        open_due(timer);
    } else {
        for (int each = 0; each < connection_count; each++) begin(&connections[each]);
    }
    while (answered < count) {
        int ready = epoll_wait(poller, events, EVENTS, 60000);
        if (ready == 0) { fprintf(stderr, "load: no answer for 60 s\n"); exit(1); }
        if (ready < 0 && errno != EINTR) die("epoll");
        for (int each = 0; each < ready; each++) {
            struct connection *link = events[each].data.ptr;
            if (!link) {
                uint64_t expired;
                if (read(timer, &expired, sizeof expired) > 0) open_due(timer);
                continue;
            }
            if (events[each].events & EPOLLOUT) push(link);
            if (events[each].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && link->fd >= 0) pull(link);
        }
    }
}

int main(int given, char **arguments) {
    if (given != 7) {
        fprintf(stderr, "usage: load HOST PORT REQUESTS ANSWERS CONNECTIONS RATE\n");
        return 2;
    }
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(arguments[2]));
    if (inet_pton(AF_INET, arguments[1], &server.sin_addr) != 1) die(arguments[1]);
    connection_count = atoi(arguments[5]);
    rate = atof(arguments[6]);
    connections = calloc((size_t)connection_count, sizeof *connections);
    poller = epoll_create1(0);
    if (!connections || poller < 0 || connection_count < 1) die("connections");
    for (int each = 0; each < connection_count; each++) {
        connections[each].fd = -1;
        connections[each].request = connections[each].first = connections[each].last = NONE;
    }
    read_requests(arguments[3]);
    run();
    FILE *out = fopen(arguments[4], "wb");
    if (!out || fwrite(answers, sizeof *answers, (size_t)count, out) != (size_t)count || fclose(out)) die(arguments[4]);
    return 0;
}

/* The bench's upstream: one thread, one epoll, and as little work as an HTTP answer takes.
 *
 * POST with "stream":true in its body gets CHUNKS events, one every EVERY_MS, each in a send of its own; any other request
 * gets ANSWER. Listens on 127.0.0.1, on a port that it prints. It trusts its callers: loopback only, for the bench alone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, BUFFER = 1 << 18, CHUNKS = 100, EVERY_MS = 2 };

static const char ANSWER[] =
    "{\"id\":\"bench\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"ministral-8b-2512\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"tool_calls\":null,\"content\":\"The tram line between the harbour and the university "
    "was discussed on Tuesday. The council found the plan sound and asked for a second estimate of its cost before the end "
    "of the year. Two members spoke against it because of the works in the old town, which would take three summers. A "
    "decision is expected in spring.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":200,"
    "\"completion_tokens\":80,\"total_tokens\":280}}";
static const char EVENT[] =
    "data: {\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"ministral-8b-2512\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\" and so on\"},\"finish_reason\":null}]}\n\n";
static const char LAST[] =
    "data: {\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"ministral-8b-2512\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":200,"
    "\"completion_tokens\":100,\"total_tokens\":300}}\n\ndata: [DONE]\n\n";
static const char HEAD[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

static struct { char *bytes; int size, left; double due; } open_[CONNECTIONS];
static int epoll_, streaming[CONNECTIONS], streams;

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void end(int fd) {
    open_[fd].left = 0;
    close(fd);
}

static void say(int fd, const char *text, int size) {
    if (send(fd, text, size, MSG_NOSIGNAL) != size) open_[fd].left = 0;
}

static void say_chunk(int fd, const char *text, int size) {
    char framed[2048];
    say(fd, framed, snprintf(framed, sizeof framed, "%x\r\n%.*s\r\n", size, size, text));
}

/* How many bytes of the buffer one whole request took; 0 when it is not there yet. */
static int serve(int fd) {
    char *bytes = open_[fd].bytes, *ends = memmem(bytes, open_[fd].size, "\r\n\r\n", 4);
    if (!ends) return 0;
    int head = ends + 4 - bytes, body = 0;
    *ends = 0;
    char *length = strcasestr(bytes, "\r\ncontent-length:");
    if (length) body = atoi(length + 17);
    *ends = '\r';
    if (open_[fd].size < head + body) return 0;
    if (memmem(bytes + head, body, "\"stream\":true", 13)) {
        say(fd, HEAD, sizeof HEAD - 1);
        open_[fd].left = CHUNKS;
        open_[fd].due = now_ms() + EVERY_MS;
        streaming[streams++] = fd;
    } else {
        char answer[2048];
        say(fd, answer, snprintf(answer, sizeof answer,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", sizeof ANSWER - 1, ANSWER));
    }
    return head + body;
}

static void hear(int fd) {
    int got = recv(fd, open_[fd].bytes + open_[fd].size, BUFFER - open_[fd].size, 0), took;
    if (got <= 0) { end(fd); return; }
    open_[fd].size += got;
    while ((took = serve(fd)) > 0) {
        open_[fd].size -= took;
        memmove(open_[fd].bytes, open_[fd].bytes + took, open_[fd].size);
    }
}

static void stream(void) {
    double now = now_ms();
    for (int index = 0; index < streams; index++) {
        int fd = streaming[index];
        if (open_[fd].left > 0 && open_[fd].due <= now) {
            open_[fd].due += EVERY_MS;
            if (--open_[fd].left > 0) say_chunk(fd, EVENT, sizeof EVENT - 1);
            else { say_chunk(fd, LAST, sizeof LAST - 1); say(fd, "0\r\n\r\n", 5); }
        }
        if (open_[fd].left <= 0) streaming[index--] = streaming[--streams];
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("UPSTREAM_URL=http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_ = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int found = epoll_wait(epoll_, ready, 256, streams ? 1 : -1);
        for (int index = 0; index < found; index++) {
            int fd = ready[index].data.fd;
            if (fd != listener) { hear(fd); continue; }
            fd = accept(listener, NULL, NULL);
            if (fd < 0) continue;
            if (fd >= CONNECTIONS) { close(fd); continue; }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (!open_[fd].bytes) open_[fd].bytes = malloc(BUFFER);
            open_[fd].size = open_[fd].left = 0;
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
        }
        if (streams) stream();
    }
}

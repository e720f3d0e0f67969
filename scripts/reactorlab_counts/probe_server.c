/* An echo server with known costs, for scripts/counts --self-test. Arguments as for `bench serve`; --impl names the fault:
   exact (read, write and 1/k poll per message), malloc (one allocation more), getppid (one call more), corrupt (wrong byte),
   badexit (status 3), mute (ends before READY). */
#define _GNU_SOURCE  // ppoll
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 256

static volatile sig_atomic_t stopping;
static void stop(int signal) { (void)signal, stopping = 1; }

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr*)&address, size) < 0 || listen(fd, MOST) < 0) exit(1);
    getsockname(fd, (struct sockaddr*)&address, &size);
    printf("READY port=%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char** argv) {
    if (argc > 1 && !strcmp(argv[1], "list")) {
        puts("{\"impls\": [{\"name\": \"exact\"}, {\"name\": \"malloc\"}, {\"name\": \"getppid\", \"lockings\": [\"a\", \"b\"]},"
             " {\"name\": \"corrupt\"}, {\"name\": \"badexit\"}, {\"name\": \"mute\"}],"
             " \"engines\": [{\"name\": \"engine:here\", \"unavailable\": null}, {\"name\": \"engine:gone\", \"unavailable\": \"gone\"}]}");
        return 0;
    }
    const char* fault = argc > 2 ? argv[2] + strlen("--impl=") : "exact";
    if (!strcmp(fault, "mute")) return 1;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigset_t end, none;  // the signal comes during the wait or not at all: one that came just before it would be slept through
    sigemptyset(&none);
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    struct pollfd fds[MOST] = {{.fd = listen_anywhere(), .events = POLLIN}};
    nfds_t used = 1;
    while (!stopping) {
        if (ppoll(fds, used, NULL, &none) <= 0) continue;
        for (nfds_t i = used; i-- > 1;) {
            char message[4096];
            if (!fds[i].revents) continue;
            ssize_t size = read(fds[i].fd, message, sizeof message);
            if (size <= 0) { close(fds[i].fd); fds[i] = fds[--used]; continue; }
            if (!strcmp(fault, "malloc")) free(*(void* volatile*)&(void*){malloc(64)});
            if (!strcmp(fault, "getppid")) syscall(SYS_getppid);
            if (!strcmp(fault, "corrupt")) message[size - 1] ^= 1;
            if (write(fds[i].fd, message, (size_t)size) != size) return 1;
        }
        if (fds[0].revents && used < MOST) fds[used++] = (struct pollfd){.fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN};
    }
    return strcmp(fault, "badexit") ? 0 : 3;
}

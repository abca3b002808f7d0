// SPDX-License-Identifier: Apache-2.0
// The least that a VNF can be, for comparison: mirror PORT DELAY_NS FILE ready|receive|never (where it waits
// for packets, as komon vnf --wait). Receives, spins, sends back; at SIGTERM writes
// the first 8 bytes (the sequence number) and the time between its own two stamps for each packet.
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MOST (1 << 20)

static volatile sig_atomic_t stopping;
static unsigned long long seq[MOST], truth[MOST];

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static char buffer[65536];
	struct sigaction on_term = { .sa_handler = stop }; // without SA_RESTART: the receive call returns
	size_t packets = 0;

	if (argc < 5)
		return 2;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])) };
	unsigned long long delay = atoll(argv[2]);
	int flags = strcmp(argv[4], "receive") ? MSG_DONTWAIT : 0, ready = !strcmp(argv[4], "ready");
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd readiness = { .fd = s, .events = POLLIN };

	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)))
		return perror("mirror"), 1;
	memset(seq, 0, sizeof(seq)); // no page fault while it serves
	memset(truth, 0, sizeof(truth));
	sigaction(SIGTERM, &on_term, NULL);
	puts("ready");
	fflush(stdout);
	while (!stopping) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t bytes = recvfrom(s, buffer, sizeof(buffer), flags, (struct sockaddr *)&from, &length);

		if (bytes < 0) {
			if (ready && errno == EAGAIN) {
				poll(&readiness, 1, -1);
				now(); // warms it
			}
			continue;
		}
		unsigned long long received = now(), sent;

		do
			sent = now();
		while (sent < received + delay);
		sendto(s, buffer, bytes, 0, (struct sockaddr *)&from, length);
		if (packets < MOST) {
			memcpy(&seq[packets], buffer, 8);
			truth[packets++] = sent - received;
		}
	}
	FILE *file = fopen(argv[3], "w");

	if (!file)
		return perror(argv[3]), 1;
	for (size_t i = 0; i < packets; i++)
		fprintf(file, "%llu %llu\n", seq[i], truth[i]);
	return fclose(file) ? 1 : 0;
}

// SPDX-License-Identifier: Apache-2.0
// The least that a VNF can be: receives, and sends back. What komon reads of it is the edges of two system calls.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static char buffer[65536];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 4321) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)))
		return perror("mirror"), 1;
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t bytes = recvfrom(s, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length);

		if (bytes >= 0)
			sendto(s, buffer, bytes, 0, (struct sockaddr *)&from, length);
	}
}

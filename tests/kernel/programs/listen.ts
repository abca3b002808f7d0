/** Listens at TCP port 8080 and echoes UDP at port 7. */
Bun.listen({ hostname: "::", port: 8080, socket: { data() {} } });
await Bun.udpSocket({
  hostname: "::",
  port: 7,
  socket: {
    data(socket, data, port, address) {
      socket.send(data, port, address);
    },
  },
});
console.log("ready");

export {};

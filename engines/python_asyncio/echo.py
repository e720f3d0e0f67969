import asyncio, os, signal


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.pause_writing, self.resume_writing = transport.pause_reading, transport.resume_reading

    def data_received(self, data):
        self.transport.write(data)


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    port, backlog = (int(os.environ.get("REACTORLAB_" + name, usual)) for name, usual in (("PORT", 0), ("BACKLOG", 4096)))
    server = await loop.create_server(Echo, "127.0.0.1", port, backlog=backlog)
    print(f"READY port={server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()


asyncio.run(main())
